use super::{ParameterKind, Preset, Provider};

/// Keycloak, with OpenID Connect.
///
/// - Register: in the Admin Console, Clients, "Create client", OpenID Connect, with "Client authentication". Valid redirect
///   URIs: the callback URL that the log shows at launch, without a wildcard.
/// - Own keys, which are required: `base_url`, the server's address (before version 17 with `/auth` at its end), and
///   `realm`. Also `kc_idp_hint`, which selects an identity provider, `prompt` and `login_hint`.
/// - Scopes: `openid profile email`.
/// - Refresh: every token can be refreshed while the user's session at Keycloak lasts. With the scope `offline_access`
///   (`offline = true`), it can be refreshed after that.
/// - Revocation and sign-out (`logout = true`): discovered.
/// - Client authentication: `client_secret_basic`, or as the client is set up.
/// - Address: `email_verified` is what the realm's administrators say. No domain is trusted unless `trust_email` lists it.
///
/// Sources, checked on 2026-11-20: <https://www.keycloak.org/securing-apps/oidc-layers>; next-auth a1a16a5a7, arctic 67ff698,
/// SocialiteProviders 47679c14, social-core 3bb06abd (which uses `username` as the id: a name can be given to another user).
#[derive(Debug, Clone, Copy)]
pub struct Keycloak;

impl Provider for Keycloak {
    const NAME: &'static str = "keycloak";
    const PRESET: Preset = Preset {
        title: "Keycloak",
        parameters: &[
            ("base_url", ParameterKind::BaseUrl("")),
            ("realm", ParameterKind::Segment("")),
            ("kc_idp_hint", ParameterKind::AuthorizationParam("kc_idp_hint")),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        issuer: Some("{base_url}/realms/{realm}"),
        ..Preset::OIDC
    };
}
