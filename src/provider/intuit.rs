use super::{
    EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens, RequestAuthorization,
    RequestBody, RevocationRequest,
};

/// Intuit, the accounts of QuickBooks.
///
/// - Register at <https://developer.intuit.com/app/developer/dashboard>. Redirect URI: the callback URL that the log shows at
///   launch.
/// - Scopes: `openid profile email` (id, name, address); `com.intuit.quickbooks.accounting` and
///   `com.intuit.quickbooks.payment` for the APIs. With them the callback has `realmId`, the id of the company, which the
///   login keeps.
/// - Own key: `sandbox = true` for development keys.
/// - Every sign-in gives a refresh token. Revocation: the refresh token, with which the app is disconnected.
/// - The address counts as verified if Intuit says so in `emailVerified`.
/// - This preset uses OAuth 2 and the userinfo: Intuit's discovery document is not below its issuer, and PKCE is not
///   documented.
///
/// Sources, checked on 2026-11-28: <https://developer.intuit.com/.well-known/openid-sandbox-configuration>,
/// <https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/openid-connect>;
/// intuit/oauth-pythonclient, SocialiteProviders `QuickBooks`, django-allauth `quickbooks` (the answer's fields).
#[derive(Debug, Clone, Copy)]
pub struct Intuit;

impl Provider for Intuit {
    const NAME: &'static str = "intuit";
    const PRESET: Preset = Preset {
        title: "Intuit",
        authorization_url: Some("https://appcenter.intuit.com/connect/oauth2"),
        token_url: Some("https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"),
        revocation_url: Some("https://developer.api.intuit.com/v2/oauth2/tokens/revoke"),
        userinfo_url: Some("https://{sandbox}.platform.intuit.com/v1/openid_connect/userinfo"),
        scope: &["openid", "profile", "email"],
        refresh_tokens: RefreshTokens::Always,
        pkce: false,
        callback_params: &["realmId"],
        revocation: RevocationRequest::Post(
            RequestAuthorization::Client,
            RequestBody::Json(r#"{"token":"{refresh_token}"}"#),
        ),
        parameters: &[("sandbox", ParameterKind::Switch("accounts", "sandbox-accounts"))],
        fields: ProfileFields {
            id: "sub",
            name: "givenName + familyName",
            email: &[("email", EmailVerified::IfTrue("emailVerified"))],
            ..ProfileFields::NONE
        },
        ..Preset::OAUTH2
    };
}

/// [`Intuit`] under the name `quickbooks`.
#[derive(Debug, Clone, Copy)]
pub struct QuickBooks;

impl Provider for QuickBooks {
    const NAME: &'static str = "quickbooks";
    const PRESET: Preset = Intuit::PRESET;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::read_profile;

    #[test]
    fn an_address_that_intuit_has_verified() {
        let answer = |verified| {
            json!({
                "sub": "1182d6ec-2a1f-4aa3-af3f-bb3b95db45af", "givenName": "John", "familyName": "Doe",
                "email": "john@intuit.example", "emailVerified": verified, "phoneNumber": "+1 9998887777",
            })
        };
        let profile = read_profile(Intuit::PRESET, &answer(json!(true)), &[]).unwrap();
        assert_eq!(profile.id.as_deref(), Some("1182d6ec-2a1f-4aa3-af3f-bb3b95db45af"));
        assert_eq!(profile.name.as_deref(), Some("John Doe"));
        assert_eq!(profile.email(), Some("john@intuit.example"));
        for unverified in [json!(false), json!(null), json!("true")] {
            let profile = read_profile(Intuit::PRESET, &answer(unverified), &[]).unwrap();
            assert_eq!((profile.email(), profile.claimed_email()), (None, Some("john@intuit.example")));
        }
        let answer = json!({"sub": "1182d6ec-2a1f-4aa3-af3f-bb3b95db45af"});
        let profile = read_profile(Intuit::PRESET, &answer, &[]).unwrap();
        assert_eq!((profile.name.as_deref(), profile.claimed_email()), (None, None));
    }
}
