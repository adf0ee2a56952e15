use super::{
    ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens,
    RequestBody, UserinfoMethod,
};

/// Meetup.
///
/// - Register: <https://www.meetup.com/api/oauth/list/>.
/// - Refresh: every token has a refresh token. Revocation: none.
/// - The API is GraphQL only: `post("gql-ext")` with a query. The REST API of older libraries is gone.
/// - The guide does not say whether an address is verified.
///
/// Sources, as of 2026-11-20: <https://www.meetup.com/api/authentication/>, <https://www.meetup.com/api/guide/>;
/// Flask-Dance, django-allauth.
#[derive(Debug, Clone, Copy)]
pub struct Meetup;

impl Provider for Meetup {
    const NAME: &'static str = "meetup";
    const PRESET: Preset = Preset {
        title: "Meetup",
        authorization_url: Some("https://secure.meetup.com/oauth2/authorize"),
        token_url: Some("https://secure.meetup.com/oauth2/access"),
        userinfo_url: Some("https://api.meetup.com/gql-ext"),
        api_base_url: Some("https://api.meetup.com/"),
        userinfo: UserinfoMethod::Post,
        userinfo_body: RequestBody::Json(r#"{"query": "query { self { id name email } }"}"#),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["basic"],
        refresh_tokens: RefreshTokens::Always,
        pkce: false,
        parameters: &[
            ("key", ParameterKind::Alias("client_id")),
            ("secret", ParameterKind::Alias("client_secret")),
        ],
        fields: ProfileFields {
            id: "data.self.id",
            name: "data.self.name",
            email: &[("data.self.email", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
