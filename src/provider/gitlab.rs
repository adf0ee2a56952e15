use super::{
    ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens, claims,
};
use crate::error::Error;

/// GitLab, on gitlab.com or on another host.
///
/// - Register: <https://gitlab.com/-/user_settings/applications>, or the same page of your server. Redirect URI: the callback
///   URL that the log shows at launch.
/// - Scope: `read_user`. Tokens live for two hours; refresh tokens rotate. Removed accounts are revoked.
/// - Own key: `hostname`, the host of the GitLab server.
///
/// Sources, as of 2026-11-20: <https://docs.gitlab.com/ee/api/oauth2.html>; django-allauth, better-auth, arctic.
#[derive(Debug, Clone, Copy)]
pub struct GitLab;

impl Provider for GitLab {
    const NAME: &'static str = "gitlab";
    const PRESET: Preset = Preset {
        title: "GitLab",
        authorization_url: Some("https://{hostname}/oauth/authorize"),
        token_url: Some("https://{hostname}/oauth/token"),
        revocation_url: Some("https://{hostname}/oauth/revoke"),
        userinfo_url: Some("https://{hostname}/api/v4/user"),
        api_base_url: Some("https://{hostname}/api/v4/"),
        scope: &["read_user"],
        refresh_tokens: RefreshTokens::Always,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        parameters: &[
            ("hostname", ParameterKind::Host("gitlab.com")),
            (
                "verify_tls_certificates",
                ParameterKind::AlwaysTrue(
                    "certificates are always verified: remove it, and add the server's CA to those of the system",
                ),
            ),
        ],
        fields: ProfileFields {
            id: "id",
            name: "name",
            username: "username",
            profile_url: "web_url",
            image_url: "avatar_url",
            email: &[("email", EmailVerified::IfPresent("confirmed_at"))],
        },
        profile: |input| match claims::text(input.claims, "state") {
            Some(state) if state != "active" => Err(Error::refused("This GitLab account is not active.")),
            _ => input.read(),
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

    fn user(state: Value, confirmed_at: Value) -> Result<Profile> {
        read_profile(
            GitLab::PRESET,
            &json!({
                "id": 1, "username": "john_smith", "name": "John Smith", "state": state, "confirmed_at": confirmed_at,
                "avatar_url": "https://gitlab.example/avatar.png", "web_url": "https://gitlab.example/john_smith",
                "email": "john@gitlab.example",
            }),
            &[],
        )
    }

    #[test]
    fn an_address_is_verified_once_it_is_confirmed() {
        let profile = user(json!("active"), json!("2012-05-23T09:05:22Z")).unwrap();
        assert_eq!(profile.id.as_deref(), Some("1"));
        assert_eq!(profile.name.as_deref(), Some("John Smith"));
        assert_eq!(profile.username.as_deref(), Some("john_smith"));
        assert_eq!(profile.profile_url.as_deref(), Some("https://gitlab.example/john_smith"));
        assert_eq!(profile.image_url.as_deref(), Some("https://gitlab.example/avatar.png"));
        assert_eq!(profile.email(), Some("john@gitlab.example"));
        let profile = user(json!("active"), json!(null)).unwrap();
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("john@gitlab.example")));
    }

    #[test]
    fn blocked_users_are_refused() {
        for state in ["blocked", "deactivated", "ldap_blocked", "banned"] {
            assert_eq!(user(json!(state), json!(null)).unwrap_err().kind(), ErrorKind::Refused, "{state}");
        }
    }
}
