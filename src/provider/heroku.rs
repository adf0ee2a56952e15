use super::{ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// Heroku.
///
/// - Register: <https://dashboard.heroku.com/account/applications>, "API Clients".
/// - Scope: `identity`. Refresh: every token has a refresh token; a token lasts 8 hours. Revocation: not supported.
/// - Own key: `api_version`, for the header `Accept` of every request.
/// - `verified` of the answer is about billing information, so an address is never verified.
///
/// Sources, as of 2026-11-20: <https://devcenter.heroku.com/articles/oauth>,
/// <https://devcenter.heroku.com/articles/platform-api-reference#account>; heroku-go's schema, Flask-Dance, SocialiteProviders.
#[derive(Debug, Clone, Copy)]
pub struct Heroku;

impl Provider for Heroku {
    const NAME: &'static str = "heroku";
    const PRESET: Preset = Preset {
        title: "Heroku",
        authorization_url: Some("https://id.heroku.com/oauth/authorize"),
        token_url: Some("https://id.heroku.com/oauth/token"),
        userinfo_url: Some("https://api.heroku.com/account"),
        api_base_url: Some("https://api.heroku.com/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["identity"],
        refresh_tokens: RefreshTokens::Always,
        pkce: false,
        headers: &[("Accept", "application/vnd.heroku+json; version={api_version}")],
        parameters: &[("api_version", ParameterKind::Text("3"))],
        fields: ProfileFields {
            id: "id",
            name: "name",
            email: &[("email", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
