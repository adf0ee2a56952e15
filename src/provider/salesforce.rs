use super::{ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// Salesforce, with OpenID Connect.
///
/// - Register: Setup, "App Manager", "New External Client App", with OAuth.
/// - Refresh: with `offline = true`. Revocation: the tokens.
/// - Own keys: `is_sandbox`, which signs in at `test.salesforce.com`; `hostname`, for a domain of your own;
///   `reprompt_consent`.
/// - The id is `sub`, the identity URL of the user: it contains the ids of the organization and of the user. The raw userinfo
///   has `user_id` alone.
/// - API calls go to the instance that the token answer names. Tokens have no lifetime in the answer: an expired one is
///   refreshed after the API answers 401.
///
/// Sources, as of 2026-11-20:
/// <https://help.salesforce.com/s/articleView?id=sf.remoteaccess_using_userinfo_endpoint.htm>,
/// <https://login.salesforce.com/.well-known/openid-configuration>; django-allauth, next-auth, social-core.
#[derive(Debug, Clone, Copy)]
pub struct Salesforce;

impl Provider for Salesforce {
    const NAME: &'static str = "salesforce";
    const PRESET: Preset = Preset {
        title: "Salesforce",
        issuer: Some("https://{hostname}"),
        api_base_url: Some("{token.instance_url}/"),
        refresh_tokens: RefreshTokens::WithScope("refresh_token"),
        parameters: &[
            ("is_sandbox", ParameterKind::Switch("login", "test")),
            ("hostname", ParameterKind::Host("{is_sandbox}.salesforce.com")),
            ("reprompt_consent", ParameterKind::AuthorizationFlag("prompt", "consent")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        fields: ProfileFields { image_url: "photos.picture | picture", ..ProfileFields::OPENID },
        ..Preset::OIDC
    };
}
