use super::{
    ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens, RequestBody,
    UserinfoMethod,
};

/// HubSpot.
///
/// - Register an app in a developer account: <https://developers.hubspot.com/docs/apps>. Redirect URL: the callback URL that the
///   log shows at launch.
/// - Scopes: `oauth`, and those that the app's settings require. The request must have exactly the required ones: set `scope`.
/// - Every sign-in gives a refresh token. Access tokens live for half an hour.
/// - The user is read by token introspection (v3), a POST with the client's id and secret. Unlike v1, it keeps the token out of
///   the URL.
/// - The id is `user_id`, the person; `hub_id` is the account, which many people use. Other libraries take the same one.
/// - `user` is the address of the login. HubSpot does not say whether it is verified. There is no name.
/// - Not verified: revocation, so removed accounts are not revoked; PKCE, which the token endpoint accepts.
///
/// Sources, checked on 2026-11-28: <https://developers.hubspot.com/docs/api-reference/auth-oauth-v3/guide>,
/// <https://developers.hubspot.com/docs/api-reference/auth-oauth-v3/public-token/post-oauth-v3-token-introspect>;
/// django-allauth `hubspot`, SocialiteProviders `HubSpot`, Auth.js `hubspot` (scope, fields).
#[derive(Debug, Clone, Copy)]
pub struct HubSpot;

impl Provider for HubSpot {
    const NAME: &'static str = "hubspot";
    const PRESET: Preset = Preset {
        title: "HubSpot",
        authorization_url: Some("https://app.hubspot.com/oauth/authorize"),
        token_url: Some("https://api.hubapi.com/oauth/v3/token"),
        userinfo_url: Some("https://api.hubapi.com/oauth/v3/token/introspect"),
        userinfo: UserinfoMethod::Post,
        userinfo_body: RequestBody::Form(&[
            ("client_id", "{client_id}"),
            ("client_secret", "{client_secret}"),
            ("token", "{access_token}"),
            ("token_type_hint", "access_token"),
        ]),
        api_base_url: Some("https://api.hubapi.com/"),
        scope: &["oauth"],
        refresh_tokens: RefreshTokens::Always,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        fields: ProfileFields {
            id: "user_id",
            email: &[("user", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::read_profile;

    #[test]
    fn the_person_and_not_the_account() {
        let answer = json!({
            "token_use": "access_token", "active": true, "hub_id": 62515, "user_id": 123456, "app_id": 456789,
            "scopes": ["oauth"], "expires_in": 1754, "token_type": "access", "user": "ada@hubspot.example", "hub_domain": "tea.example",
        });
        let profile = read_profile(HubSpot::PRESET, &answer, &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("123456"));
        assert_eq!((profile.name.as_deref(), profile.username.as_deref()), (None, None));
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("ada@hubspot.example")));
        let profile =
            read_profile(HubSpot::PRESET, &json!({"active": true, "user_id": 123456}), &[]).unwrap();
        assert_eq!((profile.id.as_deref(), profile.claimed_email()), (Some("123456"), None));
        assert_eq!(read_profile(HubSpot::PRESET, &json!({"active": false}), &[]).unwrap().id, None);
    }
}
