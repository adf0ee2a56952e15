use super::{
    ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens,
    RequestAuthorization, RequestBody, RevocationRequest, TokenPlacement, UserinfoMethod, claims,
};
use crate::error::Error;

/// Shopify: the identity is one shop, or with `per_user` one of its users.
///
/// - Register: an app in the Dev Dashboard, <https://dev.shopify.com/dashboard>. Redirect URL: the callback URL that the log
///   shows at launch.
/// - Own keys: `shop`, the shop's host `name.myshopify.com`, with or without the suffix, which is required; `per_user = true`
///   for an online token, which belongs to the user who signs in; `api_version`. An entry signs in at one shop.
/// - Scopes: `read_products`. The shop's own data needs no further scope.
/// - Profile: without `per_user`, every user who may approve the app in the shop signs in as the shop. With it, the user's
///   address is verified if Shopify says so.
/// - Refresh: always. Tokens are requested with `expiring=1`, which every public app needs from 2027-01-01; they live for an
///   hour. A new token ends the shop's earlier ones: share one account of the shop, see `account`. Online tokens live for a
///   day and have no refresh token.
/// - Revocation: none by default, because it uninstalls the app from the whole shop. To do that when an account is removed:
///   `revocation_url = "https://{shop}/admin/api_permissions/current.json"`.
/// - Quirks: scopes are joined by commas; the token answer has no `token_type`; API requests have the token in
///   `X-Shopify-Access-Token`. The callback's `hmac` is not checked: `state` and the fixed shop protect the flow.
///   An app that is embedded in the admin pages must begin outside of their frame.
/// - Not verified: how Shopify treats `expiring=1` in the request for an online token.
///
/// Sources, checked on 2026-11-28:
/// <https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens>,
/// <https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant>;
/// django-allauth 20f4bded2, social-core 3bb06abd, goth 9c7a282.
#[derive(Debug, Clone, Copy)]
pub struct Shopify;

impl Provider for Shopify {
    const NAME: &'static str = "shopify";
    const PRESET: Preset = Preset {
        title: "Shopify",
        parameters: &[
            ("shop", ParameterKind::HostUnder(".myshopify.com")),
            ("api_version", ParameterKind::Segment("2026-10")),
            ("per_user", ParameterKind::AuthorizationFlag("grant_options[]", "per-user")),
        ],
        authorization_url: Some("https://{shop}/admin/oauth/authorize"),
        token_url: Some("https://{shop}/admin/oauth/access_token"),
        userinfo_url: Some("https://{shop}/admin/api/{api_version}/graphql.json"),
        userinfo: UserinfoMethod::Post,
        userinfo_body: RequestBody::Json(r#"{"query": "{ shop { id name email myshopifyDomain url } }"}"#),
        api_base_url: Some("https://{shop}/admin/api/{api_version}/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        callback_params: &["shop"],
        scope: &["read_products"],
        scope_separator: ",",
        pkce: false,
        token_params: &[("expiring", "1")],
        refresh_tokens: RefreshTokens::Always,
        assume_bearer: true,
        token_placement: TokenPlacement::Header("X-Shopify-Access-Token"),
        revocation: RevocationRequest::Delete(RequestAuthorization::AccessToken, RequestBody::Empty),
        fields: ProfileFields {
            // A user's id is a number, a shop's id begins with gid://shopify/Shop/: they never meet.
            id: "token.associated_user.id | data.shop.id",
            name: "token.associated_user.first_name + token.associated_user.last_name | data.shop.name",
            username: "data.shop.myshopifyDomain",
            profile_url: "data.shop.url",
            email: &[
                (
                    "token.associated_user.email",
                    EmailVerified::IfTrue("token.associated_user.email_verified"),
                ),
                ("data.shop.email", EmailVerified::Never),
            ],
            ..ProfileFields::NONE
        },
        profile: |input| {
            let is_user = claims::get(input.token, "associated_user.id").is_some();
            // The user's browser can leave out the request for a token of the user. It would be the shop then.
            match input.parameters.get("per_user").is_some_and(|value| value == "true") && !is_user {
                true => Err(Error::refused("Shopify did not say which user of the shop signs in.")),
                false => input.read(),
            }
        },
        ..Preset::OAUTH2
    };
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::ErrorKind;
    use crate::profile::Profile;
    use crate::provider::ProfileInput;

    fn profile(token: &Value) -> Profile {
        let answer = json!({"data": {"shop": {
            "id": "gid://shopify/Shop/548380009", "name": "Snow", "email": "owner@snow.example",
            "myshopifyDomain": "snow.myshopify.com", "url": "https://snow.example",
        }}});
        Shopify::PRESET
            .read_profile(ProfileInput::new(&answer, &Default::default()).with_token(token))
            .unwrap()
    }

    #[test]
    fn the_shop_or_its_user() {
        let shop = profile(&json!({}));
        assert_eq!(shop.id.as_deref(), Some("gid://shopify/Shop/548380009"));
        assert_eq!(shop.name.as_deref(), Some("Snow"));
        assert_eq!(shop.username.as_deref(), Some("snow.myshopify.com"));
        assert_eq!(shop.profile_url.as_deref(), Some("https://snow.example"));
        assert_eq!((shop.email(), shop.claimed_email()), (None, Some("owner@snow.example")));
        let user = |email_verified| {
            profile(&json!({
                "associated_user_scope": "write_orders",
                "associated_user": {
                    "id": 902541635, "first_name": "John", "last_name": "Smith", "email": "john@shop.example",
                    "email_verified": email_verified, "account_owner": true, "locale": "en", "collaborator": false,
                },
            }))
        };
        assert_eq!(user(true).id.as_deref(), Some("902541635"));
        assert_eq!(user(true).name.as_deref(), Some("John Smith"));
        assert_eq!(user(true).email(), Some("john@shop.example"));
        assert_eq!((user(false).email(), user(false).claimed_email()), (None, Some("john@shop.example")));
    }

    #[test]
    fn with_per_user_nobody_signs_in_as_the_shop() {
        let answer = json!({"data": {"shop": {"id": "gid://shopify/Shop/548380009"}}});
        let read = |per_user: &str, token: Value| {
            let parameters = [("per_user".to_owned(), per_user.to_owned())].into();
            let input = ProfileInput::new(&answer, &parameters);
            Shopify::PRESET.read_profile(input.with_token(&token)).map(|profile| profile.id)
        };
        let user = json!({"associated_user": {"id": 902541635}});
        assert_eq!(read("true", user).unwrap().as_deref(), Some("902541635"));
        assert_eq!(read("false", json!({})).unwrap().as_deref(), Some("gid://shopify/Shop/548380009"));
        for token in [json!({}), json!({"associated_user": null}), json!({"associated_user": {"id": null}})] {
            assert_eq!(read("true", token).unwrap_err().kind(), ErrorKind::Refused);
        }
    }

    #[test]
    fn an_error_of_graphql_is_no_profile() {
        let answer = json!({"errors": [{"message": "access denied"}], "data": null});
        let profile = Shopify::PRESET.read_profile(ProfileInput::new(&answer, &Default::default())).unwrap();
        assert_eq!(
            (profile.id.as_deref(), profile.name.as_deref(), profile.claimed_email()),
            (None, None, None)
        );
    }
}
