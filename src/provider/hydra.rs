use super::{ParameterKind, Preset, Provider};

/// Ory Hydra and Ory Network, with OpenID Connect.
///
/// - Register an OAuth 2 client with the grant types `authorization_code` and `refresh_token`. Redirect URI: the callback URL
///   that the log shows at launch.
/// - Own key: `base_url`, the public address of the server (`https://my-project.projects.oryapis.com`), which is required. If
///   the server's issuer is another text, for example with a `/` at its end, set `issuer`, too.
/// - Refresh tokens: with the scope `offline_access`, which `offline = true` adds. The client must have that scope.
/// - All claims but `sub` come from the server's own consent app: `email_verified` is what that app says.
///
/// Sources, checked on 2026-11-28: <https://www.ory.sh/docs/hydra/5min-tutorial>, <https://www.ory.sh/docs/oauth2-oidc/>;
/// Auth.js `ory-hydra`.
#[derive(Debug, Clone, Copy)]
pub struct Hydra;

impl Provider for Hydra {
    const NAME: &'static str = "hydra";
    const PRESET: Preset = Preset {
        title: "Ory",
        issuer: Some("{base_url}"),
        parameters: &[
            ("base_url", ParameterKind::BaseUrl("")),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        ..Preset::OIDC
    };
}

/// [`Hydra`] under the name `ory`.
#[derive(Debug, Clone, Copy)]
pub struct Ory;

impl Provider for Ory {
    const NAME: &'static str = "ory";
    const PRESET: Preset = Hydra::PRESET;
}
