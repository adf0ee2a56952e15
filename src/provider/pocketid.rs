use super::{ParameterKind, Preset, Provider};

/// Pocket ID, with OpenID Connect.
///
/// - Register an OIDC client in the administration of the server. Callback URL: the callback URL that the log shows at launch.
/// - Own key: `base_url`, the address of the server (its `APP_URL`), which is required.
/// - Refresh tokens: with the scope `offline_access`, which `offline = true` adds. There is no revocation endpoint.
/// - `email_verified` is what the server says. Its administrator can mark all addresses as verified.
///
/// Sources, checked on 2026-11-28: <https://pocket-id.org/docs/>, the source of Pocket ID (its discovery document);
/// SocialiteProviders `PocketID`.
#[derive(Debug, Clone, Copy)]
pub struct PocketId;

impl Provider for PocketId {
    const NAME: &'static str = "pocketid";
    const PRESET: Preset = Preset {
        title: "Pocket ID",
        issuer: Some("{base_url}"),
        parameters: &[
            ("base_url", ParameterKind::BaseUrl("")),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
        ],
        ..Preset::OIDC
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::read_profile;

    #[test]
    fn an_address_that_the_server_has_verified() {
        let claims = |verified| {
            json!({
                "sub": "0d8b8a1c-5f0e-4f53-9a57-6f6a7e5b9f10", "given_name": "Ada", "family_name": "Lovelace", "name": "Ada Lovelace",
                "preferred_username": "ada", "email": "ada@pocketid.example", "email_verified": verified, "groups": [],
                "picture": "https://pocketid.example/api/users/0d8b8a1c/profile-picture.png",
            })
        };
        let profile = read_profile(PocketId::PRESET, &claims(true), &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("0d8b8a1c-5f0e-4f53-9a57-6f6a7e5b9f10"));
        assert_eq!(profile.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(profile.username.as_deref(), Some("ada"));
        assert!(profile.image_url.is_some());
        assert_eq!(profile.email(), Some("ada@pocketid.example"));
        let profile = read_profile(PocketId::PRESET, &claims(false), &[]).unwrap();
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("ada@pocketid.example")));
        let profile = read_profile(PocketId::PRESET, &json!({"sub": "0d8b8a1c"}), &[]).unwrap();
        assert_eq!((profile.name.as_deref(), profile.claimed_email()), (None, None));
    }
}
