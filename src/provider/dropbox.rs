use super::{
    EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens, RequestAuthorization,
    RequestBody, RevocationRequest, UserinfoMethod,
};

/// Dropbox.
///
/// - Register: <https://www.dropbox.com/developers/apps>, with the permission `account_info.read`.
/// - Refresh: with `offline = true`; a refresh token does not expire. Revocation: the access token, by itself.
/// - Own keys: `force_reapprove`, `disable_signup`, `require_role` (`work` or `personal`).
/// - The userinfo is requested by POST without a body.
///
/// Sources, as of 2026-11-20: <https://www.dropbox.com/developers/documentation/http/documentation>
/// (`oauth2/authorize`, `users/get_current_account`, `auth/token/revoke`); django-allauth, social-core, better-auth.
#[derive(Debug, Clone, Copy)]
pub struct Dropbox;

impl Provider for Dropbox {
    const NAME: &'static str = "dropbox";
    const PRESET: Preset = Preset {
        title: "Dropbox",
        authorization_url: Some("https://www.dropbox.com/oauth2/authorize"),
        token_url: Some("https://api.dropboxapi.com/oauth2/token"),
        revocation_url: Some("https://api.dropboxapi.com/2/auth/token/revoke"),
        userinfo_url: Some("https://api.dropboxapi.com/2/users/get_current_account"),
        api_base_url: Some("https://api.dropboxapi.com/2/"),
        userinfo: UserinfoMethod::Post,
        scope: &["account_info.read"],
        refresh_tokens: RefreshTokens::WithParam("token_access_type", "offline"),
        revocation: RevocationRequest::Post(RequestAuthorization::AccessToken, RequestBody::Empty),
        parameters: &[
            ("force_reapprove", ParameterKind::AuthorizationFlag("force_reapprove", "true")),
            ("disable_signup", ParameterKind::AuthorizationFlag("disable_signup", "true")),
            ("require_role", ParameterKind::AuthorizationParam("require_role")),
            ("app_key", ParameterKind::Alias("client_id")),
            ("app_secret", ParameterKind::Alias("client_secret")),
        ],
        fields: ProfileFields {
            id: "account_id",
            name: "name.display_name",
            image_url: "profile_photo_url",
            email: &[("email", EmailVerified::IfTrue("email_verified"))],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
