use super::{Forgejo, Preset, Provider};

/// Codeberg, which runs [`Forgejo`](super::Forgejo).
///
/// - Register: <https://codeberg.org/user/settings/applications>, as a confidential client. Redirect URI: the callback URL that
///   the log shows at launch.
/// - Scopes: `read:user`.
/// - Refresh, revocation and quirks: as [`Gitea`](super::Gitea).
/// - Address: never verified. Whether Codeberg confirms each address could not be verified.
///
/// Sources, checked on 2026-11-20: <https://forgejo.org/docs/latest/user/oauth2-provider/>,
/// <https://codeberg.org/.well-known/openid-configuration>.
#[derive(Debug, Clone, Copy)]
pub struct Codeberg;

impl Provider for Codeberg {
    const NAME: &'static str = "codeberg";
    const PRESET: Preset = Preset {
        title: "Codeberg",
        parameters: &[],
        authorization_url: Some("https://codeberg.org/login/oauth/authorize"),
        token_url: Some("https://codeberg.org/login/oauth/access_token"),
        userinfo_url: Some("https://codeberg.org/api/v1/user"),
        api_base_url: Some("https://codeberg.org/api/v1/"),
        ..Forgejo::PRESET
    };
}
