//! The names of fields and parameters that have secrets.

/// What stands in place of a secret.
pub(super) const SCRUBBED: &str = "<scrubbed>";

/// Parts of the names of fields and parameters whose values are secrets, in lower case without `_` and `-`.
const SECRET_NAMES: [&str; 13] = [
    "token",
    "secret",
    "password",
    "passwd",
    "authorization",
    "cookie",
    "apikey",
    "privatekey",
    "assertion",
    "codeverifier",
    "credential",
    "signature",
    "sessionid",
];

/// How names end that look like a secret's and are none: kinds, times, and positions in a list, which an app sends for its next page.
const HARMLESS_NAMES: [&str; 13] = [
    "tokentype",
    "expiresin",
    "expiresat",
    "expiry",
    "pagetoken",
    "paginationtoken",
    "nexttoken",
    "prevtoken",
    "previoustoken",
    "continuationtoken",
    "skiptoken",
    "deltatoken",
    "synctoken",
];

/// Names of secrets that are common words. No element of markup is one for such a name.
const SHORT_NAMES: [&str; 3] = ["code", "sig", "key"];

/// Whether the value of a field or a parameter with this name is a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    SHORT_NAMES.contains(&simple(name).as_str()) || is_secret_element(name)
}

/// Whether the text of an XML element with this name is a secret.
pub(super) fn is_secret_element(name: &str) -> bool {
    let name = simple(name);
    let is_harmless = HARMLESS_NAMES.iter().any(|harmless| name.ends_with(harmless));
    !is_harmless && SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

/// `name` in lower case, without `_`, `-` and `.`.
fn simple(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '-', '.'], "")
}
