//! `LibpqString`: a connection string of libpq, PostgreSQL's client library: a URL or a string of keywords and values.
//!
//! It is parsed as libpq does (PostgreSQL's manual, 34.1.1 "Connection Strings").

use super::libpq_keywords::KEYWORDS;

/// Parameters by which libpq detects a dead network link. Without them a query waits for a quarter of an hour. In seconds,
/// except `tcp_user_timeout`.
const TIMEOUT_PARAMETERS: [(&str, &str); 5] = [
    ("connect_timeout", "3"),
    ("tcp_user_timeout", "8000"), // milliseconds
    ("keepalives_idle", "4"),
    ("keepalives_interval", "2"),
    ("keepalives_count", "2"),
];

/// A parsed connection string.
pub(super) struct LibpqString<'a> {
    text: &'a str,
    /// The URL's hosts and database, as they are written, without user and password. `None` for a keyword string.
    address: Option<&'a str>,
    /// The parameters of the query, or the keywords and values.
    parameters: Vec<(&'a str, String)>,
    has_query: bool,
    /// Whether an `@` follows the one that ends user and password: libpq may have ended the password too early.
    has_more_at: bool,
}

impl<'a> LibpqString<'a> {
    /// Parses `text`; `None` if libpq would not.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let Some(rest) = text.strip_prefix("postgres://") else {
            let parameters = keywords_and_values(text)?;
            return Some(Self { text, address: None, parameters, has_query: false, has_more_at: false });
        };
        // A `?` or `#` in the password is no end of it.
        let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
        let rest = authority.find('@').map_or(rest, |at| &rest[at + 1..]);
        let (address, query) = match rest.split_once('?') {
            Some((address, query)) => (address, Some(query)),
            None => (rest, None),
        };
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').map(|(key, value)| (key, value.to_owned())));
        let parameters = pairs.collect::<Option<_>>()?;
        let has_more_at = rest.contains('@');
        Some(Self { text, address: Some(address), parameters, has_query: query.is_some(), has_more_at })
    }

    /// The hosts, ports and the database; `None` if they could contain a part of the password.
    pub(super) fn shown(&self) -> Option<String> {
        let is_known = |(key, _): &(&str, String)| KEYWORDS.contains(key);
        if !self.parameters.iter().all(is_known) {
            return None;
        }
        let shown = ["host", "hostaddr", "port", "dbname", "service"]
            .iter()
            .filter_map(|key| self.parameters.iter().rev().find(|(name, _)| name == key))
            .map(|(key, value)| {
                let is_clear = match *key {
                    "port" => value.split(',').all(is_port),
                    "dbname" => is_database(value),
                    _ => !value.contains('@'),
                };
                is_clear.then(|| format!("{key}={value}"))
            })
            .collect::<Option<Vec<_>>>()?;
        let Some(address) = self.address else { return Some(shown.join(" ")) };
        let (hosts, database) = address.split_once('/').unwrap_or((address, ""));
        let ports = hosts.split(',').filter_map(|host| match host.rsplit_once(']') {
            Some((_, port)) => port.strip_prefix(':'),
            None => host.split_once(':').map(|(_, port)| port),
        });
        if self.has_more_at
            || has_stray_percent(self.text)
            || !is_database(database)
            || !ports.into_iter().all(is_port)
        {
            return None;
        }
        let query = if shown.is_empty() { String::new() } else { format!("?{}", shown.join("&")) };
        Some(format!("postgres://{address}{query}"))
    }

    /// The string with those of [`TIMEOUT_PARAMETERS`] that it does not set.
    pub(super) fn with_timeouts(&self) -> String {
        let mut text = self.text.to_owned();
        let mut has_query = self.has_query;
        for (key, value) in TIMEOUT_PARAMETERS {
            if self.parameters.iter().any(|(name, _)| *name == key) {
                continue;
            }
            match (self.address, has_query) {
                (None, _) => text.push(' '),
                (Some(_), false) => text.push('?'),
                (Some(_), true) if !text.ends_with(['?', '&']) => text.push('&'),
                (Some(_), true) => {}
            }
            has_query = true;
            text.push_str(&format!("{key}={value}"));
        }
        text
    }
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|digit| digit.is_ascii_digit())
}

/// Returns whether `name` is the name of a database, and not a part of a password with a host behind it.
fn is_database(name: &str) -> bool {
    !name.contains(['@', ':', '/', '='])
}

/// Returns whether `url` has a `%` that is not percent-encoding. The message of libpq quotes the part that contains it, for
/// example a password.
fn has_stray_percent(url: &str) -> bool {
    let encodes = |rest: &str| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit) && digits != b"00")
    };
    url.split('%').skip(1).any(|rest| !encodes(rest))
}

/// The pairs of `host=db password='a \'b'`.
fn keywords_and_values(text: &str) -> Option<Vec<(&str, String)>> {
    let mut pairs = vec![];
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let (value, after) = value(after.trim_start())?;
        pairs.push((key.trim_end(), value));
        rest = after.trim_start();
    }
    pairs.iter().all(|(key, _)| !key.contains(char::is_whitespace)).then_some(pairs)
}

/// The value at the beginning of `text`, and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    let (is_quoted, text) = text.strip_prefix('\'').map_or((false, text), |text| (true, text));
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => value.extend(chars.next().map(|(_, char)| char)),
            '\'' if is_quoted => return Some((value, &text[at + 1..])),
            char if !is_quoted && char.is_whitespace() => return Some((value, &text[at..])),
            char => value.push(char),
        }
    }
    (!is_quoted).then_some((value, ""))
}
