use super::{ClientAuthMethod, ParameterKind, Preset, ProfileFields, Provider, Tenants, claims};

/// Microsoft Entra ID, formerly Azure Active Directory, with OpenID Connect.
///
/// - Register: <https://entra.microsoft.com>, "App registrations". Redirect URI of the type "Web": the callback URL that the
///   log shows at launch.
/// - Scopes: `openid profile email` for the sign-in, `User.Read` for Microsoft Graph. `offline = true` adds
///   `offline_access`, for a refresh token. There is no revocation endpoint.
/// - Own keys: `prompt`, `domain_hint`, `login_hint`, `max_age`, and `tenant`, which is required: the tenant's id, or
///   `consumers` for personal accounts. `organizations` and `common` stand for several tenants; then `tenants` lists those
///   that can sign in, or is `"any"`. A sovereign cloud has another issuer:
///   `issuer = "https://login.microsoftonline.us/{tenant}/v2.0"`.
/// - The administrator of a tenant can write any address into `email`. The address is verified only if the claim
///   `xms_edov` or `verified_primary_email` proves it; both are optional claims of the app's registration. Do not link
///   accounts by an address that is not verified.
/// - With a scope of an API of your own, the userinfo endpoint refuses the token; the ID token suffices.
///
/// Sources, as of 2026-11-20: <https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc>; social-core,
/// better-auth, next-auth.
#[derive(Debug, Clone, Copy)]
pub struct Azure;

impl Provider for Azure {
    const NAME: &'static str = "azure";
    const PRESET: Preset = Preset {
        title: "Microsoft",
        issuer: Some("https://login.microsoftonline.com/{tenant}/v2.0"),
        api_base_url: Some("https://graph.microsoft.com/"),
        scope: &["openid", "email", "profile", "User.Read"],
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
        parameters: &[
            (
                "tenant",
                ParameterKind::Tenant(&Tenants {
                    placeholder: "{tenantid}",
                    claim: "tid",
                    all: "common",
                    organizations: "organizations",
                    personal: "consumers",
                    personal_id: "9188040d-6c67-4c5b-b112-36a304b66dad",
                }),
            ),
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("domain_hint", ParameterKind::AuthorizationParam("domain_hint")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
            ("max_age", ParameterKind::AuthorizationParam("max_age")),
        ],
        profile: |input| {
            let profile = input.read()?;
            let address = profile.claimed_email().map(str::to_owned);
            let primary =
                claims::get(input.claims, "verified_primary_email").and_then(|list| list.as_array());
            let is_verified = claims::is_true(input.claims, "xms_edov")
                || primary
                    .into_iter()
                    .flatten()
                    .any(|one| one.is_string() && one.as_str() == address.as_deref());
            Ok(profile.with_email(address, is_verified))
        },
        email_proofs: &["xms_edov", "verified_primary_email"],
        // The picture needs a token: a page can't show it.
        fields: ProfileFields { image_url: "", ..ProfileFields::OPENID },
        ..Preset::OIDC
    };
}

/// [`Azure`] under the name `entra`.
#[derive(Debug, Clone, Copy)]
pub struct Entra;

impl Provider for Entra {
    const NAME: &'static str = "entra";
    const PRESET: Preset = Azure::PRESET;
}

/// [`Azure`] under the name `microsoft`.
#[derive(Debug, Clone, Copy)]
pub struct Microsoft;

impl Provider for Microsoft {
    const NAME: &'static str = "microsoft";
    const PRESET: Preset = Azure::PRESET;
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::profile::Profile;
    use crate::provider::read_profile;

    fn user(more: Value) -> Profile {
        let mut claims = json!({
            "iss": "https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0", "name": "Jane Doe",
            "sub": "aEfGhIjKlMnOpQrStUvWxYz0123456789-_abcdefgh", "tid": "aaaabbbb-0000-cccc-1111-dddd2222eeee",
            "preferred_username": "jane@contoso.example", "email": "jane@contoso.example",
            "picture": "https://graph.microsoft.com/v1.0/me/photo/$value",
        });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        read_profile(Azure::PRESET, &claims, &[]).unwrap()
    }

    #[test]
    fn al_06_an_address_is_what_a_tenant_says_unless_it_is_proven() {
        let profile = user(json!({}));
        assert_eq!(profile.id.as_deref(), Some("aEfGhIjKlMnOpQrStUvWxYz0123456789-_abcdefgh"));
        assert_eq!((profile.name.as_deref(), profile.image_url.as_deref()), (Some("Jane Doe"), None));
        assert_eq!((profile.email(), profile.claimed_email()), (None, Some("jane@contoso.example")));
        for unproven in [
            json!({"email_verified": true}),
            json!({"xms_edov": "true"}),
            json!({"xms_edov": 1}),
            json!({"verified_primary_email": []}),
            json!({"verified_primary_email": ["other@contoso.example", null]}),
        ] {
            assert_eq!(user(unproven.clone()).email(), None, "{unproven}");
        }
        for proven in [
            json!({"xms_edov": true}),
            json!({"verified_primary_email": ["x@contoso.example", "jane@contoso.example"]}),
        ] {
            assert_eq!(user(proven).email(), Some("jane@contoso.example"));
        }
    }
}
