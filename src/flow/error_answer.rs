//! What an endpoint's error answer says.
//!
//! RFC 6749 §5.2 names two fields, `error` and `error_description`. Providers also answer with an object in `error`, with a
//! list `errors`, with a message alone, or with the status 200 and `"ok": false`.

use serde_json::{Map, Value};

/// Names of fields that hold an error's code, best first.
const CODES: &[&str] = &["error", "errorType", "error_code", "errcode", "code", "type", "status"];
/// Names of fields that hold an error's text, best first.
const TEXTS: &[&str] =
    &["error_description", "message", "error_message", "errmsg", "msg", "detail", "description", "title"];

/// What an error answer says, as the provider writes it.
#[derive(Debug, Default)]
pub(super) struct ErrorAnswer {
    /// The error code. Empty if there is none.
    pub(super) code: String,
    /// The text for the developer. Empty if there is none.
    pub(super) text: String,
    /// A page about the error. Empty if there is none.
    pub(super) uri: String,
}

impl ErrorAnswer {
    /// Reads what the fields of an answer say about an error.
    pub(super) fn read(fields: &Map<String, Value>) -> Self {
        // The innermost object says most: `{"errors": [{…}]}`, `{"error": {…}}`.
        let inner = [fields.get("errors"), fields.get("error")].into_iter().flatten();
        let inner = inner
            .filter_map(|value| value.as_array().and_then(|list| list.first()).unwrap_or(value).as_object());
        let places: Vec<_> = inner.chain([fields]).collect();
        let find = |names: &[&str]| {
            let mut values = places.iter().flat_map(|place| names.iter().filter_map(|name| place.get(*name)));
            values.find_map(word).unwrap_or_default()
        };
        let first = fields.get("errors").and_then(|errors| word(errors.get(0)?));
        Self { code: first.unwrap_or_else(|| find(CODES)), text: find(TEXTS), uri: find(&["error_uri"]) }
    }

    /// Whether an answer with these fields is an error, although its status is a success.
    pub(super) fn is_in(fields: &Map<String, Value>) -> bool {
        let is_given = |name| match fields.get(name) {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Array(list)) => !list.is_empty(),
            Some(Value::Object(object)) => !object.is_empty(),
            Some(Value::Number(number)) => number.as_f64() != Some(0.0),
            Some(Value::Bool(true)) => true,
        };
        ["error", "errors", "errcode"].into_iter().any(is_given)
            || ["ok", "success"].iter().any(|name| fields.get(*name) == Some(&Value::Bool(false)))
    }

    /// The code in lower case, with `_` between its words; without a code, the text in that form.
    pub(super) fn name(&self) -> String {
        let source = if self.code.chars().any(char::is_alphabetic) { &self.code } else { &self.text };
        snake_case(source)
    }

    /// What decides: the code, and the text if there is no code in words.
    fn deciding(&self) -> [String; 2] {
        let has_code = self.code.chars().any(char::is_alphabetic);
        [snake_case(&self.code), if has_code { String::new() } else { snake_case(&self.text) }]
    }

    /// Whether the provider is unavailable, or asks for fewer requests: a later request may succeed.
    pub(super) fn is_temporary(&self) -> bool {
        const SIGNS: &[&str] = &[
            "fatal_error",
            "internal_error",
            "quota_exceeded",
            "rate_limit",
            "ratelimit",
            "server_error",
            "service_unavailable",
            "slow_down",
            "temporarily",
            "throttl",
            "timeout",
            "too_many",
            "try_again",
        ];
        let said = self.deciding();
        SIGNS.iter().any(|sign| said.iter().any(|said| said.contains(sign)))
    }

    /// Whether the client is at fault, not the user's grant: the operator must correct the entry.
    pub(super) fn is_clients(&self) -> bool {
        const NAMES: &[&str] = &[
            "bad_client_secret",
            "bad_redirect_uri",
            "client_authentication_failed",
            "client_not_found",
            "deleted_client",
            "disabled_client",
            "incorrect_client_credentials",
            "invalid_redirect_uri",
            "invalid_scope",
            "redirect_uri_mismatch",
            "unauthorized_client",
            "unsupported_grant_type",
        ];
        let said = [snake_case(&self.code), snake_case(&self.text)];
        said.iter().any(|said| said.starts_with("invalid_client") || NAMES.contains(&&**said))
    }
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns a text in lower case, with `_` for whatever is no letter and no digit.
pub(super) fn snake_case(text: &str) -> String {
    let letters = text.trim().chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
    let name: String = letters.collect();
    name.trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(answer: Value) -> ErrorAnswer {
        ErrorAnswer::read(answer.as_object().unwrap())
    }

    #[test]
    fn r2_every_way_to_write_an_error() {
        for (answer, name, text) in [
            (json!({"error": "invalid_grant", "error_description": "no"}), "invalid_grant", "no"),
            (json!({"error": "Invalid Grant"}), "invalid_grant", ""),
            (
                json!({"status": 400, "message": "Invalid refresh token"}),
                "invalid_refresh_token",
                "Invalid refresh token",
            ),
            (
                json!({"errors": [{"errorType": "invalid_grant", "message": "m"}], "success": false}),
                "invalid_grant",
                "m",
            ),
            (json!({"errors": ["invalid_grant"]}), "invalid_grant", ""),
            (json!({"error": {"code": "invalid_grant", "message": "m"}}), "invalid_grant", "m"),
            (
                json!({"error": {"code": 190, "type": "OAuthException", "message": "Expired."}}),
                "expired",
                "Expired.",
            ),
            (json!({"ok": false, "error": "invalid_refresh_token"}), "invalid_refresh_token", ""),
            (
                json!({"errcode": 40030, "errmsg": "invalid refresh_token"}),
                "invalid_refresh_token",
                "invalid refresh_token",
            ),
            (json!({}), "", ""),
        ] {
            let error = read(answer.clone());
            assert_eq!((error.name().as_str(), error.text.as_str()), (name, text), "{answer}");
        }
    }

    #[test]
    fn r4_r5_what_is_no_error() {
        for answer in [
            json!({}),
            json!({"error": null, "errors": [], "errcode": 0, "ok": true, "status": 200}),
            json!({"error": "", "success": true}),
            json!({"error": false}),
        ] {
            assert!(!ErrorAnswer::is_in(answer.as_object().unwrap()), "{answer}");
        }
        for answer in [
            json!({"error": {"message": "x"}}),
            json!({"error": 1}),
            json!({"ok": false}),
            json!({"errcode": 1}),
        ] {
            assert!(ErrorAnswer::is_in(answer.as_object().unwrap()), "{answer}");
        }
    }

    #[test]
    fn r2_the_client_the_provider_or_the_grant() {
        for name in ["invalid_client", "Invalid client secret", "invalid_scope", "unauthorized_client"] {
            assert!(
                read(json!({"error": name})).is_clients() && read(json!({"message": name})).is_clients(),
                "{name}"
            );
        }
        for name in ["slow_down", "Rate limit exceeded", "ratelimited", "temporarily_unavailable"] {
            assert!(
                read(json!({"error": name})).is_temporary() && read(json!({"message": name})).is_temporary(),
                "{name}"
            );
        }
        for name in ["invalid_grant", "interaction_required", "token_revoked", "invalid_request"] {
            let error = read(json!({"error": name}));
            assert!(!error.is_clients() && !error.is_temporary(), "{name}");
        }
    }
}
