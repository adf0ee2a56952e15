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
