use super::{ClientAuthMethod, Preset, ProfileFields, Provider, RefreshTokens, TokenPlacement};

/// Instagram, with Business Login: for professional accounts (business and creator) only.
///
/// - Register: <https://developers.facebook.com/apps/>, the product Instagram, "API setup with Instagram login". OAuth redirect
///   URI: the callback URL that the log shows at launch. `client_id` is the Instagram app ID, not the app's own.
/// - Scopes: `instagram_business_basic`; joined by commas.
/// - Refresh: none in the sense of OAuth. A token lives for an hour; the app can exchange it for one of 60 days
///   (`https://graph.instagram.com/access_token`, `ig_exchange_token`).
/// - Revocation: none.
/// - Quirks: the token answer has no `token_type`, and in Meta's manual it is in a list `data`: both forms are read. API
///   requests have the token in the query. `user_id` is the account's id; the field `id` of the same answer is another id.
///   The Basic Display API, for personal accounts, ended on 2024-12-04.
/// - Address: none.
///
/// Sources, checked on 2026-11-28:
/// <https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/business-login>,
/// <https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/get-started>; SocialiteProviders
/// 47679c14.
#[derive(Debug, Clone, Copy)]
pub struct Instagram;

impl Provider for Instagram {
    const NAME: &'static str = "instagram";
    const PRESET: Preset = Preset {
        title: "Instagram",
        parameters: &[],
        authorization_url: Some("https://www.instagram.com/oauth/authorize"),
        token_url: Some("https://api.instagram.com/oauth/access_token"),
        userinfo_url: Some("https://graph.instagram.com/me?fields=user_id,username,name,profile_picture_url"),
        api_base_url: Some("https://graph.instagram.com/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["instagram_business_basic"],
        scope_separator: ",",
        pkce: false,
        refresh_tokens: RefreshTokens::Never,
        token_answer_path: "data.0",
        assume_bearer: true,
        token_placement: TokenPlacement::Query("access_token"),
        fields: ProfileFields {
            id: "user_id | data.0.user_id",
            name: "name | data.0.name",
            username: "username | data.0.username",
            profile_url: "https://www.instagram.com/{username}/ | https://www.instagram.com/{data.0.username}/",
            image_url: "profile_picture_url | data.0.profile_picture_url",
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
    fn the_id_of_the_account_alone_is_the_id() {
        let answer = json!({"id": "1234567", "username": "ada"});
        assert_eq!(read_profile(Instagram::PRESET, &answer, &[]).unwrap().id, None);
    }
}
