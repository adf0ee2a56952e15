use super::{Preset, ProfileFields, Provider, RefreshTokens};

/// Hugging Face, with OpenID Connect.
///
/// - Register: <https://huggingface.co/settings/applications/new>. Redirect URL: the callback URL that the log shows at launch.
/// - Scopes: `openid profile email`.
/// - Refresh: always, as far as the app is allowed to (not verified). Revocation: none, unless it is discovered.
/// - Quirks: the userinfo lists in `orgs` the organizations that the user has shared, with their roles.
/// - Address: verified if the claim says so; Hugging Face requires a verified address of users who sign in to apps.
///
/// Sources, checked on 2026-11-28: <https://huggingface.co/docs/hub/oauth>,
/// <https://authjs.dev/reference/core/providers/huggingface>; better-auth 451aa4b6e5, next-auth a1a16a5a7.
#[derive(Debug, Clone, Copy)]
pub struct HuggingFace;

impl Provider for HuggingFace {
    const NAME: &'static str = "huggingface";
    const PRESET: Preset = Preset {
        title: "Hugging Face",
        issuer: Some("https://huggingface.co"),
        api_base_url: Some("https://huggingface.co/api/"),
        refresh_tokens: RefreshTokens::Always,
        fields: ProfileFields { name: "name | preferred_username", ..ProfileFields::OPENID },
        ..Preset::OIDC
    };
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::provider::read_profile;

    #[test]
    fn rich_and_poor() {
        let read = |email_verified: Value| {
            let answer = json!({
                "sub": "62f264c8f4a3b0c0f3d1e7a2", "name": "Ada Lovelace", "preferred_username": "ada",
                "profile": "https://huggingface.co/ada", "picture": "https://hf.example/ada.png",
                "email": "ada@hf.example", "email_verified": email_verified, "isPro": false,
                "orgs": [{"sub": "5f0c", "name": "Corp", "preferred_username": "corp", "roleInOrg": "admin"}],
            });
            read_profile(HuggingFace::PRESET, &answer, &[]).unwrap()
        };
        let profile = read(json!(true));
        assert_eq!(profile.id.as_deref(), Some("62f264c8f4a3b0c0f3d1e7a2"));
        assert_eq!(profile.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(profile.username.as_deref(), Some("ada"));
        assert_eq!(profile.profile_url.as_deref(), Some("https://huggingface.co/ada"));
        assert_eq!(profile.image_url.as_deref(), Some("https://hf.example/ada.png"));
        assert_eq!(profile.email(), Some("ada@hf.example"));
        assert_eq!(read(json!(false)).email(), None);
        let poor = json!({"sub": "62f2", "preferred_username": "ada"});
        let profile = read_profile(HuggingFace::PRESET, &poor, &[]).unwrap();
        assert_eq!((profile.name.as_deref(), profile.claimed_email()), (Some("ada"), None));
    }
}
