use super::{
    EmailVerified, Preset, ProfileFields, Provider, RefreshTokens, RevocationRequest, TokenRequestFormat,
};

/// Notion.
///
/// - Register: <https://www.notion.so/profile/integrations>, type "Public", with the capability to read user information with
///   addresses.
/// - Refresh: newer integrations have refresh tokens, which can be used once; the answer of an older one has none.
/// - Revocation: the access token.
/// - The user is in the token answer. The id is that of the user, in every workspace; the token belongs to one workspace
///   (`workspace_id`, `bot_id` in the token answer). Notion does not say whether an address is verified.
/// - API calls have the header `Notion-Version`.
///
/// Sources, as of 2026-11-28: <https://developers.notion.com/docs/authorization>,
/// <https://developers.notion.com/reference/create-a-token>, <https://developers.notion.com/reference/revoke-token>.
#[derive(Debug, Clone, Copy)]
pub struct Notion;

impl Provider for Notion {
    const NAME: &'static str = "notion";
    const PRESET: Preset = Preset {
        title: "Notion",
        authorization_url: Some("https://api.notion.com/v1/oauth/authorize"),
        token_url: Some("https://api.notion.com/v1/oauth/token"),
        revocation_url: Some("https://api.notion.com/v1/oauth/revoke"),
        api_base_url: Some("https://api.notion.com/v1/"),
        refresh_tokens: RefreshTokens::Always,
        pkce: false,
        authorization_params: &[("owner", "user")],
        token_request_format: TokenRequestFormat::Json,
        revocation: RevocationRequest::TokenRequest(&[("token", "{access_token}")]),
        headers: &[("Notion-Version", "2022-06-28")],
        fields: ProfileFields {
            id: "token.owner.user.id",
            name: "token.owner.user.name",
            image_url: "token.owner.user.avatar_url",
            email: &[("token.owner.user.person.email", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
