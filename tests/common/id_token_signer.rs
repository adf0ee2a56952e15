//! Signs ID tokens anew, with keys of its own: so that a spoiled claim still has a good signature.

use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use ring::{hmac, signature};
use serde_json::{Map, Value, json};

/// Three RSA keys. The first is published, the second from [`IdTokenSigner::rotate`] on, the third never.
pub(crate) struct IdTokenSigner {
    pub(crate) key: Key,
    pub(crate) next: Key,
    /// Named as the first one, which it is not.
    pub(crate) stranger: Key,
    rotated: AtomicBool,
}

/// One key pair and its `kid`.
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

    /// From now on the second key is published, too.
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

    /// An ordinary ID token.
    pub(crate) fn token(&self, claims: &Map<String, Value>) -> String {
        self.key.token(&self.key.header(), claims)
    }
}

impl Key {
    pub(crate) fn header(&self) -> Value {
        json!({ "alg": "RS256", "kid": self.kid })
    }

    /// A token of this header, signed with RS256 whatever the header says.
    pub(crate) fn token(&self, header: &Value, claims: &Map<String, Value>) -> String {
        let signed = unsigned(header, claims);
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let (padding, rng): (&dyn signature::RsaEncoding, _) = (&RSA_PKCS1_SHA256, SystemRandom::new());
        self.pair.sign(padding, &rng, signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", encode(&signature))
    }

    /// The public half.
    pub(crate) fn jwk(&self) -> Value {
        let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(self.pair.public());
        json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": encode(&n), "e": encode(&e) })
    }

    /// The public half as PEM (RFC 7468 §13), as it is found beside many providers' documentation.
    pub(crate) fn pem(&self) -> String {
        // What stands before a 2048-bit RSAPublicKey in a SubjectPublicKeyInfo: two lengths and rsaEncryption.
        const HEAD: [u8; 24] = [
            0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
            0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00,
        ];
        let body = STANDARD.encode([&HEAD[..], self.pair.public_key().as_ref()].concat());
        let lines: Vec<_> = body.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }
}

/// A token that somebody signs who knows `secret`: HS256, under the first key's name.
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

/// The claims of a token, whoever signed it.
pub(crate) fn claims(token: &str) -> Map<String, Value> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
