use super::{ClientAuthMethod, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// ORCID.
///
/// - Register: <https://orcid.org/developer-tools> (public API), or a member's credentials.
/// - Scope: `openid`. Refresh: every token has a refresh token; a token lasts 20 years. Revocation: the tokens.
/// - Own keys: `sandbox`, for `sandbox.orcid.org`; `member_api`, for API calls at `api.` instead of `pub.`.
/// - The id is the ORCID iD. The name is in the token answer; the userinfo often has none. No address is read: it is public
///   only if the user says so.
///
/// Sources, as of 2026-11-20: <https://info.orcid.org/documentation/api-tutorials/api-tutorial-get-and-authenticated-orcid-id/>,
/// <https://orcid.org/.well-known/openid-configuration>; django-allauth, social-core, Flask-Dance.
#[derive(Debug, Clone, Copy)]
pub struct Orcid;

impl Provider for Orcid {
    const NAME: &'static str = "orcid";
    const PRESET: Preset = Preset {
        title: "ORCID",
        authorization_url: Some("https://{sandbox}orcid.org/oauth/authorize"),
        token_url: Some("https://{sandbox}orcid.org/oauth/token"),
        revocation_url: Some("https://{sandbox}orcid.org/oauth/revoke"),
        userinfo_url: Some("https://{sandbox}orcid.org/oauth/userinfo"),
        api_base_url: Some("https://{member_api}.{sandbox}orcid.org/v3.0/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["openid"],
        refresh_tokens: RefreshTokens::Always,
        pkce: false,
        parameters: &[
            ("sandbox", ParameterKind::Switch("", "sandbox.")),
            ("member_api", ParameterKind::Switch("pub", "api")),
        ],
        fields: ProfileFields {
            id: "sub",
            name: "token.name | name | given_name + family_name",
            profile_url: "https://orcid.org/{sub}",
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
