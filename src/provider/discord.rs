use super::{ClientAuth, Effect, Preset, Provider, claims};
use crate::profile::Profile;

/// Discord: <https://discord.com/developers/docs/topics/oauth2>.
#[derive(Debug, Clone, Copy)]
pub struct Discord;

impl Provider for Discord {
    const NAME: &'static str = "discord";
    const PRESET: Preset = Preset {
        title: "Discord",
        authorization_url: Some("https://discord.com/oauth2/authorize"),
        token_url: Some("https://discord.com/api/oauth2/token"),
        userinfo_url: Some("https://discord.com/api/users/@me"),
        api_base_url: Some("https://discord.com/api/"),
        scope: &["identify", "email"],
        token_endpoint_auth_method: ClientAuth::Post,
        parameters: &[("prompt", Effect::Authorize("prompt"))],
        profile: |answer| {
            let user = answer.claims;
            let mut profile = Profile::of(user);
            profile.id = claims::id(user, "id")?;
            profile.name = claims::text(user, "global_name");
            profile.username = claims::text(user, "username");
            profile.image_url = profile.id.as_ref().zip(claims::text(user, "avatar")).map(|(id, avatar)| {
                let kind = if avatar.starts_with("a_") { "gif" } else { "png" };
                format!("https://cdn.discordapp.com/avatars/{id}/{avatar}.{kind}")
            });
            Ok(profile.with_email(claims::text(user, "email"), claims::is_true(user, "verified")))
        },
        ..Preset::OAUTH2
    };
}
