use super::{ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// Atlassian Cloud (3LO): Jira, Confluence and the other Cloud products. For Jira Server and Data Center, see
/// [`Jira`](super::Jira).
///
/// - Register: <https://developer.atlassian.com/console/myapps/>, "OAuth 2.0 (3LO)"; add the User identity API for `read:me`.
/// - Refresh: with `offline = true`; each refresh token can be used once. Revocation: none.
/// - Own key: `reprompt_consent`, which asks for consent at every sign-in.
/// - API calls go to `ex/{product}/{cloudId}/…`; the ids are at `oauth/token/accessible-resources`.
/// - An address counts as verified only if the answer says so; the documentation's example does not contain that field.
///
/// Sources, as of 2026-11-20: <https://developer.atlassian.com/cloud/confluence/oauth-2-3lo-apps/>,
/// <https://developer.atlassian.com/cloud/confluence/user-identity-api/>; django-allauth, social-core, better-auth, Flask-Dance.
#[derive(Debug, Clone, Copy)]
pub struct Atlassian;

impl Provider for Atlassian {
    const NAME: &'static str = "atlassian";
    const PRESET: Preset = Preset {
        title: "Atlassian",
        authorization_url: Some("https://auth.atlassian.com/authorize"),
        token_url: Some("https://auth.atlassian.com/oauth/token"),
        userinfo_url: Some("https://api.atlassian.com/me"),
        api_base_url: Some("https://api.atlassian.com/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["read:me"],
        refresh_tokens: RefreshTokens::WithScope("offline_access"),
        authorization_params: &[("audience", "api.atlassian.com")],
        parameters: &[("reprompt_consent", ParameterKind::AuthorizationFlag("prompt", "consent"))],
        fields: ProfileFields {
            id: "account_id",
            name: "name",
            username: "nickname",
            image_url: "picture",
            email: &[("email", EmailVerified::IfTrue("email_verified"))],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
