use super::{ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// Kinde, with OpenID Connect.
///
/// - Register a back-end web application in Kinde. Allowed callback URL: the callback URL that the log shows at launch.
/// - Own key: `domain`, the host of the business (`my-app.kinde.com` or a custom domain), which is required.
/// - Refresh tokens: with the scope `offline`, which `offline = true` adds.
/// - The address counts as verified if Kinde says so in `email_verified`.
///
/// Sources, checked on 2026-11-28: <https://docs.kinde.com/developer-tools/about/using-kinde-without-an-sdk/>; Auth.js `kinde`,
/// SocialiteProviders `Kinde` (the scope `offline`).
#[derive(Debug, Clone, Copy)]
pub struct Kinde;

impl Provider for Kinde {
    const NAME: &'static str = "kinde";
    const PRESET: Preset = Preset {
        title: "Kinde",
        issuer: Some("https://{domain}"),
        refresh_tokens: RefreshTokens::WithScope("offline"),
        parameters: &[
            ("domain", ParameterKind::Host("")),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        fields: ProfileFields { name: "name | given_name + family_name", ..ProfileFields::OPENID },
        ..Preset::OIDC
    };
}
