use super::{EmailVerified, ParameterKind, Preset, ProfileFields, Provider};

/// Trello, with OAuth 1.0a.
///
/// - Register: <https://trello.com/power-ups/admin>, a Power-Up, "API Key". Allowed origin: the app's origin. `client_id` is the
///   API key, `client_secret` the secret below it.
/// - Own keys: `app_name`, which the consent page shows; `expiration`: `1hour`, `1day`, `30days` (the default) or `never`.
/// - Scopes: `read,account`; `account` is for the address. OAuth 1 has no scope of its own: further scopes are a parameter,
///   `authorization_params = { scope = "read,write,account" }`.
/// - Refresh: none. Revocation: none from here; the request would need the token in its path.
/// - Quirks: one client (omniauth-trello) reports that the address needs the scope `write` as well.
/// - Address: never verified; Trello does not say it.
///
/// Sources, checked on 2026-11-28: <https://developer.atlassian.com/cloud/trello/guides/rest-api/authorization/>;
/// django-allauth 20f4bded2, social-core 3bb06abd (which uses `username` as the id), grant 500ab20.
#[derive(Debug, Clone, Copy)]
pub struct Trello;

impl Provider for Trello {
    const NAME: &'static str = "trello";
    const PRESET: Preset = Preset {
        title: "Trello",
        parameters: &[
            ("app_name", ParameterKind::AuthorizationParam("name")),
            ("expiration", ParameterKind::AuthorizationParam("expiration")),
        ],
        request_token_url: Some("https://trello.com/1/OAuthGetRequestToken"),
        authorization_url: Some("https://trello.com/1/OAuthAuthorizeToken"),
        token_url: Some("https://trello.com/1/OAuthGetAccessToken"),
        userinfo_url: Some("https://api.trello.com/1/members/me"),
        api_base_url: Some("https://api.trello.com/1/"),
        authorization_params: &[("scope", "read,account")],
        fields: ProfileFields {
            id: "id",
            name: "fullName",
            username: "username",
            profile_url: "url",
            image_url: "{avatarUrl}/170.png",
            email: &[("email", EmailVerified::Never)],
        },
        ..Preset::OAUTH1
    };
}
