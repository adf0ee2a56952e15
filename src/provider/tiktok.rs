use super::{ClientAuthMethod, Preset, ProfileFields, Provider, RefreshTokens, RevocationRequest};

/// TikTok, with the Login Kit.
///
/// - Register: <https://developers.tiktok.com/apps>, the product "Login Kit" for Web. Redirect URI: the callback URL that the log
///   shows at launch. `client_id` is the client key.
/// - Scopes: `user.info.basic`; joined by commas. User name and page need `user.info.profile`, and `userinfo_url` with the fields
///   `username` and `profile_deep_link` beside those of the preset.
/// - Refresh: always. Revocation: yes.
/// - Quirks: the client id is called `client_key` in every request. No PKCE: TikTok has it for apps on devices only, with a
///   challenge of its own kind (not verified). `open_id` is the user's id in this app; `union_id`, in `userinfo`, is that of all
///   apps of the developer.
/// - Address: none.
///
/// Sources, checked on 2026-11-20: <https://developers.tiktok.com/doc/login-kit-web/>,
/// <https://developers.tiktok.com/doc/oauth-user-access-token-management/>,
/// <https://developers.tiktok.com/doc/tiktok-api-v2-get-user-info/>; django-allauth 20f4bded2, better-auth 451aa4b6e5, next-auth
/// a1a16a5a7.
#[derive(Debug, Clone, Copy)]
pub struct TikTok;

impl Provider for TikTok {
    const NAME: &'static str = "tiktok";
    const PRESET: Preset = Preset {
        title: "TikTok",
        parameters: &[],
        authorization_url: Some("https://www.tiktok.com/v2/auth/authorize/"),
        token_url: Some("https://open.tiktokapis.com/v2/oauth/token/"),
        revocation_url: Some("https://open.tiktokapis.com/v2/oauth/revoke/"),
        userinfo_url: Some(
            "https://open.tiktokapis.com/v2/user/info/?fields=open_id,union_id,avatar_url,display_name",
        ),
        api_base_url: Some("https://open.tiktokapis.com/v2/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        client_id_param: "client_key",
        scope: &["user.info.basic"],
        scope_separator: ",",
        pkce: false,
        refresh_tokens: RefreshTokens::Always,
        revocation: RevocationRequest::TokenRequest(&[("token", "{access_token}")]),
        fields: ProfileFields {
            id: "data.user.open_id",
            name: "data.user.display_name",
            username: "data.user.username",
            profile_url: "data.user.profile_deep_link",
            image_url: "data.user.avatar_url",
            email: &[],
        },
        ..Preset::OAUTH2
    };
}
