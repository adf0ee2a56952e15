//! What profiles are read from.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::profile_fields::ProfileFields;
use crate::profile::claims;

/// What a profile is read from: the provider's answers, and the preset's own keys.
///
/// ```
/// use rocket_dance::provider::{GitHub, ProfileInput, Provider};
///
/// let answer = serde_json::json!({ "id": 583231, "login": "octocat" });
/// let parameters = Default::default();
/// let profile = GitHub::PRESET.read_profile(ProfileInput::new(&answer, &parameters))?;
/// assert_eq!(profile.id.as_deref(), Some("583231"));
/// # Ok::<(), rocket_dance::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ProfileInput<'a> {
    /// The userinfo. With OpenID Connect: the claims of the ID token, with those of the userinfo laid over them; an address
    /// and the claims that verify it come from one of the two. The answers of
    /// [`Preset::extra_userinfo_urls`](super::Preset::extra_userinfo_urls) are in it under their names.
    pub claims: &'a Value,
    /// The values of the preset's own keys ([`Preset::parameters`](super::Preset::parameters)) in the entry.
    pub parameters: &'a BTreeMap<String, String>,
    /// The fields of the token answer that are not the token's own: an object. If the access token is a JWT, its claims are
    /// in `access_token`.
    pub token: &'a Value,
    /// The kept parameters of the callback ([`Preset::callback_params`](super::Preset::callback_params)): an object. A
    /// JSON object in a parameter is an object here, too.
    pub callback: &'a Value,
    pub(crate) fields: &'a ProfileFields,
}

impl<'a> ProfileInput<'a> {
    /// Creates the input from these `claims`, for an entry with these `parameters`. Useful in tests of a preset.
    pub fn new(claims: &'a Value, parameters: &'a BTreeMap<String, String>) -> Self {
        const NOTHING: &Value = &Value::Null;
        Self { claims, parameters, token: NOTHING, callback: NOTHING, fields: &ProfileFields::OPENID }
    }

    /// Adds the fields of a token answer.
    #[must_use]
    pub fn with_token(self, token: &'a Value) -> Self {
        Self { token, ..self }
    }

    /// Adds the kept parameters of a callback.
    #[must_use]
    pub fn with_callback(self, callback: &'a Value) -> Self {
        Self { callback, ..self }
    }

    /// The document that `path` is in, and the path in it.
    pub(super) fn source<'p>(&self, path: &'p str) -> Option<(&'a Value, &'p str)> {
        if let Some(path) = path.strip_prefix("token.") {
            return Some((self.token, path));
        }
        if let Some(path) = path.strip_prefix("callback.") {
            return Some((self.callback, path));
        }
        (!path.is_empty()).then_some((self.claims, path))
    }

    /// The value at `path`.
    pub(super) fn get(&self, path: &str) -> Option<&'a Value> {
        let (source, path) = self.source(path)?;
        claims::get(source, path)
    }

    /// The text or the whole number at `path`.
    pub(super) fn word(&self, path: &str) -> Option<String> {
        let (source, path) = self.source(path)?;
        claims::id(source, path).ok()?
    }
}

/// The text or the whole number at the path `token.…` in the fields of a token answer.
pub(crate) fn token_field(fields: &Map<String, Value>, name: &str) -> Option<String> {
    let path = name.strip_prefix("token.")?;
    claims::id(&Value::Object(fields.clone()), path).ok()?
}

/// The object of kept parameters of a callback, see [`ProfileInput::callback`].
pub(crate) fn callback_fields(parameters: &BTreeMap<String, String>) -> Value {
    let field = |text: &String| match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => value,
        _ => Value::String(text.clone()),
    };
    Value::Object(parameters.iter().map(|(name, text)| (name.clone(), field(text))).collect::<Map<_, _>>())
}
