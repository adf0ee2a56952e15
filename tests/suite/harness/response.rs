//! [`TestResponse`]: a response of the app, read completely.

use rocket::http::{Cookie, Status};
use serde_json::Value;

/// A response of the app, read completely.
#[derive(Debug)]
pub(crate) struct TestResponse {
    pub(crate) status: Status,
    pub(super) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl TestResponse {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        headers.next().map(|(_, value)| value.as_str())
    }

    /// The size of the status line and the headers, in bytes, as a proxy in front of the app receives them.
    pub(crate) fn head_size(&self) -> usize {
        let status = self.status.to_string().len() + "HTTP/1.1 \r\n\r\n".len();
        // Only a server adds it.
        let date = "date: Sat, 28 Nov 2026 18:00:00 GMT\r\n".len();
        let headers = self.headers.iter().map(|(name, value)| name.len() + value.len() + ": \r\n".len());
        status + date + headers.sum::<usize>()
    }

    /// The `Location` header of a 303. Fails for any other status.
    #[track_caller]
    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, Status::SeeOther, "{self:?}");
        self.header("Location").expect("a redirect has a Location")
    }

    /// The body as JSON, or null.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The values of all headers with this name.
    pub(super) fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let headers = self.headers.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
        headers.map(|(_, value)| value.as_str())
    }

    pub(crate) fn set_cookies(&self) -> impl Iterator<Item = Cookie<'static>> {
        let headers = self.headers("Set-Cookie");
        headers.map(|value| Cookie::parse_encoded(value.to_owned()).expect("a cookie"))
    }

    /// Whether it sets or removes the cookie `name`.
    pub(crate) fn sets(&self, name: &str) -> bool {
        self.set_cookies().any(|cookie| cookie.name() == name)
    }
}
