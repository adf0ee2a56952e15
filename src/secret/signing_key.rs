//! The private key that signs JWTs for `private_key_jwt`.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaKeyPair,
};

use crate::error::{Error, Result};

/// A private key that signs JWTs: RSA of 2048 to 4096 bits, P-256 or Ed25519. Its `Debug` output is `[redacted]`.
#[derive(Clone)]
pub(crate) struct SigningKey(Arc<KeyPair>);

enum KeyPair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// The labels of PEM blocks that are not accepted, and how to convert each.
const UNSUPPORTED_BLOCKS: &[(&str, &str)] = &[
    (
        "RSA PRIVATE KEY",
        "is in the old format PKCS#1. Convert it to PKCS#8: openssl pkcs8 -topk8 -nocrypt -in old.pem -out key.pem",
    ),
    (
        "EC PRIVATE KEY",
        "is in the old format SEC 1. Convert it to PKCS#8: openssl pkcs8 -topk8 -nocrypt -in old.pem -out key.pem",
    ),
    (
        "ENCRYPTED PRIVATE KEY",
        "has a password. Remove it: openssl pkcs8 -in old.pem -out key.pem. Let only the app read the new file",
    ),
    ("PUBLIC KEY", "is a public key, which belongs at the provider. Use the private key here"),
    ("CERTIFICATE", "is a certificate, which belongs at the provider. Use the private key here"),
];

const NO_KEY: &str = "is not a private key in PEM (-----BEGIN PRIVATE KEY-----)";
const OTHER_KEY: &str = "is neither RSA of 2048 to 4096 bits nor P-256 nor Ed25519";

