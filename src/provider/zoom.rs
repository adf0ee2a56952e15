use super::{EmailVerified, Preset, ProfileFields, Provider, RefreshTokens};

/// Zoom.
///
/// - Register: <https://marketplace.zoom.us/>, Develop, "General App", user-managed. OAuth Redirect URL: the callback URL
///   that the log shows at launch, also in the allow list.
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
    use serde_json::json;

    use super::*;
    use crate::provider::read_profile;

    #[test]
    fn one_is_verified() {
        for (verified, is_verified) in
            [(json!(1), true), (json!(0), false), (json!(2), false), (json!(null), false), (json!(""), false)]
        {
            let user =
                json!({"id": "zJKyaiAyTNC-MWjiWC18KQ", "email": "jchill@zoom.example", "verified": verified});
            let profile = read_profile(Zoom::PRESET, &user, &[]).unwrap();
            assert_eq!(profile.email().is_some(), is_verified, "{verified}");
            assert_eq!(profile.claimed_email(), Some("jchill@zoom.example"));
        }
    }
}
