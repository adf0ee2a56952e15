//! Providers: facts about other people's servers, one small file each.
//!
//! A provider is a [`Preset`]: a constant of facts, and one pure function from its userinfo to a
//! [`Profile`]. Requests, checks and storage are the same for all of them.

mod azure;
mod discord;
mod github;
mod gitlab;
mod google;
mod jira;
mod twitter;

use std::collections::BTreeMap;

use serde_json::Value;

pub use azure::Azure;
pub use discord::Discord;
pub use github::GitHub;
pub use gitlab::GitLab;
pub use google::Google;
pub use jira::Jira;
pub use twitter::Twitter;

use crate::error::Result;
use crate::profile::Profile;
pub use crate::profile::claims;

/// A marker for one entry of Rocket.toml: what the guards [`OAuth<P>`](crate::OAuth) and
/// [`Site<P>`](crate::Site) are written with.
///
/// A guard needs no more than the entry's name:
///
/// ```
/// use rocket_dance::{OAuth, provider::Provider};
///
/// /// `[default.oauth.gitlab_work]` in Rocket.toml.
/// struct GitLabWork;
///
/// impl Provider for GitLabWork {
///     const NAME: &'static str = "gitlab_work";
/// }
///
/// #[rocket::get("/merge-requests")]
/// async fn merge_requests(work: OAuth<GitLabWork>) -> rocket_dance::Result<String> {
///     work.get("merge_requests").text().await
/// }
/// ```
///
/// A provider of the app's own is its facts, registered with `Dance::fairing().provider(Chess)`; its entry
/// `[default.oauth.chess]` holds the credentials, and another entry may name it: `provider = "chess"`.
///
/// ```
/// use rocket_dance::{Dance, Profile, provider::{Preset, Provider, Userinfo, claims}};
///
/// struct Chess;
///
/// impl Provider for Chess {
///     const NAME: &'static str = "chess";
///     const PRESET: Preset = Preset {
///         title: "Chess Club",
///         authorization_url: Some("https://chess.example/oauth/authorize"),
///         token_url: Some("https://chess.example/oauth/token"),
///         userinfo_url: Some("https://api.chess.example/me"),
///         api_base_url: Some("https://api.chess.example/"),
///         scope: &["player:read"],
///         profile: |answer| {
///             let mut profile = Profile::with_userinfo(answer.claims);
///             profile.id = claims::id(answer.claims, "player.id")?;
///             profile.name = claims::text(answer.claims, "player.nick");
///             Ok(profile)
///         },
///         ..Preset::OAUTH2
///     };
/// }
///
/// let fairing = Dance::fairing().provider(Chess);
/// # let _ = fairing;
/// ```
pub trait Provider: Send + Sync + 'static {
    /// The name of the entry, and of the preset for other entries.
    const NAME: &'static str;
    /// The provider's facts. Without any, the entry names its preset, or all the URLs.
    const PRESET: Preset = Preset::OAUTH2;
}

/// Which dance a provider dances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// OAuth 2, authorization code (RFC 6749 §4.1).
    OAuth2,
    /// OpenID Connect, authorization code (Core §3.1), with discovery.
    OpenIdConnect,
    /// OAuth 1.0a: temporary credentials, and every request signed (RFC 5849).
    OAuth1,
}

/// How an OAuth 1 client signs its requests (RFC 5849 §3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureMethod {
    /// `HMAC-SHA1`: the usual one.
    HmacSha1,
    /// `HMAC-SHA256`.
    HmacSha256,
    /// `PLAINTEXT`: no signature, but the secrets themselves. Only over https, or http on a loopback host, as are all
    /// URLs of an entry.
    Plaintext,
    /// `RSA-SHA1`: with a private key of the client's. Needs the feature `rsa-sha1`.
    RsaSha1,
}

impl SignatureMethod {
    pub(crate) const ALL: [Self; 4] = [Self::HmacSha1, Self::HmacSha256, Self::Plaintext, Self::RsaSha1];

    /// Its name, as in an `oauth_signature_method`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::HmacSha1 => "HMAC-SHA1",
            Self::HmacSha256 => "HMAC-SHA256",
            Self::Plaintext => "PLAINTEXT",
            Self::RsaSha1 => "RSA-SHA1",
        }
    }
}

