use super::{ClientAuthMethod, Preset, ProfileFields, Provider, RequestBody, UserinfoMethod};

/// Snapchat (Login Kit).
///
/// - Register at <https://kit.snapchat.com/manage>, with Login Kit and a confidential OAuth client. Redirect URI: the callback
///   URL that the log shows at launch; it must be https.
/// - Scopes: `…/user.external_id` (id) and `…/user.display_name`; `…/user.bitmoji.avatar` for the Bitmoji, which the profile
///   does not contain.
/// - The id is specific to the app. There is no address and no user name.
/// - The userinfo is a GraphQL query.
/// - Not verified: PKCE, refresh tokens and revocation of confidential clients.
///
/// Sources, checked on 2026-11-28: <https://developers.snap.com/snap-kit/login-kit/overview>,
/// <https://developers.snap.com/snap-kit/login-kit/Tutorials/web> (scopes); django-allauth `snapchat` (query, answer),
/// SocialiteProviders `Snapchat`.
#[derive(Debug, Clone, Copy)]
pub struct Snapchat;

impl Provider for Snapchat {
    const NAME: &'static str = "snapchat";
    const PRESET: Preset = Preset {
        title: "Snapchat",
        authorization_url: Some("https://accounts.snapchat.com/accounts/oauth2/auth"),
        token_url: Some("https://accounts.snapchat.com/accounts/oauth2/token"),
        userinfo_url: Some("https://api.snapkit.com/v1/me"),
        userinfo: UserinfoMethod::Post,
        userinfo_body: RequestBody::Json(r#"{"query": "{ me { externalId displayName } }"}"#),
        scope: &[
            "https://auth.snapchat.com/oauth2/api/user.external_id",
            "https://auth.snapchat.com/oauth2/api/user.display_name",
        ],
        pkce: false,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        fields: ProfileFields {
            id: "data.me.externalId",
            name: "data.me.displayName",
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
