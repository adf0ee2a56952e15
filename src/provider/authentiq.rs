use super::{ParameterKind, Preset, Provider};

/// Authentiq. The service has not answered for years: the preset is for configurations that come from another
/// library.
///
/// - Own key: `hostname`, the host of the provider.
/// - Scopes: `~r` marks a required claim, `~s` a signed one.
/// - Not verified: everything, because no server answers. The ID token is not read; the profile is the userinfo.
///
/// Sources, as of 2026-11-20: Flask-Dance 7.1.0, django-allauth.
#[derive(Debug, Clone, Copy)]
pub struct Authentiq;

impl Provider for Authentiq {
    const NAME: &'static str = "authentiq";
    const PRESET: Preset = Preset {
        title: "Authentiq",
        notice: "Authentiq has not answered for years. No user can sign in with it: remove the entry.",
        authorization_url: Some("https://{hostname}/authorize"),
        token_url: Some("https://{hostname}/token"),
        userinfo_url: Some("https://{hostname}/userinfo"),
        api_base_url: Some("https://{hostname}/"),
        scope: &["openid", "aq:name", "email~rs"],
        pkce: false,
        parameters: &[("hostname", ParameterKind::Host("connect.authentiq.io"))],
        ..Preset::OAUTH2
    };
}
