use super::{EmailVerified, Preset, ProfileFields, Provider, RefreshTokens};

/// Zoom.
///
/// - Register: <https://marketplace.zoom.us/>, Develop, "General App", user-managed. OAuth Redirect URL: the callback URL that the log
///   shows at launch, also in the allow list.
/// - Scopes: `user:read:user`, which the app must have in the Marketplace. An app with Zoom's former scopes needs
///   `scope = "user:read"`.
/// - Refresh: always; a refresh token is used once. Revocation: yes.
/// - Address: verified if `verified` is 1.
///
/// Sources, checked on 2026-11-28: <https://developers.zoom.us/docs/integrations/oauth/>,
/// <https://developers.zoom.us/docs/api/users/#tag/users/get/users/{userId}>; django-allauth 20f4bded2, social-core 3bb06abd,
/// better-auth 451aa4b6e5.
#[derive(Debug, Clone, Copy)]
pub struct Zoom;

impl Provider for Zoom {
    const NAME: &'static str = "zoom";
    const PRESET: Preset = Preset {
        title: "Zoom",
        parameters: &[],
        authorization_url: Some("https://zoom.us/oauth/authorize"),
        token_url: Some("https://zoom.us/oauth/token"),
        revocation_url: Some("https://zoom.us/oauth/revoke"),
        userinfo_url: Some("https://api.zoom.us/v2/users/me"),
        api_base_url: Some("https://api.zoom.us/v2/"),
        scope: &["user:read:user"],
        refresh_tokens: RefreshTokens::Always,
        fields: ProfileFields {
            id: "id",
            name: "display_name | first_name + last_name",
            image_url: "pic_url",
            profile_url: "vanity_url",
            email: &[("email", EmailVerified::IfTrueText("verified"))],
            ..ProfileFields::NONE
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

    fn user(verified: Value) -> Profile {
        let answer = json!({
            "id": "zJKyaiAyTNC-MWjiWC18KQ", "first_name": "Jill", "last_name": "Chill", "display_name": "Jill Chill",
            "email": "jchill@zoom.example", "type": 2, "role_name": "Admin", "pmi": 3542471135i64, "verified": verified,
            "vanity_url": "https://zoom.example/my/jill", "pic_url": "https://zoom.example/jill.jpg", "status": "active",
        });
        read_profile(Zoom::PRESET, &answer, &[]).unwrap()
    }

    #[test]
    fn rich_and_poor() {
        let profile = user(json!(1));
        assert_eq!(profile.id.as_deref(), Some("zJKyaiAyTNC-MWjiWC18KQ"));
        assert_eq!(profile.name.as_deref(), Some("Jill Chill"));
        assert_eq!(profile.profile_url.as_deref(), Some("https://zoom.example/my/jill"));
        assert_eq!(profile.image_url.as_deref(), Some("https://zoom.example/jill.jpg"));
        assert_eq!(profile.email(), Some("jchill@zoom.example"));
        for no in [json!(0), json!(null), json!(2), json!("")] {
            assert_eq!(
                (user(no.clone()).email(), user(no).claimed_email()),
                (None, Some("jchill@zoom.example"))
            );
        }
        let profile =
            read_profile(Zoom::PRESET, &json!({"id": "z", "first_name": "Jill", "last_name": ""}), &[])
                .unwrap();
        assert_eq!((profile.name.as_deref(), profile.claimed_email()), (Some("Jill"), None));
    }
}
