//! [`Browser`]: a browser without JavaScript. It handles cookies, redirects, links and forms.

use rocket::http::Status;
use serde_json::Value;
use url::{Origin, Url};

use super::cookies::Cookies;
use super::html::{Form, Html};
use super::http_client::http_client;
use super::navigation::Navigation;

/// A browser without JavaScript.
#[derive(Debug, Clone)]
pub struct Browser {
    http: reqwest::Client,
    /// Its cookies.
    pub cookies: Cookies,
    /// An origin to which it does not follow redirects.
    pub stops_at: Option<Origin>,
    /// Status and URL of every response, in order.
    pub trail: Vec<(u16, Url)>,
}

/// A response.
#[derive(Debug)]
pub struct Page {
    /// The URL of the request.
    pub url: Url,
    /// The status.
    pub status: Status,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body.
    pub body: String,
    /// The pages and redirects over which the browser came here.
    way: Vec<Url>,
}

impl Page {
    /// The links, forms and text of the page.
    pub fn html(&self) -> Html {
        Html::parse(&self.body)
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| {
            panic!("{} ({}) did not answer with JSON: {error}\n{}", self.url, self.status, self.body)
        })
    }

    /// The URL to which it redirects.
    pub fn location(&self) -> Option<Url> {
        let location = self.headers.get("location")?.to_str().ok()?;
        (300..400).contains(&self.status.code).then(|| self.url.join(location).unwrap())
    }

    /// The form with this `action`.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn form(&self, action: &str) -> Form {
        let html = self.html();
        html.form(action)
            .unwrap_or_else(|| {
                panic!("{} ({}) has no form to {action}:\n{}", self.url, self.status, self.body)
            })
            .clone()
    }
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Browser {
    /// Creates a browser without cookies.
    pub fn new() -> Self {
        Self { http: http_client(), cookies: Cookies::default(), stops_at: None, trail: Vec::new() }
    }

    /// Sends a GET request, or posts `form`, over the pages of `way`. It does not follow redirects.
    async fn send(
        &mut self,
        url: &Url,
        accept: &str,
        form: Option<&[(String, String)]>,
        way: Vec<Url>,
    ) -> Page {
        let mut request = match form {
            Some(fields) => self.http.post(url.clone()).form(fields),
            None => self.http.get(url.clone()),
        };
        request = request.header("accept", accept);
        let navigation = Navigation::over(&way, url, form.is_some());
        if let Some(cookies) = self.cookies.header(url, navigation) {
            request = request.header("cookie", cookies);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
        for header in answer.headers().get_all("set-cookie") {
            self.cookies.receive(url, header.to_str().unwrap());
        }
        let status = Status::new(answer.status().as_u16());
        self.trail.push((status.code, url.clone()));
        let headers = answer.headers().clone();
        Page { url: url.clone(), status, headers, body: answer.text().await.unwrap(), way }
    }

    /// Requests a page, as if the user had typed its address. It does not follow redirects.
    pub async fn get(&mut self, url: &Url) -> Page {
        self.send(url, HTML, None, vec![]).await
    }

    /// Requests JSON. It does not follow redirects.
    pub async fn get_json(&mut self, url: &Url) -> Page {
        self.send(url, "application/json", None, vec![]).await
    }

    /// Posts a form, as a page of the same site does. It does not follow redirects.
    pub async fn post(&mut self, url: &Url, fields: &[(String, String)]) -> Page {
        self.send(url, HTML, Some(fields), vec![]).await
    }

    /// Requests a page and follows redirects.
    pub async fn open(&mut self, url: &Url) -> Page {
        let page = self.get(url).await;
        self.follow(page).await
    }

    /// Follows the redirects that begin with `page`.
    ///
    /// # Panics
    /// After 20 redirects.
    pub async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..20 {
            let next = page.location().filter(|url| Some(url.origin()) != self.stops_at);
            let Some(next) = next else { return page };
            let way = [page.way, vec![page.url]].concat();
            page = self.send(&next, HTML, None, way).await;
        }
        panic!("more than 20 redirects: {:#?}", self.trail);
    }

    /// Submits `form` of `page` with the fields `fill` set, and follows redirects.
    pub async fn submit(&mut self, page: &Page, form: &Form, fill: &[(&str, &str)]) -> Page {
        let answer = self.submit_once(page, form, fill).await;
        self.follow(answer).await
    }

    /// Submits `form` of `page` with the fields `fill` set. It does not follow redirects.
    pub async fn submit_once(&mut self, page: &Page, form: &Form, fill: &[(&str, &str)]) -> Page {
        let mut fields = form.fields.clone();
        for (name, value) in fill {
            fields.retain(|(field, _)| field != name);
            fields.push(((*name).into(), (*value).into()));
        }
        let mut url = page.url.join(&form.action).unwrap();
        if form.post {
            return self.send(&url, HTML, Some(&fields), vec![page.url.clone()]).await;
        }
        url.query_pairs_mut().clear().extend_pairs(fields);
        self.send(&url, HTML, None, vec![page.url.clone()]).await
    }
}

const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
