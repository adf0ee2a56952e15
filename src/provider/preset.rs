//! Presets: facts about providers.

use super::client_auth_method::ClientAuthMethod;
use super::parameter_kind::ParameterKind;
use super::profile_fields::ProfileFields;
use super::profile_input::ProfileInput;
use super::protocol::{Protocol, ResponseMode};
use super::refresh_tokens::RefreshTokens;
use super::revocation_request::RevocationRequest;
use super::secret_jwt::SecretJwt;
use super::signature_method::SignatureMethod;
use super::signing_algorithm::SigningAlgorithm;
use super::token_placement::TokenPlacement;
use super::wire_format::{RequestBody, TokenRequestFormat, UserinfoMethod};
use crate::error::Result;
use crate::profile::Profile;

/// The facts about a provider: its endpoints, what its requests contain, and how its userinfo becomes a
/// [`Profile`].
///
/// An entry's key with the name of a field overrides the field, as far as docs/settings.md lists it.
/// `profile = { … }` of an entry lays paths over the profile that the preset reads.
///
/// Texts in braces are placeholders. `{client_id}`, `{redirect_uri}` and the `{key}` of a
/// [parameter](Preset::parameters) can be in every URL, header and parameter. The other placeholders are filled when a
/// request is sent:
///
/// | placeholder | in | value |
/// |---|---|---|
/// | `{token.name}` | `api_base_url`, `userinfo_body`, `extra_userinfo_urls`, `refresh_params`, revocation | field of the token answer |
/// | `{access_token}` | `userinfo_body`, revocation | the access token |
/// | `{refresh_token}` | revocation | the refresh token; without one, the access token |
/// | `{client_secret}` | `userinfo_body` | the client secret |
/// | `{callback.name}` | `token_params` | parameter of the callback, which [`callback_params`](Preset::callback_params) must list |
/// | `{path}` | `extra_userinfo_urls` | field of the userinfo. A URL that begins with a placeholder must be on the host of `userinfo_url` |
///
/// New versions add fields. End every preset with `..Preset::OAUTH2`, `..Preset::OIDC` or `..Preset::OAUTH1`, and new
/// versions do not break it:
///
/// ```
/// use rocket_dance::provider::{ClientAuthMethod, Preset, RefreshTokens};
///
/// /// An OpenID provider: discovery finds the endpoints.
/// const CORP: Preset = Preset {
///     title: "Corp",
///     issuer: Some("https://login.corp.example"),
///     token_endpoint_auth_method: ClientAuthMethod::ClientSecretPost,
///     refresh_tokens: RefreshTokens::WithScope("offline_access"),
///     trust_email: &["corp.example"],
///     ..Preset::OIDC
/// };
/// assert_eq!(CORP.scope, ["openid", "profile", "email"]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    // ---- About the provider
    /// Name of the provider on our pages. Empty: the entry's name, in words.
    pub title: &'static str,
    /// What the operator must know before using the provider, for example that the service has ended: a warning in the
    /// log at launch. Empty: nothing.
    pub notice: &'static str,
    /// The protocol. [`Preset::OAUTH2`], [`Preset::OIDC`] and [`Preset::OAUTH1`] set it.
    pub protocol: Protocol,
    /// The preset's own keys in Rocket.toml: the name of the key, and what it does.
    pub parameters: &'static [(&'static str, ParameterKind)],

    // ---- Endpoints
    /// The issuer (OpenID Connect). Every URL that is not set comes from its discovery document.
    pub issuer: Option<&'static str>,
    /// The discovery document, if it is not at the issuer's well-known address.
    pub metadata_url: Option<&'static str>,
    /// The key set, if it is not the one of the discovery document. With it, [`authorization_url`](Preset::authorization_url)
    /// and [`token_url`](Preset::token_url), no discovery document is fetched.
    pub jwks_url: Option<&'static str>,
    /// The authorization endpoint.
    pub authorization_url: Option<&'static str>,
    /// The token endpoint. With OAuth 1: the endpoint of the token, the key `access_token_url` in Rocket.toml.
    pub token_url: Option<&'static str>,
    /// The endpoint that exchanges refresh tokens, if it is not the token endpoint.
    pub refresh_url: Option<&'static str>,
    /// The endpoint of temporary credentials (OAuth 1, RFC 5849 §2.1).
    pub request_token_url: Option<&'static str>,
    /// The revocation endpoint. The tokens of a removed account are revoked there.
    pub revocation_url: Option<&'static str>,
    /// The endpoint that the profile is read from. Without it, and without an id in the token answer, an OAuth entry can
    /// connect accounts but sign no user in.
    pub userinfo_url: Option<&'static str>,
    /// Further requests that the profile needs: the name of the answer in
    /// [`ProfileInput::claims`](super::ProfileInput::claims), and the URL. An answer that fails is left out.
    pub extra_userinfo_urls: &'static [(&'static str, &'static str)],
    /// Base of the client's relative paths, with a `/` at its end. It can come from the token answer:
    /// `{token.instance_url}/`.
    pub api_base_url: Option<&'static str>,
    /// Further https hosts that may get the token, in absolute URLs of API calls. `*.` stands for one label. An entry with
    /// URLs of its own does not use them.
    pub api_hosts: &'static [&'static str],

    // ---- The client
    /// How the client authenticates at the token endpoint.
    pub token_endpoint_auth_method: ClientAuthMethod,
    /// The name that the provider has for the parameter `client_id`.
    pub client_id_param: &'static str,
    /// The name that the provider has for the parameter `client_secret`.
    pub client_secret_param: &'static str,
    /// The client secret is a JWT, signed for each request with the key `private_key`, and not the key `client_secret`.
    pub secret_jwt: Option<SecretJwt>,
    /// How an OAuth 1 client signs.
    pub signature_method: SignatureMethod,

    // ---- The authorization request
    /// The scope that a sign-in requires. It can contain placeholders.
    pub scope: &'static [&'static str],
    /// Separator of scopes in the request. RFC 6749 §3.3 requires a space.
    pub scope_separator: &'static str,
    /// Pairs of scopes: a granted one, and one that it includes. For a provider that names a scope differently in its answers, or
    /// leaves out what another granted scope includes.
    pub implied_scopes: &'static [(&'static str, &'static str)],
    /// Parameters of an authorization request for further scopes ([`RequiredScopes`](crate::RequiredScopes)), at a provider that
    /// adds them to what the user has granted before. `None`: the request repeats the granted scope.
    pub incremental_params: Option<&'static [(&'static str, &'static str)]>,
    /// How the provider grants refresh tokens, and what the key `offline` does.
    pub refresh_tokens: RefreshTokens,
    /// Whether authorization requests have a PKCE challenge, S256 (RFC 7636). `false` only if the provider does not know
    /// it, or rejects it.
    pub pkce: bool,
    /// How the answer is sent to the callback.
    pub response_mode: ResponseMode,
    /// Whether the provider sends a callback with neither a code nor an error if the user refuses.
    pub denial_has_no_code: bool,
    /// Parameters of every authorization request.
    pub authorization_params: &'static [(&'static str, &'static str)],
    /// Parameters of the callback, in addition to those of the protocol, that are kept for the profile, the token request and
    /// [`AuthorizedLogin`](crate::AuthorizedLogin). The key `callback_params` adds to them.
    pub callback_params: &'static [&'static str],

    // ---- Token requests and their answers
    /// Parameters of every token request. With OAuth 1: of the request for temporary credentials.
    pub token_params: &'static [(&'static str, &'static str)],
    /// Parameters of refreshes, in addition to `token_params`.
    pub refresh_params: &'static [(&'static str, &'static str)],
    /// The format of the body of token requests. RFC 6749 §4.1.3 requires a form.
    pub token_request_format: TokenRequestFormat,
    /// Path of the object with the token in the token answer, for a provider that wraps it. Empty: the answer itself.
    pub token_answer_path: &'static str,
    /// Whether an answer of the token endpoint is read as a form even if its Content-Type is another one.
    pub form_token_answer: bool,
    /// Whether a missing `token_type` means `bearer`. RFC 6749 §5.1 requires the field.
    pub assume_bearer: bool,
    /// The accepted values of `token_type`, in lower case.
    pub token_types: &'static [&'static str],
    /// Accepted signature algorithms of ID tokens. The key `signing_algorithms` overrides it.
    pub signing_algorithms: &'static [SigningAlgorithm],

    // ---- API requests
    /// Where requests have the access token.
    pub token_placement: TokenPlacement,
    /// The query parameter of API requests that proves that they come from the client: the HMAC-SHA256 of the access token with
    /// the client secret as key, in hex. Empty: there is none.
    pub token_proof_param: &'static str,
    /// Headers of every request to the provider: token requests and API calls.
    pub headers: &'static [(&'static str, &'static str)],
    /// How the userinfo is requested.
    pub userinfo: UserinfoMethod,
    /// The body of the userinfo request, if it is a POST.
    pub userinfo_body: RequestBody,
    /// How a token is revoked at [`revocation_url`](Preset::revocation_url).
    pub revocation: RevocationRequest,

    // ---- The profile
    /// The paths of the profile's fields in the provider's answers.
    pub fields: ProfileFields,
    /// The function from the answers to a profile. The default reads [`fields`](Preset::fields). A preset with a function
    /// of its own calls [`ProfileInput::read`](super::ProfileInput::read) for them, and refuses a user with
    /// [`Error::refused`](crate::Error::refused).
    pub profile: fn(&ProfileInput<'_>) -> Result<Profile>,
    /// The claims that [`profile`](Preset::profile) decides with whether an address is verified, beside those that
    /// [`fields`](Preset::fields) names. If an ID token and a userinfo have an address, they come from the one that the
    /// address comes from.
    pub email_proofs: &'static [&'static str],
    /// Domains for whose addresses the provider's verification proves that the user owns the mailbox; `*` for all. The
    /// key `trust_email` overrides it. An entry that changes the preset's URLs trusts no domain unless it has that key.
    ///
    /// Only the mailbox's own provider belongs here. A provider that once sent a mail to an address does not know when
    /// the mailbox gets another owner.
    pub trust_email: &'static [&'static str],
    /// The claim of the ID token that proves of which domain's organization the user is a member, for
    /// [`RequireEmailDomain`](crate::RequireEmailDomain). Empty: there is none. An entry with another issuer does not use it.
    pub domain_claim: &'static str,
    /// The claims that [`profile`](Preset::profile) requires of the ID token if the entry has a key: the key, and the claim that must
    /// have its value. The testing kit's provider answers with them.
    pub required_claims: &'static [(&'static str, &'static str)],
}

