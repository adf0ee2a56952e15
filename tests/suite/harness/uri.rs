//! Reads and changes the query of a URI.

use url::form_urlencoded::{Serializer, parse};

/// The value of a parameter in the query of `uri`.
pub(crate) fn query_parameter(uri: &str, name: &str) -> Option<String> {
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// `uri` with another value of the parameter `name`, or without it.
pub(crate) fn with_parameter(uri: &str, name: &str, value: Option<&str>) -> String {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let kept = parse(query.as_bytes()).filter(|(key, _)| key != name);
    let mut query = Serializer::new(String::new());
    query.extend_pairs(kept);
    if let Some(value) = value {
        query.append_pair(name, value);
    }
    format!("{path}?{}", query.finish())
}