/// How the client says who it is at the token, revocation and pushed authorization request endpoints, in the words of
/// the registry (RFC 7591 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientAuth {
    /// `client_secret_basic`: HTTP Basic, id and secret form-encoded first (RFC 6749 §2.3.1).
    Basic,
    /// `client_secret_post`: in the form.
    Post,
    /// `private_key_jwt`: a JWT signed with the client's own key (RFC 7523 §3, OpenID Connect Core §9).
    PrivateKeyJwt,
    /// `none`: a public client; only its id.
    None,
}

impl ClientAuth {
    pub(crate) const ALL: [Self; 4] = [Self::Basic, Self::Post, Self::PrivateKeyJwt, Self::None];

    /// Its name in the registry, as in `token_endpoint_auth_method`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::None => "none",
        }
    }
}

/// How the provider sends its answer to the callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseMode {
    /// In the query of a GET (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
    Query,
    /// In the form of a POST (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

/// A signature algorithm of ID tokens (RFC 7518 §3.1, RFC 8037). None is symmetric: a public key never verifies as an
/// HMAC key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// Ed25519.
    EdDSA,
}

impl SigningAlgorithm {
    pub(crate) const ALL: [Self; 9] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];

    /// Its name in the registry, as in an `alg`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }

    /// Whether an `alg` names it; RFC 9864 calls Ed25519 by its own name.
    pub(crate) fn is(self, alg: &str) -> bool {
        alg == self.name() || self == Self::EdDSA && alg == "Ed25519"
    }
}

/// What a preset's own key in Rocket.toml does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParameterKind {
    /// Fills `{key}` in the preset's URLs; this, when the key is not given.
    UrlPart(&'static str),
    /// Fills `{key}` in the preset's URLs with the id of a tenant. Where it is many of them, the key `tenants` says whose
    /// ID tokens are believed.
    Tenant,
    /// A whole URL with which the preset's URLs begin, as `{key}`, without a `/` at its end. It must be given.
    BaseUrl,
    /// A text, sent with the authorization request under this name.
    AuthorizationParam(&'static str),
    /// A boolean; when true, this parameter is sent with the authorization request. Values of one parameter are
    /// joined by a space.
    AuthorizationFlag(&'static str, &'static str),
}

/// What a provider answered, and the preset's own keys of the entry: what a profile is read from.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Userinfo<'a> {
    /// The userinfo answer; with OpenID Connect the ID token's claims, and userinfo's over them. Answers of
    /// [`Preset::extra_userinfo_urls`] are in it under their names.
    pub claims: &'a Value,
    /// The values of the preset's own keys, as the entry gives them.
    pub parameters: &'a BTreeMap<String, String>,
}

impl<'a> Userinfo<'a> {
    /// `claims` of an entry with these `parameters`.
    pub fn new(claims: &'a Value, parameters: &'a BTreeMap<String, String>) -> Self {
        Self { claims, parameters }
    }
}

