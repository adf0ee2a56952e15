use super::{Preset, ProfileFields, Provider};

/// Tumblr, with OAuth 1.0a.
///
/// - Register: <https://www.tumblr.com/oauth/apps>. Default callback URL: the one that the log shows at launch.
/// - Scopes: none in OAuth 1.
/// - Refresh and revocation: none. Tumblr also has OAuth 2 (`https://www.tumblr.com/oauth2/authorize`,
///   `https://api.tumblr.com/v2/oauth2/token`, the scopes `basic` and `offline_access`): an entry of the preset `oauth2`.
/// - Quirks: a user has no id. The id is the `uuid` of the user's primary blog; the name can change, and be given to another
///   user.
/// - Address: none.
///
/// Sources, checked on 2026-11-20: <https://www.tumblr.com/docs/en/api/v2>; django-allauth 65.22.1 (the id), social-core
/// 3bb06abd, grant 500ab20.
#[derive(Debug, Clone, Copy)]
pub struct Tumblr;

impl Provider for Tumblr {
    const NAME: &'static str = "tumblr";
    const PRESET: Preset = Preset {
        title: "Tumblr",
        request_token_url: Some("https://www.tumblr.com/oauth/request_token"),
        authorization_url: Some("https://www.tumblr.com/oauth/authorize"),
        token_url: Some("https://www.tumblr.com/oauth/access_token"),
        userinfo_url: Some("https://api.tumblr.com/v2/user/info"),
        api_base_url: Some("https://api.tumblr.com/v2/"),
        fields: ProfileFields {
            id: "response.user.blogs[primary].uuid",
            name: "response.user.blogs[primary].title",
            username: "response.user.name",
            profile_url: "https://{response.user.name}.tumblr.com/",
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH1
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::read_profile;

    #[test]
    fn no_primary_blog_no_identity() {
        let blogs = json!([{"name": "engines", "primary": false, "uuid": "t:other"}]);
        let answer = json!({"response": {"user": {"name": "ada", "blogs": blogs}}});
        assert_eq!(read_profile(Tumblr::PRESET, &answer, &[]).unwrap().id, None);
    }
}
