//! `DatabaseUrl`: the URL of a database.

use std::fmt;
use std::path::PathBuf;

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
    /// Path of the file, with SQLite.
    pub(super) file: Option<PathBuf>,
}

impl DatabaseUrl {
    /// Parses `url`.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if it is not the URL of a database that this build supports. The message does not contain the
    /// URL, which may have a password.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let url = url.trim();
        match url.split_once("://").map(|(scheme, _)| scheme) {
            #[cfg(feature = "postgres")]
            Some("postgres" | "postgresql") => Self::server(Backend::Postgres, url),
            #[cfg(not(feature = "postgres"))]
            Some("postgres" | "postgresql") => misconfigured(needs("PostgreSQL's", "postgres")),
            #[cfg(feature = "mysql")]
            Some("mysql") => Self::server(Backend::Mysql, url),
            #[cfg(not(feature = "mysql"))]
            Some("mysql") => misconfigured(needs("MySQL's", "mysql")),
            Some("mariadb") => misconfigured("the database's URL is MariaDB's: write it with `mysql://`"),
            #[cfg(feature = "sqlite")]
            None | Some("sqlite") => Self::file(url),
            #[cfg(not(feature = "sqlite"))]
            None | Some("sqlite") => misconfigured(needs("SQLite's", "sqlite")),
            Some(_) => misconfigured(
                "the database's URL has an unknown scheme: write `postgres://…`, `mysql://…`, or the path of a SQLite \
                 file",
            ),
        }
    }

    /// `path`, `sqlite://path` or `file:path?options`.
    #[cfg(feature = "sqlite")]
    fn file(url: &str) -> Result<Self> {
        let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("file:")).unwrap_or(url);
        let (path, options) = path.split_once('?').filter(|_| path.len() < url.len()).unwrap_or((path, ""));
        if path.is_empty() || path.contains(":memory:") || options.contains("mode=memory") {
            return misconfigured(
                "a SQLite database in memory is a different one for each connection: DieselStorage needs the path of a \
                 file; MemoryStorage is for tests without a file",
            );
        }
        let file = Some(path.into());
        Ok(Self { backend: Backend::Sqlite, url: url.to_owned(), shown: url.to_owned(), file })
    }

    #[cfg(any(feature = "postgres", feature = "mysql"))]
    fn server(backend: Backend, url: &str) -> Result<Self> {
        if has_stray_percent(url) {
            return misconfigured(
                "a `%` in the database's URL is not percent-encoding: write `%25`, in a password too",
            );
        }
        let parsed = url::Url::parse(url)
            .or_else(|error| misconfigured(format!("the database's URL can't be read: {error}")))?;
        let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = parsed.host_str().unwrap_or_default();
        let shown = match url.contains('@') && !parsed.authority().contains('@') {
            // An unencoded `/`, `?` or `#` in a password: what looks like a port and a path is part of the password.
            true => format!("{}://…", parsed.scheme()),
            false => format!("{}://{host}{port}{}", parsed.scheme(), parsed.path()),
        };
        let url = match backend {
            #[cfg(feature = "postgres")]
            Backend::Postgres => with_timeouts(url, &parsed),
            #[allow(unreachable_patterns)]
            _ => url.to_owned(),
        };
        Ok(Self { backend, url, shown, file: None })
    }
}

/// Returns whether `url` has a `%` that is not percent-encoding. The message of libpq would quote the part that contains it, for
/// example a password.
#[cfg(any(feature = "postgres", feature = "mysql"))]
fn has_stray_percent(url: &str) -> bool {
    let encodes = |rest: &str| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit) && digits != b"00")
    };
    url.split('%').skip(1).any(|rest| !encodes(rest))
}

/// Parameters by which libpq detects a dead network link. Without them a query waits for a quarter of an hour. In seconds, except
/// `tcp_user_timeout`.
#[cfg(feature = "postgres")]
const TIMEOUT_PARAMETERS: [(&str, &str); 5] = [
    ("connect_timeout", "3"),
    ("tcp_user_timeout", "8000"), // milliseconds
    ("keepalives_idle", "4"),
    ("keepalives_interval", "2"),
    ("keepalives_count", "2"),
];

/// Returns `url` with those of [`TIMEOUT_PARAMETERS`] that it does not set.
#[cfg(feature = "postgres")]
fn with_timeouts(url: &str, parsed: &url::Url) -> String {
    let mut url = url.trim_end_matches('?').to_owned();
    let mut sign = if url.contains('?') { '&' } else { '?' };
    for (key, value) in TIMEOUT_PARAMETERS {
        if !parsed.query_pairs().any(|(said, _)| said == key) {
            url.push_str(&format!("{sign}{key}={value}"));
            sign = '&';
        }
    }
    url
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

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;

    #[test]
    fn db_05_the_client_library_notices_a_dead_link_unless_the_url_says_otherwise() {
        let taken = |url: &str| DatabaseUrl::parse(url).unwrap().url;
        let all = "connect_timeout=3&tcp_user_timeout=8000&keepalives_idle=4&keepalives_interval=2&keepalives_count=2";
        assert_eq!(taken("postgres://ada@db/app"), format!("postgres://ada@db/app?{all}"));
        assert_eq!(taken("postgres:///app?host=/run"), format!("postgres:///app?host=/run&{all}"));
        let own = taken("postgres://db/app?connect_timeout=9");
        assert!(
            own.starts_with("postgres://db/app?connect_timeout=9&tcp_user_timeout")
                && !own.contains("timeout=3")
        );
    }
}
