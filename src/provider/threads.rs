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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::read_profile;

    #[test]
    fn the_number_is_the_id() {
        let answer = json!({
            "id": "17841405793187218", "username": "threadsapitestuser", "name": "Threads API Test User",
            "threads_profile_picture_url": "https://scontent.example/x.jpg",
        });
        let profile = read_profile(Threads::PRESET, &answer, &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("17841405793187218"));
        assert_eq!(profile.name.as_deref(), Some("Threads API Test User"));
        assert_eq!(profile.username.as_deref(), Some("threadsapitestuser"));
        assert_eq!(profile.profile_url.as_deref(), Some("https://www.threads.com/@threadsapitestuser"));
        assert_eq!(profile.image_url.as_deref(), Some("https://scontent.example/x.jpg"));
        let profile = read_profile(Threads::PRESET, &json!({"id": "17841405793187218"}), &[]).unwrap();
        assert_eq!(
            (profile.name.as_deref(), profile.profile_url.as_deref(), profile.claimed_email()),
            (None, None, None)
        );
    }
}
