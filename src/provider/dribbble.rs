use super::{ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens};

/// Dribbble.
///
/// - Register at <https://dribbble.com/account/applications/new>. Callback URL: the callback URL that the log shows at launch.
/// - Scopes: `public` (id, names, picture), `upload`.
/// - Tokens do not expire; there are no refresh tokens and no revocation endpoint.
/// - Usually there is no address. Dribbble does not say whether it is verified.
/// - Not verified: PKCE. Auth.js sends it.
///
/// Sources, checked on 2026-11-28: <https://developer.dribbble.com/v2/oauth/>, <https://developer.dribbble.com/v2/user/>;
/// Auth.js `dribbble`, SocialiteProviders `Dribbble`, Arctic `dribbble`.
#[derive(Debug, Clone, Copy)]
pub struct Dribbble;

impl Provider for Dribbble {
    const NAME: &'static str = "dribbble";
    const PRESET: Preset = Preset {
        title: "Dribbble",
        authorization_url: Some("https://dribbble.com/oauth/authorize"),
        token_url: Some("https://dribbble.com/oauth/token"),
        userinfo_url: Some("https://api.dribbble.com/v2/user"),
        api_base_url: Some("https://api.dribbble.com/v2/"),
        scope: &["public"],
        refresh_tokens: RefreshTokens::Never,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        fields: ProfileFields {
            id: "id",
            name: "name",
            username: "login",
            profile_url: "html_url",
            image_url: "avatar_url",
            email: &[("email", EmailVerified::Never)],
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
    fn the_number_is_the_id() {
        let answer = json!({
            "id": 1, "name": "Ada Lovelace", "login": "ada", "html_url": "https://dribbble.com/ada", "pro": false,
            "avatar_url": "https://cdn.dribbble.com/users/1/avatars/normal/ada.jpg", "email": "ada@dribbble.example",
        });
        let profile = read_profile(Dribbble::PRESET, &answer, &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("1"));
        assert_eq!(profile.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(profile.username.as_deref(), Some("ada"));
        assert_eq!(profile.profile_url.as_deref(), Some("https://dribbble.com/ada"));
        assert!(profile.image_url.is_some());
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("ada@dribbble.example")));
        let profile =
            read_profile(Dribbble::PRESET, &json!({"id": 1, "name": null, "login": "ada"}), &[]).unwrap();
        assert_eq!((profile.name.as_deref(), profile.claimed_email()), (None, None));
    }
}
