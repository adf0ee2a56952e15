use super::{
    ClientAuthMethod, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens, RevocationRequest,
    TokenRequestFormat,
};

/// Trakt.
///
/// - Register: <https://trakt.tv/oauth/applications/new>. Redirect URI: the callback URL that the log shows at launch.
/// - There are no scopes to choose. Own key: `signup = true`, which shows the page for new users first.
/// - Refresh: every token has a refresh token, which is used once. Revocation: the access token.
/// - Every API request has the headers `trakt-api-version` and `trakt-api-key`, which is the client id. Token requests are
///   JSON.
/// - The id is `uuid`: names and `slug` change. There is no address. PKCE is not documented.
///
/// Sources, checked on 2026-11-28: <https://docs.trakt.tv/reference/authentication>,
/// <https://docs.trakt.tv/docs/required-headers>, <https://trakt.docs.apiary.io/api-description-document>.
#[derive(Debug, Clone, Copy)]
pub struct Trakt;

impl Provider for Trakt {
    const NAME: &'static str = "trakt";
    const PRESET: Preset = Preset {
        title: "Trakt",
        authorization_url: Some("https://trakt.tv/oauth/authorize"),
        token_url: Some("https://api.trakt.tv/oauth/token"),
        revocation_url: Some("https://api.trakt.tv/oauth/revoke"),
        userinfo_url: Some("https://api.trakt.tv/users/settings"),
        api_base_url: Some("https://api.trakt.tv/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        refresh_tokens: RefreshTokens::Always,
        pkce: false,
        token_request_format: TokenRequestFormat::Json,
        refresh_params: &[("redirect_uri", "{redirect_uri}")],
        headers: &[("trakt-api-version", "2"), ("trakt-api-key", "{client_id}")],
        revocation: RevocationRequest::TokenRequest(&[("token", "{access_token}")]),
        parameters: &[
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("signup", ParameterKind::AuthorizationFlag("signup", "true")),
        ],
        fields: ProfileFields {
            id: "user.ids.uuid",
            name: "user.name",
            username: "user.username",
            profile_url: "https://trakt.tv/users/{user.ids.slug}",
            image_url: "user.images.avatar.full",
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
