//! Presets: facts about providers.

use super::client_auth_method::ClientAuthMethod;
use super::parameter_kind::ParameterKind;
use super::profile_input::ProfileInput;
use super::protocol::{Protocol, ResponseMode};
use super::signature_method::SignatureMethod;
use crate::error::Result;
use crate::profile::Profile;

/// The facts about a provider: its endpoints, what its requests contain, and how its userinfo becomes a
/// [`Profile`].
///
/// An entry's key with the name of a field overrides the field. The exceptions are [`protocol`](Preset::protocol),
/// [`parameters`](Preset::parameters), [`extra_userinfo_urls`](Preset::extra_userinfo_urls) and
/// [`profile`](Preset::profile), over whose result `profile = { … }` lays paths of the entry.
///
/// URLs can contain the `{key}` of a parameter.
///
/// New versions add fields. End every preset with `..Preset::OAUTH2`, `..Preset::OIDC` or `..Preset::OAUTH1`, and new
/// versions do not break it:
///
/// ```
/// use rocket_dance::provider::{ClientAuthMethod, Preset};
///
/// /// An OpenID provider: discovery finds the endpoints.
/// const CORP: Preset = Preset {
///     title: "Corp",
///     issuer: Some("https://login.corp.example"),
///     token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
///     trust_email: &["corp.example"],
///     ..Preset::OIDC
/// };
/// assert_eq!(CORP.scope, ["openid", "profile", "email"]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Name of the provider on our pages. Empty: the entry's name, in words.
    pub title: &'static str,
    /// The protocol. [`Preset::OAUTH2`], [`Preset::OIDC`] and [`Preset::OAUTH1`] set it.
    pub protocol: Protocol,
    /// The issuer (OpenID Connect). Every URL that is not set comes from its discovery document.
    pub issuer: Option<&'static str>,
    /// The authorization endpoint.
    pub authorization_url: Option<&'static str>,
    /// The token endpoint. With OAuth 1: the endpoint of the token, the key `access_token_url` in Rocket.toml.
    pub token_url: Option<&'static str>,
    /// The endpoint of temporary credentials (OAuth 1, RFC 5849 §2.1).
    pub request_token_url: Option<&'static str>,
    /// How an OAuth 1 client signs.
    pub signature_method: SignatureMethod,
    /// The revocation endpoint (RFC 7009). The tokens of a removed account are revoked there.
    pub revocation_url: Option<&'static str>,
    /// The endpoint that the profile is read from. Without it, an OAuth entry can connect accounts but sign no user in.
    pub userinfo_url: Option<&'static str>,
    /// Base of the client's relative paths, with a `/` at its end.
    pub api_base_url: Option<&'static str>,
    /// The scope that a sign-in requires.
    pub scope: &'static [&'static str],
    /// Separator of scopes in the request. RFC 6749 §3.3 requires a space.
    pub scope_separator: &'static str,
    /// How the client authenticates at the token endpoint.
    pub token_endpoint_auth_method: ClientAuthMethod,
    /// How the answer is sent to the callback.
    pub response_mode: ResponseMode,
    /// Whether authorization requests have a PKCE challenge, S256 (RFC 7636). `false` only if the provider rejects it.
    pub pkce: bool,
    /// Parameters of every authorization request.
    pub authorization_params: &'static [(&'static str, &'static str)],
    /// Parameters of every token request. With OAuth 1: of the request for temporary credentials.
    pub token_params: &'static [(&'static str, &'static str)],
    /// Whether an answer of the token endpoint is read as a form even if its Content-Type is another one.
    pub form_token_answer: bool,
    /// Whether a missing `token_type` means `bearer`. RFC 6749 §5.1 requires the field.
    pub assume_bearer: bool,
    /// Headers of every request to the provider: token requests and API calls.
    pub headers: &'static [(&'static str, &'static str)],
    /// The preset's own keys in Rocket.toml: the name of the key, and what it does.
    pub parameters: &'static [(&'static str, ParameterKind)],
    /// Domains for whose addresses the provider's verification proves that the user owns the mailbox; `*` for all. The
    /// key `trust_email` overrides it. An entry that changes the preset's URLs trusts no domain unless it has that key.
    ///
    /// Only the mailbox's own provider belongs here. A provider that once sent a mail to an address does not know when
    /// the mailbox gets another owner.
    pub trust_email: &'static [&'static str],
    /// The claim of the ID token that proves of which domain's organization the user is a member, for
    /// [`RequireEmailDomain`](crate::RequireEmailDomain). Empty: there is none. An entry with another issuer does not use it.
    pub domain_claim: &'static str,
    /// Further requests that the profile needs: the name of the answer in
    /// [`ProfileInput::claims`](super::ProfileInput::claims), and the URL. An answer that fails is left out.
    pub extra_userinfo_urls: &'static [(&'static str, &'static str)],
    /// The function from the answers to the profile. It refuses a user with
    /// [`Error::refused`](crate::Error::refused).
    pub profile: fn(&ProfileInput<'_>) -> Result<Profile>,
}

impl Preset {
    /// OAuth 2: the base of OAuth 2 presets, and the generic preset `oauth2`.
    pub const OAUTH2: Preset = Preset {
        title: "",
        protocol: Protocol::OAuth2,
        issuer: None,
        authorization_url: None,
        token_url: None,
        request_token_url: None,
        signature_method: SignatureMethod::HmacSha1,
        revocation_url: None,
        userinfo_url: None,
        api_base_url: None,
        scope: &[],
        scope_separator: " ",
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretBasic,
        response_mode: ResponseMode::Query,
        pkce: true,
        authorization_params: &[],
        token_params: &[],
        form_token_answer: false,
        assume_bearer: false,
        headers: &[],
        parameters: &[("prompt", ParameterKind::AuthorizationParam("prompt"))],
        trust_email: &[],
        domain_claim: "",
        extra_userinfo_urls: &[],
        profile: |input| Profile::from_claims(input.claims),
    };

    /// OpenID Connect with discovery: the base of OpenID presets, and the generic preset `oidc`.
    pub const OIDC: Preset = Preset {
        protocol: Protocol::OpenIdConnect,
        scope: &["openid", "profile", "email"],
        parameters: &[
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
            ("max_age", ParameterKind::AuthorizationParam("max_age")),
            ("acr_values", ParameterKind::AuthorizationParam("acr_values")),
        ],
        ..Preset::OAUTH2
    };

    /// OAuth 1.0a: the base of OAuth 1 presets, and the generic preset `oauth1`.
    pub const OAUTH1: Preset =
        Preset { protocol: Protocol::OAuth1, pkce: false, parameters: &[], ..Preset::OAUTH2 };
}
