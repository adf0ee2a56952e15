use super::{EmailVerified, ParameterKind, Preset, ProfileFields, Provider};

/// Authelia, with OpenID Connect.
///
/// - Register a client in the configuration of Authelia, with the scopes that are requested. `redirect_uris`: the callback URL
///   that the log shows at launch. The secret in Authelia's file is a hash, `client_secret` here is the secret itself.
/// - Own key: `base_url`, the address of the server, with its path if it has one, which is required.
/// - Refresh tokens: with the scope `offline_access`, which `offline = true` adds. The client must have that scope.
/// - The address is never verified: Authelia's `email_verified` is always `true`, whatever the directory contains. An entry
///   that trusts the directory sets `profile = { email_verified = "email_verified" }`.
///
/// Sources, checked on 2026-11-28: <https://www.authelia.com/integration/openid-connect/introduction/>,
/// <https://www.authelia.com/integration/openid-connect/openid-connect-1.0-claims/> (`email_verified`); SocialiteProviders
/// `Authelia`.
#[derive(Debug, Clone, Copy)]
pub struct Authelia;

impl Provider for Authelia {
    const NAME: &'static str = "authelia";
    const PRESET: Preset = Preset {
        title: "Authelia",
        issuer: Some("{base_url}"),
        parameters: &[
            ("base_url", ParameterKind::BaseUrl("")),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
        ],
        fields: ProfileFields { email: &[("email", EmailVerified::Never)], ..ProfileFields::OPENID },
        ..Preset::OIDC
    };
}
