use super::{ParameterKind, Preset, Provider};

/// ZITADEL, with OpenID Connect.
///
/// - Register: in the Console, the project, Applications, "New", "Web", with the authentication method "Code" (or "PKCE", with
///   `token_endpoint_auth_method = "none"`). Redirect URI: the callback URL that the log shows at launch.
/// - Own keys: `base_url`, the instance's address, which is required; `project_id`, the id of the application's project; `prompt`
///   and `login_hint`.
/// - Scopes: `openid profile email`. `urn:zitadel:iam:org:id:{id}` limits the sign-in to an organization (not verified).
/// - Refresh: with the scope `offline_access` (`offline = true`), if the application has the grant type.
/// - Revocation and sign-out (`logout = true`): discovered.
/// - Quirks: an ID token names every client of the project and the project's id as audiences. Without `project_id` it is
///   refused. If the project has further applications, their client ids belong to `trusted_audiences`.
/// - Address: `email_verified` is what the instance says. No domain is trusted unless `trust_email` lists it.
///
/// Sources, checked on 2026-11-20: <https://zitadel.com/docs/apis/openidoauth/endpoints>,
/// <https://zitadel.com/docs/apis/openidoauth/claims>; next-auth a1a16a5a7, assent 7e41ed6, SocialiteProviders 47679c14.
#[derive(Debug, Clone, Copy)]
pub struct Zitadel;

impl Provider for Zitadel {
    const NAME: &'static str = "zitadel";
    const PRESET: Preset = Preset {
        title: "ZITADEL",
        parameters: &[
            ("base_url", ParameterKind::BaseUrl("")),
            ("project_id", ParameterKind::TrustedAudience),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        issuer: Some("{base_url}"),
        ..Preset::OIDC
    };
}
