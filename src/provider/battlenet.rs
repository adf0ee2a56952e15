use super::{ClientAuthMethod, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// Battle.net, the accounts of Blizzard games.
///
/// - Register at <https://develop.battle.net/access/clients>. Redirect URL: the callback URL that the log shows at launch.
/// - Scopes: `openid` (id and BattleTag); `wow.profile`, `sc2.profile`, `d3.profile` for the games' APIs.
/// - Own key: `hostname`. Accounts of mainland China are at `oauth.battlenet.com.cn`, with ids of their own: give them an
///   entry of their own.
/// - There is no address, no refresh token and no revocation. Access tokens live for a day.
/// - The user can change the BattleTag: it is the user name, never the id.
/// - Not verified: PKCE. Auth.js sends it; the documentation does not mention it.
///
/// Sources, checked on 2026-11-28: <https://develop.battle.net/documentation/guides/using-oauth>; django-allauth
/// `battlenet`, SocialiteProviders `Battlenet`, Auth.js `battlenet`, Arctic `battlenet` (no refresh token).
#[derive(Debug, Clone, Copy)]
pub struct BattleNet;

impl Provider for BattleNet {
    const NAME: &'static str = "battlenet";
    const PRESET: Preset = Preset {
        title: "Battle.net",
        authorization_url: Some("https://{hostname}/authorize"),
        token_url: Some("https://{hostname}/token"),
        userinfo_url: Some("https://{hostname}/userinfo"),
        scope: &["openid"],
        refresh_tokens: RefreshTokens::Never,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        parameters: &[("hostname", ParameterKind::Host("oauth.battle.net"))],
        fields: ProfileFields { id: "id", username: "battletag", ..ProfileFields::NONE },
        ..Preset::OAUTH2
    };
}
