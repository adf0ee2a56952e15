use super::{EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// PayPal ("Log in with PayPal").
///
/// - Register: <https://developer.paypal.com/dashboard/applications/>, with "Log in with PayPal" and the same scopes there.
/// - Refresh: every token has a refresh token. Revocation: not supported.
/// - Own key: `sandbox`, for test accounts.
/// - It is read as OAuth 2 with userinfo. The id is `payer_id` if the app has the scope
///   `https://uri.paypal.com/services/paypalattributes`, else `user_id`: do not change that scope later.
/// - An address is verified if PayPal says that it is confirmed.
///
/// Sources, as of 2026-11-20: <https://developer.paypal.com/docs/log-in-with-paypal/integrate/>,
/// <https://developer.paypal.com/docs/api/identity/v1/#userinfo_get>; better-auth, SocialiteProviders.
#[derive(Debug, Clone, Copy)]
pub struct PayPal;

impl Provider for PayPal {
    const NAME: &'static str = "paypal";
    const PRESET: Preset = Preset {
        title: "PayPal",
        authorization_url: Some("https://www.{sandbox}paypal.com/signin/authorize"),
        token_url: Some("https://api-m.{sandbox}paypal.com/v1/oauth2/token"),
        userinfo_url: Some("https://api-m.{sandbox}paypal.com/v1/identity/oauth2/userinfo?schema=paypalv1.1"),
        api_base_url: Some("https://api-m.{sandbox}paypal.com/"),
        scope: &["openid", "profile", "email"],
        refresh_tokens: RefreshTokens::Always,
        pkce: false,
        parameters: &[("sandbox", ParameterKind::Switch("", "sandbox."))],
        fields: ProfileFields {
            id: "payer_id | user_id",
            name: "name",
            image_url: "picture",
            email: &[
                ("emails[primary].value", EmailVerified::IfTrue("emails[primary].confirmed")),
                ("email", EmailVerified::IfTrue("email_verified")),
            ],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
