//! [`SigningKey`]: the key that signs ID tokens.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use crate::provider::SigningAlgorithm;
use crate::secret::{encode_base64url, sha256};

/// A key pair and its key id.
pub(crate) struct SigningKey {
    pair: KeyPairOf,
    kid: String,
}

enum KeyPairOf {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

impl SigningKey {
    /// Derives an Ed25519 key from `seed`. The same seed gives the same key.
    pub(crate) fn ed25519(seed: &[u8; 32]) -> Self {
        let key =
            Ed25519KeyPair::from_seed_unchecked(seed).expect("every seed of 32 bytes is an Ed25519 key");
        Self { kid: key_id(key.public_key().as_ref()), pair: KeyPairOf::Ed25519(key) }
    }

    /// Generates a P-256 key. It differs every time, because ring derives none from a seed.
    pub(crate) fn p256() -> Self {
        let (algorithm, rng) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &rng)
            .map_err(drop)
            .and_then(|pkcs8| EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &rng).map_err(drop))
            .expect("ring generates valid keys");
        Self { kid: key_id(key.public_key().as_ref()), pair: KeyPairOf::P256(key) }
    }

    pub(crate) fn algorithm(&self) -> SigningAlgorithm {
        match self.pair {
            KeyPairOf::Ed25519(_) => SigningAlgorithm::EdDSA,
            KeyPairOf::P256(_) => SigningAlgorithm::ES256,
        }
    }

    /// The JOSE header of the tokens that this key signs.
    pub(crate) fn header(&self) -> Value {
        json!({"alg": self.algorithm().name(), "kid": self.kid, "typ": "JWT"})
    }

    /// The public key as a JWK (RFC 7517, RFC 8037).
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = match &self.pair {
            KeyPairOf::Ed25519(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode_base64url(key.public_key().as_ref())})
            }
            KeyPairOf::P256(key) => {
                // The uncompressed form: 4, then x and y of 32 bytes each (SEC 1 §2.3.3).
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": encode_base64url(x), "y": encode_base64url(y)})
            }
        };
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!(self.algorithm().name());
        jwk["use"] = json!("sig");
        jwk
    }

    /// Signs a JWT in compact form (RFC 7515 §7.1). Header and payload may be any text.
    pub(crate) fn sign(&self, header: &str, payload: &str) -> String {
        let signed =
            format!("{}.{}", encode_base64url(header.as_bytes()), encode_base64url(payload.as_bytes()));
        let signature = match &self.pair {
            KeyPairOf::Ed25519(key) => encode_base64url(key.sign(signed.as_bytes()).as_ref()),
            KeyPairOf::P256(key) => {
                let signature = key.sign(&SystemRandom::new(), signed.as_bytes());
                encode_base64url(signature.expect("the operating system's random generator works").as_ref())
            }
        };
        format!("{signed}.{signature}")
    }
}

/// The claim `at_hash`: the left half of the access token's hash (OpenID Connect Core §3.1.3.6). No specification names
/// the hash for Ed25519; its signatures use SHA-512, and so does this.
pub(crate) fn at_hash(algorithm: SigningAlgorithm, access_token: &str) -> String {
    match algorithm {
        SigningAlgorithm::EdDSA => {
            let hash = ring::digest::digest(&ring::digest::SHA512, access_token.as_bytes());
            encode_base64url(&hash.as_ref()[..32])
        }
        _ => encode_base64url(&sha256(access_token)[..16]),
    }
}

fn key_id(public: &[u8]) -> String {
    encode_base64url(&ring::digest::digest(&ring::digest::SHA256, public).as_ref()[..9])
}
