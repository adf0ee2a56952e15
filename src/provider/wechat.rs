use super::{ClientAuthMethod, Preset, ProfileFields, Provider, RefreshTokens, TokenPlacement};

/// WeChat, for websites: the user scans a QR code.
///
/// - Register a website application at <https://open.weixin.qq.com/>; it needs a Chinese business. Authorization callback
///   domain: the host of the callback URL that the log shows at launch. `client_id` is the AppID, `client_secret` the
///   AppSecret.
/// - Scope: `snsapi_login` (id, name, picture). Inside the WeChat app, an official account has
///   `authorization_url = "https://open.weixin.qq.com/connect/oauth2/authorize"` and `scope = ["snsapi_userinfo"]`.
/// - The client's parameters are `appid` and `secret`. The token answer has the id and no `token_type`; the token is in the
///   query parameter `access_token`.
/// - Every sign-in gives a refresh token, which is refreshed elsewhere. There is no revocation.
/// - The id is `openid`, which is specific to the app. `unionid`, the same in all apps of a company, is in the stored userinfo.
/// - There is no address and no user name. If the user refuses, the callback has only the state.
/// - PKCE is not known to WeChat.
///
/// Sources, checked on 2026-11-28: <https://developers.weixin.qq.com/doc/oplatform/en/Website_App/WeChat_Login/Wechat_Login.html>;
/// SocialiteProviders `WeixinWeb`, Auth.js `wechat`, django-allauth `weixin` (POST, an answer).
#[derive(Debug, Clone, Copy)]
pub struct WeChat;

impl Provider for WeChat {
    const NAME: &'static str = "wechat";
    const PRESET: Preset = Preset {
        title: "WeChat",
        authorization_url: Some("https://open.weixin.qq.com/connect/qrconnect"),
        token_url: Some("https://api.weixin.qq.com/sns/oauth2/access_token"),
        refresh_url: Some("https://api.weixin.qq.com/sns/oauth2/refresh_token"),
        extra_userinfo_urls: &[("user", "https://api.weixin.qq.com/sns/userinfo?openid={token.openid}")],
        api_base_url: Some("https://api.weixin.qq.com/"),
        scope: &["snsapi_login"],
        refresh_tokens: RefreshTokens::Always,
        pkce: false,
        denial_has_no_code: true,
        client_id_param: "appid",
        client_secret_param: "secret",
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        token_placement: TokenPlacement::Query("access_token"),
        assume_bearer: true,
        fields: ProfileFields {
            id: "token.openid",
            name: "user.nickname",
            image_url: "user.headimgurl",
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
