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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::profile::Profile;
    use crate::provider::read_profile;

    fn identity(user: Value) -> Profile {
        let answer = json!({
            "id": 1578108, "username": "rodneyfool", "resource_url": "https://api.discogs.com/users/rodneyfool",
            "consumer_name": "Your Application Name", "user": user,
        });
        read_profile(Discogs::PRESET, &answer, &[]).unwrap()
    }

    #[test]
    fn rich_and_poor() {
        let profile = identity(json!({
            "id": 1578108, "username": "rodneyfool", "name": "Rodney", "email": "rodney@discogs.example",
            "uri": "https://www.discogs.com/user/rodneyfool", "avatar_url": "https://discogs.example/rodney.jpg",
            "resource_url": "https://api.discogs.com/users/rodneyfool", "num_collection": 78,
        }));
        assert_eq!(profile.id.as_deref(), Some("1578108"));
        assert_eq!(profile.name.as_deref(), Some("Rodney"));
        assert_eq!(profile.username.as_deref(), Some("rodneyfool"));
        assert_eq!(profile.profile_url.as_deref(), Some("https://www.discogs.com/user/rodneyfool"));
        assert_eq!(profile.image_url.as_deref(), Some("https://discogs.example/rodney.jpg"));
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("rodney@discogs.example")));
        let profile = identity(json!(null));
        assert_eq!((profile.display_name(), profile.claimed_email()), ("rodneyfool", None));
    }
}
