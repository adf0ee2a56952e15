//! A browser that knows only HTTP and HTML: cookies, redirects, links and forms.

use std::time::Duration;

use rocket::http::Status;
use serde_json::Value;
use url::{Origin, Url};

use super::cookies::Cookies;
use super::html::{Form, Html};

/// One person's browser.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    http: reqwest::Client,
    pub(crate) cookies: Cookies,
    /// An origin that redirects are not followed to.
    pub(crate) stops_at: Option<Origin>,
    /// Status and address of every answer.
    pub(crate) trail: Vec<(u16, Url)>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: Status,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl Page {
    pub(crate) fn html(&self) -> Html {
        Html::parse(&self.body)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| {
            panic!("no JSON from {} ({}): {error}\n{}", self.url, self.status, self.body)
        })
    }

    /// Where it redirects to.
    pub(crate) fn location(&self) -> Option<Url> {
        let location = self.headers.get("location")?.to_str().ok()?;
        (300..400).contains(&self.status.code).then(|| self.url.join(location).unwrap())
    }

    /// The form sent to `action`.
    #[track_caller]
    pub(crate) fn form(&self, action: &str) -> Form {
        let html = self.html();
        html.form(action)
            .unwrap_or_else(|| {
                panic!("{} ({}) has no form to {action}:\n{}", self.url, self.status, self.body)
            })
            .clone()
    }
}

impl Browser {
    /// A fresh one.
    pub(crate) fn new() -> Self {
        Self { http: http_client(), cookies: Cookies::default(), stops_at: None, trail: Vec::new() }
    }

    /// One request, without following redirects; with a form, which a page posts.
    pub(crate) async fn ask(
        &mut self,
        url: &Url,
        accept: &str,
        form: Option<(&Url, &[(String, String)])>,
    ) -> Page {
        let mut request = match form {
            Some((_, fields)) => self.http.post(url.clone()).form(fields),
            None => self.http.get(url.clone()),
        };
        request = request.header("accept", accept);
        if let Some(cookies) = self.cookies.header(url, form.map(|(from, _)| from)) {
            request = request.header("cookie", cookies);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
        for header in answer.headers().get_all("set-cookie") {
            self.cookies.receive(url, header.to_str().unwrap());
        }
        let status = Status::new(answer.status().as_u16());
        self.trail.push((status.code, url.clone()));
        let headers = answer.headers().clone();
        Page { url: url.clone(), status, headers, body: answer.text().await.unwrap() }
    }

    /// One page, without following redirects.
    pub(crate) async fn get(&mut self, url: &Url) -> Page {
        self.ask(url, HTML, None).await
    }

    /// One JSON answer, without following redirects.
    pub(crate) async fn get_json(&mut self, url: &Url) -> Page {
        self.ask(url, "application/json", None).await
    }

    /// Follows redirects to where they end.
    pub(crate) async fn open(&mut self, url: &Url) -> Page {
        let page = self.get(url).await;
        self.follow(page).await
    }

    /// Follows `page` to where it ends.
    pub(crate) async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..20 {
            let next = page.location().filter(|url| Some(url.origin()) != self.stops_at);
            let Some(next) = next else { return page };
            page = self.get(&next).await;
        }
        panic!("redirected in circles: {:#?}", self.trail);
    }

    /// Sends `form` of `page` with some fields filled in, and follows the answer.
    pub(crate) async fn submit(&mut self, page: &Page, form: &Form, fill: &[(&str, &str)]) -> Page {
        let answer = self.send(page, form, fill).await;
        self.follow(answer).await
    }

    /// Sends `form` of `page` with some fields filled in, without following the answer.
    pub(crate) async fn send(&mut self, page: &Page, form: &Form, fill: &[(&str, &str)]) -> Page {
        let mut fields = form.fields.clone();
        for (name, value) in fill {
            fields.retain(|(field, _)| field != name);
            fields.push(((*name).into(), (*value).into()));
        }
        let mut url = page.url.join(&form.action).unwrap();
        if form.post {
            return self.ask(&url, HTML, Some((&page.url, &fields))).await;
        }
        url.query_pairs_mut().clear().extend_pairs(fields);
        self.get(&url).await
    }
}

/// A client that follows nothing and asks no proxy.
pub(crate) fn http_client() -> reqwest::Client {
    // Only http on loopback is visited, yet the client wants to know how it would speak TLS.
    let provider = rustls::crypto::ring::default_provider();
    let tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .build()
        .unwrap()
}

const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
