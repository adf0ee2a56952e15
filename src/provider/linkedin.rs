use super::{ClientAuthMethod, Preset, Provider, RefreshTokens};

/// LinkedIn.
///
/// - Register: <https://www.linkedin.com/developers/apps>, with the product "Sign In with LinkedIn using OpenID Connect".
/// - Refresh: only for selected partners, whose tokens have a refresh token without a request for it. Revocation: the token.
/// - It is read as OAuth 2 with userinfo: LinkedIn's ID token has no nonce, which OpenID Connect requires.
/// - A request with a PKCE verifier is answered with `invalid_client`.
/// - Users of the older API (`v2/me`) had other ids.
///
/// Sources, as of 2026-11-28:
/// <https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2>; hanko pull request 2405,
/// next-auth, social-core.
#[derive(Debug, Clone, Copy)]
pub struct LinkedIn;

impl Provider for LinkedIn {
    const NAME: &'static str = "linkedin";
    const PRESET: Preset = Preset {
        title: "LinkedIn",
        authorization_url: Some("https://www.linkedin.com/oauth/v2/authorization"),
        token_url: Some("https://www.linkedin.com/oauth/v2/accessToken"),
        revocation_url: Some("https://www.linkedin.com/oauth/v2/revoke"),
        userinfo_url: Some("https://api.linkedin.com/v2/userinfo"),
        api_base_url: Some("https://api.linkedin.com/v2/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["openid", "profile", "email"],
        refresh_tokens: RefreshTokens::Always,
        pkce: false,
        ..Preset::OAUTH2
    };
}
