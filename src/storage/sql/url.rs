//! `DatabaseUrl`: the URL of a database.
//!
//! The database's client library decides what a URL means. It is parsed here only for messages, which must not contain any part of
//! a password, and for parameters that are added or checked.

use std::fmt;
use std::path::PathBuf;

use super::libpq_keywords::is_keyword_string;
#[cfg(feature = "postgres")]
use super::libpq_string::LibpqString;
#[cfg(feature = "mysql")]
use super::tls_demand::TlsDemand;
use crate::error::{Error, ErrorKind, Result};

/// The databases that this build supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Backend {
    #[cfg(feature = "sqlite")]
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres,
    #[cfg(feature = "mysql")]
    Mysql,
}

/// The URL of a database. Its `Display` contains nothing that could be secret.
#[derive(Clone)]
pub(super) struct DatabaseUrl {
    pub(super) backend: Backend,
    /// The URL that Diesel gets. It may contain a password.
    pub(super) url: String,
    /// The URL without what could be secret.
    shown: String,
    /// Set if it is unclear where the password ends: the client library's error could quote a part of the password. It is what
    /// the operator reads instead of that error.
    pub(super) advice: Option<&'static str>,
    /// Path of the file, with SQLite.
    pub(super) file: Option<PathBuf>,
    #[cfg(feature = "mysql")]
    pub(super) tls: TlsDemand,
}

/// The advice for a URL of a server.
#[cfg(any(feature = "postgres", feature = "mysql"))]
const ENCODE: &str = "the cause is not shown, because it could contain a part of the password. Characters of a password that have a \
     meaning in URLs must be percent-encoded: write `%40` for `@`, `%2F` for `/`, `%3A` for `:`, `%3F` for `?`, `%23` for `#`, \
     write `%25` for `%`. Check the names of the parameters and the port, too";

/// The advice for a keyword string of libpq.
#[cfg(feature = "postgres")]
const QUOTE: &str = "the cause is not shown, because it could contain a part of the password. Write a value with spaces in single \
     quotes, and `\\'` and `\\\\` for `'` and `\\` in it: `host=db dbname=app user=app password='a b'`. Check the names of the \
     keywords and the port, too";

impl DatabaseUrl {
    /// Parses `url`: `postgres://…`, `mysql://…` or the path of a SQLite file. `postgresql://…`, `mariadb://…`, libpq's keyword
    /// strings (`host=… dbname=…`), `sqlite://…` and `file:…` are allowed, too.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if it is not the URL of a database that this build supports. The message does not contain the
    /// URL, which may have a password.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let url = url.trim();
        if is_keyword_string(url) {
            return Self::postgres(url, "");
        }
        let Some((scheme, rest)) = url.split_once("://") else {
            return match url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase()).as_deref() {
                Some("postgres" | "postgresql" | "mysql" | "mariadb") => misconfigured(
                    "the database's URL has no `//` after the scheme: write `postgres://…` or `mysql://…`",
                ),
                _ => Self::sqlite(url),
            };
        };
        match scheme.to_ascii_lowercase().as_str() {
            "postgres" | "postgresql" => Self::postgres(rest, "postgres://"),
            // Diesel knows MySQL's scheme only.
            "mysql" | "mariadb" => Self::mysql(rest),
            "sqlite" => Self::sqlite(url),
            _ if url.starts_with("file:") => Self::sqlite(url),
            _ => misconfigured(
                "the database's URL has an unknown scheme: write `postgres://…`, `mysql://…`, or the path of a SQLite \
                 file",
            ),
        }
    }

    /// `path`, `sqlite://path` or `file:path?options`.
    #[cfg(feature = "sqlite")]
    fn sqlite(url: &str) -> Result<Self> {
        let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("file:")).unwrap_or(url);
        let (path, options) = path.split_once('?').filter(|_| path.len() < url.len()).unwrap_or((path, ""));
        if path.is_empty() || path.contains(":memory:") || options.contains("mode=memory") {
            return misconfigured(
                "a SQLite database in memory is a different one for each connection: DieselStorage needs the path of a \
                 file; MemoryStorage is for tests without a file",
            );
        }
        // The URL of a server that lacks its scheme could be taken for a path.
        let shown = match path.rsplit_once('@') {
            Some((before, after)) if before.contains(':') => format!("…@{after}"),
            _ => path.to_owned(),
        };
        Ok(Self { shown, file: Some(path.into()), ..Self::new(Backend::Sqlite, url.to_owned()) })
    }

    #[cfg(not(feature = "sqlite"))]
    fn sqlite(_: &str) -> Result<Self> {
        misconfigured(needs("SQLite's", "sqlite"))
    }

    /// A URL, without its scheme, or a keyword string.
    #[cfg(feature = "postgres")]
    fn postgres(rest: &str, scheme: &str) -> Result<Self> {
        let url = format!("{scheme}{rest}");
        let parsed = LibpqString::parse(&url);
        let (advice, hidden) = match scheme {
            "" => (QUOTE, "host=…"),
            _ => (ENCODE, "postgres://…"),
        };
        let shown = parsed.as_ref().and_then(LibpqString::shown);
        Ok(Self {
            advice: shown.is_none().then_some(advice),
            shown: shown.unwrap_or_else(|| hidden.to_owned()),
            ..Self::new(Backend::Postgres, parsed.map_or(url.clone(), |parsed| parsed.with_timeouts()))
        })
    }

    #[cfg(not(feature = "postgres"))]
    fn postgres(_: &str, _: &str) -> Result<Self> {
        misconfigured(needs("PostgreSQL's", "postgres"))
    }

    /// A URL, without its scheme.
    #[cfg(feature = "mysql")]
    fn mysql(rest: &str) -> Result<Self> {
        let url = format!("mysql://{rest}");
        // Diesel parses the URL in the same way.
        let parsed = url::Url::parse(&url).ok();
        let after_authority = rest.find(['/', '?', '#']).map_or("", |end| &rest[end..]);
        let shown = parsed.as_ref().filter(|_| !after_authority.contains('@')).map(|url| {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("mysql://{}{port}{}", url.host_str().unwrap_or_default(), url.path())
        });
        let tls = parsed.map_or(Ok(TlsDemand::Nothing), |url| TlsDemand::of(&url))?;
        Ok(Self {
            advice: shown.is_none().then_some(ENCODE),
            shown: shown.unwrap_or_else(|| "mysql://…".to_owned()),
            tls,
            ..Self::new(Backend::Mysql, url)
        })
    }

    #[cfg(not(feature = "mysql"))]
    fn mysql(_: &str) -> Result<Self> {
        misconfigured(needs("MySQL's", "mysql"))
    }

    fn new(backend: Backend, url: String) -> Self {
        Self {
            backend,
            url,
            shown: String::new(),
            advice: None,
            file: None,
            #[cfg(feature = "mysql")]
            tls: TlsDemand::Nothing,
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mysql")))]
fn needs(owner: &str, feature: &str) -> String {
    format!(
        "the database's URL is {owner}, which this build doesn't support: in Cargo.toml\n\n    \
         rocket_dance = {{ version = \"{}\", features = [\"{feature}\"] }}\n",
        env!("CARGO_PKG_VERSION")
    )
}

fn misconfigured<T>(why: impl Into<std::borrow::Cow<'static, str>>) -> Result<T> {
    Err(Error::new(ErrorKind::Misconfigured, why))
}
