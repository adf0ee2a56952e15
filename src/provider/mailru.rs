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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::read_profile;

    #[test]
    fn names_and_an_unproven_address() {
        let answer = json!({
            "id": "1234567890", "gender": "m", "name": "Евгений Маслов", "nickname": "maslov", "locale": "ru_RU",
            "first_name": "Евгений", "last_name": "Маслов", "email": "emaslov@mail.example", "birthday": "15.02.1980",
            "image": "https://filin.mail.example/pic?email=emaslov",
        });
        let profile = read_profile(MailRu::PRESET, &answer, &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("1234567890"));
        assert_eq!(profile.name.as_deref(), Some("Евгений Маслов"));
        assert_eq!(profile.username.as_deref(), Some("maslov"));
        assert_eq!(profile.image_url.as_deref(), Some("https://filin.mail.example/pic?email=emaslov"));
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("emaslov@mail.example")));
        let profile =
            read_profile(MailRu::PRESET, &json!({"id": "1234567890", "last_name": "Маслов"}), &[]).unwrap();
        assert_eq!((profile.name.as_deref(), profile.claimed_email()), (Some("Маслов"), None));
    }
}
