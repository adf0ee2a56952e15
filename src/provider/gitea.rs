use super::{ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// Gitea, on gitea.com or on another server.
///
/// - Register: on the server, Settings, Applications, "Manage OAuth2 Applications", as a confidential client. Redirect URI: the
///   callback URL that the log shows at launch.
/// - Own key: `base_url`, the server's address, by default `https://gitea.com`.
/// - Scopes: `read:user`, for the profile with its address. With `openid profile email` only, the token would have full access
///   to the account, as it has in versions before 1.23, which ignore other scopes.
/// - Refresh: always. Revocation: none; the user ends the grant under Settings, Applications.
/// - Quirks: this preset reads the API and not the ID token. The issuer in Gitea's metadata ends with a slash in some versions
///   and in others not, so that an `oidc` entry breaks with an update.
/// - Address: never verified. The API does not say it, and the claim `email_verified` of the ID token only says that the
///   user is active.
///
/// Sources, checked on 2026-11-28: <https://docs.gitea.com/development/oauth2-provider>; go-gitea/gitea,
/// services/oauth2_provider/access_token.go and routers/web/auth/oauth2_provider.go; django-allauth 20f4bded2, goth 9c7a282,
/// SocialiteProviders 47679c14.
#[derive(Debug, Clone, Copy)]
pub struct Gitea;

impl Provider for Gitea {
    const NAME: &'static str = "gitea";
    const PRESET: Preset = Preset {
        title: "Gitea",
        parameters: &[("base_url", ParameterKind::BaseUrl("https://gitea.com"))],
        authorization_url: Some("{base_url}/login/oauth/authorize"),
        token_url: Some("{base_url}/login/oauth/access_token"),
        userinfo_url: Some("{base_url}/api/v1/user"),
        api_base_url: Some("{base_url}/api/v1/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["read:user"],
        refresh_tokens: RefreshTokens::Always,
        fields: ProfileFields {
            id: "id",
            name: "full_name",
            username: "login",
            profile_url: "html_url",
            image_url: "avatar_url",
            email: &[("email", EmailVerified::Never)],
        },
        ..Preset::OAUTH2
    };
}
