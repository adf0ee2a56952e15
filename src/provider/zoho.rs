use super::{
    ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens,
    RequestAuthorization, RequestBody, RevocationRequest, TokenPlacement,
};

/// Zoho.
///
/// - Register: <https://api-console.zoho.com/>, "Server-based Applications".
/// - Scope: `AaaServer.profile.Read` identifies the user; others in addition, for example `ZohoCRM.users.all`.
/// - Refresh: with `offline = true`, and `reprompt_consent = true` to get another refresh token. A user has at most 20
///   refresh tokens: the oldest one ends. Revocation: the refresh token, and with it its access tokens.
/// - Own key: `accounts_host`, the data center of the users, for example `accounts.zoho.eu`. A user of another one cannot sign
///   in: the code is valid only at the host that the callback names in `accounts-server`, and it is sent to `accounts_host`
///   alone. Each data center needs an entry of its own.
/// - API calls go to the host that the token answer names in `api_domain`, with `Zoho-oauthtoken` before the token.
/// - Zoho does not say whether an address is verified.
///
/// Sources, as of 2026-11-28: <https://www.zoho.com/accounts/protocol/oauth/web-apps/authorization.html>,
/// <https://www.zoho.com/accounts/protocol/oauth/multi-dc.html>, <https://zoho.com/crm/developer/docs/api/revoke-tokens.html>;
/// django-allauth, SocialiteProviders, Flask-Dance.
#[derive(Debug, Clone, Copy)]
pub struct Zoho;

impl Provider for Zoho {
    const NAME: &'static str = "zoho";
    const PRESET: Preset = Preset {
        title: "Zoho",
        authorization_url: Some("https://{accounts_host}/oauth/v2/auth"),
        token_url: Some("https://{accounts_host}/oauth/v2/token"),
        revocation_url: Some("https://{accounts_host}/oauth/v2/token/revoke"),
        userinfo_url: Some("https://{accounts_host}/oauth/user/info"),
        api_base_url: Some("{token.api_domain}/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["AaaServer.profile.Read"],
        scope_separator: ",",
        refresh_tokens: RefreshTokens::WithParam("access_type", "offline"),
        pkce: false,
        authorization_params: &[("access_type", "online")],
        token_placement: TokenPlacement::Authorization("Zoho-oauthtoken"),
        token_types: &["bearer", "zoho-oauthtoken"],
        assume_bearer: true,
        revocation: RevocationRequest::Post(
            RequestAuthorization::None,
            RequestBody::Form(&[("token", "{refresh_token}")]),
        ),
        callback_params: &["accounts-server", "location"],
        parameters: &[
            (
                "accounts_host",
                ParameterKind::Choice(&[
                    "accounts.zoho.com",
                    "accounts.zoho.eu",
                    "accounts.zoho.in",
                    "accounts.zoho.com.au",
                    "accounts.zoho.jp",
                    "accounts.zoho.com.cn",
                    "accounts.zoho.sa",
                    "accounts.zoho.uk",
                    "accounts.zohocloud.ca",
                ]),
            ),
            ("reprompt_consent", ParameterKind::AuthorizationFlag("prompt", "consent")),
        ],
        fields: ProfileFields {
            id: "ZUID",
            name: "First_Name + Last_Name",
            username: "Display_Name",
            email: &[("Email", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
