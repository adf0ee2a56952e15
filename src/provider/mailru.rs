use super::{
    ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens, TokenPlacement,
};

/// Mail.ru.
///
/// - Register at <https://o2.mail.ru/app/>. Redirect URI: the callback URL that the log shows at launch.
/// - Scope: `userinfo` (id, name, address, picture).
/// - Every sign-in gives a refresh token. No revocation endpoint is known.
/// - The access token is in the query parameter `access_token`. The token answer has no `token_type`.
/// - Mail.ru does not say whether the address is verified: an account can have the address of another provider.
/// - Not verified: PKCE. Auth.js sends it.
///
/// Sources, checked on 2026-11-28: <https://o2.mail.ru/docs>; SocialiteProviders `Mailru`, social-core `mailru`
/// (`MRGOAuth2`), Auth.js `mailru`.
#[derive(Debug, Clone, Copy)]
pub struct MailRu;

impl Provider for MailRu {
    const NAME: &'static str = "mailru";
    const PRESET: Preset = Preset {
        title: "Mail.ru",
        authorization_url: Some("https://oauth.mail.ru/login"),
        token_url: Some("https://oauth.mail.ru/token"),
        userinfo_url: Some("https://oauth.mail.ru/userinfo"),
        scope: &["userinfo"],
        refresh_tokens: RefreshTokens::Always,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        token_placement: TokenPlacement::Query("access_token"),
        assume_bearer: true,
        fields: ProfileFields {
            id: "id",
            name: "name | first_name + last_name",
            username: "nickname",
            image_url: "image",
            email: &[("email", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
