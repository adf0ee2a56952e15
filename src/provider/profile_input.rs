//! What profiles are read from.

use std::collections::BTreeMap;

use serde_json::Value;

/// What a preset's function reads a profile from: the provider's answers, and the preset's own keys.
///
/// ```
/// use rocket_dance::provider::{GitHub, ProfileInput, Provider};
///
/// let answer = serde_json::json!({ "id": 583231, "login": "octocat" });
/// let parameters = Default::default();
/// let profile = (GitHub::PRESET.profile)(&ProfileInput::new(&answer, &parameters))?;
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
}

impl<'a> ProfileInput<'a> {
    /// Creates the input from these `claims`, for an entry with these `parameters`. Useful in tests of a preset.
    pub fn new(claims: &'a Value, parameters: &'a BTreeMap<String, String>) -> Self {
        Self { claims, parameters }
    }
}
