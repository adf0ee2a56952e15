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
        revocation: RevocationRequest::Form(&[("token", "{access_token}")]),
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::read_profile;

    #[test]
    fn rich_and_poor() {
        let answer = json!({
            "data": {"user": {
                "avatar_url": "https://tiktok.example/ada.webp", "open_id": "723f24d7-e717-40f8-a2b6-cb8464cd23b4",
                "union_id": "c9c60f44-a68e-4f5d-84dd-ce22faeb0ba1", "display_name": "Tik Toker",
                "username": "tiktoker", "profile_deep_link": "https://vm.tiktok.example/ZMabc/",
            }},
            "error": {"code": "ok", "message": "", "log_id": "20220829194722CBE87ED59D524E727021"},
        });
        let profile = read_profile(TikTok::PRESET, &answer, &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("723f24d7-e717-40f8-a2b6-cb8464cd23b4"));
        assert_eq!(profile.name.as_deref(), Some("Tik Toker"));
        assert_eq!(profile.username.as_deref(), Some("tiktoker"));
        assert_eq!(profile.profile_url.as_deref(), Some("https://vm.tiktok.example/ZMabc/"));
        assert_eq!(profile.image_url.as_deref(), Some("https://tiktok.example/ada.webp"));
        assert_eq!(profile.claimed_email(), None);
        let poor =
            json!({"data": {"user": {"open_id": "723f", "email": "a@b.example"}}, "error": {"code": "ok"}});
        let profile = read_profile(TikTok::PRESET, &poor, &[]).unwrap();
        assert_eq!((profile.display_name(), profile.claimed_email()), ("723f", None));
        let failed =
            json!({"data": {}, "error": {"code": "scope_not_authorized", "message": "", "log_id": "1"}});
        assert_eq!(read_profile(TikTok::PRESET, &failed, &[]).unwrap().id, None);
    }
}
