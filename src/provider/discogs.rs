use super::{EmailVerified, Preset, ProfileFields, Provider};

/// Discogs, with OAuth 1.0a.
///
/// - Register: <https://www.discogs.com/settings/developers>. Callback URL: the one that the log shows at launch.
/// - Refresh and revocation: none.
/// - Quirks: `identity` has the id and the user name; the rest comes from the user's `resource_url`, which may fail without
///   ending the sign-in. Discogs requires a User-Agent, which every request has. The documentation has a GET for the request
///   token; a POST, as RFC 5849 has it, is accepted as well, and signatures by HMAC-SHA1 beside PLAINTEXT.
/// - Address: never verified; Discogs does not say it.
///
/// Sources, checked on 2026-11-20: <https://www.discogs.com/developers#page:authentication>,
/// <https://www.discogs.com/developers#page:user-identity>; django-allauth 20f4bded2 (POST, HMAC-SHA1), social-core 3bb06abd,
/// grant 500ab20.
#[derive(Debug, Clone, Copy)]
pub struct Discogs;

impl Provider for Discogs {
    const NAME: &'static str = "discogs";
    const PRESET: Preset = Preset {
        title: "Discogs",
        request_token_url: Some("https://api.discogs.com/oauth/request_token"),
        authorization_url: Some("https://www.discogs.com/oauth/authorize"),
        token_url: Some("https://api.discogs.com/oauth/access_token"),
        userinfo_url: Some("https://api.discogs.com/oauth/identity"),
        extra_userinfo_urls: &[("user", "{resource_url}")],
        api_base_url: Some("https://api.discogs.com/"),
        fields: ProfileFields {
            id: "id",
            name: "user.name",
            username: "username",
            profile_url: "user.uri",
            image_url: "user.avatar_url",
            email: &[("user.email", EmailVerified::Never)],
        },
        ..Preset::OAUTH1
    };
}
