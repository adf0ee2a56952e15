//! [`Browser`]: a cookie jar before a [`TestApp`].

use std::collections::BTreeMap;

use rocket::http::{ContentType, Header, Method, Status};
use test_support::{Cookie, Cookies};
use url::Url;

use super::FLOW;
use super::request::TestRequest;
use super::response::TestResponse;
use super::test_app::TestApp;

/// A browser: an app and a cookie jar.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) app: TestApp,
    /// The values of its cookies, by name. Those that a test puts there are sent with every request.
    pub(crate) jar: BTreeMap<String, String>,
    /// The cookies that the app has set, with their attributes.
    pub(crate) set: Cookies,
}

impl Browser {
    /// Creates a browser without cookies.
    pub(super) fn new(app: TestApp) -> Self {
        Self { app, jar: BTreeMap::new(), set: Cookies::default() }
    }

    /// The app's `base_url`. An app on a public host is https, and so browsers see it.
    fn base(&self) -> Url {
        let figment = self.app.client.rocket().figment();
        let base: String =
            figment.extract_inner("dance.base_url").unwrap_or_else(|_| "http://localhost:8000".into());
        Url::parse(&base).expect("a base URL")
    }

    /// `uri` as the app gets it from a proxy that strips the path of `base_url`.
    fn stripped<'u>(&self, uri: &'u str) -> &'u str {
        let rest = uri.strip_prefix(self.base().path().trim_end_matches('/'));
        rest.filter(|rest| rest.starts_with('/')).unwrap_or(uri)
    }

    /// The URL of `uri` at the app, as browsers see it.
    fn url(&self, uri: &str) -> Url {
        let base = self.base();
        let path = format!("{}{}", base.path().trim_end_matches('/'), self.stripped(uri));
        base.join(&path).unwrap_or(base)
    }

    /// Whether a browser sends the cookie `name` with `ask`: by its attributes, if the app has set it.
    fn sends(&self, name: &str, ask: &TestRequest) -> bool {
        let is_set = |cookies: &[&Cookie]| cookies.iter().any(|cookie| cookie.name == name);
        let sent = self.set.sent(&self.url(&ask.uri), ask.navigation());
        is_set(&sent) || !is_set(&self.set.0.iter().collect::<Vec<_>>())
    }

    /// Sends a request without storing the cookies of the response.
    pub(crate) async fn peek(&self, ask: &TestRequest) -> TestResponse {
        let mut request = self.app.client.req(ask.method, self.stripped(&ask.uri).to_owned());
        for (name, value) in self.jar.iter().filter(|(name, _)| self.sends(name, ask)) {
            request = request.cookie((name.clone(), value.clone()));
        }
        for (name, value) in &ask.headers {
            request = request.header(Header::new(*name, value.clone()));
        }
        if let Some(form) = &ask.form {
            let has_type = ask.headers.iter().any(|(name, _)| *name == "Content-Type");
            request = if has_type { request } else { request.header(ContentType::Form) }.body(form);
        }
        let response = request.dispatch().await;
        let status = response.status();
        let headers = response.headers().iter();
        let headers = headers.map(|header| (header.name().to_string(), header.value().to_owned())).collect();
        TestResponse { status, headers, body: response.into_string().await.unwrap_or_default() }
    }

    /// Sends a request and stores the cookies of the response.
    pub(crate) async fn ask(&mut self, ask: &TestRequest) -> TestResponse {
        let answer = self.peek(ask).await;
        let url = self.url(&ask.uri);
        for header in answer.headers("Set-Cookie") {
            assert!(self.set.receive(&url, header), "browsers ignore this cookie: {header}");
        }
        for cookie in answer.set_cookies() {
            match self.set.0.iter().any(|set| set.name == cookie.name()) {
                false => self.jar.remove(cookie.name()),
                true => self.jar.insert(cookie.name().to_owned(), cookie.value().to_owned()),
            };
        }
        answer
    }

    pub(crate) async fn get(&mut self, uri: &str) -> TestResponse {
        self.ask(&TestRequest::get(uri)).await
    }

    /// The CSRF token of this browser's forms. A new browser gets the CSRF cookie, too.
    pub(crate) async fn csrf(&mut self) -> String {
        let page = self.ask(&TestRequest::get("/login/accounts").header("Accept", "application/json")).await;
        page.json()["csrf"].as_str().unwrap_or_default().to_owned()
    }

    /// Posts one of the library's forms, with the CSRF token.
    pub(crate) async fn post(&mut self, uri: &str, fields: &[(&str, &str)]) -> TestResponse {
        let csrf = self.csrf().await;
        let fields = [&[("csrf", csrf.as_str())], fields].concat();
        self.ask(&TestRequest::post(uri, &fields)).await
    }

    /// Signs in with the app's own form.
    pub(crate) async fn enter(&mut self, user: i32) {
        self.ask(&TestRequest::new(Method::Post, &format!("/enter/{user}"))).await;
        assert_eq!(self.user().await, Some(user));
    }

    /// Signs out with the library's form.
    pub(crate) async fn leave(&mut self) {
        assert_eq!(self.post("/login/logout", &[]).await.status, Status::SeeOther);
        assert_eq!(self.user().await, None);
    }

    /// The user who is signed in, as the app sees it.
    pub(crate) async fn user(&self) -> Option<i32> {
        let answer = self.peek(&TestRequest::get("/me")).await;
        (answer.status == Status::Ok).then(|| answer.body.parse().expect("an id"))
    }

    /// Begins at `uri` and returns the authorization URL.
    pub(crate) async fn begin(&mut self, uri: &str) -> String {
        self.get(uri).await.location().to_owned()
    }

    /// Begins at `uri`, approves at the provider, and returns path and query of the callback.
    pub(crate) async fn ride(&mut self, uri: &str) -> String {
        let authorization = self.begin(uri).await;
        self.app.approve(&authorization).await
    }

    /// Begins with a POST, as a signed-in user does, approves at the provider, and returns path and query of the callback.
    pub(crate) async fn ride_to_connect(&mut self, uri: &str) -> String {
        let authorization = self.post(uri, &[]).await.location().to_owned();
        self.app.approve(&authorization).await
    }

    /// Signs in at `entry` and returns path and query of the callback.
    pub(crate) async fn sign_in(&mut self, entry: &str) -> String {
        self.sign_in_to(entry, "/").await
    }

    /// Signs in at `entry`, which leads to the page `to`, and returns path and query of the callback.
    pub(crate) async fn sign_in_to(&mut self, entry: &str, to: &str) -> String {
        let callback = self.ride(&format!("/login/{entry}")).await;
        assert_eq!(self.get(&callback).await.location(), to);
        assert!(self.user().await.is_some());
        callback
    }

    /// The flow cookies: names and values.
    pub(crate) fn flows(&self) -> Vec<(String, String)> {
        let flows = self.jar.iter().filter(|(name, _)| name.starts_with(FLOW));
        flows.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}
