use super::{ClientAuthMethod, Preset, ProfileFields, Provider, RefreshTokens, TokenPlacement};

/// Threads, by Meta.
///
/// - Register an app with the use case Threads at <https://developers.facebook.com/apps/>. `client_id` and `client_secret` are
///   the Threads app ID and secret, not those of the app itself. Redirect callback URL: the callback URL that the log shows at
///   launch; it must be https.
/// - Scopes, joined by commas: `threads_basic` (id, names, picture), which is required; `threads_content_publish` and others.
/// - Tokens live for an hour. There are no refresh tokens: an API call exchanges a token for one of 60 days. The token answer
///   has no `token_type`.
/// - There is no address. Removed accounts are not revoked; users remove the app in their settings.
/// - Not verified: PKCE, which the documentation does not mention; Auth.js does not send it.
///
/// Sources, checked on 2026-11-28:
/// <https://developers.facebook.com/documentation/threads/get-started/get-access-tokens-and-permissions>; Auth.js `threads`,
/// SocialiteProviders `Threads` (the answer).
#[derive(Debug, Clone, Copy)]
pub struct Threads;

impl Provider for Threads {
    const NAME: &'static str = "threads";
    const PRESET: Preset = Preset {
        title: "Threads",
        authorization_url: Some("https://threads.com/oauth/authorize"),
        token_url: Some("https://graph.threads.com/oauth/access_token"),
        userinfo_url: Some(
            "https://graph.threads.com/v1.0/me?fields=id,username,name,threads_profile_picture_url",
        ),
        api_base_url: Some("https://graph.threads.com/v1.0/"),
        scope: &["threads_basic"],
        scope_separator: ",",
        refresh_tokens: RefreshTokens::Never,
        pkce: false,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        token_placement: TokenPlacement::Query("access_token"),
        assume_bearer: true,
        fields: ProfileFields {
            id: "id",
            name: "name",
            username: "username",
            profile_url: "https://www.threads.com/@{username}",
            image_url: "threads_profile_picture_url",
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
