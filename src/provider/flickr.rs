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
