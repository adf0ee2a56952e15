//! A token endpoint's answer.
//!
//! It is read once, into one typed value. Providers differ in how they write it:
//!
//! | field | accepted |
//! |---|---|
//! | `access_token` | a text without spaces and control characters |
//! | `token_type` | `bearer` in any case, or another one of `token_types`; may be absent with `assume_bearer` |
//! | `expires_in` | seconds as a number or as digits in a text; 0 and absent: not known |
//! | `refresh_token`, `id_token` | a text; null, empty and absent: none |
//! | `scope` | a text with spaces or commas, or a list of texts; null and absent: the requested scope |

use std::fmt;

use serde_json::{Map, Value};

use crate::config::OAuth2Options;
use crate::profile::claims;
use crate::secret::Secret;
use crate::token::Token;

/// Maximum lifetime of an access token, in seconds.
const MAX_LIFETIME: f64 = 10_000_000_000.0;

/// A successful answer of the token endpoint (RFC 6749 §5.1).
pub(super) struct TokenAnswer {
    access_token: Secret,
    /// `bearer`, as the provider spells it.
    token_type: String,
    /// Lifetime of the access token, in seconds.
    expires_in: Option<i64>,
    refresh_token: Option<Secret>,
    /// The granted scope. None means: the requested scope.
    scope: Option<Vec<String>>,
    id_token: Option<Secret>,
    /// The answer's other fields.
    extra: Map<String, Value>,
}

impl TokenAnswer {
    /// Reads the fields of an answer. Fields that are no token's are kept as they are.
    ///
    /// # Errors
    /// If there is no bearer token in the answer, or a field has the wrong type. The sentence holds no values.
    pub(super) fn read(options: &OAuth2Options, fields: Map<String, Value>) -> Result<Self, &'static str> {
        let fields = &mut inner(options, fields);
        let access_token =
            text(fields, "access_token", "`access_token` is not a text")?.ok_or("no `access_token`")?;
        // The token becomes part of a header, here and wherever the app sends it.
        if access_token.chars().any(|c| c.is_control() || c == ' ') {
            return Err("`access_token` holds a character that no token may hold");
        }
        let token_type = text(fields, "token_type", "`token_type` is not a text")?;
        let token_type = token_type
            .or_else(|| options.assume_bearer.then(|| "bearer".to_owned()))
            .ok_or("no `token_type`")?;
        if !options.token_types.contains(&token_type.to_ascii_lowercase()) {
            return Err("`token_type` is none that the entry accepts: set `token_types`");
        }
        Ok(Self {
            access_token: Secret::new(access_token),
            token_type,
            refresh_token: text(fields, "refresh_token", "`refresh_token` is not a text")?.map(Secret::new),
            id_token: text(fields, "id_token", "`id_token` is not a text")?.map(Secret::new),
            expires_in: lifetime(fields.remove("expires_in"))?,
            scope: scope(fields.remove("scope"))?,
            extra: std::mem::take(fields),
        })
    }

    /// Returns the token, as obtained at `now` (unix seconds). If the answer names no scope, the token has the `requested`
    /// scope (RFC 6749 §5.1).
    pub(super) fn into_token(self, requested: &[String], now: i64) -> Token {
        Token {
            access_token: self.access_token,
            token_secret: None,
            token_type: self.token_type,
            refresh_token: self.refresh_token,
            id_token: self.id_token,
            scope: self.scope.unwrap_or_else(|| requested.to_vec()),
            extra: self.extra,
            obtained_at: now,
            expires_at: self.expires_in.map(|seconds| now.saturating_add(seconds)),
        }
        .cleaned()
    }
}

/// The object with the token: at the entry's path, or else the answer itself.
fn inner(options: &OAuth2Options, fields: Map<String, Value>) -> Map<String, Value> {
    if options.token_answer_path.is_empty() || fields.contains_key("access_token") {
        return fields;
    }
    let fields = Value::Object(fields);
    match (claims::get(&fields, options.token_answer_path).cloned(), fields) {
        (Some(Value::Object(inner)), _) | (_, Value::Object(inner)) => inner,
        _ => Map::new(),
    }
}

/// Takes the text `name`. null and an empty text count as absent.
fn text(
    fields: &mut Map<String, Value>,
    name: &str,
    wrong_type: &'static str,
) -> Result<Option<String>, &'static str> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(wrong_type),
    }
}

/// Reads a lifetime in seconds (TR-04): a number, or digits in a text. A fraction is cut off. Some providers send 0 for a
/// token that never expires.
fn lifetime(value: Option<Value>) -> Result<Option<i64>, &'static str> {
    let seconds = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        Some(_) => None,
    };
    match seconds {
        Some(0.0) => Ok(None),
        Some(seconds) if (0.0..=MAX_LIFETIME).contains(&seconds) => Ok(Some(seconds as i64)),
        _ => Err("`expires_in` is not a number of seconds"),
    }
}

/// Reads a scope (TR-05): a text with spaces or commas between the names, or a list. An empty scope is a scope.
fn scope(value: Option<Value>) -> Result<Option<Vec<String>>, &'static str> {
    const WRONG_TYPE: &str = "`scope` is neither a text nor a list of texts";
    let split = |text: &str| {
        let names = text.split([' ', ',']).filter(|name| !name.is_empty());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(split(&text))),
        Some(Value::Array(list)) => {
            let names = list.iter().map(|name| name.as_str().map(split).ok_or(WRONG_TYPE));
            Ok(Some(names.collect::<Result<Vec<_>, _>>()?.concat()))
        }
        Some(_) => Err(WRONG_TYPE),
    }
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenAnswer").field("scope", &self.scope).finish_non_exhaustive()
    }
}
