use super::{ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// Nextcloud.
///
/// - Register in the administration settings of the server, under Security, OAuth 2.0 clients. Redirection URI: the callback
///   URL that the log shows at launch.
/// - Own key: `base_url`, the address of the server, which is required. A server without pretty URLs has its OAuth endpoints
///   below `index.php`: set `authorization_url` and `token_url`, too.
/// - There are no scopes: every token gives access to the whole account, with all files.
/// - Every sign-in gives a refresh token; a refresh gives a new one. There is no revocation endpoint.
/// - The id is Nextcloud's user id, which never changes. It is a name that the administrator chose: do not give the id of a
///   deleted user to another person.
/// - Users can write any address into their profile: it is a claim.
/// - Not verified: PKCE. Auth.js sends it.
///
/// Sources, checked on 2026-11-28:
/// <https://docs.nextcloud.com/server/latest/admin_manual/configuration_server/oauth2.html>; SocialiteProviders `Nextcloud`,
/// Auth.js `nextcloud` (the header `OCS-APIRequest`), django-allauth `nextcloud` (an answer).
#[derive(Debug, Clone, Copy)]
pub struct Nextcloud;

impl Provider for Nextcloud {
    const NAME: &'static str = "nextcloud";
    const PRESET: Preset = Preset {
        title: "Nextcloud",
        authorization_url: Some("{base_url}/apps/oauth2/authorize"),
        token_url: Some("{base_url}/apps/oauth2/api/v1/token"),
        userinfo_url: Some("{base_url}/ocs/v2.php/cloud/user?format=json"),
        api_base_url: Some("{base_url}/"),
        refresh_tokens: RefreshTokens::Always,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        headers: &[("OCS-APIRequest", "true")],
        parameters: &[("base_url", ParameterKind::BaseUrl(""))],
        fields: ProfileFields {
            id: "ocs.data.id",
            name: "ocs.data.display-name | ocs.data.displayname",
            username: "ocs.data.id",
            email: &[("ocs.data.email", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}
