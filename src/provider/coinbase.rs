use super::{ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens};

/// Coinbase.
///
/// - Register at <https://portal.cdp.coinbase.com/>, under API keys, OAuth. In 2026 Coinbase creates OAuth clients only for
///   approved partners. Redirect URI: the callback URL that the log shows at launch.
/// - Scopes: `wallet:user:read` (id, name, picture), `wallet:user:email` (address), `wallet:accounts:read` and others for
///   the wallet. They must be declared at registration.
/// - Refresh tokens: with the scope `offline_access`, which `offline = true` adds. Each is used once.
/// - Coinbase does not say whether the address is verified.
/// - Not verified: a revocation of the refresh token; the documentation names the access token.
///
/// Sources, checked on 2026-11-28: <https://docs.cdp.coinbase.com/coinbase-app/oauth2-integration/reference> and
/// <https://docs.cdp.coinbase.com/coinbase-app/oauth2-integration/integrations> (scopes joined by a space); Auth.js
/// `coinbase`, social-core `coinbase` and SocialiteProviders `Coinbase` (the answer).
#[derive(Debug, Clone, Copy)]
pub struct Coinbase;

impl Provider for Coinbase {
    const NAME: &'static str = "coinbase";
    const PRESET: Preset = Preset {
        title: "Coinbase",
        authorization_url: Some("https://login.coinbase.com/oauth2/auth"),
        token_url: Some("https://login.coinbase.com/oauth2/token"),
        revocation_url: Some("https://login.coinbase.com/oauth2/revoke"),
        userinfo_url: Some("https://api.coinbase.com/v2/user"),
        api_base_url: Some("https://api.coinbase.com/v2/"),
        scope: &["wallet:user:read", "wallet:user:email"],
        refresh_tokens: RefreshTokens::WithScope("offline_access"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        fields: ProfileFields {
            id: "data.id",
            name: "data.name",
            username: "data.username",
            image_url: "data.avatar_url",
            email: &[("data.email", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
