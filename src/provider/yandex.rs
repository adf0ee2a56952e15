use super::{
    EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens, RevocationRequest,
    TokenPlacement, claims,
};

/// Yandex ID.
///
/// - Register: <https://oauth.yandex.com/client/new>, "Web services", with access to user name, address and portrait. Redirect
///   URI: the callback URL that the log shows at launch.
/// - Own keys: `login_hint`, and `force_confirm = true`, which asks the user for consent each time.
/// - Scopes: `login:info login:email login:avatar`.
/// - Refresh: always.
/// - Revocation: Yandex revokes only tokens that are bound to a device: `authorization_params = { device_id = "…" }`. It refuses
///   the request for other tokens, and the user ends the grant in the settings.
/// - Quirks: API requests have the word `OAuth` before the token, although the token's type is `bearer`.
/// - Address: never verified. It is the one that the user has chosen as default; no field says that it was confirmed.
///
/// Sources, checked on 2026-11-28: <https://yandex.com/dev/id/doc/en/codes/code-url>,
/// <https://yandex.com/dev/id/doc/en/user-information>, <https://yandex.com/dev/id/doc/en/tokens/token-invalidate>; django-allauth
/// 20f4bded2 (which trusts the address), social-core 3bb06abd, next-auth a1a16a5a7, arctic 67ff698.
#[derive(Debug, Clone, Copy)]
pub struct Yandex;

impl Provider for Yandex {
    const NAME: &'static str = "yandex";
    const PRESET: Preset = Preset {
        title: "Yandex",
        parameters: &[
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
            ("force_confirm", ParameterKind::AuthorizationFlag("force_confirm", "yes")),
        ],
        authorization_url: Some("https://oauth.yandex.com/authorize"),
        token_url: Some("https://oauth.yandex.com/token"),
        revocation_url: Some("https://oauth.yandex.com/revoke_token"),
        userinfo_url: Some("https://login.yandex.ru/info?format=json"),
        api_base_url: Some("https://login.yandex.ru/"),
        scope: &["login:info", "login:email", "login:avatar"],
        refresh_tokens: RefreshTokens::Always,
        token_placement: TokenPlacement::Authorization("OAuth"),
        revocation: RevocationRequest::TokenRequest(&[("access_token", "{access_token}")]),
        fields: ProfileFields {
            id: "id",
            name: "real_name | display_name",
            username: "login",
            image_url: "https://avatars.yandex.net/get-yapic/{default_avatar_id}/islands-200",
            email: &[("default_email | emails.0", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        profile: |input| {
            let mut profile = input.read()?;
            if claims::is_true(input.claims, "is_avatar_empty") {
                profile.image_url = None;
            }
            // An avatar's id has a slash: it is two segments of the path.
            profile.image_url = profile.image_url.map(|url| url.replace("%2F", "/"));
            Ok(profile)
        },
        ..Preset::OAUTH2
    };
}
