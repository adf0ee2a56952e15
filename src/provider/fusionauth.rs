use super::{ParameterKind, Preset, Provider};

/// FusionAuth, with OpenID Connect.
///
/// - Register an application in the administration of the server, with the grant Authorization Code. Authorized redirect URL:
///   the callback URL that the log shows at launch.
/// - Own keys: `domain`, the host of the server, which is required; `tenant_id`, for the theme of a server with several tenants.
/// - The tenant's issuer (Tenants, General) must be `https://` and the domain: FusionAuth's default is another text. If it is
///   another URL, set `issuer`.
/// - ID tokens must be signed with an RSA or EC key (the application's JWT settings). FusionAuth's default is HMAC, which is
///   refused.
/// - Refresh tokens: with the scope `offline_access`, which `offline = true` adds.
/// - `email_verified` is what the server says. Users of a tenant that does not verify addresses can have any address.
///
/// Sources, checked on 2026-11-28: <https://fusionauth.io/docs/lifecycle/authenticate-users/oauth/endpoints>; Auth.js
/// `fusionauth` (keys, `tenantId`, claims), SocialiteProviders `FusionAuth`.
#[derive(Debug, Clone, Copy)]
pub struct FusionAuth;

impl Provider for FusionAuth {
    const NAME: &'static str = "fusionauth";
    const PRESET: Preset = Preset {
        title: "FusionAuth",
        issuer: Some("https://{domain}"),
        parameters: &[
            ("domain", ParameterKind::Host("")),
            ("tenant_id", ParameterKind::AuthorizationParam("tenantId")),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        ..Preset::OIDC
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::read_profile;

    #[test]
    fn an_address_that_the_server_has_verified() {
        let claims = |verified| {
            json!({
                "sub": "3b6d2f70-4821-4694-ac89-60333c9c4165", "email": "ada@fusionauth.example", "email_verified": verified,
                "preferred_username": "ada", "name": "Ada Lovelace", "picture": "https://fusionauth.example/ada.png",
            })
        };
        let profile = read_profile(FusionAuth::PRESET, &claims(true), &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("3b6d2f70-4821-4694-ac89-60333c9c4165"));
        assert_eq!(profile.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(profile.username.as_deref(), Some("ada"));
        assert_eq!(profile.email(), Some("ada@fusionauth.example"));
        let profile = read_profile(FusionAuth::PRESET, &claims(false), &[]).unwrap();
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("ada@fusionauth.example")));
        let profile = read_profile(FusionAuth::PRESET, &json!({"sub": "3b6d2f70"}), &[]).unwrap();
        assert_eq!((profile.name.as_deref(), profile.claimed_email()), (None, None));
    }
}
