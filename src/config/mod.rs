//! Configuration: entries laid over presets, and the settings of the dance.
//!
//! Everything is read at ignite, from Rocket's figment; every fault is collected, and the launch stops with one
//! message per fault.

mod credentials;
mod entry;
mod faults;
mod keys;
mod oauth1;
mod read;
mod settings;
mod table;
mod tenants;
#[cfg(test)]
mod tests;
mod urls;

use std::collections::BTreeMap;
use std::fmt;

use url::Url;

pub(crate) use self::faults::Faults;
pub(crate) use self::keys::{AUTHORIZATION_PARAMS, OAUTH1_PARAMS, TOKEN_PARAMS};
pub(crate) use self::read::{is_debug, read};
pub(crate) use self::tenants::{TENANT, Tenants};
pub(crate) use self::urls::{is_loopback_host, is_private};

use crate::error::{Error, ErrorKind, Result};
use crate::local_path::LocalPath;
use crate::profile::Profile;
use crate::provider::{ClientAuth, Preset, Protocol, ResponseMode, SignatureMethod, SigningAlgorithm};
#[cfg(feature = "rsa-sha1")]
use crate::secret::RsaKey;
use crate::secret::{Secret, SigningKey};

/// `[default.dance]`.
#[derive(Clone)]
pub(crate) struct Settings {
    /// Scheme, host and port of the app as browsers see it; no path.
    pub(crate) base_url: Url,
    /// Where the routes are, without a `/` at the end.
    pub(crate) prefix: String,
    pub(crate) after_login: LocalPath,
    pub(crate) after_logout: LocalPath,
    pub(crate) after_error: Option<LocalPath>,
    /// The app's own sign-in form.
    pub(crate) sign_in_page: Option<LocalPath>,
    pub(crate) token_keys: Vec<[u8; 32]>,
    pub(crate) cache: Option<CacheSettings>,
    pub(crate) session: SessionSettings,
    /// As set; unset means: true when users are known.
    pub(crate) user_required: Option<bool>,
    pub(crate) log_requests: bool,
}

/// `[default.dance.cache]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CacheSettings {
    pub(crate) bytes: u64,
    /// Seconds.
    pub(crate) ttl: u64,
}

/// `[default.dance.session]`, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionSettings {
    /// How long a session lasts without a request.
    pub(crate) idle: i64,
    /// How long it lasts at most.
    pub(crate) age: i64,
    /// Whether `idle` was asked for.
    pub(crate) idle_is_set: bool,
}

impl SessionSettings {
    /// How often it is noted that a session was seen.
    pub(crate) fn step(&self) -> i64 {
        (self.idle / 10).clamp(1, 3600)
    }
}

/// The key of a client that authenticates by `private_key_jwt`.
#[derive(Debug, Clone)]
pub(crate) struct PrivateKey {
    pub(crate) key: SigningKey,
    /// The `kid` of its JWTs.
    pub(crate) id: Option<String>,
    /// Their `aud`, where it is neither the issuer nor, without one, the token endpoint.
    pub(crate) audience: Option<String>,
}

/// One `[default.oauth.<name>]`, laid over its preset and checked.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) protocol: Protocol,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<Secret>,
    pub(crate) scope: Vec<String>,
    pub(crate) scope_separator: String,
    /// The exact callback URL to register at the provider.
    pub(crate) redirect_uri: String,
    /// Whether one can sign in with it; false: only connect it.
    pub(crate) login: bool,
    /// The provider_user_id of the site's account, for an entry that is the site's.
    pub(crate) account: Option<String>,
    /// The domains of which a verified address proves the mailbox; `*` for all.
    pub(crate) trust_email: Vec<String>,
    pub(crate) issuer: Option<String>,
    /// Where the issuer speaks for many tenants.
    pub(crate) tenants: Option<Tenants>,
    pub(crate) authorization_url: Option<Url>,
    pub(crate) token_url: Option<Url>,
    pub(crate) request_token_url: Option<Url>,
    /// How an OAuth 1 entry signs.
    pub(crate) signature: Signature,
    pub(crate) revocation_url: Option<Url>,
    /// Where authorization requests are pushed to (RFC 9126).
    pub(crate) par_url: Option<Url>,
    /// Whether they are; unset: where the provider demands it.
    pub(crate) par: Option<bool>,
    pub(crate) response_mode: ResponseMode,
    pub(crate) userinfo_url: Option<Url>,
    /// Whether signing out here signs out at the provider, too.
    pub(crate) logout: bool,
    pub(crate) end_session_url: Option<Url>,
    pub(crate) api_base_url: Option<Url>,
    pub(crate) auth: ClientAuth,
    pub(crate) private_key: Option<PrivateKey>,
    pub(crate) pkce: bool,
    pub(crate) signing_algorithms: Vec<SigningAlgorithm>,
    /// For whom else an ID token may be.
    pub(crate) trusted_audiences: Vec<String>,
    /// Seconds by which the provider's clock may differ.
    pub(crate) clock_skew: i64,
    /// Those of the preset, of the preset's own keys and of the entry.
    pub(crate) authorization_params: BTreeMap<String, String>,
    pub(crate) token_params: BTreeMap<String, String>,
    /// The token endpoint's answer may be a form that doesn't say so, and may leave out `token_type`.
    pub(crate) form_token_answer: bool,
    pub(crate) assume_bearer: bool,
    pub(crate) headers: BTreeMap<String, String>,
    /// `profile = { id = "path", … }`: claim name to path.
    pub(crate) profile_paths: BTreeMap<String, String>,
    /// The values of the preset's own keys.
    pub(crate) parameters: BTreeMap<String, String>,
    /// Further answers that the profile needs.
    pub(crate) extra_userinfo_urls: Vec<(String, Url)>,
    pub(crate) preset: Preset,
}

