use super::{
    ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens, RequestBody,
    RevocationRequest, UserinfoMethod,
};

/// VK ID 2.1. It is a public client with PKCE: there is no client secret.
///
/// - Register: <https://id.vk.ru/about/business/go/>, platform Web, with the callback URL as trusted redirect URL.
/// - Scope: `email` for the address. VK does not say whether it is verified.
/// - Refresh: every token has a refresh token. VK wants the `device_id` of the callback in token requests and refreshes.
/// - Revocation: the access token.
/// - The older service (`oauth.vk.com`) is no longer supported by VK.
///
/// Sources, as of 2026-11-20:
/// <https://id.vk.ru/about/business/go/docs/ru/vkid/latest/vk-id/connection/api-integration/api-description>; django-allauth,
/// better-auth, SocialiteProviders.
#[derive(Debug, Clone, Copy)]
pub struct Vk;

impl Provider for Vk {
    const NAME: &'static str = "vk";
    const PRESET: Preset = Preset {
        title: "VK",
        authorization_url: Some("https://id.vk.ru/authorize"),
        token_url: Some("https://id.vk.ru/oauth2/auth"),
        revocation_url: Some("https://id.vk.ru/oauth2/revoke"),
        userinfo_url: Some("https://id.vk.ru/oauth2/user_info"),
        userinfo: UserinfoMethod::Post,
        userinfo_body: RequestBody::Form(&[("access_token", "{access_token}"), ("client_id", "{client_id}")]),
        token_endpoint_auth_method: ClientAuthMethod::None,
        scope: &["email"],
        refresh_tokens: RefreshTokens::Always,
        callback_params: &["device_id"],
        token_params: &[("device_id", "{callback.device_id}")],
        refresh_params: &[("device_id", "{token.device_id}")],
        revocation: RevocationRequest::TokenRequest(&[("access_token", "{access_token}")]),
        fields: ProfileFields {
            id: "user.user_id",
            name: "user.first_name + user.last_name",
            profile_url: "https://vk.ru/id{user.user_id}",
            image_url: "user.avatar",
            email: &[("user.email", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
