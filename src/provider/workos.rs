use super::{ClientAuthMethod, ParameterKind, Preset, ProfileFields, Provider};

/// WorkOS Connect, with OpenID Connect: the users of an AuthKit.
///
/// - Register an OAuth application in the dashboard, under Connect. Redirect URI: the callback URL that the log shows at
///   launch.
/// - Own key: `domain`, the AuthKit domain (`my-app.authkit.app` or a custom domain), which is required.
/// - Refresh tokens: with the scope `offline_access`, which `offline = true` adds.
/// - The address counts as verified if WorkOS says so in `email_verified`.
/// - Not supported: the older SSO API at `api.workos.com`, which needs the connection of each user.
///
/// Sources, checked on 2026-11-28: <https://workos.com/docs/reference/workos-connect/authorize>,
/// <https://workos.com/docs/reference/workos-connect/metadata/openid-configuration>; FastMCP's WorkOS provider.
#[derive(Debug, Clone, Copy)]
pub struct WorkOs;

impl Provider for WorkOs {
    const NAME: &'static str = "workos";
    const PRESET: Preset = Preset {
        title: "WorkOS",
        issuer: Some("https://{domain}"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        parameters: &[
            ("domain", ParameterKind::Host("")),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        fields: ProfileFields { name: "name | given_name + family_name", ..ProfileFields::OPENID },
        ..Preset::OIDC
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::read_profile;

    #[test]
    fn an_address_that_workos_has_verified() {
        let claims = |verified| {
            json!({
                "sub": "user_01E4ZCR3C56J083X43JQXF3JK5", "email": "marcelina@workos.example", "email_verified": verified,
                "given_name": "Marcelina", "family_name": "Davis",
            })
        };
        let profile = read_profile(WorkOs::PRESET, &claims(true), &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("user_01E4ZCR3C56J083X43JQXF3JK5"));
        assert_eq!(profile.name.as_deref(), Some("Marcelina Davis"));
        assert_eq!(profile.email(), Some("marcelina@workos.example"));
        let profile = read_profile(WorkOs::PRESET, &claims(false), &[]).unwrap();
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("marcelina@workos.example")));
        let answer = json!({"sub": "user_01E4ZCR3C56J083X43JQXF3JK5"});
        let profile = read_profile(WorkOs::PRESET, &answer, &[]).unwrap();
        assert_eq!((profile.name.as_deref(), profile.claimed_email()), (None, None));
    }
}
