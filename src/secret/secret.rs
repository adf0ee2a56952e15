//! A text that never prints itself.

use std::fmt;

use subtle::ConstantTimeEq;

/// A text that must not be printed: a client secret, a token, an authorization code or a PKCE verifier.
///
/// Its `Debug` output is `[redacted]`. It has no `PartialEq`; [`matches`](Secret::matches) compares in constant time. It
/// does not implement `Serialize`. [`expose`](Secret::expose) is the only way to read the text, so that its uses are easy
/// to find.
///
/// ```
/// use rocket_dance::Secret;
///
/// let secret = Secret::new("hunter2");
/// assert_eq!(format!("{secret:?}"), "[redacted]");
/// assert!(secret.matches("hunter2") && !secret.matches("hunter3"));
/// assert_eq!(secret.expose(), "hunter2");
/// ```
#[derive(Clone)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps `secret`.
    pub fn new(secret: impl Into<Box<str>>) -> Self {
        Self(secret.into())
    }

    /// Returns the secret text. Do not log it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns whether `other` is the same text. The time that the comparison takes depends only on the lengths.
    pub fn matches(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
