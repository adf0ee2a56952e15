use super::{ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// Fitbit. Google turned off its Web API and its OAuth endpoints on 2026-11-02: the preset is for configurations that come
/// from another library. The successor is the Google Health API, with the preset [`Google`](super::Google).
///
/// - Scope: `profile`. Refresh: every token had a refresh token, which could be used once. No address.
/// - Own key: `prompt`.
///
/// Sources, as of 2026-11-20: <https://developers.google.com/health/reference>,
/// <https://dev.fitbit.com/build/reference/web-api/>; social-core, Flask-Dance.
#[derive(Debug, Clone, Copy)]
pub struct Fitbit;

impl Provider for Fitbit {
    const NAME: &'static str = "fitbit";
    const PRESET: Preset = Preset {
        title: "Fitbit",
        notice: "Fitbit's sign-in was turned off on 2026-11-02. Use the preset `google` and the Google Health API.",
        authorization_url: Some("https://www.fitbit.com/oauth2/authorize"),
        token_url: Some("https://api.fitbit.com/oauth2/token"),
        revocation_url: Some("https://api.fitbit.com/oauth2/revoke"),
        userinfo_url: Some("https://api.fitbit.com/1/user/-/profile.json"),
        api_base_url: Some("https://api.fitbit.com/"),
        scope: &["profile"],
        refresh_tokens: RefreshTokens::Always,
        parameters: &[("prompt", ParameterKind::AuthorizationParam("prompt"))],
        fields: ProfileFields {
            id: "user.encodedId",
            name: "user.fullName",
            username: "user.displayName",
            image_url: "user.avatar150",
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
