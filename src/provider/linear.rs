use super::{
    ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens,
    RequestAuthorization, RequestBody, RevocationRequest, UserinfoMethod, claims,
};
use crate::error::Error;

/// Linear.
///
/// - Register: <https://linear.app/settings/api/applications/new>. Callback URL: the one that the log shows at launch.
/// - Own key: `prompt`; `prompt = "consent"` lets the user choose another workspace.
/// - Scopes: `read`, which every token has. Scopes are joined by commas.
/// - Refresh: always, since 2026-04-01 for all apps; a refresh token is used once. Tokens live for 24 hours.
/// - Revocation: yes, by a request with the access token.
/// - Quirks: the API is GraphQL. A user has an id for each workspace. With `actor=app` a token belongs to the app and not
///   to a person: its user is refused.
/// - Address: never verified; Linear does not say it.
///
/// Sources, checked on 2026-11-28: <https://linear.app/developers/oauth-2-0-authentication>; better-auth 451aa4b6e5.
#[derive(Debug, Clone, Copy)]
pub struct Linear;

impl Provider for Linear {
    const NAME: &'static str = "linear";
    const PRESET: Preset = Preset {
        title: "Linear",
        parameters: &[("prompt", ParameterKind::AuthorizationParam("prompt"))],
        authorization_url: Some("https://linear.app/oauth/authorize"),
        token_url: Some("https://api.linear.app/oauth/token"),
        revocation_url: Some("https://api.linear.app/oauth/revoke"),
        userinfo_url: Some("https://api.linear.app/graphql"),
        userinfo: UserinfoMethod::Post,
        userinfo_body: RequestBody::Json(
            r#"{"query": "{ viewer { id name displayName email avatarUrl url app } }"}"#,
        ),
        api_base_url: Some("https://api.linear.app/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["read"],
        scope_separator: ",",
        refresh_tokens: RefreshTokens::Always,
        revocation: RevocationRequest::Post(RequestAuthorization::AccessToken, RequestBody::Empty),
        fields: ProfileFields {
            id: "data.viewer.id",
            name: "data.viewer.name",
            username: "data.viewer.displayName",
            profile_url: "data.viewer.url",
            image_url: "data.viewer.avatarUrl",
            email: &[("data.viewer.email", EmailVerified::Never)],
        },
        profile: |input| match claims::is_true(input.claims, "data.viewer.app") {
            true => Err(Error::refused("This Linear user is an app, and not a person.")),
            false => input.read(),
        },
        ..Preset::OAUTH2
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::ErrorKind;
    use crate::provider::read_profile;

    #[test]
    fn an_app_is_no_person() {
        let viewer = |app| json!({"data": {"viewer": {"id": "2b", "name": "Corp app", "app": app}}});
        assert!(read_profile(Linear::PRESET, &viewer(false), &[]).is_ok());
        let refused = read_profile(Linear::PRESET, &viewer(true), &[]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Refused);
    }
}
