use super::{ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens};

/// Dribbble.
///
/// - Register at <https://dribbble.com/account/applications/new>. Callback URL: the callback URL that the log shows at launch.
/// - Scopes: `public` (id, names, picture), `upload`.
/// - Tokens do not expire; there are no refresh tokens and no revocation endpoint.
/// - Usually there is no address. Dribbble does not say whether it is verified.
/// - Not verified: PKCE. Auth.js sends it.
///
/// Sources, checked on 2026-11-28: <https://developer.dribbble.com/v2/oauth/>, <https://developer.dribbble.com/v2/user/>;
/// Auth.js `dribbble`, SocialiteProviders `Dribbble`, Arctic `dribbble`.
#[derive(Debug, Clone, Copy)]
pub struct Dribbble;

impl Provider for Dribbble {
    const NAME: &'static str = "dribbble";
    const PRESET: Preset = Preset {
        title: "Dribbble",
        authorization_url: Some("https://dribbble.com/oauth/authorize"),
        token_url: Some("https://dribbble.com/oauth/token"),
        userinfo_url: Some("https://api.dribbble.com/v2/user"),
        api_base_url: Some("https://api.dribbble.com/v2/"),
        scope: &["public"],
        refresh_tokens: RefreshTokens::Never,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        fields: ProfileFields {
            id: "id",
            name: "name",
            username: "login",
            profile_url: "html_url",
            image_url: "avatar_url",
            email: &[("email", EmailVerified::Never)],
        },
        ..Preset::OAUTH2
    };
}
