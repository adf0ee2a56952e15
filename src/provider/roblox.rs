use super::{ClientAuthMethod, Preset, ProfileFields, Provider, RefreshTokens};

/// Roblox, with OpenID Connect.
///
/// - Register at <https://create.roblox.com/dashboard/credentials>. Redirect URL: the callback URL that the log shows at
///   launch.
/// - Scopes: `openid` (id), `profile` (names, page, picture). There is no address for third-party apps.
/// - Every sign-in gives a refresh token, which is used once. Removed accounts are revoked.
/// - The user can change name and user name: only `sub`, the user's number, is the id. The picture can be `null`.
///
/// Sources, checked on 2026-11-28: <https://create.roblox.com/docs/cloud/reference/oauth2> (Roblox/creator-docs); Auth.js
/// `roblox`, SocialiteProviders `Roblox`, better-auth `roblox`.
#[derive(Debug, Clone, Copy)]
pub struct Roblox;

impl Provider for Roblox {
    const NAME: &'static str = "roblox";
    const PRESET: Preset = Preset {
        title: "Roblox",
        issuer: Some("https://apis.roblox.com/oauth/"),
        api_base_url: Some("https://apis.roblox.com/"),
        scope: &["openid", "profile"],
        refresh_tokens: RefreshTokens::Always,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        fields: ProfileFields { email: &[], ..ProfileFields::OPENID },
        ..Preset::OIDC
    };
}
