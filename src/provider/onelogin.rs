use super::{EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// OneLogin, with OpenID Connect.
///
/// - Register an application of the kind "OpenId Connect (OIDC)" in the administration, with the token endpoint method Basic.
///   Redirect URI: the callback URL that the log shows at launch.
/// - Own key: `domain`, the host of the account (`my-company.onelogin.com`), which is required.
/// - Refresh tokens: as the application is set up; OneLogin's current version has no scope `offline_access`.
/// - The address is never verified: it is what the company's directory contains. An entry that trusts the directory sets
///   `trust_email` and `profile = { email_verified = "email_verified" }`, if the application sends that claim.
///
/// Sources, checked on 2026-11-28: <https://developers.onelogin.com/openid-connect>; Auth.js `onelogin` (the issuer's path).
#[derive(Debug, Clone, Copy)]
pub struct OneLogin;

impl Provider for OneLogin {
    const NAME: &'static str = "onelogin";
    const PRESET: Preset = Preset {
        title: "OneLogin",
        issuer: Some("https://{domain}/oidc/2"),
        refresh_tokens: RefreshTokens::Unknown,
        parameters: &[
            ("domain", ParameterKind::Host("")),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        fields: ProfileFields {
            name: "name | given_name + family_name",
            email: &[("email", EmailVerified::Never)],
            ..ProfileFields::OPENID
        },
        ..Preset::OIDC
    };
}
