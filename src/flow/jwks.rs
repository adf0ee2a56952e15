//! The keys that providers publish.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use moka::future::Cache;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::{Map, Value};
use url::Url;

use super::document::Documents;
use super::http::bad_answer;
use super::{Http, json};
use crate::error::{Error, Result};
use crate::provider::Algorithm;
use crate::secret::decode;

/// How long a provider is left alone after its keys were fetched out of turn.
const COOLDOWN: Duration = Duration::from_secs(60);
/// How many keys of one set are read.
const MAX_KEYS: usize = 100;
/// How many keys a token without a `kid` is tried with.
const MAX_TRIES: usize = 8;

/// The key sets of all providers in use.
#[derive(Clone)]
pub(crate) struct Jwks {
    http: Http,
    sets: Documents<KeySet>,
    renewed: Cache<String, Result<Arc<KeySet>, Arc<Error>>>,
}

impl Jwks {
    pub(crate) fn new(http: Http) -> Self {
        Self {
            http,
            sets: Documents::new(),
            renewed: Cache::builder().max_capacity(1000).time_to_live(COOLDOWN).build(),
        }
    }

    /// The keys at `url`.
    pub(crate) async fn keys(&self, url: &Url) -> Result<Arc<KeySet>> {
        self.sets.get(url.as_str(), self.fetch(url).boxed()).await
    }

    /// The keys at `url` again, for a token that none of the known ones has signed: the provider may have changed
    /// them since (DJ-09). Fetched at once, but only once in a minute, whatever tokens come (DJ-11).
    pub(crate) async fn renewed(&self, url: &Url) -> Result<Arc<KeySet>> {
        let renew = async {
            let set = Arc::new(self.fetch(url).await.map_err(Arc::new)?);
            self.sets.put(url.as_str(), set.clone()).await;
            Ok(set)
        };
        self.renewed.get_with(url.to_string(), renew.boxed()).await.map_err(|error| error.copy())
    }

    async fn fetch(&self, url: &Url) -> Result<KeySet> {
        KeySet::parse(&self.http.document(url.as_str()).await?)
            .map_err(|cause| bad_answer(format!("the provider's keys: {cause}")))
    }
}

/// A JWK set (RFC 7517 §5): those of its keys that can sign an ID token.
#[derive(Debug, Clone)]
pub(crate) struct KeySet(Vec<Key>);

impl KeySet {
    /// Keys of other kinds or uses are skipped, not refused: sets hold keys for other readers, too.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, &'static str> {
        let set = json::object(body)?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or("no `keys`")?;
        Ok(Self(keys.iter().take(MAX_KEYS).filter_map(|key| Key::parse(key.as_object()?)).collect()))
    }

    /// Whether a key named `kid`, or any if the token names none, has signed `message`.
    pub(crate) fn verify(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let named = |key: &&Key| kid.is_none() || key.kid.is_none() || key.kid.as_deref() == kid;
        let fit = self.0.iter().filter(named).filter(|key| key.is_for(algorithm));
        fit.take(MAX_TRIES).any(|key| key.verify(algorithm, message, signature))
    }
}

/// One public key.
#[derive(Debug, Clone)]
struct Key {
    kid: Option<String>,
    /// The one algorithm that the key is for, where the set says so.
    alg: Option<String>,
    material: Material,
}

#[derive(Debug, Clone)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Key {
    fn parse(fields: &Map<String, Value>) -> Option<Self> {
        let text = |name| fields.get(name).and_then(Value::as_str);
        let bytes = |name| text(name).and_then(decode);
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
            ("EC", Some("P-256")) => match (bytes("x")?, bytes("y")?) {
                (x, y) if x.len() == 32 && y.len() == 32 => Material::P256([vec![4], x, y].concat()),
                _ => return None,
            },
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x").filter(|x| x.len() == 32)?),
            _ => return None,
        };
        Some(Self { kid: text("kid").map(str::to_owned), alg: text("alg").map(str::to_owned), material })
    }

    fn is_for(&self, algorithm: Algorithm) -> bool {
        self.alg
            .as_deref()
            .is_none_or(|alg| alg == algorithm.name() || alg == "Ed25519" && algorithm == Algorithm::EdDSA)
            && match self.material {
                Material::Rsa { .. } => matches!(algorithm, Algorithm::RS256 | Algorithm::PS256),
                Material::P256(_) => algorithm == Algorithm::ES256,
                Material::Ed25519(_) => algorithm == Algorithm::EdDSA,
            }
    }

    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            // 2048 bits at least: ring refuses less.
            Material::Rsa { n, e } => {
                let padding = match algorithm {
                    Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
                    _ => &RSA_PKCS1_2048_8192_SHA256,
                };
                RsaPublicKeyComponents { n, e }.verify(padding, message, signature).is_ok()
            }
            Material::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
            Material::Ed25519(point) => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature).is_ok()
            }
        }
    }
}

fn without_zeros(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}
