use super::{ClientAuth, Effect, Preset, Provider, claims};
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
        issuer: Some("https://accounts.google.com"),
        api_base_url: Some("https://www.googleapis.com/"),
        token_endpoint_auth_method: ClientAuth::Post,
        parameters: &[
            ("offline", Effect::Flag("access_type", "offline")),
            ("reprompt_consent", Effect::Flag("prompt", "consent")),
            ("reprompt_select_account", Effect::Flag("prompt", "select_account")),
            ("hosted_domain", Effect::Authorize("hd")),
            ("login_hint", Effect::Authorize("login_hint")),
        ],
        profile: |answer| {
            // `hd` in the request is a hint that the person can edit out of the URL; only the claim binds.
            let wanted = answer.parameters.get("hosted_domain");
            if wanted.is_some_and(|wanted| claims::text(answer.claims, "hd").as_ref() != Some(wanted)) {
                return Err("the account is not of the hosted domain".into());
            }
            Profile::from_claims(answer.claims)
        },
        ..Preset::OIDC
    };
}
