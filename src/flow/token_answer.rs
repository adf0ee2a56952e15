//! Token answers.

use std::fmt;
use std::time::Duration;

use ::oauth2::{AccessToken, RefreshToken, Scope, TokenResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::http::{Response, is_of_type};
use super::json;
use crate::config::Entry;
use crate::secret::Secret;
use crate::token::Token;

/// What the token endpoint answered (RFC 6749 §5.1), read as strictly as sign-in needs and as kindly as providers need.
#[derive(Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub(crate) struct TokenAnswer {
    access_token: AccessToken,
    token_type: Bearer,
    expires_in: Option<Duration>,
    refresh_token: Option<RefreshToken>,
    scope: Option<Vec<Scope>>,
    pub(crate) id_token: Option<Secret>,
    extra: Map<String, Value>,
}

/// `bearer`, as the provider wrote it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bearer(String);

impl ::oauth2::TokenType for Bearer {}

impl TryFrom<Map<String, Value>> for TokenAnswer {
    type Error = &'static str;

    fn try_from(mut fields: Map<String, Value>) -> Result<Self, Self::Error> {
        let mut text = |name, wrong| match fields.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong),
        };
        let access_token =
            text("access_token", "`access_token` is not a text")?.ok_or("no `access_token`")?;
        // It goes into a header, here and at whoever the app hands it to.
        if access_token.chars().any(|c| c.is_control() || c == ' ') {
            return Err("`access_token` holds what no token may");
        }
        let token_type = text("token_type", "`token_type` is not a text")?.ok_or("no `token_type`")?;
        if !token_type.eq_ignore_ascii_case("bearer") {
            return Err("`token_type` is not `bearer`");
        }
        let refresh_token = text("refresh_token", "`refresh_token` is not a text")?;
        let id_token = text("id_token", "`id_token` is not a text")?;
        Ok(Self {
            access_token: AccessToken::new(access_token),
            token_type: Bearer(token_type),
            refresh_token: refresh_token.map(RefreshToken::new),
            id_token: id_token.map(Secret::new),
            expires_in: expires_in(fields.remove("expires_in"))?,
            scope: scope(fields.remove("scope"))?,
            extra: fields,
        })
    }
}

/// The fields of what a token endpoint answered: JSON, or a form where the answer or the entry says so (TR-06).
pub(super) fn fields(entry: &Entry, answer: &Response) -> Option<Map<String, Value>> {
    let is_form = entry.form_token_answer || is_of_type(answer, "application/x-www-form-urlencoded");
    let mut fields = match json::object(answer.body()) {
        Ok(fields) => fields,
        Err(_) if is_form => form(answer.body())?,
        Err(_) => return None,
    };
    let token_type = fields.get("token_type");
    if entry.assume_bearer && token_type.is_none_or(|kind| kind.is_null() || kind == "") {
        fields.insert("token_type".into(), "bearer".into());
    }
    Some(fields)
}

fn form(body: &[u8]) -> Option<Map<String, Value>> {
    let text = std::str::from_utf8(body).ok().map(str::trim)?;
    if text.starts_with(['{', '[', '<', '"']) || !text.contains('=') || text.contains(char::is_whitespace) {
        return None;
    }
    let mut fields = Map::new();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        if fields.insert(name.into_owned(), Value::String(value.into_owned())).is_some() {
            return None;
        }
    }
    Some(fields)
}

/// TR-04: seconds as a number or digits; a part of one is dropped. `0` is how some say "never".
fn expires_in(value: Option<Value>) -> Result<Option<Duration>, &'static str> {
    const MOST: f64 = 10_000_000_000.0;
    let seconds = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        Some(_) => None,
    };
    match seconds {
        Some(0.0) => Ok(None),
        Some(seconds) if (0.0..=MOST).contains(&seconds) => {
            Ok(Some(Duration::from_secs_f64(seconds.trunc())))
        }
        _ => Err("`expires_in` is not a number of seconds"),
    }
}

/// TR-05: a text with spaces or commas, or a list. Empty is empty; only absent means "as asked".
fn scope(value: Option<Value>) -> Result<Option<Vec<Scope>>, &'static str> {
    const WRONG: &str = "`scope` is neither a text nor a list of texts";
    let split = |text: &str| {
        let names = text.split([' ', ',']).filter(|name| !name.is_empty());
        names.map(|name| Scope::new(name.to_owned())).collect::<Vec<_>>()
    };
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(split(&text))),
        Some(Value::Array(list)) => {
            let names = list.iter().map(|name| name.as_str().map(split).ok_or(WRONG));
            Ok(Some(names.collect::<Result<Vec<_>, _>>()?.concat()))
        }
        Some(_) => Err(WRONG),
    }
}

impl TokenAnswer {
    /// The token, as obtained at `now`, of `scope` where the answer doesn't say.
    pub(crate) fn into_token(self, scope: &[String], now: i64) -> Token {
        let mut token = Token::new(self.access_token.into_secret());
        token.token_type = self.token_type.0;
        token.refresh_token = self.refresh_token.map(|token| Secret::new(token.into_secret()));
        token.id_token = self.id_token;
        token.scope = match self.scope {
            Some(granted) => granted.into_iter().map(|name| name.to_string()).collect(),
            None => scope.to_vec(),
        };
        token.extra = self.extra;
        token.obtained_at = now;
        let lasts = |time: Duration| now.saturating_add(i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
        token.expires_at = self.expires_in.map(lasts);
        token
    }
}

impl TokenResponse for TokenAnswer {
    type TokenType = Bearer;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &Bearer {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        self.scope.as_ref()
    }
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenAnswer").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// Demanded by [`TokenResponse`]; a token is never serialised in plain.
impl Serialize for TokenAnswer {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("a token answer is not serialised"))
    }
}
