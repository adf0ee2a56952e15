use super::{ClientAuthMethod, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// One Mastodon server.
///
/// - Register: on the server, Preferences, Development, "New application", with the scope `profile`; or `POST /api/v1/apps`.
///   Redirect URI: the callback URL that the log shows at launch. Each server needs an entry and an application of its own.
/// - Own keys: `instance`, the server's host, which is required, and `force_login = true`, for users with several accounts.
/// - Scopes: `profile`, since Mastodon 4.3; on an older server `scope = "read:accounts"`. The application must have been
///   registered with it.
/// - Refresh: none; tokens do not expire. Revocation: yes.
/// - Quirks: PKCE is known since 4.3, older servers ignore it. An id is unique on its server only, which is why an entry
///   has one server.
/// - Address: none.
/// - Not verified: other servers that speak Mastodon's API.
///
/// Sources, checked on 2026-11-20: <https://docs.joinmastodon.org/methods/oauth/>,
/// <https://docs.joinmastodon.org/methods/accounts/#verify_credentials>; next-auth a1a16a5a7, goth 9c7a282, grant 500ab20.
#[derive(Debug, Clone, Copy)]
pub struct Mastodon;

impl Provider for Mastodon {
    const NAME: &'static str = "mastodon";
    const PRESET: Preset = Preset {
        title: "Mastodon",
        parameters: &[
            ("instance", ParameterKind::Host("")),
            ("force_login", ParameterKind::AuthorizationFlag("force_login", "true")),
        ],
        authorization_url: Some("https://{instance}/oauth/authorize"),
        token_url: Some("https://{instance}/oauth/token"),
        revocation_url: Some("https://{instance}/oauth/revoke"),
        userinfo_url: Some("https://{instance}/api/v1/accounts/verify_credentials"),
        api_base_url: Some("https://{instance}/api/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["profile"],
        refresh_tokens: RefreshTokens::Never,
        fields: ProfileFields {
            id: "id",
            name: "display_name",
            username: "username | acct",
            profile_url: "url",
            image_url: "avatar | avatar_static",
            email: &[],
        },
        ..Preset::OAUTH2
    };
}
