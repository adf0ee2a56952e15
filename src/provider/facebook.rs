use super::{
    ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens,
    RequestAuthorization, RequestBody, RevocationRequest,
};

/// Facebook.
///
/// - Register: <https://developers.facebook.com/apps/>, with the use case "Authenticate and request data from users".
/// - Scopes: `public_profile` and `email`; the user can refuse the address.
/// - Refresh: none; a token lasts about two hours. Revocation: the app is removed from the user's account.
/// - Own keys: `version` of the Graph API; `rerequest_declined_permissions`, which asks again for what the user has refused.
/// - The id belongs to this app: another app sees another id of the same user. Facebook does not say whether an address is
///   verified.
/// - API calls have `appsecret_proof`, so the app's setting "Require App Secret" can be on.
///
/// Sources, as of 2026-11-28: <https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow>,
/// <https://developers.facebook.com/docs/facebook-login/security> (`appsecret_proof`),
/// <https://developers.facebook.com/docs/graph-api/reference/user/>; django-allauth, better-auth, social-core.
#[derive(Debug, Clone, Copy)]
pub struct Facebook;

impl Provider for Facebook {
    const NAME: &'static str = "facebook";
    const PRESET: Preset = Preset {
        title: "Facebook",
        authorization_url: Some("https://www.facebook.com/{version}/dialog/oauth"),
        token_url: Some("https://graph.facebook.com/{version}/oauth/access_token"),
        revocation_url: Some("https://graph.facebook.com/{version}/me/permissions"),
        userinfo_url: Some("https://graph.facebook.com/{version}/me?fields=id,name,email,picture,link"),
        api_base_url: Some("https://graph.facebook.com/{version}/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        scope: &["email", "public_profile"],
        scope_separator: ",",
        refresh_tokens: RefreshTokens::Never,
        pkce: false,
        token_proof_param: "appsecret_proof",
        revocation: RevocationRequest::Delete(RequestAuthorization::AccessToken, RequestBody::Empty),
        parameters: &[
            ("version", ParameterKind::Segment("v25.0")),
            ("rerequest_declined_permissions", ParameterKind::AuthorizationFlag("auth_type", "rerequest")),
        ],
        fields: ProfileFields {
            id: "id",
            name: "name",
            profile_url: "link",
            image_url: "picture.data.url",
            email: &[("email", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
