//! The keys that providers publish.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::FutureExt;
use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::{Map, Value};
use url::Url;

use super::document::{Asker, Documents, Fetched};
use super::{Http, json};
use crate::clock::Clock;
use crate::config::TENANT;
use crate::error::Result;
use crate::provider::SigningAlgorithm;
use crate::secret::decode_base64url;

/// How many keys of one set are read.
const MAX_KEYS: usize = 100;
/// How many keys a token without a `kid` is tried with.
const MAX_TRIES: usize = 8;

/// The key sets of all providers in use.
#[derive(Clone)]
pub(crate) struct Jwks {
    http: Http,
    sets: Documents<KeySet>,
}

impl Jwks {
    pub(crate) fn new(http: Http, clock: Clock) -> Self {
        Self { http, sets: Documents::new(clock) }
    }

    /// The keys at `url`.
    pub(crate) async fn keys(&self, url: &Url) -> Result<Arc<KeySet>> {
        self.sets.get(url.as_str(), self.fetch(url).boxed()).await
    }

    /// The keys at `url` again, for a token that none of the `known` ones has signed, whether it names its key (DJ-09) or
    /// not (DJ-10).
    pub(crate) async fn renewed(&self, url: &Url, known: &Arc<KeySet>, asker: Asker) -> Result<Arc<KeySet>> {
        self.sets.renewed(url.as_str(), known, asker, self.fetch(url).boxed()).await
    }

    async fn fetch(&self, url: &Url) -> Result<Fetched<KeySet>> {
        let read = |body: &[u8]| KeySet::parse(body).map_err(str::to_owned);
        self.http.document(url.as_str(), "the provider's keys", read).await
    }
}

/// A JWK set (RFC 7517 §5): those of its keys that can sign an ID token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeySet(Vec<Key>);

impl KeySet {
    /// Keys of other kinds or uses are skipped, not refused: sets hold keys for other readers, too.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, &'static str> {
        let set = json::object(body)?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or("no `keys`")?;
        let keys = keys.iter().take(MAX_KEYS).filter_map(|key| Key::parse(key.as_object()?));
        // In one order, whatever the provider's is today: a shuffled set is no new one.
        Ok(Self(keys.collect::<BTreeSet<_>>().into_iter().collect()))
    }

    /// Whether a key named `kid`, or any if the token names none, has signed `message`. With an `issuer`, keys that say
    /// that they are another's don't count.
    pub(crate) fn verify(
        &self,
        kid: Option<&str>,
        issuer: Option<&str>,
        algorithm: SigningAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let named = |key: &&Key| kid.is_none() || key.kid.is_none() || key.kid.as_deref() == kid;
        let fit = self.0.iter().filter(named).filter(|key| key.is_for(algorithm) && key.is_of(issuer));
        fit.take(MAX_TRIES).any(|key| key.verify(algorithm, message, signature))
    }
}

/// One public key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    kid: Option<String>,
    /// The one algorithm that the key is for, where the set says so.
    alg: Option<String>,
    /// SessionSelection tokens it signs, where the set says so, as Microsoft's do.
    issuer: Option<String>,
    material: Material,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Key {
    fn parse(fields: &Map<String, Value>) -> Option<Self> {
        let text = |name| fields.get(name).and_then(Value::as_str);
        let bytes = |name| text(name).and_then(decode_base64url);
        if fields.contains_key("use") && text("use") != Some("sig") {
            return None;
        }
        if let Some(operations) = fields.get("key_ops")
            && !operations.as_array()?.iter().any(|operation| operation == "verify")
        {
            return None;
        }
        let material = match (text("kty")?, text("crv")) {
            // ring wants no zeros in front, some providers send them.
            ("RSA", _) => Material::Rsa { n: without_zeros(bytes("n")?), e: without_zeros(bytes("e")?) },
            ("EC", Some("P-256")) => Material::P256(point(bytes("x")?, bytes("y")?, 32)?),
            ("EC", Some("P-384")) => Material::P384(point(bytes("x")?, bytes("y")?, 48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x").filter(|x| x.len() == 32)?),
            _ => return None,
        };
        let owned = |name| text(name).map(str::to_owned);
        Some(Self { kid: owned("kid"), alg: owned("alg"), issuer: owned("issuer"), material })
    }

    fn is_of(&self, issuer: Option<&str>) -> bool {
        match (&self.issuer, issuer) {
            (Some(own), Some(issuer)) => own.contains(TENANT) || own == issuer,
            _ => true,
        }
    }

    fn is_for(&self, algorithm: SigningAlgorithm) -> bool {
        self.alg.as_deref().is_none_or(|alg| algorithm.is(alg))
            && match self.material {
                Material::Rsa { .. } => rsa(algorithm).is_some(),
                Material::P256(_) => algorithm == SigningAlgorithm::ES256,
                Material::P384(_) => algorithm == SigningAlgorithm::ES384,
                Material::Ed25519(_) => algorithm == SigningAlgorithm::EdDSA,
            }
    }

    fn verify(&self, algorithm: SigningAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        let point: (&dyn signature::VerificationAlgorithm, _) = match &self.material {
            Material::Rsa { n, e } => {
                return rsa(algorithm).is_some_and(|how| {
                    RsaPublicKeyComponents { n, e }.verify(how, message, signature).is_ok()
                });
            }
            Material::P256(point) => (&signature::ECDSA_P256_SHA256_FIXED, point),
            Material::P384(point) => (&signature::ECDSA_P384_SHA384_FIXED, point),
            Material::Ed25519(point) => (&signature::ED25519, point),
        };
        let (how, point) = point;
        UnparsedPublicKey::new(how, point).verify(message, signature).is_ok()
    }
}

/// How an RSA key verifies: 2048 bits at least, ring refuses less.
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

/// A point uncompressed (SEC 1 §2.3.3), of coordinates of `size` bytes.
fn point(x: Vec<u8>, y: Vec<u8>, size: usize) -> Option<Vec<u8>> {
    (x.len() == size && y.len() == size).then(|| [vec![4], x, y].concat())
}

fn without_zeros(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}
