use super::{
    ClientAuthMethod, Preset, ProfileFields, Provider, RefreshTokens, RequestAuthorization, RequestBody,
    RevocationRequest, TokenPlacement,
};

/// SoundCloud.
///
/// - Register at <https://soundcloud.com/you/apps>. Redirect URI: the callback URL that the log shows at launch.
/// - There are no scopes to choose.
/// - PKCE is required. Every sign-in gives a refresh token, which is used once.
/// - The token is after the word `OAuth`.
/// - There is no address. The id is `urn`, which replaces the number `id` in SoundCloud's API since 2025.
/// - Tokens live for an hour. Revocation: the access token.
///
/// Sources, checked on 2026-11-28: <https://developers.soundcloud.com/docs/api/guide>, the repository soundcloud/api (endpoints,
/// release notes on URNs), its OpenAPI description (`Me`); django-allauth `soundcloud` (an answer), SocialiteProviders
/// `SoundCloud`.
#[derive(Debug, Clone, Copy)]
pub struct SoundCloud;

impl Provider for SoundCloud {
    const NAME: &'static str = "soundcloud";
    const PRESET: Preset = Preset {
        title: "SoundCloud",
        authorization_url: Some("https://secure.soundcloud.com/authorize"),
        token_url: Some("https://secure.soundcloud.com/oauth/token"),
        revocation_url: Some("https://secure.soundcloud.com/sign-out"),
        userinfo_url: Some("https://api.soundcloud.com/me"),
        api_base_url: Some("https://api.soundcloud.com/"),
        refresh_tokens: RefreshTokens::Always,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        token_placement: TokenPlacement::Authorization("OAuth"),
        revocation: RevocationRequest::Post(
            RequestAuthorization::None,
            RequestBody::Json(r#"{"access_token":"{access_token}"}"#),
        ),
        fields: ProfileFields {
            id: "urn",
            name: "full_name | username",
            username: "permalink",
            profile_url: "permalink_url",
            image_url: "avatar_url",
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
