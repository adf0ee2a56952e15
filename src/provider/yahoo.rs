use super::{ParameterKind, Preset, Provider, RefreshTokens};

/// Yahoo, with OpenID Connect.
///
/// - Register: <https://developer.yahoo.com/apps/create/>, with the OpenID Connect permissions Email and Profile. The callback
///   URL must be https.
/// - Refresh: every token has a refresh token; the refresh repeats the callback URL. Revocation: the tokens.
///
/// Sources, as of 2026-11-20: <https://developer.yahoo.com/oauth2/guide/openid_connect/>,
/// <https://api.login.yahoo.com/.well-known/openid-configuration>; social-core, django-allauth.
#[derive(Debug, Clone, Copy)]
pub struct Yahoo;

impl Provider for Yahoo {
    const NAME: &'static str = "yahoo";
    const PRESET: Preset = Preset {
        title: "Yahoo",
        issuer: Some("https://api.login.yahoo.com"),
        refresh_tokens: RefreshTokens::Always,
        refresh_params: &[("redirect_uri", "{redirect_uri}")],
        parameters: &[
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
            ("max_age", ParameterKind::AuthorizationParam("max_age")),
        ],
        ..Preset::OIDC
    };
}
