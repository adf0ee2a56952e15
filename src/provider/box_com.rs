use super::{ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens};

/// Box: the preset `box`.
///
/// - Register: <https://app.box.com/developers/console>, "Custom App", "User Authentication (OAuth 2.0)". Redirect URI: the
///   callback URL that the log shows at launch.
/// - Scopes: none in the request; the app's configuration sets them.
/// - Refresh: always; a refresh token is used once, and lives for 60 days. Revocation: yes.
/// - Quirks: `login` is the user's address, which can change: it is never the id.
/// - Address: never verified; Box does not say it.
///
/// Sources, checked on 2026-11-20: <https://developer.box.com/guides/authentication/oauth2/>,
/// <https://developer.box.com/reference/get-users-me/>; social-core 3bb06abd, arctic 67ff698, goth 9c7a282.
#[derive(Debug, Clone, Copy)]
pub struct BoxCom;

impl Provider for BoxCom {
    const NAME: &'static str = "box";
    const PRESET: Preset = Preset {
        title: "Box",
        parameters: &[],
        authorization_url: Some("https://account.box.com/api/oauth2/authorize"),
        token_url: Some("https://api.box.com/oauth2/token"),
        revocation_url: Some("https://api.box.com/oauth2/revoke"),
        userinfo_url: Some("https://api.box.com/2.0/users/me"),
        api_base_url: Some("https://api.box.com/2.0/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        pkce: false,
        refresh_tokens: RefreshTokens::Always,
        fields: ProfileFields {
            id: "id",
            name: "name",
            image_url: "avatar_url",
            email: &[("login", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
