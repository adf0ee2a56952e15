use super::{ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens};

/// Coinbase.
///
/// - Register at <https://portal.cdp.coinbase.com/>, under API keys, OAuth. In 2026 Coinbase creates OAuth clients only for
///   approved partners. Redirect URI: the callback URL that the log shows at launch.
/// - Scopes: `wallet:user:read` (id, name, picture), `wallet:user:email` (address), `wallet:accounts:read` and others for
///   the wallet. They must be declared at registration.
/// - Refresh tokens: with the scope `offline_access`, which `offline = true` adds. Each is used once.
/// - Coinbase does not say whether the address is verified.
/// - Not verified: a revocation of the refresh token; the documentation names the access token.
///
/// Sources, checked on 2026-11-28: <https://docs.cdp.coinbase.com/coinbase-app/oauth2-integration/reference> and
/// <https://docs.cdp.coinbase.com/coinbase-app/oauth2-integration/integrations> (scopes joined by a space); Auth.js
/// `coinbase`, social-core `coinbase` and SocialiteProviders `Coinbase` (the answer).
#[derive(Debug, Clone, Copy)]
pub struct Coinbase;

impl Provider for Coinbase {
    const NAME: &'static str = "coinbase";
    const PRESET: Preset = Preset {
        title: "Coinbase",
        authorization_url: Some("https://login.coinbase.com/oauth2/auth"),
        token_url: Some("https://login.coinbase.com/oauth2/token"),
        revocation_url: Some("https://login.coinbase.com/oauth2/revoke"),
        userinfo_url: Some("https://api.coinbase.com/v2/user"),
        api_base_url: Some("https://api.coinbase.com/v2/"),
        scope: &["wallet:user:read", "wallet:user:email"],
        refresh_tokens: RefreshTokens::WithScope("offline_access"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        fields: ProfileFields {
            id: "data.id",
            name: "data.name",
            username: "data.username",
            image_url: "data.avatar_url",
            email: &[("data.email", EmailVerified::Never)],
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
    fn the_user_is_in_data() {
        let answer = json!({"data": {
            "id": "9da7a204-544e-5fd1-9a12-61176c5d4cd8", "name": "User One", "username": "user1",
            "email": "user1@coinbase.example", "avatar_url": "https://images.coinbase.com/avatar?h=vR&s=128", "resource": "user",
        }});
        let profile = read_profile(Coinbase::PRESET, &answer, &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("9da7a204-544e-5fd1-9a12-61176c5d4cd8"));
        assert_eq!(profile.name.as_deref(), Some("User One"));
        assert_eq!(profile.username.as_deref(), Some("user1"));
        assert_eq!(profile.image_url.as_deref(), Some("https://images.coinbase.com/avatar?h=vR&s=128"));
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("user1@coinbase.example")));
        let answer =
            json!({"data": {"id": "9da7a204-544e-5fd1-9a12-61176c5d4cd8", "name": null, "username": null}});
        let profile = read_profile(Coinbase::PRESET, &answer, &[]).unwrap();
        assert_eq!((profile.name.as_deref(), profile.username, profile.image_url), (None, None, None));
    }
}
