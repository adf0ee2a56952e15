//! Configuration: entries laid over presets, and the settings of the dance.
//!
//! Everything is read at ignite, from Rocket's figment; every fault is collected, and the launch stops with one
//! message per fault.

use std::collections::BTreeMap;

use url::Url;

use crate::error::{Error, ErrorKind, Result};
use crate::provider::{Algorithm, ClientAuth, Preset, Protocol};
use crate::secret::Secret;

/// `[default.dance]`.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Scheme, host and port of the app as browsers see it; no path.
    pub(crate) base_url: Url,
    /// Where the routes are, without a `/` at the end.
    pub(crate) prefix: String,
    pub(crate) after_login: String,
    pub(crate) after_logout: String,
    pub(crate) after_error: Option<String>,
    pub(crate) token_keys: Vec<[u8; 32]>,
    pub(crate) cache: Option<CacheSettings>,
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

/// One `[default.oauth.<name>]`, laid over its preset and checked.
#[derive(Debug, Clone)]
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
    pub(crate) issuer: Option<String>,
    pub(crate) authorization_url: Option<Url>,
    pub(crate) token_url: Option<Url>,
    pub(crate) userinfo_url: Option<Url>,
    pub(crate) api_base_url: Option<Url>,
    pub(crate) auth: ClientAuth,
    pub(crate) pkce: bool,
    pub(crate) signing_algorithms: Vec<Algorithm>,
    /// Seconds by which the provider's clock may differ.
    pub(crate) clock_skew: i64,
    /// Those of the preset, of the preset's own keys and of the entry.
    pub(crate) authorization_params: BTreeMap<String, String>,
    pub(crate) token_params: BTreeMap<String, String>,
    pub(crate) headers: BTreeMap<String, String>,
    /// `profile = { id = "path", … }`: claim name to path.
    pub(crate) profile_paths: BTreeMap<String, String>,
    /// The values of the preset's own keys.
    pub(crate) parameters: BTreeMap<String, String>,
    /// Further answers that the profile needs.
    pub(crate) more: Vec<(String, Url)>,
    pub(crate) preset: Preset,
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

    pub(crate) fn misconfigured(&self, cause: impl Into<String>) -> Error {
        Error::new(
            ErrorKind::Config,
            "This sign-in is not set up completely. Please tell the people who run this site.",
        )
        .because(format!("entry `{}`: {}", self.name, cause.into()))
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
