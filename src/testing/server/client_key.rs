//! [`ClientKey`]: the key of a client that authenticates with `private_key_jwt` (RFC 7523 §3).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use serde_json::Value;

use crate::secret::{Secret, decode_base64url};

/// Maximum lifetime of an assertion, in seconds.
const MAX_ASSERTION_TTL: i64 = 300;

/// Minimum length of an assertion's `jti`, in bytes.
const MIN_JTI_LENGTH: usize = 16;

/// A P-256 key pair: the client's private key, and the public key that the provider knows.
#[derive(Clone)]
pub(crate) struct ClientKey {
    /// The private key in PEM format (PKCS #8).
    pub(crate) pem: Secret,
    public: Vec<u8>,
}

impl ClientKey {
    /// The key id (`kid`) in the header of an assertion.
    pub(crate) const ID: &'static str = "the client's key";

    pub(crate) fn generate() -> Self {
        let (algorithm, rng) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &rng).expect("ring generates P-256 keys");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &rng)
            .expect("ring reads the key that it generated");
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(pkcs8.as_ref())
        );
        Self { pem: Secret::new(pem), public: pair.public_key().as_ref().to_vec() }
    }

    /// Returns the `jti` of `assertion`, if it is signed with this key, names `client` and one of `audiences`, and is
    /// valid at `now` (unix seconds).
    pub(super) fn verify(
        &self,
        assertion: &str,
        client: &str,
        audiences: &[&str],
        now: i64,
    ) -> Option<String> {
        let (signed, signature) = assertion.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let json = |part: &str| serde_json::from_slice::<Value>(&decode_base64url(part)?).ok();
        let (header, claims) = (json(header)?, json(claims)?);
        let is = |value: &Value, expected: &str| value.as_str() == Some(expected);
        let number = |name: &str| claims[name].as_i64();
        let is_valid = is(&header["alg"], "ES256")
            && is(&header["kid"], Self::ID)
            && is(&claims["iss"], client)
            && is(&claims["sub"], client)
            && audiences.iter().any(|audience| is(&claims["aud"], audience))
            && (now + 1..=now + MAX_ASSERTION_TTL).contains(&number("exp")?)
            && number("iat")? <= now
            && number("nbf")? <= now;
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.public);
        let signature = decode_base64url(signature)?;
        let jti = claims["jti"].as_str().filter(|jti| jti.len() >= MIN_JTI_LENGTH)?;
        (is_valid && key.verify(signed.as_bytes(), &signature).is_ok()).then(|| jti.to_owned())
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientKey")
    }
}
