use super::{ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens};

/// Login with Amazon.
///
/// - Register a security profile at <https://developer.amazon.com/loginwithamazon/console/site/lwa/overview.html>. Allowed
///   return URL: the callback URL that the log shows at launch.
/// - Scopes: `profile` (id, name, address); `profile:user_id` (only the id); `postal_code`.
/// - Every sign-in gives a refresh token. There is no revocation endpoint: users remove the app in their account.
/// - Amazon does not say whether the address is verified. A customer can change it.
///
/// Sources, checked on 2026-11-28:
/// <https://developer.amazon.com/docs/login-with-amazon/obtain-customer-profile.html>; django-allauth `amazon`, social-core
/// `amazon`, SocialiteProviders `Amazon`.
#[derive(Debug, Clone, Copy)]
pub struct Amazon;

impl Provider for Amazon {
    const NAME: &'static str = "amazon";
    const PRESET: Preset = Preset {
        title: "Amazon",
        authorization_url: Some("https://www.amazon.com/ap/oa"),
        token_url: Some("https://api.amazon.com/auth/o2/token"),
        userinfo_url: Some("https://api.amazon.com/user/profile"),
        api_base_url: Some("https://api.amazon.com/"),
        scope: &["profile"],
        refresh_tokens: RefreshTokens::Always,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        fields: ProfileFields {
            id: "user_id",
            name: "name",
            email: &[("email", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
