use super::{ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens};

/// Kick, the streaming service.
///
/// - Register at <https://kick.com/settings/developer>. Redirect URL: the callback URL that the log shows at launch.
/// - Scopes: `user:read` (id, name, address, picture); `channel:read`, `chat:write` and others for the API.
/// - PKCE is required. Every sign-in gives a refresh token; a refresh gives a new one.
/// - Kick does not say whether the address is verified. `name` is the user name, which can change.
/// - Not verified: revocation. The documentation has the token in the query, other clients send it as a form; removed accounts
///   are not revoked.
///
/// Sources, checked on 2026-11-28: <https://docs.kick.com/getting-started/generating-tokens-oauth2-flow>
/// (KickEngineering/KickDevDocs); social-core `kick`, SocialiteProviders `Kick`, better-auth `kick`, Arctic `kick`.
#[derive(Debug, Clone, Copy)]
pub struct Kick;

impl Provider for Kick {
    const NAME: &'static str = "kick";
    const PRESET: Preset = Preset {
        title: "Kick",
        authorization_url: Some("https://id.kick.com/oauth/authorize"),
        token_url: Some("https://id.kick.com/oauth/token"),
        userinfo_url: Some("https://api.kick.com/public/v1/users"),
        api_base_url: Some("https://api.kick.com/public/v1/"),
        scope: &["user:read"],
        refresh_tokens: RefreshTokens::Always,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        fields: ProfileFields {
            id: "data.0.user_id",
            username: "data.0.name",
            image_url: "data.0.profile_picture",
            email: &[("data.0.email", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::read_profile;

    #[test]
    fn the_first_user_of_the_list() {
        let answer = json!({
            "data": [{
                "email": "john.doe@kick.example", "name": "john_doe", "profile_picture": "https://kick.com/img/default.jpeg",
                "user_id": 123,
            }],
            "message": "OK",
        });
        let profile = read_profile(Kick::PRESET, &answer, &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("123"));
        assert_eq!((profile.name.as_deref(), profile.username.as_deref()), (None, Some("john_doe")));
        assert_eq!(profile.image_url.as_deref(), Some("https://kick.com/img/default.jpeg"));
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("john.doe@kick.example")));
        let answer = json!({"data": [{"name": "john_doe", "email": "", "user_id": 123}], "message": "OK"});
        let profile = read_profile(Kick::PRESET, &answer, &[]).unwrap();
        assert_eq!((profile.claimed_email(), profile.image_url.as_deref()), (None, None));
    }

    #[test]
    fn no_user_no_id() {
        let profile = read_profile(Kick::PRESET, &json!({"data": [], "message": "OK"}), &[]).unwrap();
        assert_eq!(profile.id, None);
    }
}
