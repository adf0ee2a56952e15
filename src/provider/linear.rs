use super::{
    ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens,
    RequestBody, RevocationRequest, UserinfoMethod, claims,
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
        revocation: RevocationRequest::AuthorizedPost,
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
    use serde_json::{Value, json};

    use super::*;
    use crate::error::{ErrorKind, Result};
    use crate::profile::Profile;
    use crate::provider::read_profile;

    fn viewer(viewer: Value) -> Result<Profile> {
        read_profile(Linear::PRESET, &json!({"data": {"viewer": viewer}}), &[])
    }

    #[test]
    fn rich_and_poor() {
        let profile = viewer(json!({
            "id": "2b1a1f0e-8d53-4c5e-9c1e-1d8c4b1f7a11", "name": "Ada Lovelace", "displayName": "ada",
            "email": "ada@linear.example", "avatarUrl": "https://linear.example/ada.png",
            "url": "https://linear.app/corp/profiles/ada", "app": false,
        }));
        let profile = profile.unwrap();
        assert_eq!(profile.id.as_deref(), Some("2b1a1f0e-8d53-4c5e-9c1e-1d8c4b1f7a11"));
        assert_eq!(profile.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(profile.username.as_deref(), Some("ada"));
        assert_eq!(profile.profile_url.as_deref(), Some("https://linear.app/corp/profiles/ada"));
        assert_eq!(profile.image_url.as_deref(), Some("https://linear.example/ada.png"));
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("ada@linear.example")));
        let profile = viewer(json!({"id": "2b", "avatarUrl": null, "email": null})).unwrap();
        assert_eq!((profile.name.as_deref(), profile.claimed_email()), (None, None));
    }

    #[test]
    fn an_app_is_no_person() {
        let refused = viewer(json!({"id": "2b", "name": "Corp app", "app": true})).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Refused);
    }
}