/// How an OAuth 1 client signs, with the key that the method has of its own.
#[derive(Debug, Clone)]
pub(crate) enum Signature {
    HmacSha1,
    HmacSha256,
    Plaintext,
    #[cfg(feature = "rsa-sha1")]
    RsaSha1(RsaKey),
}

impl Signature {
    pub(crate) fn method(&self) -> SignatureMethod {
        match self {
            Self::HmacSha1 => SignatureMethod::HmacSha1,
            Self::HmacSha256 => SignatureMethod::HmacSha256,
            Self::Plaintext => SignatureMethod::Plaintext,
            #[cfg(feature = "rsa-sha1")]
            Self::RsaSha1(_) => SignatureMethod::RsaSha1,
        }
    }
}

// The token keys.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("base_url", &self.base_url.as_str())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

// Headers and extra parameters may hold an API key.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("name", &self.name)
            .field("protocol", &self.protocol)
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

impl Entry {
    /// What the entry points to: its issuer, or its authorization endpoint.
    pub(crate) fn authority(&self) -> &str {
        match (&self.issuer, &self.authorization_url) {
            (Some(issuer), _) => issuer,
            (None, Some(url)) => url.as_str(),
            (None, None) => &self.name,
        }
    }

    /// The address in `profile` that this provider is trusted to have verified.
    pub(crate) fn trusted_email<'p>(&self, profile: &'p Profile) -> Option<&'p str> {
        let address = profile.email()?;
        let (_, domain) = address.rsplit_once('@')?;
        let is_trusted = |known: &String| known == "*" || known.eq_ignore_ascii_case(domain);
        self.trust_email.iter().any(is_trusted).then_some(address)
    }

    /// What the metadata calls the issuer: itself, byte for byte; or, where it speaks for many tenants, a template.
    pub(crate) fn published_issuer(&self) -> &str {
        match &self.tenants {
            Some(tenants) => tenants.template(),
            None => self.issuer.as_deref().unwrap_or_default(),
        }
    }

    /// Whether the `iss` of a token that says that it is of this `tenant` is ours: byte for byte.
    pub(crate) fn is_issuer(&self, iss: &str, tenant: Option<&str>) -> bool {
        match &self.tenants {
            Some(tenants) => tenant.is_some_and(|tenant| tenants.admit(iss, tenant)),
            None => self.issuer.as_deref() == Some(iss),
        }
    }

    /// The same of an authorization answer's `iss` (RFC 9207), which tells no tenant.
    pub(crate) fn is_issuer_of_answer(&self, iss: &str) -> bool {
        match &self.tenants {
            Some(tenants) => tenants.could_be(iss),
            None => self.is_issuer(iss, None),
        }
    }

    /// What the operator reads at liftoff: the exact callback URL is what must be registered at the provider.
    pub(crate) fn liftoff_line(&self) -> String {
        let scope = if self.scope.is_empty() { "none".to_owned() } else { self.scope.join(" ") };
        let only = if self.login { "" } else { ", only for connecting" };
        format!(
            "{} ({}{only}): scope {scope}; callback URL to register: {}",
            self.name, self.title, self.redirect_uri
        )
    }

    /// The keys of this entry whose URLs are spoken to without TLS, as is allowed on a loopback host, for a line in
    /// the log.
    pub(crate) fn plain_urls(&self) -> Vec<&'static str> {
        let issuer = self.issuer.as_deref().and_then(|issuer| Url::parse(issuer).ok());
        [
            ("issuer", issuer.as_ref()),
            ("authorization_url", self.authorization_url.as_ref()),
            ("token_url", self.token_url.as_ref()),
            ("request_token_url", self.request_token_url.as_ref()),
            ("revocation_url", self.revocation_url.as_ref()),
            ("par_url", self.par_url.as_ref()),
            ("userinfo_url", self.userinfo_url.as_ref()),
            ("end_session_url", self.end_session_url.as_ref()),
            ("api_base_url", self.api_base_url.as_ref()),
        ]
        .into_iter()
        .filter(|(_, url)| url.is_some_and(|url| url.scheme() == "http"))
        .map(|(key, _)| key)
        .collect()
    }

    pub(crate) fn misconfigured(&self, cause: impl Into<String>) -> Error {
        Error::new(
            ErrorKind::Misconfigured,
            "This sign-in is not set up completely. Please tell the people who run this site.",
        )
        .with_source(format!("entry `{}`: {}", self.name, cause.into()))
    }

    pub(crate) fn need<'a, T>(&self, value: Option<&'a T>, key: &str) -> Result<&'a T> {
        value.ok_or_else(|| {
            self.misconfigured(format!(
                "`{key}` is needed for that: set it under [default.oauth.{}]",
                self.name
            ))
        })
    }
}
