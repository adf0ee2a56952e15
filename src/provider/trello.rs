use super::{EmailVerified, ParameterKind, Preset, ProfileFields, Provider};

/// Trello, with OAuth 1.0a.
///
/// - Register: <https://trello.com/power-ups/admin>, a Power-Up, "API Key". Allowed origin: the app's origin. `client_id` is the
///   API key, `client_secret` the secret below it.
/// - Own keys: `app_name`, which the consent page shows; `expiration`: `1hour`, `1day`, `30days` (the default) or `never`.
/// - Scopes: `read,account`; `account` is for the address. OAuth 1 has no scope of its own: further scopes are a parameter,
///   `authorization_params = { scope = "read,write,account" }`.
/// - Refresh: none. Revocation: none from here; the request would need the token in its path.
/// - Quirks: one client (omniauth-trello) reports that the address needs the scope `write` as well.
/// - Address: never verified; Trello does not say it.
///
/// Sources, checked on 2026-11-28: <https://developer.atlassian.com/cloud/trello/guides/rest-api/authorization/>;
/// django-allauth 20f4bded2, social-core 3bb06abd (which uses `username` as the id), grant 500ab20.
#[derive(Debug, Clone, Copy)]
pub struct Trello;

impl Provider for Trello {
    const NAME: &'static str = "trello";
    const PRESET: Preset = Preset {
        title: "Trello",
        parameters: &[
            ("app_name", ParameterKind::AuthorizationParam("name")),
            ("expiration", ParameterKind::AuthorizationParam("expiration")),
        ],
        request_token_url: Some("https://trello.com/1/OAuthGetRequestToken"),
        authorization_url: Some("https://trello.com/1/OAuthAuthorizeToken"),
        token_url: Some("https://trello.com/1/OAuthGetAccessToken"),
        userinfo_url: Some("https://api.trello.com/1/members/me"),
        api_base_url: Some("https://api.trello.com/1/"),
        authorization_params: &[("scope", "read,account")],
        fields: ProfileFields {
            id: "id",
            name: "fullName",
            username: "username",
            profile_url: "url",
            image_url: "{avatarUrl}/170.png",
            email: &[("email", EmailVerified::Never)],
        },
        ..Preset::OAUTH1
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
            "id": "5abbe4b7ddc1b351ef961414", "avatarHash": "db2adf80c2e6c26b76e1f10400eb4c60", "fullName": "Bentley Cook",
            "avatarUrl": "https://members.trello.example/5b02/db2adf80", "confirmed": true, "username": "bentleycook",
            "url": "https://trello.com/bentleycook", "email": "bentley@trello.example", "memberType": "normal",
        });
        let profile = read_profile(Trello::PRESET, &answer, &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("5abbe4b7ddc1b351ef961414"));
        assert_eq!(profile.name.as_deref(), Some("Bentley Cook"));
        assert_eq!(profile.username.as_deref(), Some("bentleycook"));
        assert_eq!(profile.profile_url.as_deref(), Some("https://trello.com/bentleycook"));
        assert_eq!(
            profile.image_url.as_deref(),
            Some("https://members.trello.example/5b02/db2adf80/170.png")
        );
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("bentley@trello.example")));
        let poor = json!({"id": "5abb", "fullName": "", "username": "b", "avatarUrl": null, "email": null});
        let profile = read_profile(Trello::PRESET, &poor, &[]).unwrap();
        assert_eq!((profile.display_name(), profile.image_url.as_deref()), ("b", None));
        assert_eq!(profile.claimed_email(), None);
    }
}
