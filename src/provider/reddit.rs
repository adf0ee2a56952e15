use super::{ParameterKind, Preset, ProfileFields, Provider, RefreshTokens, claims};

/// Reddit.
///
/// - Register: <https://www.reddit.com/prefs/apps>, "web app".
/// - Scope: `identity`. Refresh: with `offline = true`. Revocation: the tokens.
/// - Own key: `user_agent`, a name of your own: Reddit slows down or blocks general ones. For example
///   `web:com.example.app:v1 (by /u/name)`.
/// - Reddit gives no address.
///
/// Sources, as of 2026-11-20: <https://github.com/reddit-archive/reddit/wiki/OAuth2>,
/// <https://www.reddit.com/dev/api/oauth#GET_api_v1_me>; better-auth, social-core, Flask-Dance.
#[derive(Debug, Clone, Copy)]
pub struct Reddit;

impl Provider for Reddit {
    const NAME: &'static str = "reddit";
    const PRESET: Preset = Preset {
        title: "Reddit",
        authorization_url: Some("https://www.reddit.com/api/v1/authorize"),
        token_url: Some("https://www.reddit.com/api/v1/access_token"),
        revocation_url: Some("https://www.reddit.com/api/v1/revoke_token"),
        userinfo_url: Some("https://oauth.reddit.com/api/v1/me"),
        api_base_url: Some("https://oauth.reddit.com/"),
        scope: &["identity"],
        refresh_tokens: RefreshTokens::WithParam("duration", "permanent"),
        pkce: false,
        headers: &[("User-Agent", "{user_agent}")],
        parameters: &[
            ("user_agent", ParameterKind::Text("rocket_dance")),
            ("permanent", ParameterKind::Alias("offline")),
        ],
        fields: ProfileFields {
            id: "id",
            name: "name",
            username: "name",
            profile_url: "https://www.reddit.com/user/{name}",
            ..ProfileFields::NONE
        },
        profile: |input| {
            let mut profile = input.read()?;
            // The query is written for HTML, and the picture is the same without it.
            profile.image_url = claims::text(input.claims, "icon_img")
                .and_then(|url| url.split('?').next().map(str::to_owned));
            Ok(profile)
        },
        ..Preset::OAUTH2
    };
}
