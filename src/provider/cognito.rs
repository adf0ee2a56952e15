use super::{EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// Amazon Cognito user pools, with OpenID Connect.
///
/// - Register: in the AWS console, the user pool, "App clients", with a client secret. Allowed callback URLs: the callback URL
///   that the log shows at launch. OpenID Connect scopes: `openid`, `profile` and `email`.
/// - Own keys, which are required: `domain`, the host of the pool's domain, for example
///   `corp.auth.eu-west-1.amazoncognito.com`; `region`; `user_pool_id`. Also `identity_provider`, which selects one, `prompt`
///   and `login_hint`.
/// - Scopes: `openid profile email`.
/// - Refresh: always. Revocation: ends the refresh token and the access tokens made with it.
/// - Quirks: the issuer is on another host than the endpoints. The userinfo has `email_verified` as the text "true". Regions
///   in China have another issuer: set `issuer`.
/// - Address: `email_verified` is what the pool says: its administrators, and the attribute mappings of its identity
///   providers, can set it. No domain is trusted unless `trust_email` lists it.
///
/// Sources, checked on 2026-11-20:
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/userinfo-endpoint.html>; django-allauth 20f4bded2, better-auth
/// 451aa4b6e5, next-auth a1a16a5a7, social-core 3bb06abd (which uses `username` as the id).
#[derive(Debug, Clone, Copy)]
pub struct Cognito;

impl Provider for Cognito {
    const NAME: &'static str = "cognito";
    const PRESET: Preset = Preset {
        title: "Amazon Cognito",
        parameters: &[
            ("domain", ParameterKind::Host("")),
            ("region", ParameterKind::Segment("")),
            ("user_pool_id", ParameterKind::Segment("")),
            ("identity_provider", ParameterKind::AuthorizationParam("identity_provider")),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        issuer: Some("https://cognito-idp.{region}.amazonaws.com/{user_pool_id}"),
        authorization_url: Some("https://{domain}/oauth2/authorize"),
        token_url: Some("https://{domain}/oauth2/token"),
        userinfo_url: Some("https://{domain}/oauth2/userInfo"),
        revocation_url: Some("https://{domain}/oauth2/revoke"),
        refresh_tokens: RefreshTokens::Always,
        fields: ProfileFields {
            name: "name | given_name + family_name",
            username: "username | cognito:username",
            email: &[("email", EmailVerified::IfTrueText("email_verified"))],
            ..ProfileFields::OPENID
        },
        ..Preset::OIDC
    };
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::provider::read_profile;

    #[test]
    fn the_text_true_is_true_here() {
        let read = |email_verified: Value| {
            let answer = json!({
                "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "email_verified": email_verified, "username": "janedoe",
                "name": "Jane Doe", "given_name": "Jane", "family_name": "Doe", "email": "jane@cognito.example",
            });
            read_profile(Cognito::PRESET, &answer, &[]).unwrap()
        };
        let profile = read(json!("true"));
        assert_eq!(profile.id.as_deref(), Some("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"));
        assert_eq!(profile.name.as_deref(), Some("Jane Doe"));
        assert_eq!(profile.username.as_deref(), Some("janedoe"));
        assert_eq!(profile.email(), Some("jane@cognito.example"));
        assert_eq!(read(json!(true)).email(), Some("jane@cognito.example"));
        for no in [json!("false"), json!(false), json!(null), json!("True"), json!("")] {
            assert_eq!(read(no).email(), None);
        }
    }
}
