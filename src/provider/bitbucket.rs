use super::{EmailVerified, Preset, ProfileFields, Provider, RefreshTokens};

/// Bitbucket Cloud.
///
/// - Register: workspace settings, "OAuth consumers", with the permissions Account: Read and Email. The consumer's permissions
///   are what a token has.
/// - Refresh: every token has a refresh token; a token lasts 2 hours. Revocation: none.
/// - The id is `uuid`, because user names change. An address is verified if Bitbucket says that it is confirmed.
///
/// Sources, as of 2026-11-20: <https://developer.atlassian.com/cloud/bitbucket/oauth-2/>,
/// <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/>; social-core, django-allauth, Laravel Socialite.
#[derive(Debug, Clone, Copy)]
pub struct Bitbucket;

impl Provider for Bitbucket {
    const NAME: &'static str = "bitbucket";
    const PRESET: Preset = Preset {
        title: "Bitbucket",
        authorization_url: Some("https://bitbucket.org/site/oauth2/authorize"),
        token_url: Some("https://bitbucket.org/site/oauth2/access_token"),
        userinfo_url: Some("https://api.bitbucket.org/2.0/user"),
        extra_userinfo_urls: &[("emails", "https://api.bitbucket.org/2.0/user/emails")],
        api_base_url: Some("https://api.bitbucket.org/2.0/"),
        scope: &["account", "email"],
        refresh_tokens: RefreshTokens::Always,
        pkce: false,
        fields: ProfileFields {
            id: "uuid",
            name: "display_name",
            username: "username | nickname",
            profile_url: "links.html.href",
            image_url: "links.avatar.href",
            email: &[(
                "emails.values[is_primary].email",
                EmailVerified::IfTrue("emails.values[is_primary].is_confirmed"),
            )],
        },
        ..Preset::OAUTH2
    };
}
