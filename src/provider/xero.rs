use super::{EmailVerified, Preset, ProfileFields, Provider};

/// Xero, with OpenID Connect.
///
/// - Register at <https://developer.xero.com/app/manage>. Redirect URI: the callback URL that the log shows at launch.
/// - Scopes: `openid profile email` (id, name, address); `accounting.transactions` and others for the APIs. API calls need the
///   header `Xero-Tenant-Id`, from `https://api.xero.com/connections`.
/// - Refresh tokens: with the scope `offline_access`, which `offline = true` adds. Each is used once.
/// - The ID token has no `email_verified`: the address is a claim.
/// - The id is `sub`, as OpenID Connect requires. Some other libraries use `xero_userid`.
///
/// Sources, checked on 2026-11-28: <https://developer.xero.com/documentation/guides/oauth2/auth-flow>; Xero's own client
/// xero-node 15 (issuer, claims of the ID token), SocialiteProviders `Xero`.
#[derive(Debug, Clone, Copy)]
pub struct Xero;

impl Provider for Xero {
    const NAME: &'static str = "xero";
    const PRESET: Preset = Preset {
        title: "Xero",
        issuer: Some("https://identity.xero.com"),
        api_base_url: Some("https://api.xero.com/"),
        fields: ProfileFields {
            name: "name | given_name + family_name",
            email: &[("email", EmailVerified::Never)],
            ..ProfileFields::OPENID
        },
        ..Preset::OIDC
    };
}
