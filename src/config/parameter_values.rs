//! The values of a preset's own keys, by kind. Values that become part of a URL cannot change its other parts.
//!
//! A missing or wrong value is a fault: the launch fails. Each function then returns a value with which the rest of the
//! entry can be read, so that every other fault is found as well.

use super::table::Table;
use super::urls::{is_host, placeholder, web_url};

/// Placeholder of a host whose key is missing or wrong.
const NO_HOST: &str = "provider.example";

/// A host, or host and port. An empty `default`: the key is required.
pub(super) fn host(table: &mut Table<'_>, key: &str, default: &str) -> String {
    let example = format!("{key} = \"{}\"", or(default, NO_HOST));
    if !table.has(key) {
        if default.is_empty() {
            table.fault(key, "is missing: it is the provider's host", &example);
        }
        table.forget(key);
        return or(default, NO_HOST).to_owned();
    }
    let Some(given) = table.text(key) else { return or(default, NO_HOST).to_owned() };
    if is_host(&given.value) {
        return given.value;
    }
    let why = "must be a plain host, or host and port, without https:// and path";
    table.reader.fault(&given.place, why, &example);
    or(default, NO_HOST).to_owned()
}

/// A host that is one label and then `suffix`, which the value may leave out.
pub(super) fn host_under(table: &mut Table<'_>, key: &str, suffix: &str) -> String {
    let example = format!("{key} = \"name{suffix}\"");
    if !table.has(key) {
        table.fault(key, "is missing: it is a part of the provider's address", &example);
    }
    let Some(given) = table.text(key) else { return format!("name{suffix}") };
    let label = given.value.strip_suffix(suffix).unwrap_or(&given.value).to_ascii_lowercase();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if label.is_empty() || !label.chars().all(is_plain) || label.starts_with('-') {
        let why = format!("must be one name of letters, digits and `-`, or that name and `{suffix}`");
        table.reader.fault(&given.place, why, &example);
        return format!("name{suffix}");
    }
    format!("{label}{suffix}")
}

/// One segment of a path. An empty `default`: the key is required.
pub(super) fn segment(table: &mut Table<'_>, key: &str, default: &str) -> String {
    let example = format!("{key} = \"{}\"", or(default, "…"));
    if !table.has(key) {
        if default.is_empty() {
            table.fault(key, "is missing: it is a part of the provider's address", &example);
        }
        table.forget(key);
        return or(default, "missing").to_owned();
    }
    let Some(given) = table.text(key) else { return or(default, "missing").to_owned() };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if given.value.chars().all(is_plain) && !given.value.chars().all(|c| c == '.') {
        return given.value;
    }
    let why = "must be one part of the provider's address: letters, digits, `-`, `_`, `.` and `~`";
    table.reader.fault(&given.place, why, &example);
    or(default, "missing").to_owned()
}

/// One of `texts`, of which the first is the default.
pub(super) fn choice(table: &mut Table<'_>, key: &str, texts: &[&str]) -> String {
    let default = texts.first().copied().unwrap_or_default();
    let Some(given) = table.text(key) else { return default.to_owned() };
    if texts.contains(&given.value.as_str()) {
        return given.value;
    }
    let why = format!("must be one of {}", texts.join(", "));
    table.reader.fault(&given.place, why, &format!("{key} = \"{default}\""));
    default.to_owned()
}

pub(super) fn switch(table: &mut Table<'_>, key: &str) -> bool {
    table.boolean(key).unwrap_or(false)
}

/// A URL without a `/` at its end. An empty `default`: the key is required.
pub(super) fn base_url(table: &mut Table<'_>, key: &str, default: &str) -> String {
    let example = format!("{key} = \"{}\"", or(default, "https://provider.example"));
    if !table.has(key) && default.is_empty() {
        table.fault(key, "is missing: it is the provider's address", &example);
    }
    let fallback = || match default {
        "" => placeholder().as_str().trim_end_matches('/').to_owned(),
        default => default.to_owned(),
    };
    let Some(given) = table.text(key) else { return fallback() };
    let url = web_url(&given.value).and_then(|url| match url.query() {
        None => Ok(url.as_str().trim_end_matches('/').to_owned()),
        Some(_) => Err("must not have a query"),
    });
    url.unwrap_or_else(|why| {
        table.reader.fault(&given.place, why, &example);
        fallback()
    })
}

/// A text or a number. An empty `default`: the key is required.
pub(super) fn word(table: &mut Table<'_>, key: &str, default: &str) -> Option<String> {
    let example = format!("{key} = \"{}\"", or(default, "…"));
    if !table.has(key) {
        table.forget(key);
        if default.is_empty() {
            table.fault(key, "is missing", &example);
            return None;
        }
        return Some(default.to_owned());
    }
    let given = table.scalar(key)?;
    if given.value.chars().any(|c| !(' '..='~').contains(&c)) {
        table.reader.fault(&given.place, "must be of plain ASCII characters", &example);
        return None;
    }
    Some(given.value)
}

/// A text, or a list of texts.
pub(super) fn words(table: &mut Table<'_>, key: &str) -> Option<Vec<String>> {
    table.list(key, |text| vec![text.to_owned()], "[\"…\"]").map(|given| given.value)
}

fn or<'t>(text: &'t str, other: &'t str) -> &'t str {
    if text.is_empty() { other } else { text }
}
