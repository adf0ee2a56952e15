use super::{EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// Spotify.
///
/// - Register: <https://developer.spotify.com/dashboard>. The callback URL must be https, or http on `127.0.0.1`; `localhost`
///   is refused.
/// - Scopes: `user-read-email` for the address, `user-read-private` for country and subscription. Apps in development mode
///   have five users and see no address.
/// - Refresh: every token has a refresh token. Revocation: none.
/// - Own key: `show_dialog`, which asks for consent at every sign-in.
/// - The id is `account_id`: `id` is the user name. Spotify's documentation says that the address is not verified.
///
/// Sources, as of 2026-11-28: <https://developer.spotify.com/documentation/web-api/tutorials/code-flow>,
/// <https://developer.spotify.com/documentation/web-api/references/changes/may-2026>,
/// <https://developer.spotify.com/documentation/web-api/reference/get-current-users-profile>.
#[derive(Debug, Clone, Copy)]
pub struct Spotify;

impl Provider for Spotify {
    const NAME: &'static str = "spotify";
    const PRESET: Preset = Preset {
        title: "Spotify",
        authorization_url: Some("https://accounts.spotify.com/authorize"),
        token_url: Some("https://accounts.spotify.com/api/token"),
        userinfo_url: Some("https://api.spotify.com/v1/me"),
        api_base_url: Some("https://api.spotify.com/v1/"),
        scope: &["user-read-email", "user-read-private"],
        refresh_tokens: RefreshTokens::Always,
        parameters: &[("show_dialog", ParameterKind::AuthorizationFlag("show_dialog", "true"))],
        fields: ProfileFields {
            id: "account_id",
            name: "display_name",
            username: "id",
            profile_url: "external_urls.spotify",
            image_url: "images.0.url",
            email: &[("email", EmailVerified::Never)],
        },
        ..Preset::OAUTH2
    };
}
