use super::{
    ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens,
    RequestAuthorization, RequestBody, RevocationRequest,
};

/// Kakao. `client_id` is the REST API key.
///
/// - Register: <https://developers.kakao.com/console/app>, with Kakao Login, a client secret, and the consent items account
///   e-mail, nickname and profile image. What the user does not consent to is missing.
/// - Refresh: every token has a refresh token; a new one comes only near the old one's end. Revocation: the user's connection
///   to the app.
/// - An address is verified if it is valid and verified.
///
/// Sources, as of 2026-11-28: <https://developers.kakao.com/docs/latest/en/kakaologin/rest-api>; better-auth,
/// django-allauth.
#[derive(Debug, Clone, Copy)]
pub struct Kakao;

impl Provider for Kakao {
    const NAME: &'static str = "kakao";
    const PRESET: Preset = Preset {
        title: "Kakao",
        authorization_url: Some("https://kauth.kakao.com/oauth/authorize"),
        token_url: Some("https://kauth.kakao.com/oauth/token"),
        revocation_url: Some("https://kapi.kakao.com/v1/user/unlink"),
        userinfo_url: Some("https://kapi.kakao.com/v2/user/me"),
        api_base_url: Some("https://kapi.kakao.com/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["account_email", "profile_nickname", "profile_image"],
        scope_separator: ",",
        refresh_tokens: RefreshTokens::Always,
        pkce: false,
        revocation: RevocationRequest::Post(RequestAuthorization::AccessToken, RequestBody::Empty),
        parameters: &[
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        fields: ProfileFields {
            id: "id",
            name: "kakao_account.profile.nickname | properties.nickname",
            image_url: "kakao_account.profile.profile_image_url | properties.profile_image",
            email: &[(
                "kakao_account.email",
                EmailVerified::IfBoth("kakao_account.is_email_valid", "kakao_account.is_email_verified"),
            )],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
