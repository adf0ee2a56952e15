use super::{
    ClientAuthMethod, EmailVerified, Preset, ProfileFields, Provider, RefreshTokens, TokenPlacement,
};

/// Mailchimp.
///
/// - Register at <https://admin.mailchimp.com/account/oauth2/>. Redirect URI: the callback URL that the log shows at launch.
///   For local development Mailchimp requires `http://127.0.0.1` and not `localhost`.
/// - There are no scopes: a token can do what the user can do in the account that they choose.
/// - Tokens do not expire, and there are no refresh tokens and no revocation endpoint. The token answer has no `token_type`.
/// - The token is after the word `OAuth`. The API is at the `api_endpoint` of the answer, which differs by account: set
///   `api_base_url`, or read it from the stored userinfo.
/// - The id is `login_id`, the person who signs in. `user_id` is the account, which several people can use.
/// - Mailchimp does not say whether the address is verified.
/// - Not verified: PKCE. Auth.js sends it.
///
/// Sources, checked on 2026-11-28: <https://mailchimp.com/developer/marketing/guides/access-user-data-oauth-2/>;
/// SocialiteProviders `MailChimp` and Auth.js `mailchimp` (`login_id`), django-allauth `mailchimp` (an answer).
#[derive(Debug, Clone, Copy)]
pub struct Mailchimp;

impl Provider for Mailchimp {
    const NAME: &'static str = "mailchimp";
    const PRESET: Preset = Preset {
        title: "Mailchimp",
        authorization_url: Some("https://login.mailchimp.com/oauth2/authorize"),
        token_url: Some("https://login.mailchimp.com/oauth2/token"),
        userinfo_url: Some("https://login.mailchimp.com/oauth2/metadata"),
        refresh_tokens: RefreshTokens::Never,
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        token_placement: TokenPlacement::Authorization("OAuth"),
        assume_bearer: true,
        fields: ProfileFields {
            id: "login.login_id",
            username: "login.login_name",
            image_url: "login.avatar",
            email: &[("login.login_email | login.email", EmailVerified::Never)],
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
    fn the_person_and_not_the_account() {
        let answer = json!({
            "dc": "us1", "role": "owner", "accountname": "Tea Shop", "user_id": 99999999,
            "login": {
                "email": "ada@tea.example", "avatar": "https://gallery.mailchimp.com/1a1a/avatar/2a2a.png", "login_id": 88888888,
                "login_name": "ada", "login_email": "ada@tea.example",
            },
            "login_url": "https://login.mailchimp.com", "api_endpoint": "https://us1.api.mailchimp.com",
        });
        let profile = read_profile(Mailchimp::PRESET, &answer, &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("88888888"));
        assert_eq!((profile.name.as_deref(), profile.username.as_deref()), (None, Some("ada")));
        assert_eq!(profile.image_url.as_deref(), Some("https://gallery.mailchimp.com/1a1a/avatar/2a2a.png"));
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("ada@tea.example")));
        let answer = json!({"user_id": 99999999, "login": {"login_id": 88888888, "avatar": null}});
        let profile = read_profile(Mailchimp::PRESET, &answer, &[]).unwrap();
        assert_eq!((profile.username.as_deref(), profile.claimed_email()), (None, None));
        assert_eq!(read_profile(Mailchimp::PRESET, &json!({"user_id": 99999999}), &[]).unwrap().id, None);
    }
}
