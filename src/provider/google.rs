use super::{ClientAuth, ParameterKind, Preset, Provider, claims};
use crate::error::Error;
use crate::profile::Profile;

/// Google: <https://developers.google.com/identity/openid-connect/openid-connect>.
///
/// Keys of its own: `offline` (a refresh token, at the first consent), `reprompt_consent`, `reprompt_select_account`
/// and `hosted_domain`, which admits only accounts of that Workspace domain: the `hd` claim is checked, not only asked for.
#[derive(Debug, Clone, Copy)]
pub struct Google;

impl Provider for Google {
    const NAME: &'static str = "google";
    const PRESET: Preset = Preset {
        title: "Google",
        // Its oldest ID tokens said `accounts.google.com`, without https: those are refused, as discovery names this.
        issuer: Some("https://accounts.google.com"),
        api_base_url: Some("https://www.googleapis.com/"),
        token_endpoint_auth_method: ClientAuth::Post,
        parameters: &[
            ("offline", ParameterKind::AuthorizationFlag("access_type", "offline")),
            ("reprompt_consent", ParameterKind::AuthorizationFlag("prompt", "consent")),
            ("reprompt_select_account", ParameterKind::AuthorizationFlag("prompt", "select_account")),
            ("hosted_domain", ParameterKind::AuthorizationParam("hd")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        // AL-10: whoever buys a dormant domain makes the old addresses anew, in a Workspace of theirs.
        trust_email: &["gmail.com", "googlemail.com"],
        profile: |answer| {
            // `hd` in the request is a hint that the person can edit out of the URL; only the claim binds.
            if let Some(wanted) = answer.parameters.get("hosted_domain")
                && claims::text(answer.claims, "hd").as_ref() != Some(wanted)
            {
                return Err(Error::refused(format!("Only Google accounts of {wanted} may come in.")));
            }
            Profile::from_claims(answer.claims)
        },
        ..Preset::OIDC
    };
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::{ErrorKind, Result};
    use crate::provider::read;

    fn user(hd: Value, wanted: &[(&str, &str)]) -> Result<Profile> {
        read(
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
        assert!(user(json!("corp.example"), &wanted).is_ok());
        for hd in [
            json!(null),
            json!(""),
            json!("other.example"),
            json!("CORP.example"),
            json!("corp.example.evil.example"),
            json!(["corp.example"]),
        ] {
            assert_eq!(user(hd.clone(), &wanted).unwrap_err().kind(), ErrorKind::Refused, "{hd}");
        }
    }
}
