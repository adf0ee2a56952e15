//! A provider's published keys.
//!
//! Supported are RSA keys of at least 2048 bits, P-256, P-384 and Ed25519. There are no symmetric keys: a published key can
//! never be used as the secret of an HMAC (RFC 8725 §2.1).

use std::collections::BTreeSet;

use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::{Map, Value};

use super::json;
use crate::config::Issuer;
use crate::provider::SigningAlgorithm;
use crate::secret::decode_base64url;

/// Maximum number of keys that are read from one set.
const MAX_KEYS: usize = 100;
/// Maximum number of keys that are tried for one token.
const MAX_TRIES: usize = 8;

/// The keys of a JWK set (RFC 7517 §5) that can sign an ID token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeySet(Vec<Key>);

impl KeySet {
    /// Reads a JWK set. Keys of other types or uses are skipped, because a set may hold keys for other readers.
    ///
    /// # Errors
    /// If it is not a JSON object with a list of `keys`.
    pub(super) fn parse(body: &[u8]) -> Result<Self, &'static str> {
        let set = json::object(body)?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or("no `keys`")?;
        let keys = keys.iter().take(MAX_KEYS).filter_map(|key| Key::parse(key.as_object()?));
        // Sorted, so that the same keys in another order count as the same set.
        Ok(Self(keys.collect::<BTreeSet<_>>().into_iter().collect()))
    }

    /// The algorithms for which the set has a key.
    pub(crate) fn algorithms(&self) -> Vec<SigningAlgorithm> {
        let has_key = |algorithm: &SigningAlgorithm| self.0.iter().any(|key| key.is_for(*algorithm));
        SigningAlgorithm::ALL.into_iter().filter(has_key).collect()
    }

    /// Whether a key with this `kid`, or any key if there is no `kid`, verifies the signature of `message`. If the token's
    /// `iss` is given, keys that name another issuer don't count.
    pub(super) fn verify(
        &self,
        kid: Option<&str>,
        issuer: Option<(&Issuer, &str)>,
        algorithm: SigningAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let is_named = |key: &&Key| kid.is_none() || key.kid.is_none() || key.kid.as_deref() == kid;
        let candidates =
            self.0.iter().filter(is_named).filter(|key| key.is_for(algorithm) && key.is_of(issuer));
        candidates.take(MAX_TRIES).any(|key| key.verify(algorithm, message, signature))
    }
}

/// One public key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// The name of the key.
    kid: Option<String>,
    /// The only algorithm of the key, if the set names one.
    alg: Option<String>,
    /// The issuer whose tokens the key signs, if the set names one, as Microsoft's sets do.
    issuer: Option<String>,
    material: Material,
}

/// The numbers of a public key, as ring reads them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Key {
    /// Reads a key (RFC 7517 §4). Returns none for a key that can't verify signatures, or of an unsupported type.
    fn parse(fields: &Map<String, Value>) -> Option<Self> {
        // An empty text and a wrong type count as absent.
        let text = |name| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        // Some providers pad the texts, which RFC 7515 §2 does not allow.
        let bytes = |name| decode_base64url(text(name)?.trim_end_matches('='));
        if text("use").is_some_and(|usage| usage != "sig") {
            return None;
        }
        if let Some(operations) = fields.get("key_ops").and_then(Value::as_array)
            && !operations.is_empty()
            && !operations.iter().any(|operation| operation == "verify")
        {
            return None;
        }
        let material = match (text("kty")?, text("crv")) {
            // ring accepts no leading zeros, and some providers send them.
            ("RSA", _) => Material::Rsa { n: without_zeros(bytes("n")?), e: without_zeros(bytes("e")?) },
            ("EC", Some("P-256")) => Material::P256(point(bytes("x")?, bytes("y")?, 32)?),
            ("EC", Some("P-384")) => Material::P384(point(bytes("x")?, bytes("y")?, 48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x").filter(|x| x.len() == 32)?),
            _ => return None,
        };
        let owned = |name| text(name).map(str::to_owned);
        Some(Self { kid: owned("kid"), alg: owned("alg"), issuer: owned("issuer"), material })
    }

    /// Whether the key may sign tokens of this issuer with this `iss`.
    fn is_of(&self, issuer: Option<(&Issuer, &str)>) -> bool {
        match (&self.issuer, issuer) {
            (Some(own), Some((issuer, iss))) => issuer.may_sign(own, iss),
            _ => true,
        }
    }

    /// Whether the key may be used with `algorithm`.
    fn is_for(&self, algorithm: SigningAlgorithm) -> bool {
        self.alg.as_deref().is_none_or(|alg| algorithm.is(alg))
            && match self.material {
                Material::Rsa { .. } => rsa(algorithm).is_some(),
                Material::P256(_) => algorithm == SigningAlgorithm::ES256,
                Material::P384(_) => algorithm == SigningAlgorithm::ES384,
                Material::Ed25519(_) => algorithm == SigningAlgorithm::EdDSA,
            }
    }

    /// Whether this key verifies the signature of `message`.
    fn verify(&self, algorithm: SigningAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        let (verification, point): (&dyn signature::VerificationAlgorithm, _) = match &self.material {
            Material::Rsa { n, e } => {
                return rsa(algorithm).is_some_and(|parameters| {
                    RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
                });
            }
            Material::P256(point) => (&signature::ECDSA_P256_SHA256_FIXED, point),
            Material::P384(point) => (&signature::ECDSA_P384_SHA384_FIXED, point),
            Material::Ed25519(point) => (&signature::ED25519, point),
        };
        UnparsedPublicKey::new(verification, point).verify(message, signature).is_ok()
    }
}

/// The verification parameters of an RSA algorithm. ring refuses keys of less than 2048 bits.
fn rsa(algorithm: SigningAlgorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        SigningAlgorithm::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        SigningAlgorithm::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        SigningAlgorithm::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        SigningAlgorithm::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
        SigningAlgorithm::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
        SigningAlgorithm::PS512 => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

/// An uncompressed point (SEC 1 §2.3.3) with coordinates of `size` bytes. Some providers leave out leading zeros or add one.
fn point(x: Vec<u8>, y: Vec<u8>, size: usize) -> Option<Vec<u8>> {
    let [x, y] = [x, y].map(without_zeros);
    let zeros = |number: &[u8]| Some(vec![0; size.checked_sub(number.len())?]);
    Some([vec![4], zeros(&x)?, x, zeros(&y)?, y].concat())
}

fn without_zeros(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}
