//! Targets of redirects: pages of this app, or of other origins that the configuration trusts.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::{Error, ErrorKind, Result};
use crate::local_path::LocalPath;

/// The page that a browser is redirected to: a path of this app, or a URL of an origin in `trusted_origins`.
///
/// A path is a [`LocalPath`]. A URL is an origin as browsers write it, for example `https://spa.example` or
/// `http://localhost:5173`, and a path that passes the same check. The library follows a URL only if `trusted_origins` of
/// `[default.dance]` contains its origin.
///
/// ```
/// use rocket_dance::{LocalPath, RedirectTarget};
///
/// let path = RedirectTarget::from(LocalPath::try_from("/cart?item=7").unwrap());
/// assert_eq!((path.to_string().as_str(), path.origin()), ("/cart?item=7", None));
///
/// let url = RedirectTarget::try_from("https://spa.example/cart").unwrap();
/// assert_eq!((url.path().as_str(), url.origin()), ("/cart", Some("https://spa.example")));
/// assert!(RedirectTarget::try_from("https://user@spa.example/cart").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectTarget {
    origin: Option<String>,
    path: LocalPath,
}

impl RedirectTarget {
    /// The origin, for example `https://spa.example`; `None`: this app.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// The path and query, for example `/cart?item=7`.
    pub fn path(&self) -> &LocalPath {
        &self.path
    }
}

/// Whether `text` is an origin exactly as browsers write it: in lower case, without a default port, a user name or a path.
fn is_origin(text: &str) -> bool {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    is_web && Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == text)
}

impl From<LocalPath> for RedirectTarget {
    fn from(path: LocalPath) -> Self {
        Self { origin: None, path }
    }
}

impl TryFrom<&str> for RedirectTarget {
    type Error = Error;

    /// Checks a path or a URL. Whether its origin is trusted is checked when it is followed.
    ///
    /// # Errors
    /// [`ErrorKind::BadRequest`] if it is neither a [`LocalPath`] nor an origin followed by one.
    fn try_from(text: &str) -> Result<Self> {
        let after_scheme = text.find("://").map_or(0, |at| at + "://".len());
        let at = text[after_scheme..].find(['/', '?', '#']).map_or(text.len(), |at| after_scheme + at);
        // Text that begins with `/` has no origin.
        let (origin, rest) =
            if after_scheme == 0 || text.starts_with('/') { ("", text) } else { text.split_at(at) };
        if !origin.is_empty() && !is_origin(origin) {
            return Err(Error::new(ErrorKind::BadRequest, "This is not the URL of a page."));
        }
        let slash = if origin.is_empty() || rest.starts_with('/') { "" } else { "/" };
        let path = LocalPath::try_from(format!("{slash}{rest}"))?;
        Ok(Self { origin: Some(origin.to_owned()).filter(|origin| !origin.is_empty()), path })
    }
}

impl TryFrom<String> for RedirectTarget {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::try_from(text.as_str())
    }
}

impl From<RedirectTarget> for String {
    fn from(target: RedirectTarget) -> String {
        target.to_string()
    }
}

impl fmt::Display for RedirectTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin().unwrap_or_default(), self.path)
    }
}

impl fmt::Debug for RedirectTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Option<String> {
        RedirectTarget::try_from(text).unwrap().origin().map(str::to_owned)
    }

    #[test]
    fn rd_02_an_origin_is_written_as_browsers_write_it() {
        for (text, wanted, written) in [
            ("/", None, "/"),
            ("/a?b=https://evil.example", None, "/a?b=https://evil.example"),
            ("https://spa.example", Some("https://spa.example"), "https://spa.example/"),
            ("https://spa.example/", Some("https://spa.example"), "https://spa.example/"),
            ("https://spa.example?a=b#c", Some("https://spa.example"), "https://spa.example/?a=b"),
            (
                "https://spa.example:8443/a%20b",
                Some("https://spa.example:8443"),
                "https://spa.example:8443/a%20b",
            ),
            ("http://[::1]:5173/a", Some("http://[::1]:5173"), "http://[::1]:5173/a"),
            ("https://spa.example./", Some("https://spa.example."), "https://spa.example./"),
        ] {
            assert_eq!(origin(text).as_deref(), wanted, "{text}");
            let target = RedirectTarget::try_from(text).unwrap();
            assert_eq!(target.to_string(), written);
            let json = serde_json::to_string(&target).unwrap();
            assert_eq!(serde_json::from_str::<RedirectTarget>(&json).unwrap(), target);
        }
    }

    #[test]
    fn rd_02_what_browsers_read_in_another_way_is_no_target() {
        for text in [
            "",
            "spa.example",
            "//spa.example",
            "https:spa.example",
            "https:/spa.example",
            "https:///spa.example",
            "HTTPS://spa.example",
            "https://SPA.example",
            "https://spa.example:443/",
            "https://user@spa.example",
            "https://user:pw@spa.example",
            "https://@spa.example",
            "https://spa.example@evil.example",
            "https://spa.example\\@evil.example",
            "https://spa.example\\.evil.example",
            "https:\\\\spa.example",
            "https://spa.example/\\evil",
            "https://spa.example//evil.example",
            "https://spa.example/..//evil.example",
            "https://spa.example/%2f%2fevil",
            "https://spa%2eexample/",
            "https://spa。example/",
            "https://ſpa.example/",
            "https://bücher.example/",
            "https://spa.example:/",
            "https://spa.example:0443/",
            "https://127.1/",
            "https://0x7f000001/",
            "https://spa.exa\tmple/",
            " https://spa.example/",
            "https://spa.example /",
            "https://",
            "javascript://spa.example/%0aalert(1)",
            "ftp://spa.example/",
            "data:text/html,//x",
        ] {
            assert!(RedirectTarget::try_from(text).is_err(), "{text}: {:?}", RedirectTarget::try_from(text));
        }
    }
}
