use super::{
    ClientAuthMethod, EmailVerified, ParameterKind, Preset, ProfileFields, Provider, RefreshTokens, claims,
};

/// Nylas, version 3: access to a user's mailbox at another provider. `client_secret` is the API key of the application.
///
/// - Register: <https://dashboard-v3.nylas.com/>, "Hosted authentication", callback URI of the platform Web.
/// - Refresh: with `offline = true`. Revocation: not supported.
/// - Own keys: `region` (`us` or `eu`), `mailbox_provider` (for example `google` or `imap`), `login_hint`.
/// - The id is that of the grant, of which there is one per mailbox. The address is the mailbox that the user has opened. It is
///   verified only at a provider that owns its mailboxes: with `imap` and `ews` the user chooses the server and the address.
/// - Its PKCE challenge is not that of RFC 7636, so none is sent.
///
/// Sources, as of 2026-11-20: <https://developer.nylas.com/docs/v3/auth/hosted-oauth-accesstoken/>; nylas-nodejs.
#[derive(Debug, Clone, Copy)]
pub struct Nylas;

/// The values of `provider` whose mailboxes are the provider's own.
const MAILBOX_OWNERS: &[&str] = &["google", "icloud", "microsoft", "yahoo"];

impl Provider for Nylas {
    const NAME: &'static str = "nylas";
    const PRESET: Preset = Preset {
        title: "Nylas",
        authorization_url: Some("https://api.{region}.nylas.com/v3/connect/auth"),
        token_url: Some("https://api.{region}.nylas.com/v3/connect/token"),
        api_base_url: Some("https://api.{region}.nylas.com/v3/"),
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        refresh_tokens: RefreshTokens::WithParam("access_type", "offline"),
        pkce: false,
        parameters: &[
            ("region", ParameterKind::Choice(&["us", "eu"])),
            ("mailbox_provider", ParameterKind::AuthorizationParam("provider")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
        ],
        fields: ProfileFields {
            id: "token.grant_id",
            email: &[("token.email", EmailVerified::Never)],
            ..ProfileFields::NONE
        },
        profile: |input| {
            let profile = input.read()?;
            let address = profile.claimed_email().map(str::to_owned);
            let provider = claims::text(input.token, "provider").unwrap_or_default();
            Ok(profile.with_email(address, MAILBOX_OWNERS.contains(&&*provider)))
        },
        ..Preset::OAUTH2
    };
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::provider::ProfileInput;

    #[test]
    fn an_address_at_a_server_that_the_user_chose_is_a_claim() {
        let user = |provider: Value| {
            let parameters = Default::default();
            let token = json!({"grant_id": "4f6eb3f1", "email": "leyah@nylas.example", "provider": provider});
            let input = ProfileInput::new(&Value::Null, &parameters).with_token(&token);
            Nylas::PRESET.read_profile(input).unwrap()
        };
        assert_eq!(user(json!("google")).email(), Some("leyah@nylas.example"));
        for provider in [json!("imap"), json!("ews"), json!("virtual-calendar"), json!(""), json!(null)] {
            let profile = user(provider);
            assert_eq!((profile.email(), profile.claimed_email()), (None, Some("leyah@nylas.example")));
        }
    }
}
