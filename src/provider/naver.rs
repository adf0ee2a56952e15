use super::{
    ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens, RevocationRequest,
};

/// Naver.
///
/// - Register: <https://developers.naver.com/apps/>. The app's registration selects what the profile has: there are no scopes.
/// - Refresh: every token has a refresh token. Revocation: the user's connection to the app, at the token endpoint.
/// - The id belongs to this app. The address is one that the user has entered: it is never verified.
///
/// Sources, as of 2026-11-20: <https://developers.naver.com/docs/login/api/api.md>,
/// <https://developers.naver.com/docs/login/profile/profile.md>; better-auth, social-core, django-allauth.
#[derive(Debug, Clone, Copy)]
pub struct Naver;

impl Provider for Naver {
    const NAME: &'static str = "naver";
    const PRESET: Preset = Preset {
        title: "Naver",
        authorization_url: Some("https://nid.naver.com/oauth2.0/authorize"),
        token_url: Some("https://nid.naver.com/oauth2.0/token"),
        revocation_url: Some("https://nid.naver.com/oauth2.0/token"),
        userinfo_url: Some("https://openapi.naver.com/v1/nid/me"),
        api_base_url: Some("https://openapi.naver.com/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        refresh_tokens: RefreshTokens::Always,
        pkce: false,
        revocation: RevocationRequest::TokenRequest(&[
            ("grant_type", "delete"),
            ("access_token", "{access_token}"),
            ("service_provider", "NAVER"),
        ]),
        fields: ProfileFields {
            id: "response.id",
            name: "response.name",
            username: "response.nickname",
            image_url: "response.profile_image",
            email: &[("response.email", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
