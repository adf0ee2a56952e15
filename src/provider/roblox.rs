use super::{ClientAuthMethod, Preset, ProfileFields, Provider, RefreshTokens};

/// Roblox, with OpenID Connect.
///
/// - Register at <https://create.roblox.com/dashboard/credentials>. Redirect URL: the callback URL that the log shows at
///   launch.
/// - Scopes: `openid` (id), `profile` (names, page, picture). There is no address for third-party apps.
/// - Every sign-in gives a refresh token, which is used once. Removed accounts are revoked.
/// - The user can change name and user name: only `sub`, the user's number, is the id. The picture can be `null`.
///
/// Sources, checked on 2026-11-28: <https://create.roblox.com/docs/cloud/reference/oauth2> (Roblox/creator-docs); Auth.js
/// `roblox`, SocialiteProviders `Roblox`, better-auth `roblox`.
#[derive(Debug, Clone, Copy)]
pub struct Roblox;

impl Provider for Roblox {
    const NAME: &'static str = "roblox";
    const PRESET: Preset = Preset {
        title: "Roblox",
        issuer: Some("https://apis.roblox.com/oauth/"),
        api_base_url: Some("https://apis.roblox.com/"),
        scope: &["openid", "profile"],
        refresh_tokens: RefreshTokens::Always,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        fields: ProfileFields { email: &[], ..ProfileFields::OPENID },
        ..Preset::OIDC
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::read_profile;

    #[test]
    fn the_number_is_the_id() {
        let answer = json!({
            "sub": "1516563360", "name": "exampleuser", "nickname": "exampleuser", "preferred_username": "exampleuser",
            "created_at": 1584682495, "profile": "https://www.roblox.com/users/1516563360/profile",
            "picture": "https://tr.rbxcdn.com/03dc2a9abe7b1aacaaf93ea46d5c0646/150/150/AvatarHeadshot/Png",
        });
        let profile = read_profile(Roblox::PRESET, &answer, &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("1516563360"));
        assert_eq!(profile.name.as_deref(), Some("exampleuser"));
        assert_eq!(profile.username.as_deref(), Some("exampleuser"));
        assert_eq!(profile.profile_url.as_deref(), Some("https://www.roblox.com/users/1516563360/profile"));
        assert!(profile.image_url.as_deref().is_some_and(|url| url.ends_with("/AvatarHeadshot/Png")));
        let profile =
            read_profile(Roblox::PRESET, &json!({"sub": "1516563360", "picture": null}), &[]).unwrap();
        assert_eq!((profile.name.as_deref(), profile.image_url, profile.username), (None, None, None));
    }
}
