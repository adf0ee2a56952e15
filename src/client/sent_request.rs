//! A request that was sent, as far as a redirect may need it again.

use reqwest::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, LOCATION, TRANSFER_ENCODING,
};
use reqwest::{Method, Request, Response, StatusCode};
use url::Url;

/// A request that was sent.
pub(super) struct SentRequest {
    method: Method,
    url: Url,
    headers: HeaderMap,
    /// The whole request, if its body can be sent again.
    copy: Option<Request>,
}

impl SentRequest {
    pub(super) fn new(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            url: request.url().clone(),
            headers: request.headers().clone(),
            copy: request.try_clone(),
        }
    }

    /// Returns the request to which `response` redirects (RFC 9110 §15.4), if it is on the same origin. After a POST, 301
    /// and 302 are followed as 303 is, which is what clients do: by a GET without the body.
    pub(super) fn redirected(self, response: &Response) -> Option<Request> {
        let becomes_get = match response.status() {
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            StatusCode::SEE_OTHER => ![Method::GET, Method::HEAD].contains(&self.method),
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => false,
            _ => return None,
        };
        let to = response.headers().get(LOCATION)?.to_str().ok()?;
        let to = self.url.join(to).ok().filter(|to| to.origin() == self.url.origin())?;
        if !becomes_get {
            let mut next = self.copy?;
            *next.url_mut() = to;
            return Some(next);
        }
        let mut next = Request::new(Method::GET, to);
        *next.headers_mut() = self.headers;
        for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING] {
            next.headers_mut().remove(name);
        }
        *next.timeout_mut() = self.copy.and_then(|copy| copy.timeout().copied());
        Some(next)
    }
}
