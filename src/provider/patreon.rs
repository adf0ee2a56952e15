use super::{ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens};

/// Patreon.
///
/// - Register: <https://www.patreon.com/portal/registration/register-clients>, API version 2. Redirect URI: the callback URL
///   that the log shows at launch.
/// - Scopes: `identity identity[email]`.
/// - Refresh: always; a refresh token is used once. Revocation: at an endpoint that only one source names (not verified).
/// - Quirks: the answer is a JSON:API document, which has only the fields that the request names.
/// - Address: verified if `is_email_verified` says so.
///
/// Sources, checked on 2026-11-20: <https://docs.patreon.com/#oauth>, <https://docs.patreon.com/#get-api-oauth2-v2-identity>;
/// django-allauth 20f4bded2, social-core 3bb06abd (revocation), arctic 67ff698.
#[derive(Debug, Clone, Copy)]
pub struct Patreon;

impl Provider for Patreon {
    const NAME: &'static str = "patreon";
    const PRESET: Preset = Preset {
        title: "Patreon",
        parameters: &[],
        authorization_url: Some("https://www.patreon.com/oauth2/authorize"),
        token_url: Some("https://www.patreon.com/api/oauth2/token"),
        revocation_url: Some("https://www.patreon.com/oauth2/revoke"),
        userinfo_url: Some(
            "https://www.patreon.com/api/oauth2/v2/identity?fields%5Buser%5D=email,full_name,image_url,is_email_verified,vanity,url",
        ),
        api_base_url: Some("https://www.patreon.com/api/oauth2/v2/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["identity", "identity[email]"],
        pkce: false,
        refresh_tokens: RefreshTokens::Always,
        fields: ProfileFields {
            id: "data.id",
            name: "data.attributes.full_name",
            username: "data.attributes.vanity",
            profile_url: "data.attributes.url",
            image_url: "data.attributes.image_url",
            email: &[("data.attributes.email", EmailVerified::IfTrue("data.attributes.is_email_verified"))],
        },
        ..Preset::OAUTH2
    };
}
