//! Signs ID tokens with keys of its own, so that a token with a changed claim has a valid signature.

use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use ring::{hmac, signature};
use serde_json::{Map, Value, json};

/// Three RSA keys. The first is published, the second after [`IdTokenSigner::rotate`], the third never.
pub(crate) struct IdTokenSigner {
    pub(crate) key: Key,
    pub(crate) next: Key,
    /// A key with the `kid` of the first one.
    pub(crate) stranger: Key,
    rotated: AtomicBool,
}

/// A key pair and its `kid`.
pub(crate) struct Key {
    pub(crate) kid: &'static str,
    pair: RsaKeyPair,
}

impl IdTokenSigner {
    pub(crate) fn new() -> Self {
        let key = |kid, pkcs8: &[u8]| Key { kid, pair: RsaKeyPair::from_pkcs8(pkcs8).unwrap() };
        Self {
            key: key("first", include_bytes!("../fixtures/rsa2048.pk8")),
            next: key("second", include_bytes!("../fixtures/rsa2048_next.pk8")),
            stranger: key("first", include_bytes!("../fixtures/rsa2048_stranger.pk8")),
            rotated: AtomicBool::new(false),
        }
    }

    /// Publishes the second key, too.
    pub(crate) fn rotate(&self) {
        self.rotated.store(true, Ordering::SeqCst);
    }

    /// The JWK set (RFC 7517 §5).
    pub(crate) fn published(&self) -> Value {
        let mut keys = vec![self.key.jwk()];
        if self.rotated.load(Ordering::SeqCst) {
            keys.push(self.next.jwk());
        }
        json!({ "keys": keys })
    }

    /// Signs an ID token with the first key.
    pub(crate) fn token(&self, claims: &Map<String, Value>) -> String {
        self.key.token(&self.key.header(), claims)
    }
}

impl Key {
    pub(crate) fn header(&self) -> Value {
        json!({ "alg": "RS256", "kid": self.kid })
    }

    /// Signs a token with RS256, whatever algorithm `header` names.
    pub(crate) fn token(&self, header: &Value, claims: &Map<String, Value>) -> String {
        let signed = unsigned(header, claims);
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let (padding, rng): (&dyn signature::RsaEncoding, _) = (&RSA_PKCS1_SHA256, SystemRandom::new());
        self.pair.sign(padding, &rng, signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", encode(&signature))
    }

    /// The public key as a JWK.
    pub(crate) fn jwk(&self) -> Value {
        let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(self.pair.public());
        json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": encode(&n), "e": encode(&e) })
    }

    /// The public key as PEM (RFC 7468 §13), as many providers publish it.
    pub(crate) fn pem(&self) -> String {
        // The prefix of a SubjectPublicKeyInfo with a 2048-bit RSAPublicKey: two lengths and rsaEncryption.
        const HEAD: [u8; 24] = [
            0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
            0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00,
        ];
        let body = STANDARD.encode([&HEAD[..], self.pair.public_key().as_ref()].concat());
        let lines: Vec<_> = body.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }
}

/// Signs a token with HS256 and `secret`, with the `kid` of the first key.
pub(crate) fn hs256(secret: &[u8], claims: &Map<String, Value>) -> String {
    let signed = unsigned(&json!({ "alg": "HS256", "typ": "JWT", "kid": "first" }), claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", encode(tag.as_ref()))
}

/// Header and claims of a compact JWS, without the signature.
pub(crate) fn unsigned(header: &Value, claims: &Map<String, Value>) -> String {
    let claims = Value::Object(claims.clone()).to_string();
    format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.as_bytes()))
}

/// The claims of a token. The signature is not checked.
pub(crate) fn claims(token: &str) -> Map<String, Value> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
