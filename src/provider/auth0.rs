use super::{ClientAuthMethod, ParameterKind, Preset, ProfileFields, Provider, claims};
use crate::error::Error;

/// Auth0, with OpenID Connect.
///
/// - Register: in the Dashboard, Applications, "Create Application", "Regular Web Application". Allowed Callback URLs: the
///   callback URL that the log shows at launch.
/// - Own keys: `domain`, the tenant's host, for example `corp.eu.auth0.com`, or a custom domain, which is required;
///   `audience` (identifier of an API), `connection`, `organization`, `prompt` and `login_hint`.
/// - Scopes: `openid profile email`.
/// - Refresh: with the scope `offline_access` (`offline = true`).
/// - Revocation (refresh tokens) and sign-out (`logout = true`): discovered.
/// - Client authentication: `client_secret_post`, the default of new applications.
/// - Quirks: the issuer ends with a slash. With `organization`, its id or its name in lower case, a user of another organization
///   is refused: the parameter alone is only a request, which the user's browser can leave out.
/// - Address: `email_verified` is what the tenant's connection says. No domain is trusted unless `trust_email` lists it.
///
/// Sources, checked on 2026-11-20: <https://auth0.com/docs/api/authentication>,
/// <https://auth0.com/docs/manage-users/organizations/using-tokens>; django-allauth 20f4bded2, next-auth a1a16a5a7, arctic 67ff698.
#[derive(Debug, Clone, Copy)]
pub struct Auth0;

impl Provider for Auth0 {
    const NAME: &'static str = "auth0";
    const PRESET: Preset = Preset {
        title: "Auth0",
        parameters: &[
            ("domain", ParameterKind::Host("")),
            ("audience", ParameterKind::AuthorizationParam("audience")),
            ("connection", ParameterKind::AuthorizationParam("connection")),
            ("organization", ParameterKind::AuthorizationParam("organization")),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        issuer: Some("https://{domain}/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        fields: ProfileFields { username: "nickname", ..ProfileFields::OPENID },
        required_claims: &[("organization", "org_id")],
        profile: |input| {
            let Some(wanted) = input.parameters.get("organization") else { return input.read() };
            let is_wanted = |claim| claims::text(input.claims, claim).is_some_and(|given| given == *wanted);
            match is_wanted("org_id") || is_wanted("org_name") {
                true => input.read(),
                false => Err(Error::refused("This account is not in the organization that may sign in.")),
            }
        },
        ..Preset::OIDC
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::ErrorKind;
    use crate::provider::read_profile;

    #[test]
    fn a_user_of_another_organization_is_refused() {
        let member = json!({"sub": "auth0|1", "org_id": "org_0Xy3", "org_name": "corp"});
        let others = [
            json!({"sub": "auth0|1"}),
            json!({"sub": "auth0|1", "org_id": "org_other", "org_name": "other"}),
            json!({"sub": "auth0|1", "org_id": null}),
        ];
        for organization in ["org_0Xy3", "corp"] {
            let read = |claims| read_profile(Auth0::PRESET, claims, &[("organization", organization)]);
            assert!(read(&member).is_ok());
            for other in &others {
                assert_eq!(read(other).unwrap_err().kind(), ErrorKind::Refused, "{other}");
            }
        }
    }
}
