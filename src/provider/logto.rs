use super::{ParameterKind, Preset, ProfileFields, Provider};

/// Logto, with OpenID Connect.
///
/// - Register a traditional web application in the console. Redirect URI: the callback URL that the log shows at launch.
/// - Own key: `domain`, the host of the endpoint (`my-tenant.logto.app` or a custom domain), which is required.
/// - Refresh tokens: with the scope `offline_access`, which `offline = true` adds. Logto then also requires
///   `prompt = "consent"`.
/// - The user name is in the claim `username`. The claims of names and address are in the userinfo.
/// - The address counts as verified if Logto says so in `email_verified`.
///
/// Sources, checked on 2026-11-28: <https://docs.logto.io/quick-starts/next-auth>; Auth.js `logto`, SocialiteProviders `Logto`.
#[derive(Debug, Clone, Copy)]
pub struct Logto;

impl Provider for Logto {
    const NAME: &'static str = "logto";
    const PRESET: Preset = Preset {
        title: "Logto",
        issuer: Some("https://{domain}/oidc"),
        parameters: &[
            ("domain", ParameterKind::Host("")),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        fields: ProfileFields { username: "username", ..ProfileFields::OPENID },
        ..Preset::OIDC
    };
}
