use super::{EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// Kanidm, with OpenID Connect.
///
/// - Register with `kanidm system oauth2 create`, and give a group the scopes `openid`, `profile` and `email` with
///   `update-scope-map`: Kanidm refuses the user if one of them is missing. Redirect URL: the callback URL that the log shows at
///   launch. `client_id` is the name of the resource server.
/// - Own key: `base_url`, the address of the server, which is required. Each client has an issuer of its own.
/// - PKCE is required; ID tokens are signed with ES256.
/// - Not verified: when there is a refresh token. `offline_access` is no scope that Kanidm gives by itself.
/// - The address is never verified: it is what the directory contains, and members can have the right to change theirs. An
///   entry that trusts the directory sets `profile = { email_verified = "email_verified" }`.
/// - `preferred_username` can change: only `sub`, a UUID, is the id.
///
/// Sources, checked on 2026-11-28: <https://kanidm.github.io/kanidm/stable/integrations/oauth2.html>, the source of Kanidm
/// (issuer); SocialiteProviders `Kanidm`.
#[derive(Debug, Clone, Copy)]
pub struct Kanidm;

impl Provider for Kanidm {
    const NAME: &'static str = "kanidm";
    const PRESET: Preset = Preset {
        title: "Kanidm",
        issuer: Some("{base_url}/oauth2/openid/{client_id}"),
        refresh_tokens: RefreshTokens::Unknown,
        parameters: &[
            ("base_url", ParameterKind::BaseUrl("")),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
        ],
        fields: ProfileFields {
            name: "name | given_name + family_name",
            email: &[("email", EmailVerified::Never)],
            ..ProfileFields::OPENID
        },
        ..Preset::OIDC
    };
}
