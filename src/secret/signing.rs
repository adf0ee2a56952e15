//! A private key that signs JWTs.

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

/// RSA of 2048 to 4096 bits, P-256 or Ed25519.
#[derive(Clone)]
pub(crate) struct SigningKey(Arc<Pair>);

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// What other blocks of PEM say at their begin, and what to do with them.
const OTHERS: &[(&str, &str)] = &[
    (
        "RSA PRIVATE KEY",
        "is in the old format PKCS#1. As PKCS#8: openssl pkcs8 -topk8 -nocrypt -in old.pem -out key.pem",
    ),
    (
        "EC PRIVATE KEY",
        "is in the old format SEC 1. As PKCS#8: openssl pkcs8 -topk8 -nocrypt -in old.pem -out key.pem",
    ),
    (
        "ENCRYPTED PRIVATE KEY",
        "has a password. Without one: openssl pkcs8 -in old.pem -out key.pem; keep it readable to the app alone",
    ),
    ("PUBLIC KEY", "is the public key: that one is for the provider. Here the private one is needed"),
    ("CERTIFICATE", "is a certificate: that is for the provider. Here the private key is needed"),
];

const NO_KEY: &str = "is no private key in PEM (-----BEGIN PRIVATE KEY-----)";
const OTHER_KEY: &str = "is neither RSA of 2048 to 4096 bits nor P-256 nor Ed25519";

impl SigningKey {
    /// The key in `pem`, a block of PKCS#8 (RFC 7468 §10).
    ///
    /// # Errors
    /// What is wrong with it, and the cure; never a part of it.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, &'static str> {
        let is = |label: &str| pem.contains(&format!("-----BEGIN {label}-----"));
        if let Some((_, why)) = OTHERS.iter().find(|(label, _)| is(label)) {
            return Err(why);
        }
        let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----").ok_or(NO_KEY)?;
        let (body, _) = rest.split_once("-----END PRIVATE KEY-----").ok_or(NO_KEY)?;
        // An environment variable often holds `\n` for its line breaks.
        let body: String = body.replace("\\n", "").split_whitespace().collect();
        let der = STANDARD.decode(body).map_err(|_| NO_KEY)?;
        let p256 = || EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &SystemRandom::new());
        // OpenSSL writes Ed25519 without its public half (RFC 8410 §7): "unchecked" means that nothing is compared.
        let ed25519 = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der);
        let pair = RsaKeyPair::from_pkcs8(&der)
            .map(Pair::Rsa)
            .or_else(|_| p256().map(Pair::P256))
            .or_else(|_| ed25519().map(Pair::Ed25519));
        Ok(Self(Arc::new(pair.map_err(|_| OTHER_KEY)?)))
    }

    /// The names of what it can sign with (RFC 7518 §3.1, RFC 8037, RFC 9864), the best known one first.
    pub(crate) fn algorithms(&self) -> &'static [&'static str] {
        match *self.0 {
            Pair::Rsa(_) => &["RS256", "PS256"],
            Pair::P256(_) => &["ES256"],
            Pair::Ed25519(_) => &["EdDSA", "Ed25519"],
        }
    }

    /// The signature of `message` by `algorithm`, one of its own.
    pub(crate) fn sign(&self, algorithm: &str, message: &str) -> Result<Vec<u8>> {
        let (rng, message) = (SystemRandom::new(), message.as_bytes());
        let failed = |_| Error::app("a JWT can't be signed");
        match &*self.0 {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let signed = match algorithm {
                    "PS256" => pair.sign(&RSA_PSS_SHA256, &rng, message, &mut signature),
                    _ => pair.sign(&RSA_PKCS1_SHA256, &rng, message, &mut signature),
                };
                signed.map(|()| signature).map_err(failed)
            }
            Pair::P256(pair) => {
                pair.sign(&rng, message).map(|signature| signature.as_ref().to_vec()).map_err(failed)
            }
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
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
        ECDSA_P256_SHA256_FIXED, ED25519, KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
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
                    Pair::Rsa(pair) if *algorithm == "PS256" => {
                        (pair.public().as_ref().to_vec(), &RSA_PSS_2048_8192_SHA256)
                    }
                    Pair::Rsa(pair) => (pair.public().as_ref().to_vec(), &RSA_PKCS1_2048_8192_SHA256),
                    Pair::P256(pair) => (pair.public_key().as_ref().to_vec(), &ECDSA_P256_SHA256_FIXED),
                    Pair::Ed25519(pair) => (pair.public_key().as_ref().to_vec(), &ED25519),
                };
                let signature = key.sign(algorithm, "a.b").unwrap();
                UnparsedPublicKey::new(check, public).verify(b"a.b", &signature).unwrap();
            }
        }
    }

    #[test]
    fn what_is_no_such_key_is_told_with_its_cure() {
        let block = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
        for (pem, told) in [
            (block("RSA PRIVATE KEY"), "openssl pkcs8 -topk8"),
            (block("EC PRIVATE KEY"), "openssl pkcs8 -topk8"),
            (block("ENCRYPTED PRIVATE KEY"), "has a password"),
            (block("PUBLIC KEY"), "the public key"),
            (block("CERTIFICATE"), "a certificate"),
            (block("PRIVATE KEY"), OTHER_KEY),
            (pem(&RSA[..600]), OTHER_KEY),
            (block("PRIVATE KEY").replace("AAAA", "%%%"), NO_KEY),
            (block("PRIVATE KEY").replace("-----END", ""), NO_KEY),
            ("s3cr3t".into(), NO_KEY),
            (String::new(), NO_KEY),
        ] {
            let why = SigningKey::from_pem(&pem).unwrap_err();
            assert!(why.contains(told), "{why}");
        }
    }

    #[test]
    fn lk_01_it_never_prints_itself() {
        let key = SigningKey::from_pem(ED25519_PEM).unwrap();
        assert_eq!(format!("{key:?} {key:#?}"), "[redacted] [redacted]");
    }
}
