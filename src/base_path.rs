//! `BasePath`: the path of `base_url`, which a proxy strips.

use std::borrow::Cow;

use url::Url;

use crate::error::Result;
use crate::local_path::LocalPath;

/// The path under which browsers see the app, for example `/app`; empty if there is none.
///
/// A proxy strips it. Therefore the app's routes, `next` and the targets in the configuration are paths without it, and what
/// browsers get has it: redirects, links, the actions of forms, callback URLs, and cookies in their attribute `Path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BasePath(String);

impl BasePath {
    /// The path of `base_url`.
    pub(crate) fn of(base_url: &Url) -> Self {
        Self(base_url.path().trim_end_matches('/').to_owned())
    }

    /// Without a `/` at its end.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The path `path` of the app as browsers see it.
    pub(crate) fn public(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The path `path`, which browsers see, as the app sees it. `None` if it is outside of the app.
    pub(crate) fn strip<'p>(&self, path: &'p str) -> Option<Cow<'p, str>> {
        let rest = path.strip_prefix(&self.0)?;
        match rest.chars().next() {
            _ if self.0.is_empty() => Some(rest.into()),
            Some('/') => Some(rest.into()),
            None | Some('?' | '#') => Some(format!("/{rest}").into()),
            Some(_) => None,
        }
    }

    /// A target that a visitor or the configuration names. A page's script knows its path as the browser sees it, and the app
    /// knows it without the base path: both are understood.
    ///
    /// # Errors
    /// If it is no path of the app.
    pub(crate) fn target(&self, text: &str) -> Result<LocalPath> {
        LocalPath::try_from(self.strip(text).unwrap_or(text.into()).as_ref())
    }

    /// The value of a parameter `next` that [`target`](Self::target) reads as `next`. An app below `/app` may have a path
    /// `/app/x` as well.
    pub(crate) fn parameter(&self, next: &LocalPath) -> String {
        match self.strip(next.as_str()) {
            Some(_) => self.public(next.as_str()),
            None => next.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(url: &str) -> BasePath {
        BasePath::of(&Url::parse(url).unwrap())
    }

    #[test]
    fn b7_a_target_is_understood_with_and_without_the_base_path() {
        let app = base("https://app.example/app");
        for (text, wanted) in [
            ("/inbox?a=/app", "/inbox?a=/app"),
            ("/app/inbox", "/inbox"),
            ("/app", "/"),
            ("/app/", "/"),
            ("/app?a", "/?a"),
            ("/app#a", "/"),
            ("/application", "/application"),
            ("/app/app/x", "/app/x"),
            ("/App/x", "/App/x"),
        ] {
            assert_eq!(app.target(text).unwrap().as_str(), wanted, "{text}");
        }
        for elsewhere in ["", "app/x", "/app//e", "/app/../b", "/../b", "/app/%2e%2e/b", "/x%2f..%2f../b"] {
            assert!(app.target(elsewhere).is_err(), "{elsewhere}");
        }
        let none = base("https://app.example");
        assert_eq!((none.as_str(), none.public("/x").as_str()), ("", "/x"));
        assert_eq!(none.target("/app/x").unwrap().as_str(), "/app/x");
        assert!(none.target("").is_err() && none.target("?a").is_err());
    }

    #[test]
    fn b7_a_next_is_read_back_as_it_was() {
        for base in [base("https://app.example/app"), base("https://app.example")] {
            for path in ["/", "/x", "/app", "/app/x", "/app/app/x", "/app?a", "/application"] {
                let next = LocalPath::try_from(path).unwrap();
                assert_eq!(base.target(&base.parameter(&next)).unwrap(), next, "{base:?} {path}");
            }
        }
    }
}
