use super::{ClientAuth, Effect, Preset, Provider, claims};
use crate::profile::Profile;

/// GitLab, at gitlab.com or at a host of one's own (`hostname`):
/// <https://docs.gitlab.com/ee/api/oauth2.html>.
#[derive(Debug, Clone, Copy)]
pub struct GitLab;

impl Provider for GitLab {
    const NAME: &'static str = "gitlab";
    const PRESET: Preset = Preset {
        title: "GitLab",
        authorization_url: Some("https://{hostname}/oauth/authorize"),
        token_url: Some("https://{hostname}/oauth/token"),
        userinfo_url: Some("https://{hostname}/api/v4/user"),
        api_base_url: Some("https://{hostname}/api/v4/"),
        scope: &["read_user"],
        token_endpoint_auth_method: ClientAuth::Post,
        parameters: &[("hostname", Effect::Url("gitlab.com"))],
        profile: |answer| {
            let user = answer.claims;
            if claims::text(user, "state").is_some_and(|state| state != "active") {
                return Err("the account is not active".into());
            }
            let mut profile = Profile::of(user);
            profile.id = claims::id(user, "id")?;
            profile.name = claims::text(user, "name");
            profile.username = claims::text(user, "username");
            profile.profile_url = claims::text(user, "web_url");
            profile.image_url = claims::text(user, "avatar_url");
            let confirmed = claims::text(user, "confirmed_at").is_some();
            Ok(profile.with_email(claims::text(user, "email"), confirmed))
        },
        ..Preset::OAUTH2
    };
}
