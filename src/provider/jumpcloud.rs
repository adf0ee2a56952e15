use super::{EmailVerified, ParameterKind, Preset, ProfileFields, Provider};

/// JumpCloud, with OpenID Connect.
///
/// - Register an SSO application with OIDC in the administration, with the authentication type Client Secret Basic. Redirect
///   URI: the callback URL that the log shows at launch.
/// - Own key: `hostname`. Organizations of the European region are at `oauth.id.eu.jumpcloud.com`, those of the Indian region at
///   `oauth.id.in.jumpcloud.com`.
/// - Refresh tokens: with the scope `offline_access`, which `offline = true` adds, if the application allows them.
/// - The address is never verified: it is what the company's directory contains. An entry that trusts the directory sets
///   `profile = { email_verified = "email_verified" }`.
///
/// Sources, checked on 2026-11-28: <https://jumpcloud.com/support/sso-with-oidc>; SocialiteProviders `JumpCloud`, OpenAuth
/// `jumpcloud`.
#[derive(Debug, Clone, Copy)]
pub struct JumpCloud;

impl Provider for JumpCloud {
    const NAME: &'static str = "jumpcloud";
    const PRESET: Preset = Preset {
        title: "JumpCloud",
        issuer: Some("https://{hostname}/"),
        parameters: &[
            ("hostname", ParameterKind::Host("oauth.id.jumpcloud.com")),
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
