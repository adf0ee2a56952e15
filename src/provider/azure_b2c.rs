use super::{ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider};

/// Azure Active Directory B2C, with OpenID Connect.
///
/// - Microsoft sells no new tenants since May 2025; existing ones are supported until at least 2030.
/// - Register an application in the tenant. Redirect URI: the callback URL that the log shows at launch.
/// - Own keys, all required: `domain`, the host (`my-tenant.b2clogin.com` or a custom domain); `tenant_id`, the tenant's GUID;
///   `policy`, the user flow (`B2C_1_signupsignin1`).
/// - In the user flow's token compatibility settings, the issuer must be the one with `tfp`: it is the only one that conforms
///   to OpenID Connect Discovery.
/// - Scope: `openid` and the client's own id, without which B2C gives no access token. Names and addresses are the claims that
///   the user flow returns, not scopes. Refresh tokens: with the scope `offline_access`, which `offline = true` adds.
/// - The id is `sub`, the object id of the user. Addresses are in the list `emails`. B2C's answer does not prove them.
///
/// Sources, checked on 2026-11-28: <https://learn.microsoft.com/azure/active-directory-b2c/tokens-overview> (issuer, `sub`),
/// <https://learn.microsoft.com/azure/active-directory-b2c/access-tokens> (the client's id as a scope); Auth.js `azure-ad-b2c`,
/// SocialiteProviders `AzureADB2C`, social-core `azuread_b2c`.
#[derive(Debug, Clone, Copy)]
pub struct AzureB2c;

impl Provider for AzureB2c {
    const NAME: &'static str = "azure_b2c";
    const PRESET: Preset = Preset {
        title: "Azure AD B2C",
        issuer: Some("https://{domain}/tfp/{tenant_id}/{policy}/v2.0/"),
        scope: &["openid", "{client_id}"],
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        parameters: &[
            ("domain", ParameterKind::Host("")),
            ("tenant_id", ParameterKind::Segment("")),
            ("policy", ParameterKind::Segment("")),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
            ("domain_hint", ParameterKind::AuthorizationParam("domain_hint")),
        ],
        fields: ProfileFields {
            name: "name | given_name + family_name",
            email: &[("emails.0", EmailVerified::Never), ("email", EmailVerified::Never)],
            ..ProfileFields::OPENID
        },
        ..Preset::OIDC
    };
}
