use super::{
    ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens,
    RequestAuthorization, RequestBody, RevocationRequest,
};

/// Twitch.
///
/// - Register: <https://dev.twitch.tv/console/apps>.
/// - Scope: `user:read:email` for the address, which Twitch gives only if it is verified.
/// - Refresh: every token has a refresh token. Revocation: the access token.
/// - Own key: `force_verify`, which asks for consent at every sign-in. Every request has the header `Client-Id`.
///
/// Sources, as of 2026-11-20: <https://dev.twitch.tv/docs/authentication/getting-tokens-oauth/>,
/// <https://dev.twitch.tv/docs/api/reference/#get-users>, <https://dev.twitch.tv/docs/authentication/revoke-tokens/>.
#[derive(Debug, Clone, Copy)]
pub struct Twitch;

impl Provider for Twitch {
    const NAME: &'static str = "twitch";
    const PRESET: Preset = Preset {
        title: "Twitch",
        authorization_url: Some("https://id.twitch.tv/oauth2/authorize"),
        token_url: Some("https://id.twitch.tv/oauth2/token"),
        revocation_url: Some("https://id.twitch.tv/oauth2/revoke"),
        userinfo_url: Some("https://api.twitch.tv/helix/users"),
        api_base_url: Some("https://api.twitch.tv/helix/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["user:read:email"],
        refresh_tokens: RefreshTokens::Always,
        pkce: false,
        headers: &[("Client-Id", "{client_id}")],
        revocation: RevocationRequest::Post(
            RequestAuthorization::None,
            RequestBody::Form(&[("client_id", "{client_id}"), ("token", "{access_token}")]),
        ),
        parameters: &[("force_verify", ParameterKind::AuthorizationFlag("force_verify", "true"))],
        fields: ProfileFields {
            id: "data.0.id",
            name: "data.0.display_name",
            username: "data.0.login",
            profile_url: "https://twitch.tv/{data.0.login}",
            image_url: "data.0.profile_image_url",
            email: &[("data.0.email", EmailVerified::Always)],
        },
        ..Preset::OAUTH2
    };
}