/// A provider's facts.
///
/// An entry's keys of the same name override them, all but [`protocol`](Preset::protocol),
/// [`parameters`](Preset::parameters) and [`more`](Preset::extra_userinfo_urls); its `profile = { … }` names paths over
/// [`profile`](Preset::profile). URLs may hold `{key}` of a parameter.
///
/// There will be more fields: always end with `..Preset::OAUTH2`, `..Preset::OIDC` or `..Preset::OAUTH1`.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// What a person calls it.
    pub title: &'static str,
    /// Which dance it dances.
    pub protocol: Protocol,
    /// The issuer (OpenID Connect): every URL that isn't given comes from its discovery document.
    pub issuer: Option<&'static str>,
    /// The authorization endpoint.
    pub authorization_url: Option<&'static str>,
    /// The token endpoint; with OAuth 1 where the access token is, `access_token_url` in Rocket.toml.
    pub token_url: Option<&'static str>,
    /// Where the temporary credentials of OAuth 1 are (RFC 5849 §2.1).
    pub request_token_url: Option<&'static str>,
    /// How an OAuth 1 client signs.
    pub signature_method: SignatureMethod,
    /// The revocation endpoint (RFC 7009): the tokens of a removed account are revoked there.
    pub revocation_url: Option<&'static str>,
    /// Where the profile comes from. Without it nobody can sign in: there is no identity.
    pub userinfo_url: Option<&'static str>,
    /// What the client's relative paths are relative to, with a `/` at its end.
    pub api_base_url: Option<&'static str>,
    /// The scope that a login needs.
    pub scope: &'static [&'static str],
    /// What stands between scopes on the wire; a space by RFC 6749 §3.3.
    pub scope_separator: &'static str,
    /// How the client authenticates at the token endpoint.
    pub token_endpoint_auth_method: ClientAuth,
    /// How the answer comes to the callback: [`ResponseMode::Query`] unless the provider wants it otherwise.
    pub response_mode: ResponseMode,
    /// Whether a PKCE challenge is sent, S256 (RFC 7636): true unless the provider refuses it.
    pub pkce: bool,
    /// Sent with every authorization request.
    pub authorization_params: &'static [(&'static str, &'static str)],
    /// Sent with every token request; with OAuth 1 when the temporary credentials are asked for.
    pub token_params: &'static [(&'static str, &'static str)],
    /// Whether an answer of the token endpoint is a form even where its Content-Type doesn't say so.
    pub form_token_answer: bool,
    /// Whether a token whose `token_type` is left out is a bearer token: RFC 6749 §5.1 demands one.
    pub assume_bearer: bool,
    /// Sent with every request to the provider, token and API.
    pub headers: &'static [(&'static str, &'static str)],
    /// The preset's own keys.
    pub parameters: &'static [(&'static str, ParameterKind)],
    /// The domains of which a verified address proves that the mailbox is the person's: `*` for all of them. The key
    /// `trust_email` overrides it; an entry that points the preset's URLs elsewhere trusts none unless it says so.
    ///
    /// Only a mailbox's own provider belongs here: one that has sent a mail there once doesn't hear when the mailbox becomes
    /// somebody else's.
    pub trust_email: &'static [&'static str],
    /// Further answers that the profile needs: name and URL. One that fails is left out.
    pub extra_userinfo_urls: &'static [(&'static str, &'static str)],
    /// From the answer to the profile. Somebody who may not come in is [`Error::refused`](crate::Error::refused).
    pub profile: fn(&Userinfo<'_>) -> Result<Profile>,
}

impl Preset {
    /// Plain OAuth 2: what presets build on, and the generic preset `oauth2`.
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
        token_endpoint_auth_method: ClientAuth::Basic,
        response_mode: ResponseMode::Query,
        pkce: true,
        authorization_params: &[],
        token_params: &[],
        form_token_answer: false,
        assume_bearer: false,
        headers: &[],
        parameters: &[("prompt", ParameterKind::AuthorizationParam("prompt"))],
        trust_email: &[],
        extra_userinfo_urls: &[],
        profile: |answer| Profile::from_claims(answer.claims),
    };

    /// OpenID Connect by discovery: what presets build on, and the generic preset `oidc`.
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

    /// OAuth 1.0a: what presets build on, and the generic preset `oauth1`.
    pub const OAUTH1: Preset =
        Preset { protocol: Protocol::OAuth1, pkce: false, parameters: &[], ..Preset::OAUTH2 };
}

/// The presets by name.
pub(crate) const PRESETS: &[(&str, Preset)] = &[
    (Azure::NAME, Azure::PRESET),
    (Discord::NAME, Discord::PRESET),
    (GitHub::NAME, GitHub::PRESET),
    (GitLab::NAME, GitLab::PRESET),
    (Google::NAME, Google::PRESET),
    (Jira::NAME, Jira::PRESET),
    (Twitter::NAME, Twitter::PRESET),
    ("oauth1", Preset::OAUTH1),
    ("oauth2", Preset::OAUTH2),
    ("oidc", Preset::OIDC),
];

/// The profile that a preset reads from `answer`, with these values of its own keys.
#[cfg(test)]
fn read(preset: Preset, answer: &Value, parameters: &[(&str, &str)]) -> Result<Profile> {
    let parameters = parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    (preset.profile)(&Userinfo::new(answer, &parameters))
}
