//! A token endpoint's answer.
//!
//! It is read once, into one typed value. Providers differ in how they write it. Only `access_token` and `token_type` decide
//! whether the answer can be used; any other field that can't be read counts as absent.
//!
//! | field | accepted |
//! |---|---|
//! | `access_token` | a text without spaces and control characters |
//! | `token_type` | `bearer` in any case, or another one of `token_types`; absent, null and empty: the caller's default |
//! | `expires_in`, else `expires` | seconds as a number or as a text; 0 and anything else: not known |
//! | `expires_at`, or `expires` from 2001 on | unix time in seconds, or a date (RFC 3339), after now; anything else: not known |
//! | `refresh_token`, `id_token` | a text; anything else and empty: none |
//! | `scope` | a text with spaces or commas, or a list of texts; anything else: the requested scope |

use std::fmt;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::config::OAuth2Options;
use crate::profile::claims;
use crate::secret::Secret;
use crate::token::Token;

/// Maximum lifetime of an access token, in seconds.
const MAX_LIFETIME: f64 = 10_000_000_000.0;
/// From this number on, `expires` is a time and not a lifetime (unix time, in seconds): in September 2001.
const MIN_TIME: f64 = 1_000_000_000.0;

/// A successful answer of the token endpoint (RFC 6749 §5.1).
pub(super) struct TokenAnswer {
    access_token: Secret,
    /// `bearer`, as the provider spells it.
    token_type: String,
    expiry: Option<Expiry>,
    refresh_token: Option<Secret>,
    /// The granted scope. None means: the requested scope.
    scope: Option<Vec<String>>,
    id_token: Option<Secret>,
    /// The answer's other fields.
    extra: Map<String, Value>,
}

/// When an access token expires, as the provider says it.
#[derive(Clone, Copy)]
enum Expiry {
    /// Lifetime in seconds.
    In(i64),
    /// Unix time in seconds.
    At(i64),
}

impl TokenAnswer {
    /// Reads the fields of an answer. Fields that are no token's are kept as they are. A missing `token_type` is
    /// `default_type`.
    ///
    /// # Errors
    /// If there is no bearer token in the answer. The sentence holds no values.
    pub(super) fn read(
        options: &OAuth2Options,
        fields: Map<String, Value>,
        default_type: Option<&str>,
    ) -> Result<Self, &'static str> {
        let fields = &mut inner(options, fields);
        let access_token = text(fields, "access_token").ok_or("no `access_token`")?;
        // The token becomes part of a header, here and wherever the app sends it.
        if access_token.chars().any(|c| c.is_control() || c == ' ') {
            return Err("`access_token` holds a character that no token may hold");
        }
        let token_type = match fields.remove("token_type") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text).filter(|text| !text.is_empty()),
            Some(_) => return Err("`token_type` is not a text"),
        };
        let token_type = token_type.or_else(|| default_type.map(str::to_owned)).ok_or("no `token_type`")?;
        if !options.token_types.contains(&token_type.to_ascii_lowercase()) {
            return Err("`token_type` is none that the entry accepts: set `token_types`");
        }
        Ok(Self {
            access_token: Secret::new(access_token),
            token_type,
            refresh_token: text(fields, "refresh_token").map(Secret::new),
            id_token: text(fields, "id_token").map(Secret::new),
            expiry: expiry(fields),
            scope: scope(fields.remove("scope")),
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
            is_refreshed: false,
            expires_at: match self.expiry {
                Some(Expiry::In(seconds)) => Some(now.saturating_add(seconds)),
                Some(Expiry::At(time)) => Some(time).filter(|time| *time > now),
                None => None,
            },
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

/// Returns the refresh token and the ID token in the fields of an answer that holds no usable access token.
pub(super) fn tokens_beside(
    options: &OAuth2Options,
    fields: Map<String, Value>,
) -> (Option<Secret>, Option<Secret>) {
    let fields = &mut inner(options, fields);
    let mut token = |name| text(fields, name).map(Secret::new);
    (token("refresh_token"), token("id_token"))
}

/// Takes the text `name`. An empty text and any other value count as absent.
fn text(fields: &mut Map<String, Value>, name: &str) -> Option<String> {
    match fields.remove(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// Reads when the token expires (TR-04). A fraction is cut off. Some providers send 0 for a token that never expires. The
/// fields stay in the answer, except `expires_in`: an app may know better what they mean.
fn expiry(fields: &mut Map<String, Value>) -> Option<Expiry> {
    let lifetime =
        |seconds: f64| (1.0..=MAX_LIFETIME).contains(&seconds).then_some(Expiry::In(seconds as i64));
    let time =
        |seconds: f64| (MIN_TIME..=MAX_LIFETIME).contains(&seconds).then_some(Expiry::At(seconds as i64));
    let expires_in = fields.remove("expires_in").as_ref().and_then(number);
    let expires = fields.get("expires").and_then(number);
    let expires_at = || {
        let field = fields.get("expires_at").or(fields.get("expires"))?;
        let date = || OffsetDateTime::parse(field.as_str()?, &Rfc3339).ok();
        number(field).or_else(|| Some(date()?.unix_timestamp() as f64)).and_then(time)
    };
    expires_in
        .and_then(lifetime)
        .or_else(|| expires.filter(|seconds| *seconds < MIN_TIME).and_then(lifetime))
        .or_else(expires_at)
}

/// Reads a number: a JSON number, or a text of digits with or without a fraction.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
            text.parse().ok()
        }
        _ => None,
    }
}

/// Reads a scope (TR-05): a text with spaces or commas between the names, or a list. An empty scope is a scope.
pub(super) fn scope(value: Option<Value>) -> Option<Vec<String>> {
    let texts = match value? {
        Value::String(text) => vec![text],
        Value::Array(list) => {
            let texts: Vec<_> = list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
            // A list of something else is no scope.
            if texts.is_empty() && !list.is_empty() {
                return None;
            }
            texts
        }
        _ => return None,
    };
    let names = texts.iter().flat_map(|text| text.split([' ', ',']));
    Some(names.filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenAnswer").field("scope", &self.scope).finish_non_exhaustive()
    }
}
