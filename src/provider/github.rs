use super::{ClientAuth, Effect, Preset, Provider, claims};
use crate::profile::Profile;

/// GitHub: <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>.
///
/// The address comes from `/user/emails`, which says whether it is verified; the profile's own address doesn't.
#[derive(Debug, Clone, Copy)]
pub struct GitHub;

impl Provider for GitHub {
    const NAME: &'static str = "github";
    const PRESET: Preset = Preset {
        title: "GitHub",
        authorization_url: Some("https://github.com/login/oauth/authorize"),
        token_url: Some("https://github.com/login/oauth/access_token"),
        userinfo_url: Some("https://api.github.com/user"),
        api_base_url: Some("https://api.github.com/"),
        scope: &["read:user", "user:email"],
        token_endpoint_auth_method: ClientAuth::Post,
        parameters: &[
            ("allow_signup", Effect::Authorize("allow_signup")),
            ("prompt", Effect::Authorize("prompt")),
        ],
        more: &[("emails", "https://api.github.com/user/emails")],
        profile: |answer| {
            let user = answer.claims;
            let mut profile = Profile::of(user);
            profile.id = claims::id(user, "id")?;
            profile.name = claims::text(user, "name");
            profile.username = claims::text(user, "login");
            profile.profile_url = claims::text(user, "html_url");
            profile.image_url = claims::text(user, "avatar_url");
            let primary = claims::at(user, "emails")
                .and_then(|emails| emails.as_array())
                .and_then(|emails| emails.iter().find(|email| claims::is_true(email, "primary")));
            Ok(match primary {
                Some(email) => {
                    profile.with_email(claims::text(email, "email"), claims::is_true(email, "verified"))
                }
                None => profile.with_email(claims::text(user, "email"), false),
            })
        },
        ..Preset::OAUTH2
    };
}
