use super::{ClientAuthMethod, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// Slack, with OpenID Connect ("Sign in with Slack").
///
/// - Register: <https://api.slack.com/apps>. The callback URL must be https.
/// - Refresh: only apps with token rotation, whose tokens have a refresh token without a request for it.
/// - Own keys: `team`, the id of the workspace that the user signs in to; `subdomain`, its name in the address.
/// - Classic apps (`identify`, `chat:write:bot`) can no longer be created.
/// - `sub` is the id of the user, and Slack is the issuer of all workspaces.
///
/// Sources, checked on 2026-11-28: <https://docs.slack.dev/authentication/sign-in-with-slack/>,
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
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        refresh_tokens: RefreshTokens::Always,
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
        ..Preset::OIDC
    };
}