impl Preset {
    /// Reads the profile in `input` as this preset does. Useful in tests of a preset.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) if the preset refuses the user;
    /// [`ErrorKind::BadProviderAnswer`](crate::ErrorKind::BadProviderAnswer) if the id is malformed.
    pub fn read_profile(&self, input: ProfileInput<'_>) -> Result<Profile> {
        (self.profile)(&ProfileInput { fields: &self.fields, ..input })
    }

    /// OAuth 2: the base of OAuth 2 presets, and the generic preset `oauth2`.
    pub const OAUTH2: Preset = Preset {
        title: "",
        notice: "",
        protocol: Protocol::OAuth2,
        parameters: &[("prompt", ParameterKind::AuthorizationParam("prompt"))],
        issuer: None,
        metadata_url: None,
        jwks_url: None,
        authorization_url: None,
        token_url: None,
        refresh_url: None,
        request_token_url: None,
        revocation_url: None,
        userinfo_url: None,
        extra_userinfo_urls: &[],
        api_base_url: None,
        api_hosts: &[],
        token_endpoint_auth_method: ClientAuthMethod::FromMetadata,
        client_id_param: "client_id",
        client_secret_param: "client_secret",
        secret_jwt: None,
        signature_method: SignatureMethod::HmacSha1,
        scope: &[],
        scope_separator: " ",
        implied_scopes: &[],
        incremental_params: None,
        refresh_tokens: RefreshTokens::Unknown,
        pkce: true,
        response_mode: ResponseMode::Query,
        denial_has_no_code: false,
        authorization_params: &[],
        callback_params: &[],
        token_params: &[],
        refresh_params: &[],
        token_request_format: TokenRequestFormat::Form,
        token_answer_path: "",
        form_token_answer: false,
        assume_bearer: false,
        token_types: &["bearer"],
        signing_algorithms: &SigningAlgorithm::ALL,
        token_placement: TokenPlacement::Authorization("Bearer"),
        token_proof_param: "",
        headers: &[],
        userinfo: UserinfoMethod::Get,
        userinfo_body: RequestBody::Empty,
        revocation: RevocationRequest::Standard,
        fields: ProfileFields::OPENID,
        profile: |input| input.read(),
        email_proofs: &[],
        trust_email: &[],
        domain_claim: "",
        required_claims: &[],
    };

    /// OpenID Connect with discovery: the base of OpenID presets, and the generic preset `oidc`.
    pub const OIDC: Preset = Preset {
        protocol: Protocol::OpenIdConnect,
        scope: &["openid", "profile", "email"],
        refresh_tokens: RefreshTokens::WithScope("offline_access"),
        parameters: &[
            ("prompt", ParameterKind::AuthorizationParam("prompt")),
            ("login_hint", ParameterKind::AuthorizationParam("login_hint")),
            ("max_age", ParameterKind::AuthorizationParam("max_age")),
            ("acr_values", ParameterKind::AuthorizationParam("acr_values")),
        ],
        ..Preset::OAUTH2
    };

    /// OAuth 1.0a: the base of OAuth 1 presets, and the generic preset `oauth1`.
    pub const OAUTH1: Preset = Preset {
        protocol: Protocol::OAuth1,
        pkce: false,
        refresh_tokens: RefreshTokens::Never,
        parameters: &[],
        ..Preset::OAUTH2
    };
}
