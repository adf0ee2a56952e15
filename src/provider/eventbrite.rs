use super::{ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens};

/// Eventbrite.
///
/// - Register at <https://www.eventbrite.com/platform/api-keys>. OAuth Redirect URI: the callback URL that the log shows at
///   launch.
/// - There are no scopes to choose. Tokens do not expire; there are no refresh tokens and no revocation endpoint.
/// - The address is the primary one, verified if Eventbrite says so for this address.
/// - Not verified: PKCE. Auth.js sends it.
///
/// Sources, checked on 2026-11-28: <https://www.eventbrite.com/platform/api#/introduction/authentication>,
/// <https://www.eventbrite.com/platform/api#/reference/user/retrieve-your-user/retrieve-your-user>; Auth.js `eventbrite`,
/// django-allauth `eventbrite`, SocialiteProviders `Eventbrite`.
#[derive(Debug, Clone, Copy)]
pub struct Eventbrite;

impl Provider for Eventbrite {
    const NAME: &'static str = "eventbrite";
    const PRESET: Preset = Preset {
        title: "Eventbrite",
        authorization_url: Some("https://www.eventbrite.com/oauth/authorize"),
        token_url: Some("https://www.eventbrite.com/oauth/token"),
        userinfo_url: Some("https://www.eventbriteapi.com/v3/users/me/"),
        api_base_url: Some("https://www.eventbriteapi.com/v3/"),
        refresh_tokens: RefreshTokens::Never,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        fields: ProfileFields {
            id: "id",
            name: "name | first_name + last_name",
            email: &[
                ("emails[primary].email", EmailVerified::IfTrue("emails[primary].verified")),
                ("emails.0.email", EmailVerified::IfTrue("emails.0.verified")),
            ],
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
    fn the_primary_address_as_far_as_it_is_verified() {
        let answer = |verified| {
            json!({
                "id": "12345", "first_name": "John", "last_name": "Smith", "name": "John Smith", "image_id": "1234",
                "emails": [
                    {"email": "old@eventbrite.example", "primary": false, "verified": true},
                    {"email": "john.smith@eventbrite.example", "primary": true, "verified": verified},
                ],
            })
        };
        let profile = read_profile(Eventbrite::PRESET, &answer(true), &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("12345"));
        assert_eq!(profile.name.as_deref(), Some("John Smith"));
        assert_eq!(profile.email(), Some("john.smith@eventbrite.example"));
        let profile = read_profile(Eventbrite::PRESET, &answer(false), &[]).unwrap();
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("john.smith@eventbrite.example")));
        let profile = read_profile(Eventbrite::PRESET, &json!({"id": "12345", "emails": []}), &[]).unwrap();
        assert_eq!((profile.name.as_deref(), profile.claimed_email()), (None, None));
    }
}
