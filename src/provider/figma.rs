use super::{EmailVerified, Preset, ProfileFields, Provider, RefreshTokens};

/// Figma.
///
/// - Register: <https://www.figma.com/developers/apps>, "Create a new app". Redirect URL: the callback URL that the log shows at
///   launch. An app must be published before users outside of its team can use it.
/// - Scopes: `current_user:read`. The scopes `file_read` and `files:read` of older examples are deprecated.
/// - Refresh: always, at an endpoint of its own; the answer has no new refresh token, and the old one stays valid.
/// - Revocation: none. Whether Figma has an endpoint could not be verified; the user removes the app in the settings.
/// - Quirks: the token endpoint moved from www.figma.com to api.figma.com; the answer has no `token_type` in some examples, which
///   is accepted.
/// - Address: never verified; Figma does not say it.
///
/// Sources, checked on 2026-11-28: <https://developers.figma.com/docs/rest-api/authentication/>; better-auth 451aa4b6e5
/// (endpoints, Basic, PKCE), arctic 3.7.0 (endpoints, refresh).
#[derive(Debug, Clone, Copy)]
pub struct Figma;

impl Provider for Figma {
    const NAME: &'static str = "figma";
    const PRESET: Preset = Preset {
        title: "Figma",
        parameters: &[],
        authorization_url: Some("https://www.figma.com/oauth"),
        token_url: Some("https://api.figma.com/v1/oauth/token"),
        refresh_url: Some("https://api.figma.com/v1/oauth/refresh"),
        userinfo_url: Some("https://api.figma.com/v1/me"),
        api_base_url: Some("https://api.figma.com/v1/"),
        scope: &["current_user:read"],
        refresh_tokens: RefreshTokens::Always,
        assume_bearer: true,
        fields: ProfileFields {
            id: "id",
            name: "handle",
            username: "handle",
            image_url: "img_url",
            email: &[("email", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