impl SigningKey {
    /// Reads a key from `pem`, a block of PKCS#8 (RFC 7468 §10).
    ///
    /// # Errors
    /// What is wrong with the key and how to fix it, as the predicate of a sentence. Never a part of the key.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, &'static str> {
        let is = |label: &str| pem.contains(&format!("-----BEGIN {label}-----"));
        if let Some((_, why)) = UNSUPPORTED_BLOCKS.iter().find(|(label, _)| is(label)) {
            return Err(why);
        }
        let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----").ok_or(NO_KEY)?;
        let (body, _) = rest.split_once("-----END PRIVATE KEY-----").ok_or(NO_KEY)?;
        // Environment variables often contain the two characters `\n` instead of line breaks.
        let body: String = body.replace("\\n", "").split_whitespace().collect();
        let der = STANDARD.decode(body).map_err(|_| NO_KEY)?;
        let p256 = || EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &SystemRandom::new());
        // OpenSSL writes Ed25519 keys without their public half (RFC 8410 §7). "Unchecked" means that the halves are not
        // compared.
        let ed25519 = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der);
        let pair = RsaKeyPair::from_pkcs8(&der)
            .map(KeyPair::Rsa)
            .or_else(|_| p256().map(KeyPair::P256))
            .or_else(|_| ed25519().map(KeyPair::Ed25519));
        Ok(Self(Arc::new(pair.map_err(|_| OTHER_KEY)?)))
    }

    /// The names of the algorithms that this key can sign with (RFC 7518 §3.1, RFC 8037, RFC 9864), the most widely
    /// supported one first.
    pub(crate) fn algorithms(&self) -> &'static [&'static str] {
        match *self.0 {
            KeyPair::Rsa(_) => &["RS256", "PS256"],
            KeyPair::P256(_) => &["ES256"],
            KeyPair::Ed25519(_) => &["EdDSA", "Ed25519"],
        }
    }

    /// Signs `message` with `algorithm`, one of [`algorithms`](SigningKey::algorithms).
    ///
    /// # Errors
    /// [`ErrorKind::AppError`](crate::ErrorKind::AppError) if the random generator fails.
    pub(crate) fn sign(&self, algorithm: &str, message: &str) -> Result<Vec<u8>> {
        let (rng, message) = (SystemRandom::new(), message.as_bytes());
        let failed = |_| Error::app("a JWT could not be signed");
        match &*self.0 {
            KeyPair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let signed = match algorithm {
                    "PS256" => pair.sign(&RSA_PSS_SHA256, &rng, message, &mut signature),
                    _ => pair.sign(&RSA_PKCS1_SHA256, &rng, message, &mut signature),
                };
                signed.map(|()| signature).map_err(failed)
            }
            KeyPair::P256(pair) => {
                pair.sign(&rng, message).map(|signature| signature.as_ref().to_vec()).map_err(failed)
            }
            KeyPair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
        UnparsedPublicKey, VerificationAlgorithm,
    };

    use super::*;

    fn pem(der: &[u8]) -> String {
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
    }

    const RSA: &[u8] = include_bytes!("../../tests/fixtures/rsa2048.pk8");
    /// `openssl genpkey -algorithm ed25519`: without the public half.
    const ED25519_PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIO7Pa6dkvyypoixLI+okCTrt3IUxpJ2hK9eVh3cIFPme\n-----END PRIVATE KEY-----\n";

    fn p256() -> Vec<u8> {
        let rng = SystemRandom::new();
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).unwrap().as_ref().to_vec()
    }

    #[test]
    fn each_kind_signs() {
        let cases: [(String, &[&str]); 4] = [
            (pem(RSA), &["RS256", "PS256"]),
            (pem(&p256()), &["ES256"]),
            (ED25519_PEM.to_owned(), &["EdDSA", "Ed25519"]),
            (ED25519_PEM.replace('\n', "\\n"), &["EdDSA", "Ed25519"]),
        ];
        for (pem, algorithms) in cases {
            let key = SigningKey::from_pem(&pem).unwrap();
            assert_eq!(key.algorithms(), algorithms);
            for algorithm in algorithms {
                let (public, check): (Vec<u8>, &dyn VerificationAlgorithm) = match &*key.0 {
                    KeyPair::Rsa(pair) if *algorithm == "PS256" => {
                        (pair.public().as_ref().to_vec(), &RSA_PSS_2048_8192_SHA256)
                    }
                    KeyPair::Rsa(pair) => (pair.public().as_ref().to_vec(), &RSA_PKCS1_2048_8192_SHA256),
                    KeyPair::P256(pair) => (pair.public_key().as_ref().to_vec(), &ECDSA_P256_SHA256_FIXED),
                    KeyPair::Ed25519(pair) => (pair.public_key().as_ref().to_vec(), &ED25519),
                };
                let signature = key.sign(algorithm, "a.b").unwrap();
                UnparsedPublicKey::new(check, public).verify(b"a.b", &signature).unwrap();
            }
        }
    }

    #[test]
    fn an_unusable_key_is_an_error_with_its_cure() {
        let block = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
        for (pem, part) in [
            (block("RSA PRIVATE KEY"), "openssl pkcs8 -topk8"),
            (block("EC PRIVATE KEY"), "openssl pkcs8 -topk8"),
            (block("ENCRYPTED PRIVATE KEY"), "has a password"),
            (block("PUBLIC KEY"), "a public key"),
            (block("CERTIFICATE"), "a certificate"),
            (block("PRIVATE KEY"), OTHER_KEY),
            (pem(&RSA[..600]), OTHER_KEY),
            (block("PRIVATE KEY").replace("AAAA", "%%%"), NO_KEY),
            (block("PRIVATE KEY").replace("-----END", ""), NO_KEY),
            ("s3cr3t".into(), NO_KEY),
            (String::new(), NO_KEY),
        ] {
            let why = SigningKey::from_pem(&pem).unwrap_err();
            assert!(why.contains(part), "{why}");
        }
    }

    #[test]
    fn lk_01_it_never_prints_itself() {
        let key = SigningKey::from_pem(ED25519_PEM).unwrap();
        assert_eq!(format!("{key:?} {key:#?}"), "[redacted] [redacted]");
    }
}
