use super::{ClientAuthMethod, ParameterKind, Preset, Provider, RefreshTokens, claims};
use crate::error::Error;

/// Google, with OpenID Connect.
///
/// - Register: <https://console.cloud.google.com/apis/credentials>, "OAuth client ID" of the type "Web application".
///   Authorized redirect URI: the callback URL that the log shows at launch.
/// - Scopes: `openid profile email`. `offline = true` requests a refresh token, which Google sends only at the first consent,
///   or with `reprompt_consent = true`. Removed accounts are revoked.
/// - Further scopes ([`RequiredScopes`](crate::RequiredScopes)) are added to what was granted before (`include_granted_scopes`).
/// - Own keys: `reprompt_consent`, `reprompt_select_account`, `login_hint`, and `hosted_domain`, which admits only accounts
///   of that Workspace domain, or of any Workspace if it is `*`. The `hd` claim must equal it. An e-mail address counts only if
///   `hd` is in the same document, ID token or userinfo; Google writes both into the ID token. An ignored address is logged.
/// - Google refuses sign-ins in the web views of apps (`disallowed_useragent`).
///
/// Sources, as of 2026-11-28: <https://developers.google.com/identity/openid-connect/openid-connect>,
/// <https://developers.google.com/identity/protocols/oauth2/web-server> (incremental authorization); social-core,
/// better-auth, next-auth.
#[derive(Debug, Clone, Copy)]
pub struct Google;

impl Provider for Google {
    const NAME: &'static str = "google";
    const PRESET: Preset = Preset {
        title: "Google",
        // Old ID tokens have the issuer `accounts.google.com`, without https. They are rejected: discovery names this one.
        issuer: Some("https://accounts.google.com"),
        api_base_url: Some("https://www.googleapis.com/"),
        // Each API has a host of its own, for example gmail.googleapis.com.
        api_hosts: &["*.googleapis.com"],
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        refresh_tokens: RefreshTokens::WithParam("access_type", "offline"),
        implied_scopes: &[
            ("https://www.googleapis.com/auth/userinfo.email", "email"),
            ("https://www.googleapis.com/auth/userinfo.profile", "profile"),
        ],
        incremental_params: Some(&[("include_granted_scopes", "true")]),
        parameters: &[
            ("reprompt_consent", ParameterKind::AuthorizationFlag("prompt", "consent")),
            ("reprompt_select_account", ParameterKind::AuthorizationFlag("prompt", "select_account")),
            ("hosted_domain", ParameterKind::AuthorizationParam("hd")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        // AL-10: an attacker who buys an expired domain can create its old addresses again in a new Workspace.
        trust_email: &["gmail.com", "googlemail.com"],
        // Google documents it as the domain of the user's Workspace organization. A personal account has none, whatever its address.
        domain_claim: "hd",
        required_claims: &[("hosted_domain", "hd")],
        profile: |input| {
            // The user can remove `hd` from the request's URL. Only the claim is proof.
            if let Some(wanted) = input.parameters.get("hosted_domain")
                && !claims::text(input.claims, "hd")
                    .is_some_and(|hd| wanted == "*" || hd.eq_ignore_ascii_case(wanted))
            {
                let whose = if wanted == "*" { "a Google Workspace" } else { wanted };
                return Err(Error::refused(format!("Only Google accounts of {whose} can sign in.")));
            }
            input.read()
        },
        ..Preset::OIDC
    };
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::{ErrorKind, Result};
    use crate::profile::Profile;
    use crate::provider::read_profile;

    fn user(hd: Value, wanted: &[(&str, &str)]) -> Result<Profile> {
        read_profile(
            Google::PRESET,
            &json!({
                "iss": "https://accounts.google.com", "sub": "110169484474386276334", "hd": hd, "name": "Jane Doe",
                "picture": "https://lh3.googleusercontent.com/a/x", "email": "jane@corp.example", "email_verified": true,
            }),
            wanted,
        )
    }

    #[test]
    fn claims_as_openid_connect_names_them() {
        let profile = user(json!(null), &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("110169484474386276334"));
        assert_eq!(profile.name.as_deref(), Some("Jane Doe"));
        assert_eq!(profile.image_url.as_deref(), Some("https://lh3.googleusercontent.com/a/x"));
        assert_eq!(profile.email(), Some("jane@corp.example"));
    }

    #[test]
    fn a_hosted_domain_is_checked_not_only_asked_for() {
        let wanted = [("hosted_domain", "corp.example")];
        assert!(user(json!("corp.example"), &wanted).is_ok() && user(json!("CORP.example"), &wanted).is_ok());
        for hd in [
            json!(null),
            json!(""),
            json!("other.example"),
            json!("corp.example.evil.example"),
            json!(["corp.example"]),
        ] {
            assert_eq!(user(hd.clone(), &wanted).unwrap_err().kind(), ErrorKind::Refused, "{hd}");
        }
        let any = [("hosted_domain", "*")];
        assert!(user(json!("corp.example"), &any).is_ok());
        for hd in [json!(null), json!(""), json!(true)] {
            assert_eq!(user(hd.clone(), &any).unwrap_err().kind(), ErrorKind::Refused, "{hd}");
        }
    }
}
