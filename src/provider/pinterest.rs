use super::{Preset, ProfileFields, Provider, RefreshTokens};

/// Pinterest, with API v5.
///
/// - Register at <https://developers.pinterest.com/apps/>. Redirect URI: the callback URL that the log shows at launch.
/// - Scopes, joined by commas: `user_accounts:read` (id, user name, picture); `boards:read`, `pins:read` and others.
/// - Every sign-in gives a refresh token. No revocation endpoint is known.
/// - There is no address. The id is the number `id`; the user name can change, although other libraries use it as the id.
/// - Not verified: PKCE. Auth.js sends it.
///
/// Sources, checked on 2026-11-28: <https://developers.pinterest.com/docs/getting-started/set-up-authentication-and-authorization/>
/// and <https://github.com/pinterest/api-description> (`Account.id`); django-allauth `pinterest`, SocialiteProviders
/// `Pinterest`, Auth.js `pinterest`.
#[derive(Debug, Clone, Copy)]
pub struct Pinterest;

impl Provider for Pinterest {
    const NAME: &'static str = "pinterest";
    const PRESET: Preset = Preset {
        title: "Pinterest",
        authorization_url: Some("https://www.pinterest.com/oauth/"),
        token_url: Some("https://api.pinterest.com/v5/oauth/token"),
        userinfo_url: Some("https://api.pinterest.com/v5/user_account"),
        api_base_url: Some("https://api.pinterest.com/v5/"),
        scope: &["user_accounts:read"],
        scope_separator: ",",
        refresh_tokens: RefreshTokens::Always,
        fields: ProfileFields {
            id: "id",
            name: "business_name",
            username: "username",
            profile_url: "https://www.pinterest.com/{username}/",
            image_url: "profile_image",
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
    fn the_number_is_the_id() {
        let answer = json!({
            "account_type": "BUSINESS", "id": "2783136121146311751", "profile_image": "https://i.pinimg.com/140x140/a.jpg",
            "website_url": "https://shop.example", "username": "tea_shop", "about": "Tea", "business_name": "Tea Shop",
            "board_count": 14, "pin_count": 339, "follower_count": 10, "following_count": 347, "monthly_views": 163,
        });
        let profile = read_profile(Pinterest::PRESET, &answer, &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("2783136121146311751"));
        assert_eq!(profile.name.as_deref(), Some("Tea Shop"));
        assert_eq!(profile.username.as_deref(), Some("tea_shop"));
        assert_eq!(profile.profile_url.as_deref(), Some("https://www.pinterest.com/tea_shop/"));
        assert_eq!(profile.image_url.as_deref(), Some("https://i.pinimg.com/140x140/a.jpg"));
        let answer = json!({"account_type": "PINNER", "id": "2783136121146311751", "business_name": null});
        let profile = read_profile(Pinterest::PRESET, &answer, &[]).unwrap();
        assert_eq!((profile.name.as_deref(), profile.profile_url, profile.image_url), (None, None, None));
    }

    #[test]
    fn a_user_name_is_no_id() {
        assert_eq!(read_profile(Pinterest::PRESET, &json!({"username": "tea_shop"}), &[]).unwrap().id, None);
    }
}
