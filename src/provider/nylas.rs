use super::{ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// Nylas, version 3: access to a user's mailbox at another provider. `client_secret` is the API key of the application.
///
/// - Register: <https://dashboard-v3.nylas.com/>, "Hosted authentication", callback URI of the platform Web.
/// - Refresh: with `offline = true`. Revocation: not supported.
/// - Own keys: `region` (`us` or `eu`), `mailbox_provider` (for example `google` or `imap`), `login_hint`.
/// - The id is that of the grant, of which there is one per mailbox. The address is the mailbox that the user has opened.
/// - Its PKCE challenge is not that of RFC 7636, so none is sent.
///
/// Sources, checked on 2026-11-28: <https://developer.nylas.com/docs/v3/auth/hosted-oauth-accesstoken/>; nylas-nodejs.
#[derive(Debug, Clone, Copy)]
pub struct Nylas;

impl Provider for Nylas {
    const NAME: &'static str = "nylas";
    const PRESET: Preset = Preset {
        title: "Nylas",
        authorization_url: Some("https://api.{region}.nylas.com/v3/connect/auth"),
        token_url: Some("https://api.{region}.nylas.com/v3/connect/token"),
        api_base_url: Some("https://api.{region}.nylas.com/v3/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        refresh_tokens: RefreshTokens::WithParam("access_type", "offline"),
        pkce: false,
        parameters: &[
            ("region", ParameterKind::Choice(&["us", "eu"])),
            ("mailbox_provider", ParameterKind::AuthorizationParam("provider")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        fields: ProfileFields {
            id: "token.grant_id",
            email: &[("token.email", EmailVerified::Always)],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
