//! RSA keys for SHA-1 signatures, which ring does not make.

use std::fmt;

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;

/// Minimum length of a key, in bytes: 1024 bits, which is what Jira's documentation generates.
const MIN_KEY_LENGTH: u32 = 128;

/// A private RSA key that signs with SHA-1. Its `Debug` output is `[redacted]`.
#[derive(Clone)]
pub(crate) struct RsaKey(PKey<Private>);

impl RsaKey {
    /// Reads a key from `pem` (PKCS#8 or PKCS#1) and signs once to try it.
    ///
    /// # Errors
    /// What is wrong with the key, as the predicate of a sentence. Never a part of the key.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, &'static str> {
        // Without a callback, OpenSSL asks the terminal for the passphrase, and the launch hangs.
        let key = Rsa::private_key_from_pem_callback(pem.as_bytes(), |_| Ok(0)).map_err(
            |_| "is not a private RSA key in PEM (-----BEGIN PRIVATE KEY-----) without a passphrase",
        )?;
        if !key.check_key().unwrap_or(false) {
            return Err("is a damaged RSA key");
        }
        if key.size() < MIN_KEY_LENGTH {
            return Err("is an RSA key of fewer than 1024 bits");
        }
        let key = Self(PKey::from_rsa(key).map_err(|_| "can't be used by OpenSSL")?);
        // The policy of some systems forbids SHA-1. The launch fails then, instead of the first sign-in.
        key.sign_sha1(b"")
            .map_err(|_| "can't be used: OpenSSL here is set up to refuse signatures with SHA-1")?;
        Ok(key)
    }

    /// Signs `text` with RSASSA-PKCS1-v1_5 and SHA-1 (RFC 8017 §8.2). The signature is deterministic.
    pub(crate) fn sign_sha1(&self, text: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        Signer::new(MessageDigest::sha1(), &self.0)?.sign_oneshot_to_vec(text)
    }
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = include_str!("../../tests/fixtures/oauth1_rsa.pem");

    #[test]
    fn o1_12_only_a_whole_private_key() {
        let key = RsaKey::from_pem(PEM).unwrap();
        assert_eq!(format!("{key:?}"), "[redacted]");
        let public = String::from_utf8(key.0.public_key_to_pem().unwrap()).unwrap();
        let cipher = openssl::symm::Cipher::aes_128_cbc();
        let locked =
            String::from_utf8(key.0.private_key_to_pem_pkcs8_passphrase(cipher, b"secret").unwrap()).unwrap();
        let small = Rsa::generate(512).unwrap().private_key_to_pem().unwrap();
        let small = String::from_utf8(small).unwrap();
        for bad in ["", "-----BEGIN PRIVATE KEY-----", &PEM[..400], &public, &locked, &small] {
            assert!(RsaKey::from_pem(bad).is_err(), "{bad}");
        }
        let pkcs1 = String::from_utf8(key.0.rsa().unwrap().private_key_to_pem().unwrap()).unwrap();
        assert!(pkcs1.contains("BEGIN RSA PRIVATE KEY"));
        assert_eq!(RsaKey::from_pem(&pkcs1).unwrap().sign_sha1(b"x").unwrap(), key.sign_sha1(b"x").unwrap());
    }
}
