use super::{ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens};

/// Webex, by Cisco.
///
/// - Register an integration at <https://developer.webex.com/my-apps/new/integration>. Redirect URI: the callback URL that the
///   log shows at launch.
/// - Scopes: `spark:people_read` (id, names, address, picture) and `spark:kms`, which other clients request with it; further
///   ones of the integration.
/// - Every sign-in gives a refresh token. Removed accounts are not revoked.
/// - The address is the user's login in the organization. Webex's answer does not prove it.
/// - This preset uses OAuth 2 and the API: the issuer of Webex's ID tokens differs by region.
///
/// Sources, checked on 2026-11-28: <https://developer.webex.com/docs/integrations>,
/// <https://developer.webex.com/docs/api/v1/people/get-my-own-details>; Auth.js `webex`, SocialiteProviders `Webex`.
#[derive(Debug, Clone, Copy)]
pub struct Webex;

impl Provider for Webex {
    const NAME: &'static str = "webex";
    const PRESET: Preset = Preset {
        title: "Webex",
        authorization_url: Some("https://webexapis.com/v1/authorize"),
        token_url: Some("https://webexapis.com/v1/access_token"),
        userinfo_url: Some("https://webexapis.com/v1/people/me"),
        api_base_url: Some("https://webexapis.com/v1/"),
        scope: &["spark:kms", "spark:people_read"],
        refresh_tokens: RefreshTokens::Always,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        fields: ProfileFields {
            id: "id",
            name: "displayName | firstName + lastName",
            username: "nickName",
            image_url: "avatar",
            email: &[("emails.0", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
