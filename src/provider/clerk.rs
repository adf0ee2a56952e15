use super::{ParameterKind, Preset, ProfileFields, Provider};

/// Clerk as an identity provider, with OpenID Connect: the users of another app that uses Clerk.
///
/// - Register an OAuth application in Clerk's dashboard, with the scopes `openid`, `profile` and `email`. Redirect URI: the
///   callback URL that the log shows at launch.
/// - Own key: `domain`, the host of the Frontend API (`verb-noun-00.clerk.accounts.dev` or `clerk.my-app.com`), which is
///   required.
/// - Refresh tokens: with the scope `offline_access`, which `offline = true` adds, if the application has it.
/// - The address counts as verified if Clerk says so in `email_verified`.
///
/// Sources, checked on 2026-11-28: <https://clerk.com/docs/advanced-usage/clerk-idp>; SocialiteProviders `Clerk`, FastMCP's
/// Clerk provider (endpoints below the domain).
#[derive(Debug, Clone, Copy)]
pub struct Clerk;

impl Provider for Clerk {
    const NAME: &'static str = "clerk";
    const PRESET: Preset = Preset {
        title: "Clerk",
        issuer: Some("https://{domain}"),
        parameters: &[
            ("domain", ParameterKind::Host("")),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
        ],
        fields: ProfileFields {
            name: "name | given_name + family_name",
            username: "preferred_username | username",
            ..ProfileFields::OPENID
        },
        ..Preset::OIDC
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::read_profile;

    #[test]
    fn an_address_that_clerk_has_verified() {
        let answer = |verified| {
            json!({
                "object": "oauth_user_info", "sub": "user_2a9XkQ", "user_id": "user_2a9XkQ", "name": "Ada Lovelace", "username": "ada",
                "given_name": "Ada", "family_name": "Lovelace", "preferred_username": "ada", "email": "ada@clerk.example",
                "email_verified": verified, "picture": "https://img.clerk.com/x",
            })
        };
        let profile = read_profile(Clerk::PRESET, &answer(true), &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("user_2a9XkQ"));
        assert_eq!(profile.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(profile.username.as_deref(), Some("ada"));
        assert_eq!(profile.image_url.as_deref(), Some("https://img.clerk.com/x"));
        assert_eq!(profile.email(), Some("ada@clerk.example"));
        let profile = read_profile(Clerk::PRESET, &answer(false), &[]).unwrap();
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("ada@clerk.example")));
        let profile = read_profile(Clerk::PRESET, &json!({"sub": "user_2a9XkQ"}), &[]).unwrap();
        assert_eq!((profile.name.as_deref(), profile.claimed_email()), (None, None));
    }
}
