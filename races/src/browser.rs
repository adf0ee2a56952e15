//! The people: one browser for all of them, each with cookies of her own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rocket::http::Cookie;
use rocket_dance::testing::{FakeProvider, FakeResponse as Says, ProviderEndpoint};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use url::{Position, Url};

use crate::Result;
use crate::secrets::Secrets;

/// Sends requests, follows nothing, remembers nothing.
#[derive(Clone)]
pub(crate) struct Browser(reqwest::Client);

/// One person's cookies.
#[derive(Clone, Default)]
pub(crate) struct Cookies(BTreeMap<String, String>);

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
}

/// A person whom the provider has just sent back.
pub(crate) struct Returned {
    /// Path and query.
    pub(crate) callback: String,
    pub(crate) cookies: Cookies,
}

impl Cookies {
    fn header(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn take(&mut self, line: &str) {
        let Ok(cookie) = Cookie::parse(line) else { return };
        if cookie.max_age().is_some_and(|age| age.is_zero()) || cookie.value().is_empty() {
            self.0.remove(cookie.name());
        } else {
            self.0.insert(cookie.name().to_owned(), cookie.value().to_owned());
        }
    }

    /// Whether somebody is signed in.
    pub(crate) fn has_session(&self) -> bool {
        self.0.contains_key("rocket_dance_session")
    }
}

impl Browser {
    pub(crate) fn new() -> Result<Self> {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(60))
            .build()?;
        Ok(Self(client))
    }

    async fn send(&self, request: reqwest::RequestBuilder, cookies: &mut Cookies) -> Result<Answer> {
        let header = cookies.header();
        let request = if header.is_empty() { request } else { request.header("Cookie", header) };
        let answer = request.send().await?;
        let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        for line in answer.headers().get_all("set-cookie") {
            cookies.take(&text(line));
        }
        Ok(Answer {
            status: answer.status().as_u16(),
            location: answer.headers().get("location").map(text),
            body: answer.text().await?,
        })
    }

    pub(crate) async fn get(&self, url: &str, cookies: &mut Cookies) -> Result<Answer> {
        // JSON instead of the redirect to sign in, and instead of pages.
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

    /// Begins a sign-in at the app `app`, as far as the way back from the provider; or what the app answered instead.
    pub(crate) async fn begin(
        &self,
        app: &str,
        entry: &str,
        secrets: &Secrets,
    ) -> Result<std::result::Result<Returned, Answer>> {
        let mut cookies = Cookies::default();
        let begun = self.page(&format!("{app}/login/{entry}"), &mut cookies).await?;
        let Some(to) = begun.location.clone().filter(|_| begun.status == 303) else { return Ok(Err(begun)) };
        let back = self.page(&to, &mut Cookies::default()).await?;
        let back = back.location.ok_or_else(|| format!("the provider answered {}", back.status))?;
        let back = Url::parse(&back)?;
        for (name, value) in back.query_pairs() {
            match &*name {
                "code" => secrets.add("code", &value),
                "state" => secrets.add("state", &value),
                _ => {}
            }
        }
        Ok(Ok(Returned { callback: back[Position::BeforePath..].to_owned(), cookies }))
    }

    /// The way back.
    pub(crate) async fn finish(&self, app: &str, returned: Returned) -> Result<(Answer, Cookies)> {
        let Returned { callback, mut cookies } = returned;
        let answer = self.page(&format!("{app}{callback}"), &mut cookies).await?;
        Ok((answer, cookies))
    }

    /// A whole sign-in that must succeed.
    pub(crate) async fn sign_in(&self, app: &str, entry: &str, secrets: &Secrets) -> Result<Cookies> {
        let returned = self.begin(app, entry, secrets).await?;
        let returned = returned.map_err(|answer| format!("a sign-in doesn't begin: {answer:?}"))?;
        let (answer, cookies) = self.finish(app, returned).await?;
        if answer.status == 303 && cookies.has_session() {
            Ok(cookies)
        } else {
            Err(format!("a sign-in doesn't end: {answer:?}").into())
        }
    }
}

/// What an answer says: a page's code, or its beginning.
pub(crate) fn gist(body: &str) -> String {
    let code = body.split_once("Code: ").and_then(|(_, rest)| rest.split_once('<')).map(|(code, _)| code);
    code.map_or_else(|| body.chars().take(200).collect(), str::to_owned)
}

/// A provider that tells `secrets` all that it gives out, and takes a moment for it: time for others to do the same.
pub(crate) async fn provider(secrets: &Secrets, refusals: &Secrets) -> FakeProvider {
    let fake = FakeProvider::start().await;
    secrets.add("client secret", fake.client_secret());
    let (given, refused) = (secrets.clone(), refusals.clone());
    let tell = Says::edit(move |answer| {
        for kind in ["access_token", "refresh_token", "id_token"] {
            if let Some(value) = answer[kind].as_str() {
                given.add(kind, value);
            }
        }
        if !answer["error"].is_null() {
            refused.add("refusal", &answer.to_string());
        }
    });
    fake.respond_always(ProviderEndpoint::Token, tell.delay(Duration::from_millis(10)));
    fake
}
