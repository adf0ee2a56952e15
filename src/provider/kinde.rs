use super::{ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// Kinde, with OpenID Connect.
///
/// - Register a back-end web application in Kinde. Allowed callback URL: the callback URL that the log shows at launch.
/// - Own key: `domain`, the host of the business (`my-app.kinde.com` or a custom domain), which is required.
/// - Refresh tokens: with the scope `offline`, which `offline = true` adds.
/// - The address counts as verified if Kinde says so in `email_verified`.
///
/// Sources, checked on 2026-11-28: <https://docs.kinde.com/developer-tools/about/using-kinde-without-an-sdk/>; Auth.js `kinde`,
/// SocialiteProviders `Kinde` (the scope `offline`).
#[derive(Debug, Clone, Copy)]
pub struct Kinde;

impl Provider for Kinde {
    const NAME: &'static str = "kinde";
    const PRESET: Preset = Preset {
        title: "Kinde",
        issuer: Some("https://{domain}"),
        refresh_tokens: RefreshTokens::WithScope("offline"),
        parameters: &[
            ("domain", ParameterKind::Host("")),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        fields: ProfileFields { name: "name | given_name + family_name", ..ProfileFields::OPENID },
        ..Preset::OIDC
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::read_profile;

    #[test]
    fn names_and_an_address() {
        let claims = json!({
            "sub": "kp_c3143a4b50ad43c88e541d9077681782", "given_name": "Ada", "family_name": "Lovelace", "name": "Ada Lovelace",
            "email": "ada@kinde.example", "email_verified": true, "picture": "https://kinde.example/ada.png", "org_codes": [],
        });
        let profile = read_profile(Kinde::PRESET, &claims, &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("kp_c3143a4b50ad43c88e541d9077681782"));
        assert_eq!(profile.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(profile.image_url.as_deref(), Some("https://kinde.example/ada.png"));
        assert_eq!(profile.email(), Some("ada@kinde.example"));
        let profile =
            read_profile(Kinde::PRESET, &json!({"sub": "kp_c314", "email": "ada@kinde.example"}), &[])
                .unwrap();
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("ada@kinde.example")));
        assert_eq!(profile.name, None);
    }
}
