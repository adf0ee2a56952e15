//! Texts with placeholders: `https://{host}/users/{id}`.

use url::form_urlencoded::byte_serialize;

/// Returns `text` with each `{name}` replaced by what `find` returns for the name. None if it returns none for one of them.
pub(crate) fn fill(text: &str, mut find: impl FnMut(&str) -> Option<String>) -> Option<String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        // A brace of a JSON text or of a GraphQL query is no placeholder.
        let name = after.split_once('}').map(|(name, _)| name).filter(|name| is_name(name));
        filled.push_str(before);
        rest = match name {
            Some(name) => {
                filled.push_str(&find(name)?);
                &after[name.len() + 1..]
            }
            None => {
                filled.push('{');
                after
            }
        };
    }
    filled.push_str(rest);
    Some(filled)
}

/// As [`fill`], for a URL: the values are percent-encoded, so that each stays in its place. A placeholder at the beginning
/// stands for a whole URL and is not encoded.
pub(crate) fn fill_url(text: &str, mut find: impl FnMut(&str) -> Option<String>) -> Option<String> {
    let (start, rest) = match text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        Some((name, rest)) => (find(name)?, rest),
        None => (String::new(), text),
    };
    let rest = fill(rest, |name| {
        let value = find(name)?;
        // A path segment of dots would be another path.
        let is_dots = value.chars().all(|c| c == '.');
        (!is_dots).then(|| encode(&value))
    })?;
    Some(start + &rest)
}

/// `value`, percent-encoded: no character of it can separate parts of a URL.
pub(crate) fn encode(value: &str) -> String {
    byte_serialize(value.as_bytes()).collect::<String>().replace('+', "%20")
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-[]".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str) -> Option<String> {
        Some(match name {
            "id" => "a/../b c".to_owned(),
            "base" => "https://host.example/x".to_owned(),
            "dots" => "..".to_owned(),
            _ => return None,
        })
    }

    #[test]
    fn a_value_stays_in_its_place() {
        assert_eq!(
            fill_url("https://a.example/{id}?x=1", find).unwrap(),
            "https://a.example/a%2F..%2Fb%20c?x=1"
        );
        assert_eq!(fill_url("{base}/y", find).unwrap(), "https://host.example/x/y");
        assert_eq!(fill_url("https://a.example/{dots}", find), None);
        assert_eq!(fill_url("https://a.example/{missing}", find), None);
        assert_eq!(fill("{\"q\": \"{ me { id } }\"}", find).unwrap(), "{\"q\": \"{ me { id } }\"}");
    }
}
