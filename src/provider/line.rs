use super::{
    ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens,
    RevocationRequest, SigningAlgorithm,
};

/// LINE Login v2.1, with OpenID Connect.
///
/// - Register: <https://developers.line.biz/console/>, a channel "LINE Login".
/// - Scope: `email` needs a permission, which the console requests. The address is in the ID token only, and LINE does not say
///   whether it is verified.
/// - Refresh: every token has a refresh token. Revocation: the access token.
/// - Own key: `bot_prompt` (`normal` or `aggressive`), which offers to add the app's official account.
/// - ID tokens of web sign-ins are signed with HS256 and the channel secret.
///
/// Sources, as of 2026-11-20: <https://developers.line.biz/en/docs/line-login/integrate-line-login/>,
/// <https://developers.line.biz/en/docs/line-login/verify-id-token/>,
/// <https://developers.line.biz/en/reference/line-login/>.
#[derive(Debug, Clone, Copy)]
pub struct Line;

impl Provider for Line {
    const NAME: &'static str = "line";
    const PRESET: Preset = Preset {
        title: "LINE",
        issuer: Some("https://access.line.me"),
        revocation_url: Some("https://api.line.me/oauth2/v2.1/revoke"),
        api_base_url: Some("https://api.line.me/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        refresh_tokens: RefreshTokens::Always,
        signing_algorithms: &[SigningAlgorithm::HS256, SigningAlgorithm::ES256],
        revocation: RevocationRequest::TokenRequest(&[("access_token", "{access_token}")]),
        parameters: &[
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("bot_prompt", ParameterKind::AuthorizationParam("bot_prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        fields: ProfileFields { email: &[("email", EmailVerified::Never)], ..ProfileFields::OPENID },
        ..Preset::OIDC
    };
}
