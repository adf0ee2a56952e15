//! The keywords of libpq, PostgreSQL's client library.

/// The keywords of libpq 10 to 18. `ssl` is the one that URLs of JDBC have.
pub(super) const KEYWORDS: &[&str] = &[
    "application_name",
    "authtype",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_issuer",
    "oauth_scope",
    "options",
    "passfile",
    "password",
    "port",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "scram_client_key",
    "scram_server_key",
    "service",
    "servicefile",
    "ssl",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslkeylogfile",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
    "tty",
    "user",
];

/// Returns whether `text`, which may be the path of a SQLite file, is a keyword string: whether a word of it is one of libpq's
/// keywords before `=`.
pub(super) fn is_keyword_string(text: &str) -> bool {
    let is_url = text.split_once("://").is_some_and(|(scheme, _)| !scheme.contains([' ', '=']));
    !is_url
        && text.match_indices('=').any(|(at, _)| {
            let word = text[..at].trim_end().rsplit(char::is_whitespace).next();
            word.is_some_and(|word| KEYWORDS.contains(&word))
        })
}
