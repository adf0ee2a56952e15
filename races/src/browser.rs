//! A browser for all users of a race, each with cookies of their own.

use std::time::Duration;

use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint};
use test_support::{Cookies, Navigation, SecretLog, http_client};
use url::{Position, Url};

use crate::Result;

/// Sends requests. It follows no redirects and stores no cookies of its own.
#[derive(Clone)]
pub(crate) struct Browser(reqwest::Client);

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
}

/// A user whom the provider has redirected back to the app.
pub(crate) struct Returned {
    /// Path and query.
    pub(crate) callback: String,
    pub(crate) cookies: Cookies,
}

/// Whether `cookies` contain a session.
pub(crate) fn has_session(cookies: &Cookies) -> bool {
    cookies.0.iter().any(|cookie| cookie.name.starts_with("rocket_dance_session_"))
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self(http_client())
    }

    async fn send(&self, request: reqwest::RequestBuilder, cookies: &mut Cookies) -> Result<Answer> {
        let (client, request) = request.build_split();
        let mut request = request?;
        let url = request.url().clone();
        if let Some(header) = cookies.header(&url, Navigation::SameSite) {
            request.headers_mut().insert("Cookie", header.parse()?);
        }
        let answer = client.execute(request).await?;
        let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        for line in answer.headers().get_all("set-cookie") {
            cookies.receive(&url, &text(line));
        }
        Ok(Answer {
            status: answer.status().as_u16(),
            location: answer.headers().get("location").map(text),
            body: answer.text().await?,
        })
    }

    pub(crate) async fn get(&self, url: &str, cookies: &mut Cookies) -> Result<Answer> {
        // With JSON the app answers 401 instead of a redirect to the sign-in page.
        self.send(self.0.get(url).header("Accept", "application/json"), cookies).await
    }

    pub(crate) async fn page(&self, url: &str, cookies: &mut Cookies) -> Result<Answer> {
        self.send(self.0.get(url).header("Accept", "text/html"), cookies).await
    }

    pub(crate) async fn post(
        &self,
        url: &str,
        form: &[(&str, &str)],
        cookies: &mut Cookies,
    ) -> Result<Answer> {
        self.send(self.0.post(url).form(form), cookies).await
    }

    /// Begins a sign-in at `app` and approves it at the provider. Returns what the browser holds before the callback, or the
    /// app's response if it did not redirect.
    pub(crate) async fn begin(
        &self,
        app: &str,
        entry: &str,
        secrets: &SecretLog,
    ) -> Result<std::result::Result<Returned, Answer>> {
        let mut cookies = Cookies::default();
        let begun = self.page(&format!("{app}/login/{entry}"), &mut cookies).await?;
        let Some(to) = begun.location.clone().filter(|_| begun.status == 303) else { return Ok(Err(begun)) };
        Ok(Ok(Returned { callback: self.approve(&to, secrets).await?, cookies }))
    }

    /// Approves an authorization request at the provider. Returns path and query of the callback.
    pub(crate) async fn approve(&self, to: &str, secrets: &SecretLog) -> Result<String> {
        let back = self.page(to, &mut Cookies::default()).await?;
        let back = back.location.ok_or_else(|| format!("the provider answered {}", back.status))?;
        let back = Url::parse(&back)?;
        for (name, value) in back.query_pairs() {
            match &*name {
                "code" => secrets.add("code", &value),
                "state" => secrets.add("state", &value),
                _ => {}
            }
        }
        Ok(back[Position::BeforePath..].to_owned())
    }

    /// Begins to connect an account of the user whose cookies these are, and approves it at the provider. Returns what the
    /// browser holds before the callback.
    pub(crate) async fn begin_connect(
        &self,
        app: &str,
        entry: &str,
        cookies: &mut Cookies,
        secrets: &SecretLog,
    ) -> Result<Returned> {
        let begun = self.submit(&format!("{app}/login/{entry}"), app, cookies).await?;
        let to = begun.location.ok_or_else(|| format!("a connection did not begin: {}", begun.status))?;
        let callback = self.approve(&to, secrets).await?;
        Ok(Returned { callback, cookies: cookies.clone() })
    }

    /// Posts the form at `url`, with the token of the page of the accounts.
    pub(crate) async fn submit(&self, url: &str, app: &str, cookies: &mut Cookies) -> Result<Answer> {
        let csrf = self.csrf(app, cookies).await?;
        self.post(url, &[("csrf", &csrf)], cookies).await
    }

    /// The CSRF token of the page of the accounts.
    pub(crate) async fn csrf(&self, app: &str, cookies: &mut Cookies) -> Result<String> {
        let page = self.get(&format!("{app}/login/accounts"), cookies).await?;
        let page: serde_json::Value = serde_json::from_str(&page.body)?;
        Ok(page["csrf"].as_str().ok_or("no CSRF token: no user is signed in")?.to_owned())
    }

    /// Requests the callback.
    pub(crate) async fn finish(&self, app: &str, returned: Returned) -> Result<(Answer, Cookies)> {
        let Returned { callback, mut cookies } = returned;
        let answer = self.page(&format!("{app}{callback}"), &mut cookies).await?;
        Ok((answer, cookies))
    }

    /// Signs a user in and fails if that does not succeed.
    pub(crate) async fn sign_in(&self, app: &str, entry: &str, secrets: &SecretLog) -> Result<Cookies> {
        let returned = self.begin(app, entry, secrets).await?;
        let returned = returned.map_err(|answer| format!("the sign-in did not begin: {answer:?}"))?;
        let (answer, cookies) = self.finish(app, returned).await?;
        if answer.status == 303 && has_session(&cookies) {
            Ok(cookies)
        } else {
            Err(format!("the sign-in failed: {answer:?}").into())
        }
    }
}

/// A short description of a body: the error code of an error page, or else the first 200 characters.
pub(crate) fn summary(body: &str) -> String {
    let code = body.split_once("Code: ").and_then(|(_, rest)| rest.split_once('<')).map(|(code, _)| code);
    code.map_or_else(|| body.chars().take(200).collect(), str::to_owned)
}

/// Starts a provider that records in `secrets` what it issues, and in `refusals` what it refuses. Its token endpoint takes
/// 10 milliseconds, so that requests overlap.
pub(crate) async fn provider(secrets: &SecretLog, refusals: &SecretLog) -> FakeProvider {
    let fake = FakeProvider::start().await;
    secrets.add("client secret", fake.client_secret());
    let (issued, refused) = (secrets.clone(), refusals.clone());
    let record = FakeResponse::edit(move |answer| {
        for kind in ["access_token", "refresh_token", "id_token"] {
            if let Some(value) = answer[kind].as_str() {
                issued.add(kind, value);
            }
        }
        if !answer["error"].is_null() {
            refused.add("refusal", &answer.to_string());
        }
    });
    fake.respond_always(ProviderEndpoint::Token, record.delay(Duration::from_millis(10)));
    fake
}
