use super::{ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens};

/// The REST API of Wikimedia's own wikis.
const WIKIMEDIA: &str = "https://meta.wikimedia.org/w/rest.php";

/// Wikimedia (Wikipedia and its sister projects), or another MediaWiki with the extension OAuth.
///
/// - Register: <https://meta.wikimedia.org/wiki/Special:OAuthConsumerRegistration/propose/oauth2>, a confidential client. Callback
///   URL: the one that the log shows at launch. Until it is approved, only its owner can sign in.
/// - Own key: `base_url`, the address of the wiki's `rest.php`, by default that of Wikimedia.
/// - Scopes: none in the request; the registration sets the grants. Real name and address need "User identity verification
///   only with access to real name and email address".
/// - Refresh: always. Revocation: none; the user ends the grant at `Special:OAuthManageMyGrants`.
/// - Quirks: Wikimedia requires a User-Agent, which every request has; its policy asks for a contact in it:
///   `headers = { User-Agent = "…" }`. A blocked user can sign in: the userinfo has `blocked`.
/// - Address: verified if `confirmed_email` says so.
/// - Not verified: PKCE of confidential clients.
///
/// Sources, checked on 2026-11-28: <https://www.mediawiki.org/wiki/OAuth/For_Developers>; django-allauth 20f4bded2, next-auth
/// a1a16a5a7, SocialiteProviders 47679c14.
#[derive(Debug, Clone, Copy)]
pub struct Wikimedia;

impl Provider for Wikimedia {
    const NAME: &'static str = "wikimedia";
    const PRESET: Preset = Preset {
        title: "Wikimedia",
        parameters: &[("base_url", ParameterKind::BaseUrl(WIKIMEDIA))],
        authorization_url: Some("{base_url}/oauth2/authorize"),
        token_url: Some("{base_url}/oauth2/access_token"),
        userinfo_url: Some("{base_url}/oauth2/resource/profile"),
        api_base_url: Some("{base_url}/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        refresh_tokens: RefreshTokens::Always,
        fields: ProfileFields {
            id: "sub",
            name: "realname",
            username: "username",
            profile_url: "https://meta.wikimedia.org/wiki/User:{username}",
            email: &[("email", EmailVerified::IfTrue("confirmed_email"))],
            ..ProfileFields::NONE
        },
        profile: |input| {
            let mut profile = input.read()?;
            // The users of another wiki have their pages there.
            if input.parameters.get("base_url").is_some_and(|url| url != WIKIMEDIA) {
                profile.profile_url = None;
            }
            Ok(profile)
        },
        ..Preset::OAUTH2
    };
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::profile::Profile;
    use crate::provider::read_profile;

    fn user(confirmed_email: Value, base_url: &str) -> Profile {
        let answer = json!({
            "sub": "12345", "username": "Ada Lovelace", "editcount": 7, "confirmed_email": confirmed_email, "blocked": false,
            "registered": "20200101000000", "groups": ["*", "user"], "rights": ["read"], "realname": "Ada L.",
            "email": "ada@wiki.example",
        });
        read_profile(Wikimedia::PRESET, &answer, &[("base_url", base_url)]).unwrap()
    }

    #[test]
    fn rich_and_poor() {
        let profile = user(json!(true), WIKIMEDIA);
        assert_eq!(profile.id.as_deref(), Some("12345"));
        assert_eq!(profile.name.as_deref(), Some("Ada L."));
        assert_eq!(profile.username.as_deref(), Some("Ada Lovelace"));
        assert_eq!(
            profile.profile_url.as_deref(),
            Some("https://meta.wikimedia.org/wiki/User:Ada%20Lovelace")
        );
        assert_eq!(profile.email(), Some("ada@wiki.example"));
        assert_eq!(user(json!(true), "https://wiki.example/rest.php").profile_url, None);
        for no in [json!(false), json!(null), json!("20200101000000"), json!(1)] {
            assert_eq!(user(no, WIKIMEDIA).email(), None);
        }
        let poor =
            json!({"sub": 12345, "username": "Ada", "confirmed_email": true, "realname": "", "email": ""});
        let profile = read_profile(Wikimedia::PRESET, &poor, &[]).unwrap();
        assert_eq!((profile.id.as_deref(), profile.display_name()), (Some("12345"), "Ada"));
        assert_eq!(profile.claimed_email(), None);
    }
}
