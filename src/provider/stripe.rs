use super::{
    ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens, RevocationRequest,
};

/// Stripe Connect, for Standard accounts. `client_secret` is the secret API key of the platform.
///
/// - Register: <https://dashboard.stripe.com/settings/connect>; the client id begins with `ca_`. Stripe recommends other ways of
///   onboarding for new platforms.
/// - Scope: `read_write`; `read_only` is for extensions. Refresh: every token has a refresh token.
/// - Revocation: the connection of the account to the platform.
/// - The account of the token is a business, and not a person. Stripe does not say whether its address is verified.
///
/// Sources, as of 2026-11-28: <https://docs.stripe.com/connect/oauth-reference>,
/// <https://docs.stripe.com/connect/oauth-changes-for-standard-platforms>; django-allauth, social-core.
#[derive(Debug, Clone, Copy)]
pub struct Stripe;

impl Provider for Stripe {
    const NAME: &'static str = "stripe";
    const PRESET: Preset = Preset {
        title: "Stripe",
        authorization_url: Some("https://connect.stripe.com/oauth/authorize"),
        token_url: Some("https://connect.stripe.com/oauth/token"),
        revocation_url: Some("https://connect.stripe.com/oauth/deauthorize"),
        userinfo_url: Some("https://api.stripe.com/v1/account"),
        api_base_url: Some("https://api.stripe.com/v1/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["read_write"],
        refresh_tokens: RefreshTokens::Always,
        pkce: false,
        revocation: RevocationRequest::TokenRequest(&[("stripe_user_id", "{token.stripe_user_id}")]),
        fields: ProfileFields {
            id: "token.stripe_user_id",
            name: "business_profile.name | settings.dashboard.display_name",
            profile_url: "business_profile.url",
            email: &[("email", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
