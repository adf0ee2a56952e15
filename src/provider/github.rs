use super::{
    ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RequestAuthorization,
    RequestBody, RevocationRequest,
};

/// GitHub.
///
/// - Register: <https://github.com/settings/developers>, "OAuth Apps". Authorization callback URL: the callback URL that
///   the log shows at launch.
/// - Scopes: `read:user` and `user:email`. GitHub answers with the granted scopes separated by commas, without
///   those that another granted one includes.
/// - Refresh: only GitHub Apps with expiring user tokens. Tokens of OAuth Apps do not expire.
/// - Revocation: the user's authorization of the app ends, with all of its tokens. On the next sign-in, GitHub asks for consent
///   again.
/// - Own keys: `allow_signup`, `prompt`.
/// - The address is the primary one of `/user/emails`, where GitHub states whether it is verified. The address in the
///   profile is never verified.
///
/// Sources, as of 2026-11-28:
/// <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>,
/// <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps>,
/// <https://docs.github.com/en/rest/apps/oauth-applications> (revocation); django-allauth, better-auth, next-auth.
#[derive(Debug, Clone, Copy)]
pub struct GitHub;

impl Provider for GitHub {
    const NAME: &'static str = "github";
    const PRESET: Preset = Preset {
        title: "GitHub",
        authorization_url: Some("https://github.com/login/oauth/authorize"),
        token_url: Some("https://github.com/login/oauth/access_token"),
        userinfo_url: Some("https://api.github.com/user"),
        api_base_url: Some("https://api.github.com/"),
        revocation_url: Some("https://api.github.com/applications/{client_id}/grant"),
        scope: &["read:user", "user:email"],
        implied_scopes: &[
            ("user", "read:user"),
            ("user", "user:email"),
            ("user", "user:follow"),
            ("repo", "public_repo"),
            ("repo", "repo:status"),
            ("repo", "repo_deployment"),
            ("repo", "repo:invite"),
            ("repo", "security_events"),
            ("admin:org", "write:org"),
            ("admin:org", "read:org"),
            ("write:org", "read:org"),
            ("admin:repo_hook", "write:repo_hook"),
            ("admin:repo_hook", "read:repo_hook"),
            ("write:repo_hook", "read:repo_hook"),
            ("admin:public_key", "write:public_key"),
            ("admin:public_key", "read:public_key"),
            ("write:public_key", "read:public_key"),
            ("admin:gpg_key", "write:gpg_key"),
            ("admin:gpg_key", "read:gpg_key"),
            ("write:gpg_key", "read:gpg_key"),
            ("project", "read:project"),
            ("write:discussion", "read:discussion"),
        ],
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        revocation: RevocationRequest::Delete(
            RequestAuthorization::Client,
            RequestBody::Json(r#"{"access_token":"{access_token}"}"#),
        ),
        parameters: &[
            ("allow_signup", ParameterKind::AuthorizationParam("allow_signup")),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
        ],
        extra_userinfo_urls: &[("emails", "https://api.github.com/user/emails")],
        fields: ProfileFields {
            id: "id",
            name: "name",
            username: "login",
            profile_url: "html_url",
            image_url: "avatar_url",
            email: &[
                ("emails[primary].email", EmailVerified::IfTrue("emails[primary].verified")),
                ("email", EmailVerified::Never),
            ],
        },
        ..Preset::OAUTH2
    };
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::Result;
    use crate::profile::Profile;
    use crate::provider::read_profile;

    fn user(emails: Value) -> Result<Profile> {
        read_profile(
            GitHub::PRESET,
            &json!({
                "login": "octocat", "id": 583231, "node_id": "MDQ6VXNlcjU4MzIzMQ==", "type": "User",
                "avatar_url": "https://avatars.githubusercontent.com/u/583231?v=4",
                "html_url": "https://github.com/octocat", "name": "The Octocat", "email": "public@github.example",
                "emails": emails,
            }),
            &[],
        )
    }

    #[test]
    fn the_primary_address_as_far_as_it_is_verified() {
        let other = json!({"email": "other@github.example", "primary": false, "verified": true});
        let primary =
            |verified| json!({"email": "octocat@github.example", "primary": true, "verified": verified});
        let profile = user(json!([other, primary(json!(true))])).unwrap();
        assert_eq!(profile.id.as_deref(), Some("583231"));
        assert_eq!(profile.name.as_deref(), Some("The Octocat"));
        assert_eq!(profile.username.as_deref(), Some("octocat"));
        assert_eq!(profile.profile_url.as_deref(), Some("https://github.com/octocat"));
        assert_eq!(profile.image_url.as_deref(), Some("https://avatars.githubusercontent.com/u/583231?v=4"));
        assert_eq!(profile.email(), Some("octocat@github.example"));
        for verified in [json!(false), json!(null), json!("true")] {
            let profile = user(json!([other, primary(verified)])).unwrap();
            assert_eq!((profile.email(), profile.claimed_email()), (None, Some("octocat@github.example")));
        }
    }

    #[test]
    fn tr_17_without_the_list_the_public_address_is_a_claim() {
        for emails in [
            json!(null),
            json!([]),
            json!([{"email": "x@github.example", "primary": false, "verified": true}]),
            json!("no"),
        ] {
            let profile = user(emails).unwrap();
            assert_eq!((profile.email(), profile.claimed_email()), (None, Some("public@github.example")));
        }
    }

    #[test]
    fn no_id_no_profile() {
        for id in [json!(null), json!(1.5), json!("")] {
            assert!(read_profile(GitHub::PRESET, &json!({"login": "octocat", "id": id}), &[]).is_err());
        }
    }
}
