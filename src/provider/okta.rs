use super::{ParameterKind, Preset, Provider};

/// Okta, with OpenID Connect.
///
/// - Register: in the Admin Console, Applications, "Create App Integration", OIDC, "Web Application". Sign-in redirect URI: the
///   callback URL that the log shows at launch.
/// - Own keys: `domain`, the host of the organization, for example `dev-123.okta.com`, which is required; `server`, the id
///   of the authorization server, by default `default`. `server = "none"` is the organization's own server. Also `prompt`,
///   `login_hint`, `max_age` and `acr_values`.
/// - Scopes: `openid profile email`.
/// - Refresh: with the scope `offline_access` (`offline = true`), if the app has the grant type "Refresh Token".
/// - Revocation and sign-out (`logout = true`): discovered.
/// - Client authentication: `client_secret_basic`, or as the app is set up, see `token_endpoint_auth_method`.
/// - Address: `email_verified` is what the organization's administrators say. No domain is trusted unless `trust_email`
///   lists it.
///
/// Sources, checked on 2026-11-20: <https://developer.okta.com/docs/reference/api/oidc/>; django-allauth 20f4bded2, next-auth
/// a1a16a5a7, social-core 3bb06abd (which uses `preferred_username` as the id: a name can be given to another user).
#[derive(Debug, Clone, Copy)]
pub struct Okta;

impl Provider for Okta {
    const NAME: &'static str = "okta";
    const PRESET: Preset = Preset {
        title: "Okta",
        parameters: &[
            ("domain", ParameterKind::Host("")),
            ("server", ParameterKind::OptionalSegment("/oauth2/", "default")),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
            ("max_age", ParameterKind::AuthorizationParam("max_age")),
            ("acr_values", ParameterKind::AuthorizationParam("acr_values")),
        ],
        issuer: Some("https://{domain}{server}"),
        api_base_url: Some("https://{domain}/api/v1/"),
        ..Preset::OIDC
    };
}
