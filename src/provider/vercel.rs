use super::{Preset, Provider};

/// Vercel, with OpenID Connect ("Sign in with Vercel").
///
/// - Register an app in the settings of the team, under Apps. Authorization callback URL: the callback URL that the log shows
///   at launch. The requested scopes must be enabled for the app; Vercel leaves out the others.
/// - Scopes: `openid` (id), `email`, `profile` (names, picture).
/// - PKCE is required. Refresh tokens: with the scope `offline_access`, which `offline = true` adds; they live for 30 days and
///   are used once. Removed accounts are revoked.
/// - The address counts as verified if there is an `email_verified`; Vercel's metadata does not list that claim.
///
/// Sources, checked on 2026-11-28: <https://vercel.com/docs/sign-in-with-vercel/authorization-server-api>,
/// <https://vercel.com/.well-known/openid-configuration>; better-auth `vercel` (the answer).
#[derive(Debug, Clone, Copy)]
pub struct Vercel;

impl Provider for Vercel {
    const NAME: &'static str = "vercel";
    const PRESET: Preset = Preset {
        title: "Vercel",
        issuer: Some("https://vercel.com"),
        api_base_url: Some("https://api.vercel.com/"),
        ..Preset::OIDC
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::read_profile;

    #[test]
    fn without_a_verification_the_address_is_a_claim() {
        let claims = json!({
            "iss": "https://vercel.com", "sub": "345e869043f1e55f8bdc837c", "preferred_username": "ada", "name": "Ada Lovelace",
            "email": "ada@vercel.example", "picture": "https://api.vercel.com/www/avatar/00159aa4c88348dedf91a456b457d1baa48df6d",
        });
        let profile = read_profile(Vercel::PRESET, &claims, &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("345e869043f1e55f8bdc837c"));
        assert_eq!(profile.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(profile.username.as_deref(), Some("ada"));
        assert!(profile.image_url.is_some());
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("ada@vercel.example")));
        let profile = read_profile(Vercel::PRESET, &json!({"sub": "345e869043f1e55f8bdc837c"}), &[]).unwrap();
        assert_eq!(
            (profile.name.as_deref(), profile.username.as_deref(), profile.claimed_email()),
            (None, None, None)
        );
    }
}
