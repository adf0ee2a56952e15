use super::{ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens};

/// Box: the preset `box`.
///
/// - Register: <https://app.box.com/developers/console>, "Custom App", "User Authentication (OAuth 2.0)". Redirect URI: the
///   callback URL that the log shows at launch.
/// - Scopes: none in the request; the app's configuration sets them.
/// - Refresh: always; a refresh token is used once, and lives for 60 days. Revocation: yes.
/// - Quirks: `login` is the user's address, which can change: it is never the id.
/// - Address: never verified; Box does not say it.
///
/// Sources, checked on 2026-11-20: <https://developer.box.com/guides/authentication/oauth2/>,
/// <https://developer.box.com/reference/get-users-me/>; social-core 3bb06abd, arctic 67ff698, goth 9c7a282.
#[derive(Debug, Clone, Copy)]
pub struct BoxCom;

impl Provider for BoxCom {
    const NAME: &'static str = "box";
    const PRESET: Preset = Preset {
        title: "Box",
        parameters: &[],
        authorization_url: Some("https://account.box.com/api/oauth2/authorize"),
        token_url: Some("https://api.box.com/oauth2/token"),
        revocation_url: Some("https://api.box.com/oauth2/revoke"),
        userinfo_url: Some("https://api.box.com/2.0/users/me"),
        api_base_url: Some("https://api.box.com/2.0/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        pkce: false,
        refresh_tokens: RefreshTokens::Always,
        fields: ProfileFields {
            id: "id",
            name: "name",
            image_url: "avatar_url",
            email: &[("login", EmailVerified::Never)],
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
    fn rich_and_poor() {
        let answer = json!({
            "type": "user", "id": "11446498", "name": "Ada Lovelace", "login": "ada@box.example",
            "created_at": "2012-12-12T10:53:43-08:00", "language": "en", "timezone": "Africa/Bujumbura",
            "status": "active", "job_title": "CEO", "avatar_url": "https://box.example/avatar/large/181216415",
        });
        let profile = read_profile(BoxCom::PRESET, &answer, &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("11446498"));
        assert_eq!(profile.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(profile.image_url.as_deref(), Some("https://box.example/avatar/large/181216415"));
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("ada@box.example")));
        let profile = read_profile(BoxCom::PRESET, &json!({"type": "user", "id": "11446498"}), &[]).unwrap();
        assert_eq!((profile.name.as_deref(), profile.claimed_email()), (None, None));
    }
}
