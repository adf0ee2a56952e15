use serde_json::Value;

use super::{EmailVerified, ParameterKind, Preset, ProfileFields, Provider, SignatureMethod, claims};
use crate::error::Error;

/// Jira Server and Data Center, with OAuth 1.0a and RSA-SHA1 (feature `rsa-sha1`).
///
/// - Register: an application link of your Jira server. `client_id` is the consumer key of the link, and `rsa_key_file` the
///   private key to the link's public key.
/// - Own key: `base_url`, the address of the Jira server, which is required.
/// - Jira Cloud no longer offers OAuth 1.0a: its preset is [`Atlassian`](super::Atlassian).
///
/// Sources, as of 2026-11-20: <https://developer.atlassian.com/server/jira/platform/oauth/>; Flask-Dance,
/// SocialiteProviders.
#[derive(Debug, Clone, Copy)]
pub struct Jira;

impl Provider for Jira {
    const NAME: &'static str = "jira";
    const PRESET: Preset = Preset {
        title: "Jira",
        signature_method: SignatureMethod::RsaSha1,
        request_token_url: Some("{base_url}/plugins/servlet/oauth/request-token"),
        authorization_url: Some("{base_url}/plugins/servlet/oauth/authorize"),
        token_url: Some("{base_url}/plugins/servlet/oauth/access-token"),
        userinfo_url: Some("{base_url}/rest/api/2/myself"),
        api_base_url: Some("{base_url}/"),
        parameters: &[
            ("base_url", ParameterKind::BaseUrl("")),
            ("consumer_key", ParameterKind::Alias("client_id")),
        ],
        fields: ProfileFields {
            // Unlike `name`, `key` stays the same when the user is renamed.
            id: "key",
            name: "displayName",
            username: "name",
            image_url: "avatarUrls.48x48",
            email: &[("emailAddress", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        profile: |input| match claims::get(input.claims, "active") {
            Some(Value::Bool(false)) => Err(Error::refused("This Jira account is not active.")),
            _ => input.read(),
        },
        ..Preset::OAUTH1
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::{ErrorKind, Result};
    use crate::profile::Profile;
    use crate::provider::read_profile;

    fn user(active: bool) -> Result<Profile> {
        let answer = json!({
            "self": "https://jira.example/rest/api/2/user?username=fred", "key": "JIRAUSER10100", "name": "fred",
            "displayName": "Fred F. User", "emailAddress": "fred@jira.example", "active": active,
            "avatarUrls": {"48x48": "https://jira.example/secure/useravatar?size=large&ownerId=fred"},
        });
        read_profile(Jira::PRESET, &answer, &[])
    }

    #[test]
    fn the_key_is_the_id() {
        let profile = user(true).unwrap();
        assert_eq!(profile.id.as_deref(), Some("JIRAUSER10100"));
        assert_eq!(profile.name.as_deref(), Some("Fred F. User"));
        assert_eq!(profile.username.as_deref(), Some("fred"));
        let image = "https://jira.example/secure/useravatar?size=large&ownerId=fred";
        assert_eq!(profile.image_url.as_deref(), Some(image));
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("fred@jira.example")));
    }

    #[test]
    fn inactive_users_are_refused() {
        assert_eq!(user(false).unwrap_err().kind(), ErrorKind::Refused);
    }
}
