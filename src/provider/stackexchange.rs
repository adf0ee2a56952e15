use super::{
    ClientAuthMethod, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens, TokenPlacement,
};

/// Stack Exchange: Stack Overflow and its sister sites.
///
/// - Register at <https://stackapps.com/apps/oauth/register>. The OAuth domain is the host of the app: the callback URL that the
///   log shows at launch must be on it.
/// - Own keys: `key`, the app's API key, which is required and not secret; `site`, whose profile is read
///   (`stackoverflow`, `serverfault`, …).
/// - Scopes, joined by commas: none (id, name); `read_inbox`, `write_access`, `private_info`; `no_expiry`.
/// - Tokens live for a day, or for ever with `no_expiry`. There are no refresh tokens. Revocation: the endpoint has the token
///   in its path, so removed accounts are not revoked; users remove the app in their profile.
/// - API calls need the parameters `key` and, for most, `site`. The token is in the parameter `access_token`.
/// - The id is `account_id`, the same on all sites; `user_id` differs by site. There is no address.
/// - Names are HTML: `&amp;` stands for `&`.
///
/// Sources, checked on 2026-11-28: <https://api.stackexchange.com/docs/authentication>, <https://api.stackexchange.com/docs/me>;
/// django-allauth `stackexchange` (`account_id`, an answer), social-core `stackoverflow` (comma), SocialiteProviders
/// `StackExchange`.
#[derive(Debug, Clone, Copy)]
pub struct StackExchange;

impl Provider for StackExchange {
    const NAME: &'static str = "stackexchange";
    const PRESET: Preset = Preset {
        title: "Stack Exchange",
        authorization_url: Some("https://stackoverflow.com/oauth"),
        token_url: Some("https://stackoverflow.com/oauth/access_token/json"),
        userinfo_url: Some("https://api.stackexchange.com/2.3/me?site={site}&key={key}"),
        api_base_url: Some("https://api.stackexchange.com/2.3/"),
        scope_separator: ",",
        refresh_tokens: RefreshTokens::Never,
        pkce: false,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        token_placement: TokenPlacement::Query("access_token"),
        assume_bearer: true,
        parameters: &[("key", ParameterKind::Text("")), ("site", ParameterKind::Segment("stackoverflow"))],
        fields: ProfileFields {
            id: "items.0.account_id",
            name: "items.0.display_name",
            profile_url: "items.0.link",
            image_url: "items.0.profile_image",
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
