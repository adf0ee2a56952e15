//! Secrets: values that don't print, random ones, and the keys that seal.

#[cfg(feature = "rsa-sha1")]
mod rsa;
mod seal;
mod signing;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use subtle::ConstantTimeEq;

#[cfg(feature = "rsa-sha1")]
pub(crate) use rsa::RsaKey;
pub use seal::{KeyRing, UnsealError};
pub(crate) use signing::SigningKey;

use crate::error::{Error, Result};

/// A text that must not be seen: a client secret, a token, a code, a verifier.
///
/// It prints as `[redacted]`, has no `PartialEq` ([`matches`](Secret::matches) compares in constant time) and
/// doesn't serialise. [`expose`](Secret::expose) is the one door out, easy to search for.
///
/// ```
/// use rocket_dance::Secret;
///
/// let secret = Secret::new("hunter2");
/// assert_eq!(format!("{secret:?}"), "[redacted]");
/// assert!(secret.matches("hunter2") && !secret.matches("hunter3"));
/// ```
#[derive(Clone)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps `secret`.
    pub fn new(secret: impl Into<Box<str>>) -> Self {
        Self(secret.into())
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `other` is the same text, in a time that tells nothing but the lengths.
    pub fn matches(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// `N` bytes from the operating system's generator; an error, never a fallback, when it fails.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::app("the operating system's random generator failed"))?;
    Ok(bytes)
}

/// Base64url without padding (RFC 4648 §5): what goes into URLs, cookies and forms.
pub(crate) fn encode_base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of a base64url text without padding.
pub(crate) fn decode_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// SHA-256 of `text`.
pub(crate) fn sha256(text: &str) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref().to_vec()
}
