//! The provider's signing key: its ID tokens and its JWKS.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use crate::provider::SigningAlgorithm;
use crate::secret::{encode_base64url, sha256};

/// One key pair with its id.
pub(super) struct Signer {
    key: Key,
    kid: String,
}

enum Key {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

impl Signer {
    /// Ed25519 from `seed`: the same key every time.
    pub(super) fn ed25519(seed: &[u8; 32]) -> Self {
        let key = Ed25519KeyPair::from_seed_unchecked(seed).expect("a seed of 32 bytes makes a key");
        Self { kid: kid(key.public_key().as_ref()), key: Key::Ed25519(key) }
    }

    /// P-256, a new key every time: ring makes none from a seed.
    pub(super) fn p256() -> Self {
        let (algorithm, rng) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &rng)
            .map_err(drop)
            .and_then(|pkcs8| EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &rng).map_err(drop))
            .expect("a generated key is a key");
        Self { kid: kid(key.public_key().as_ref()), key: Key::P256(key) }
    }

    pub(super) fn algorithm(&self) -> SigningAlgorithm {
        match self.key {
            Key::Ed25519(_) => SigningAlgorithm::EdDSA,
            Key::P256(_) => SigningAlgorithm::ES256,
        }
    }

    /// The algorithm's name in JOSE.
    pub(super) fn alg(&self) -> &'static str {
        match self.key {
            Key::Ed25519(_) => "EdDSA",
            Key::P256(_) => "ES256",
        }
    }

    /// The header of the tokens that this key signs.
    pub(super) fn header(&self) -> Value {
        json!({"alg": self.alg(), "kid": self.kid, "typ": "JWT"})
    }

    /// The public key (RFC 7517, RFC 8037).
    pub(super) fn jwk(&self) -> Value {
        let mut jwk = match &self.key {
            Key::Ed25519(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode_base64url(key.public_key().as_ref())})
            }
            Key::P256(key) => {
                // Uncompressed: 4, then x and y of 32 bytes each (SEC 1 §2.3.3).
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": encode_base64url(x), "y": encode_base64url(y)})
            }
        };
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!(self.alg());
        jwk["use"] = json!("sig");
        jwk
    }

    /// A JWT in compact form (RFC 7515 §7.1) of this header and payload, whatever they say.
    pub(super) fn sign(&self, header: &str, payload: &str) -> String {
        let signed =
            format!("{}.{}", encode_base64url(header.as_bytes()), encode_base64url(payload.as_bytes()));
        let signature = match &self.key {
            Key::Ed25519(key) => encode_base64url(key.sign(signed.as_bytes()).as_ref()),
            Key::P256(key) => {
                let signature = key.sign(&SystemRandom::new(), signed.as_bytes());
                encode_base64url(signature.expect("the operating system's random generator works").as_ref())
            }
        };
        format!("{signed}.{signature}")
    }
}

/// The left half of the access token's hash: `at_hash` (OpenID Connect Core §3.1.3.6). Ed25519 leaves the hash to
/// custom; SHA-512 is what its signatures use.
pub(super) fn at_hash(algorithm: SigningAlgorithm, access_token: &str) -> String {
    match algorithm {
        SigningAlgorithm::EdDSA => {
            let hash = ring::digest::digest(&ring::digest::SHA512, access_token.as_bytes());
            encode_base64url(&hash.as_ref()[..32])
        }
        _ => encode_base64url(&sha256(access_token)[..16]),
    }
}

fn kid(public: &[u8]) -> String {
    encode_base64url(&ring::digest::digest(&ring::digest::SHA256, public).as_ref()[..9])
}
