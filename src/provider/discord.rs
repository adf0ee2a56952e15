use super::{
    ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens, claims,
};

/// Discord.
///
/// - Register: <https://discord.com/developers/applications>, "OAuth2". Redirect: the callback URL that the log shows at
///   launch.
/// - Scopes: `identify` (id, names, picture) and `email`. Every token has a refresh token. Removed accounts are revoked.
/// - Own key: `prompt`.
///
/// Sources, as of 2026-11-20: <https://discord.com/developers/docs/topics/oauth2>; django-allauth, better-auth, arctic.
#[derive(Debug, Clone, Copy)]
pub struct Discord;

impl Provider for Discord {
    const NAME: &'static str = "discord";
    const PRESET: Preset = Preset {
        title: "Discord",
        authorization_url: Some("https://discord.com/oauth2/authorize"),
        token_url: Some("https://discord.com/api/oauth2/token"),
        revocation_url: Some("https://discord.com/api/oauth2/token/revoke"),
        userinfo_url: Some("https://discord.com/api/users/@me"),
        api_base_url: Some("https://discord.com/api/"),
        scope: &["identify", "email"],
        refresh_tokens: RefreshTokens::Always,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        parameters: &[("prompt", ParameterKind::AuthorizationParam("prompt"))],
        fields: ProfileFields {
            id: "id",
            name: "global_name",
            username: "username",
            email: &[("email", EmailVerified::IfTrue("verified"))],
            ..ProfileFields::NONE
        },
        profile: |input| {
            let mut profile = input.read()?;
            profile.image_url =
                profile.id.as_ref().zip(claims::text(input.claims, "avatar")).map(|(id, avatar)| {
                    let kind = if avatar.starts_with("a_") { "gif" } else { "png" };
                    format!("https://cdn.discordapp.com/avatars/{id}/{avatar}.{kind}")
                });
            Ok(profile)
        },
        ..Preset::OAUTH2
    };
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::profile::Profile;
    use crate::provider::read_profile;

    fn user(avatar: Value, verified: Value) -> Profile {
        let answer = json!({
            "id": "80351110224678912", "username": "nelly", "discriminator": "0", "global_name": "Nelly",
            "avatar": avatar, "verified": verified, "email": "nelly@discord.example",
        });
        read_profile(Discord::PRESET, &answer, &[]).unwrap()
    }

    #[test]
    fn avatars_of_each_kind() {
        for (avatar, wanted) in [
            (json!("8342729096ea3675442027381ff50dfe"), Some("8342729096ea3675442027381ff50dfe.png")),
            (json!("a_8342729096ea3675442027381ff50dfe"), Some("a_8342729096ea3675442027381ff50dfe.gif")),
            (json!(null), None),
        ] {
            let wanted =
                wanted.map(|file| format!("https://cdn.discordapp.com/avatars/80351110224678912/{file}"));
            assert_eq!(user(avatar, json!(true)).image_url, wanted);
        }
    }

    #[test]
    fn an_address_that_discord_has_verified() {
        let profile = user(json!(null), json!(true));
        assert_eq!(profile.id.as_deref(), Some("80351110224678912"));
        assert_eq!(profile.name.as_deref(), Some("Nelly"));
        assert_eq!(profile.username.as_deref(), Some("nelly"));
        assert_eq!(profile.email(), Some("nelly@discord.example"));
        for verified in [json!(false), json!(null), json!("true"), json!(1)] {
            let profile = user(json!(null), verified);
            assert_eq!((profile.email(), profile.claimed_email()), (None, Some("nelly@discord.example")));
        }
    }
}
