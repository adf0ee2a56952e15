use super::{
    ClientAuthMethod, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens, RequestAuthorization,
    RequestBody, RevocationRequest, claims,
};
use crate::error::Error;

/// Slack, with OpenID Connect ("Sign in with Slack").
///
/// - Register: <https://api.slack.com/apps>. The callback URL must be https.
/// - Refresh: only apps with token rotation, whose tokens have a refresh token without a request for it. Revocation: the access
///   token (`auth.revoke`).
/// - Own keys: `team`, the id of the workspace that the user signs in to; `subdomain`, its name in the address. With `team`, a
///   user of another workspace is refused: the parameter alone is only a request, which the user's browser can leave out.
/// - Classic apps (`identify`, `chat:write:bot`) can no longer be created.
/// - `sub` is the id of the user, and Slack is the issuer of all workspaces.
///
/// Sources, as of 2026-11-28: <https://docs.slack.dev/authentication/sign-in-with-slack/>,
/// <https://docs.slack.dev/reference/methods/auth.revoke>,
/// <https://slack.com/.well-known/openid-configuration>; next-auth, better-auth, SocialiteProviders.
#[derive(Debug, Clone, Copy)]
pub struct Slack;

impl Provider for Slack {
    const NAME: &'static str = "slack";
    const PRESET: Preset = Preset {
        title: "Slack",
        issuer: Some("https://slack.com"),
        authorization_url: Some("https://{subdomain}slack.com/openid/connect/authorize"),
        api_base_url: Some("https://slack.com/api/"),
        revocation_url: Some("https://slack.com/api/auth.revoke"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        refresh_tokens: RefreshTokens::Always,
        revocation: RevocationRequest::Post(RequestAuthorization::AccessToken, RequestBody::Empty),
        // Only clients without a secret can use it.
        pkce: false,
        parameters: &[
            ("team", ParameterKind::AuthorizationParam("team")),
            ("subdomain", ParameterKind::Subdomain),
        ],
        fields: ProfileFields {
            image_url: "picture | 'https://slack.com/user_image_512'",
            ..ProfileFields::OPENID
        },
        required_claims: &[("team", "https://slack.com/team_id")],
        profile: |input| {
            let Some(wanted) = input.parameters.get("team") else { return input.read() };
            let is_wanted = |claim| claims::text(input.claims, claim).is_some_and(|given| given == *wanted);
            match is_wanted("'https://slack.com/team_id'") || is_wanted("'https://slack.com/enterprise_id'") {
                true => input.read(),
                false => Err(Error::refused("This account is not in the Slack workspace that may sign in.")),
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
    fn a_user_of_another_workspace_is_refused() {
        let read = |claims| read_profile(Slack::PRESET, &claims, &[("team", "T0123456")]);
        assert!(read(json!({"sub": "U1", "https://slack.com/team_id": "T0123456"})).is_ok());
        for claims in [
            json!({"sub": "U1"}),
            json!({"sub": "U1", "https://slack.com/team_id": "T9999999"}),
            json!({"sub": "U1", "https://slack.com/team_id": null, "team_id": "T0123456", "team": "T0123456"}),
        ] {
            assert_eq!(read(claims.clone()).unwrap_err().kind(), ErrorKind::Refused, "{claims}");
        }
    }
}
