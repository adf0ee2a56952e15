use super::{ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens};

/// Asana.
///
/// - Register: <https://app.asana.com/0/my-apps>. Redirect URL: the callback URL that the log shows at launch.
/// - Scopes: `openid email profile`, which must be among the app's permission scopes. An app has these fine-grained scopes or
///   "full permissions", not both; with full permissions a request must name no scope: `scope = []`, with
///   `userinfo_url = "https://app.asana.com/api/1.0/users/me"` and `profile = { id = "data.gid", name = "data.name" }`.
/// - Refresh: always. Revocation: yes.
/// - Quirks: the userinfo is that of OpenID Connect; `users/me` needs the scope `users:read`. The ID token is not read.
/// - Address: never verified; Asana does not say it.
///
/// Sources, checked on 2026-11-28: <https://developers.asana.com/docs/openid-connect>, <https://developers.asana.com/docs/oauth>,
/// <https://developers.asana.com/docs/oauth-scopes>; social-core 3bb06abd, SocialiteProviders 47679c14.
#[derive(Debug, Clone, Copy)]
pub struct Asana;

impl Provider for Asana {
    const NAME: &'static str = "asana";
    const PRESET: Preset = Preset {
        title: "Asana",
        parameters: &[],
        authorization_url: Some("https://app.asana.com/-/oauth_authorize"),
        token_url: Some("https://app.asana.com/-/oauth_token"),
        revocation_url: Some("https://app.asana.com/-/oauth_revoke"),
        userinfo_url: Some("https://app.asana.com/api/1.0/openid_connect/userinfo"),
        api_base_url: Some("https://app.asana.com/api/1.0/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["openid", "email", "profile"],
        refresh_tokens: RefreshTokens::Always,
        fields: ProfileFields { email: &[("email", EmailVerified::Never)], ..ProfileFields::OPENID },
        ..Preset::OAUTH2
    };
}
