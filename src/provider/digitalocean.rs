use super::{
    ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens, RequestAuthorization,
    RequestBody, RevocationRequest,
};

/// DigitalOcean.
///
/// - Register: <https://cloud.digitalocean.com/account/api/applications>.
/// - Refresh: every token has a refresh token. Revocation: the access token, by itself.
/// - The token answer has the name of the user and the team, in `info`.
/// - Not verified: the form of the revocation request.
///
/// Sources, as of 2026-11-20: <https://docs.digitalocean.com/reference/api/oauth/>,
/// <https://docs.digitalocean.com/reference/api/digitalocean/#tag/Account>; django-allauth, social-core, Flask-Dance.
#[derive(Debug, Clone, Copy)]
pub struct DigitalOcean;

impl Provider for DigitalOcean {
    const NAME: &'static str = "digitalocean";
    const PRESET: Preset = Preset {
        title: "DigitalOcean",
        authorization_url: Some("https://cloud.digitalocean.com/v1/oauth/authorize"),
        token_url: Some("https://cloud.digitalocean.com/v1/oauth/token"),
        revocation_url: Some("https://cloud.digitalocean.com/v1/oauth/revoke"),
        userinfo_url: Some("https://api.digitalocean.com/v2/account"),
        api_base_url: Some("https://api.digitalocean.com/v2/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["read"],
        refresh_tokens: RefreshTokens::Always,
        revocation: RevocationRequest::Post(
            RequestAuthorization::AccessToken,
            RequestBody::Form(&[("token", "{access_token}")]),
        ),
        parameters: &[],
        fields: ProfileFields {
            id: "account.uuid",
            name: "account.name | token.info.name",
            email: &[("account.email", EmailVerified::IfTrue("account.email_verified"))],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
