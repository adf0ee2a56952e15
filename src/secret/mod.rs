//! Secrets that never print, random bytes, and the keys that seal and sign.

mod encoding;
mod key_ring;
mod random;
#[cfg(feature = "rsa-sha1")]
mod rsa_key;
mod secret;
mod signing_key;

pub(crate) use self::encoding::{decode_base64url, encode_base64url, encode_hex, sha256};
pub use self::key_ring::{KeyRing, UnsealError};
pub(crate) use self::random::random;
#[cfg(feature = "rsa-sha1")]
pub(crate) use self::rsa_key::RsaKey;
pub use self::secret::Secret;
pub(crate) use self::signing_key::SigningKey;
