use super::{EmailVerified, ParameterKind, Preset, ProfileFields, Provider};

/// X, formerly Twitter, with OAuth 1.0a. The preset [`X`](super::X) uses OAuth 2.
///
/// - Register: <https://developer.x.com>. Callback URL: the callback URL that the log shows at launch.
/// - Tokens do not expire.
/// - An address is in the userinfo only if the app has the permission for it. X gives verified addresses only
///   (`account/verify_credentials`, `include_email`).
///
/// Sources, as of 2026-11-20: <https://docs.x.com/fundamentals/authentication/oauth-1-0a/overview>; Flask-Dance 6,
/// django-allauth, social-core.
#[derive(Debug, Clone, Copy)]
pub struct Twitter;

impl Provider for Twitter {
    const NAME: &'static str = "twitter";
    const PRESET: Preset = Preset {
        title: "X",
        request_token_url: Some("https://api.x.com/oauth/request_token"),
        // Unlike /oauth/authorize, it asks the user for consent only once.
        authorization_url: Some("https://api.x.com/oauth/authenticate"),
        token_url: Some("https://api.x.com/oauth/access_token"),
        userinfo_url: Some(
            "https://api.x.com/1.1/account/verify_credentials.json?include_email=true&skip_status=true",
        ),
        api_base_url: Some("https://api.x.com/1.1/"),
        parameters: &[
            ("api_key", ParameterKind::Alias("client_id")),
            ("api_secret", ParameterKind::Alias("client_secret")),
        ],
        fields: ProfileFields {
            id: "id_str",
            name: "name",
            username: "screen_name",
            profile_url: "https://x.com/{screen_name}",
            image_url: "profile_image_url_https",
            email: &[("email", EmailVerified::Always)],
        },
        ..Preset::OAUTH1
    };
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::profile::Profile;
    use crate::provider::read_profile;

    fn user(email: Value) -> Profile {
        let answer = json!({
            "id": 38895958, "id_str": "38895958", "name": "Sean Cook", "screen_name": "theSeanCook",
            "profile_image_url_https": "https://si0.example/sean_normal.png", "email": email,
        });
        read_profile(Twitter::PRESET, &answer, &[]).unwrap()
    }

    #[test]
    fn a_verified_address_or_none() {
        let profile = user(json!("sean@x.example"));
        assert_eq!(profile.id.as_deref(), Some("38895958"));
        assert_eq!(profile.name.as_deref(), Some("Sean Cook"));
        assert_eq!(profile.username.as_deref(), Some("theSeanCook"));
        assert_eq!(profile.profile_url.as_deref(), Some("https://x.com/theSeanCook"));
        assert_eq!(profile.image_url.as_deref(), Some("https://si0.example/sean_normal.png"));
        assert_eq!(profile.email(), Some("sean@x.example"));
        assert_eq!(user(json!(null)).claimed_email(), None);
    }
}
