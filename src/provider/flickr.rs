use super::{ParameterKind, Preset, ProfileFields, Provider, claims};

/// Flickr, with OAuth 1.0a.
///
/// - Register: <https://www.flickr.com/services/apps/create/>. Callback URL: the one that the log shows at launch.
/// - Own key: `perms`: `read` (the default), `write` or `delete`.
/// - Refresh and revocation: none.
/// - Quirks: `flickr.test.login` names the user; name, page and picture come from `flickr.people.getInfo`, which may fail
///   without ending the sign-in. Errors have the status 200.
/// - Address: none.
///
/// Sources, checked on 2026-11-20: <https://www.flickr.com/services/api/auth.oauth.html>,
/// <https://www.flickr.com/services/api/flickr.people.getInfo.html>, <https://www.flickr.com/services/api/misc.buddyicons.html>;
/// django-allauth 20f4bded2, social-core 3bb06abd.
#[derive(Debug, Clone, Copy)]
pub struct Flickr;

impl Provider for Flickr {
    const NAME: &'static str = "flickr";
    const PRESET: Preset = Preset {
        title: "Flickr",
        parameters: &[("perms", ParameterKind::AuthorizationParam("perms"))],
        request_token_url: Some("https://www.flickr.com/services/oauth/request_token"),
        authorization_url: Some("https://www.flickr.com/services/oauth/authorize"),
        token_url: Some("https://www.flickr.com/services/oauth/access_token"),
        userinfo_url: Some(
            "https://api.flickr.com/services/rest?method=flickr.test.login&format=json&nojsoncallback=1",
        ),
        extra_userinfo_urls: &[(
            "info",
            "https://api.flickr.com/services/rest?method=flickr.people.getInfo&user_id={user.id}&format=json&nojsoncallback=1",
        )],
        api_base_url: Some("https://api.flickr.com/services/"),
        authorization_params: &[("perms", "read")],
        fields: ProfileFields {
            id: "user.id",
            name: "info.person.realname._content",
            username: "user.username._content",
            profile_url: "info.person.profileurl._content",
            image_url: "https://farm{info.person.iconfarm}.staticflickr.com/{info.person.iconserver}/buddyicons/{user.id}.jpg",
            email: &[],
        },
        profile: |input| {
            let mut profile = input.read()?;
            // Server 0: the user has no picture.
            if claims::id(input.claims, "info.person.iconserver")
                .is_ok_and(|server| server.as_deref() == Some("0"))
            {
                profile.image_url = None;
            }
            Ok(profile)
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

    fn user(info: Value) -> Profile {
        let answer = json!({
            "user": {"id": "12037949754@N01", "username": {"_content": "Bees"}, "path_alias": "bees"}, "stat": "ok",
            "info": info,
        });
        read_profile(Flickr::PRESET, &answer, &[]).unwrap()
    }

    #[test]
    fn rich_and_poor() {
        let info = |icon_server: &str| {
            json!({"stat": "ok", "person": {
                "id": "12037949754@N01", "nsid": "12037949754@N01", "ispro": 0, "iconserver": icon_server, "iconfarm": 1,
                "username": {"_content": "Bees"}, "realname": {"_content": "Cal Bee"},
                "profileurl": {"_content": "https://www.flickr.com/people/bees/"},
            }})
        };
        let profile = user(info("122"));
        assert_eq!(profile.id.as_deref(), Some("12037949754@N01"));
        assert_eq!(profile.name.as_deref(), Some("Cal Bee"));
        assert_eq!(profile.username.as_deref(), Some("Bees"));
        assert_eq!(profile.profile_url.as_deref(), Some("https://www.flickr.com/people/bees/"));
        let image = "https://farm1.staticflickr.com/122/buddyicons/12037949754%40N01.jpg";
        assert_eq!(profile.image_url.as_deref(), Some(image));
        assert_eq!(profile.claimed_email(), None);
        assert_eq!(user(info("0")).image_url, None);
        let profile = user(json!({"stat": "fail", "code": 1, "message": "User not found"}));
        assert_eq!((profile.display_name(), profile.image_url.as_deref()), ("Bees", None));
    }
}
