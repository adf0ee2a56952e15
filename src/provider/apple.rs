use super::{
    ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens,
    ResponseMode, SecretJwt, UserinfoMethod,
};

/// Sign in with Apple.
///
/// - Register: <https://developer.apple.com/account/resources/identifiers/>: an App ID with the capability, a Services ID, which
///   is the `client_id`, and a key. The callback URL must be https and not on localhost.
/// - Own keys: `team_id`, `key_id`, and `private_key` or `private_key_file`, the `.p8` file, in place of a client secret.
/// - Refresh: every token has a refresh token. Revocation: the tokens, which Apple requires when a user deletes the account.
/// - The answer comes as a form (`form_post`). The name is in it only at the user's first consent.
/// - An address can be a private relay (`@privaterelay.appleid.com`). Apple says whether it is verified, as a boolean or a text.
///
/// Sources, as of 2026-11-20:
/// <https://developer.apple.com/documentation/signinwithapple/configuring-your-webpage-for-sign-in-with-apple>,
/// <https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret>,
/// <https://appleid.apple.com/.well-known/openid-configuration>; better-auth, django-allauth.
#[derive(Debug, Clone, Copy)]
pub struct Apple;

impl Provider for Apple {
    const NAME: &'static str = "apple";
    const PRESET: Preset = Preset {
        title: "Apple",
        issuer: Some("https://appleid.apple.com"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        secret_jwt: Some(SecretJwt {
            issuer: "{team_id}",
            audience: "https://appleid.apple.com",
            key_id: "{key_id}",
        }),
        scope: &["openid", "name", "email"],
        refresh_tokens: RefreshTokens::Always,
        response_mode: ResponseMode::FormPost,
        callback_params: &["user"],
        userinfo: UserinfoMethod::None,
        parameters: &[("team_id", ParameterKind::Text("")), ("key_id", ParameterKind::Text(""))],
        fields: ProfileFields {
            id: "sub",
            name: "callback.user.name.firstName + callback.user.name.lastName",
            email: &[("email", EmailVerified::IfTrueText("email_verified"))],
            ..ProfileFields::NONE
        },
        ..Preset::OIDC
    };
}
