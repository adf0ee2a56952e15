use super::{ParameterKind, Preset, ProfileFields, Provider};

/// authentik, with OpenID Connect.
///
/// - Register: in the Admin interface, Applications, "Create with provider", "OAuth2/OpenID", "Confidential". Redirect URI,
///   strict: the callback URL that the log shows at launch. Issuer mode: "Each provider has a different issuer", the default.
/// - Own keys, which are required: `base_url`, the server's address, and `app_slug`, the application's slug. Also `prompt` and
///   `login_hint`.
/// - Scopes: `openid profile email`.
/// - Refresh: with the scope `offline_access` (`offline = true`), which the provider must have among its scopes.
/// - Revocation and sign-out (`logout = true`): discovered.
/// - Quirks: the issuer ends with a slash. The id follows the provider's "Subject mode"; with one based on the user name or
///   the address, it could be given to another user: choose the hashed id, the default, or the UUID.
/// - Address: `email_verified` is false by default since version 2025.10, unless a property mapping sets it. No domain is trusted
///   unless `trust_email` lists it.
///
/// Sources, checked on 2026-11-20: <https://docs.goauthentik.io/add-secure-apps/providers/oauth2/>; next-auth a1a16a5a7, arctic
/// 67ff698, SocialiteProviders 47679c14.
#[derive(Debug, Clone, Copy)]
pub struct Authentik;

impl Provider for Authentik {
    const NAME: &'static str = "authentik";
    const PRESET: Preset = Preset {
        title: "authentik",
        parameters: &[
            ("base_url", ParameterKind::BaseUrl("")),
            ("app_slug", ParameterKind::Segment("")),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        issuer: Some("{base_url}/application/o/{app_slug}/"),
        fields: ProfileFields { username: "preferred_username | nickname", ..ProfileFields::OPENID },
        ..Preset::OIDC
    };
}
