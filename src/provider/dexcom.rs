use super::{ClientAuthMethod, ParameterKind, Preset, Provider, RefreshTokens};

/// Dexcom, for connecting an account only: it does not say who the user is.
///
/// - Register: <https://developer.dexcom.com/>.
/// - Refresh: every token has a refresh token, which can be used once. Revocation: none.
/// - Own key: `base_url` of API calls: `https://sandbox-api.dexcom.com` for test data, `https://api.dexcom.eu` in the EU.
///   Sign-in and tokens stay at the production server.
///
/// Sources, as of 2026-11-20: <https://developer.dexcom.com/docs/dexcomv3/endpoint-overview/>,
/// <https://developer.dexcom.com/docs/dexcom/authentication/>; Flask-Dance.
#[derive(Debug, Clone, Copy)]
pub struct Dexcom;

impl Provider for Dexcom {
    const NAME: &'static str = "dexcom";
    const PRESET: Preset = Preset {
        title: "Dexcom",
        authorization_url: Some("https://api.dexcom.com/v2/oauth2/login"),
        token_url: Some("https://api.dexcom.com/v2/oauth2/token"),
        api_base_url: Some("{base_url}/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["offline_access"],
        refresh_tokens: RefreshTokens::Always,
        pkce: false,
        parameters: &[("base_url", ParameterKind::BaseUrl("https://api.dexcom.com"))],
        ..Preset::OAUTH2
    };
}
