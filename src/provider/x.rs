use super::{EmailVerified, Preset, ProfileFields, Provider, RefreshTokens};

/// X, formerly Twitter, with OAuth 2. The preset [`twitter`](super::Twitter) is OAuth 1.0a.
///
/// - Register: <https://developer.x.com/en/portal/dashboard>, the app's "User authentication settings", type "Web App".
///   Callback URI: the one that the log shows at launch. "Client ID" and "Client Secret" are not the "API Key" and its secret.
/// - Scopes: `users.read tweet.read`, which the profile needs, and `users.email`, for the address. An app without "Request email
///   from users" in its settings leaves it out: `scope = "users.read tweet.read"`.
/// - Refresh: with the scope `offline.access` (`offline = true`). Refresh tokens are used once; access tokens live for two hours.
/// - Revocation: yes.
/// - Quirks: PKCE is required. The address is requested by a request of its own, which may fail without ending the sign-in.
/// - Address: verified; X gives the confirmed address only.
///
/// Sources, checked on 2026-11-28: <https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code>,
/// <https://docs.x.com/x-api/users/user-lookup-me>; better-auth 451aa4b6e5, django-allauth 20f4bded2, social-core 3bb06abd.
#[derive(Debug, Clone, Copy)]
pub struct X;

impl Provider for X {
    const NAME: &'static str = "x";
    const PRESET: Preset = Preset {
        title: "X",
        parameters: &[],
        authorization_url: Some("https://x.com/i/oauth2/authorize"),
        token_url: Some("https://api.x.com/2/oauth2/token"),
        revocation_url: Some("https://api.x.com/2/oauth2/revoke"),
        userinfo_url: Some("https://api.x.com/2/users/me?user.fields=profile_image_url"),
        extra_userinfo_urls: &[("confirmed", "https://api.x.com/2/users/me?user.fields=confirmed_email")],
        api_base_url: Some("https://api.x.com/2/"),
        scope: &["users.read", "tweet.read", "users.email"],
        refresh_tokens: RefreshTokens::WithScope("offline.access"),
        fields: ProfileFields {
            id: "data.id",
            name: "data.name",
            username: "data.username",
            profile_url: "https://x.com/{data.username}",
            image_url: "data.profile_image_url",
            email: &[("confirmed.data.confirmed_email | data.confirmed_email", EmailVerified::Always)],
        },
        ..Preset::OAUTH2
    };
}
