//! The key ring: XChaCha20-Poly1305 under keys derived per purpose.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use ring::{hkdf, hmac};

use super::{decode_base64url, encode_base64url, random};
use crate::error::Result;

const NONCE: usize = 24;
/// How long a key's id is, in characters.
const ID: usize = 8;

/// Why a sealed text can't be opened: an unknown key, or not what was sealed (truncated, flipped, or moved to
/// another row, user or column). Which of them is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnsealError;

/// The keys that seal tokens and flows: the first one seals, all of them open.
///
/// A sealed text is `v1.<key id>.<base64url of nonce and ciphertext>`: ASCII without `=`, fit for a text column and
/// for a cookie. Each purpose has a key of its own (HKDF-SHA256), and the place that the text belongs to is
/// authenticated with it, so that a ciphertext moved to another place doesn't open.
///
/// ```
/// use rocket_dance::storage::KeyRing;
///
/// let (old, new) = ([1; 32], [2; 32]);
/// let sealed = KeyRing::new([old]).seal("token", &["github", "583231"], b"gho_...")?;
///
/// let ring = KeyRing::new([new, old]);                                    // rotated: the new key seals from now on
/// assert_eq!(ring.open("token", &["github", "583231"], &sealed).unwrap(), b"gho_...");
/// assert!(ring.open("token", &["github", "1"], &sealed).is_err());        // moved to another row
/// assert!(KeyRing::new([new]).open("token", &["github", "583231"], &sealed).is_err());
/// # Ok::<(), rocket_dance::Error>(())
/// ```
#[derive(Clone)]
pub struct KeyRing(Arc<[Key]>);

struct Key {
    id: String,
    secret: [u8; 32],
    /// What `derive` came to, by purpose: there are a handful, and HKDF is most of the work of a short text.
    derived: RwLock<BTreeMap<String, [u8; 32]>>,
}

struct Bytes32;

impl hkdf::KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

impl Key {
    fn derive(&self, purpose: &str) -> [u8; 32] {
        if let Some(key) = self.derived.read().unwrap_or_else(PoisonError::into_inner).get(purpose) {
            return *key;
        }
        let key = self.expand(purpose);
        self.derived.write().unwrap_or_else(PoisonError::into_inner).insert(purpose.to_owned(), key);
        key
    }

    fn expand(&self, purpose: &str) -> [u8; 32] {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"rocket_dance");
        let mut key = [0; 32];
        let info = [purpose.as_bytes()];
        let expanded = salt.extract(&self.secret).expand(&info, Bytes32).and_then(|okm| okm.fill(&mut key));
        // Only a length over 255 hashes makes HKDF fail (RFC 5869 §2.3); ours is one.
        assert!(expanded.is_ok(), "32 bytes are within HKDF's limit");
        key
    }

    fn cipher(&self, purpose: &str) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.derive(purpose).into())
    }
}

/// `place`, unambiguously: each part behind its length.
fn associated(place: &[&str]) -> Vec<u8> {
    let mut data = Vec::new();
    for part in place {
        data.extend_from_slice(&(part.len() as u64).to_be_bytes());
        data.extend_from_slice(part.as_bytes());
    }
    data
}

impl KeyRing {
    /// A ring of 32-byte keys; the first one seals. A ring without keys opens and seals nothing: it is a panic.
    pub fn new(keys: impl IntoIterator<Item = [u8; 32]>) -> Self {
        let keys: Vec<Key> = keys
            .into_iter()
            .map(|secret| {
                let mut key = Key { id: String::new(), secret, derived: RwLock::default() };
                // Six bytes: `ID` characters.
                key.id = encode_base64url(&key.expand("key id")[..6]);
                key
            })
            .collect();
        assert!(!keys.is_empty(), "a key ring needs a key");
        Self(keys.into())
    }

    /// Encrypts `plain` for `purpose` at `place`.
    ///
    /// # Errors
    /// When the operating system's random generator fails.
    pub fn seal(&self, purpose: &str, place: &[&str], plain: &[u8]) -> Result<String> {
        let key = &self.0[0];
        let nonce = random::<NONCE>()?;
        let payload = Payload { msg: plain, aad: &associated(place) };
        let sealed = key
            .cipher(purpose)
            .encrypt(XNonce::from_slice(&nonce), payload)
            .map_err(|_| crate::error::Error::app("too much to seal"))?;
        Ok(format!("v1.{}.{}", key.id, encode_base64url(&[&nonce[..], &sealed].concat())))
    }

    /// Decrypts what [`seal`](KeyRing::seal) made for the same `purpose` and `place`, with whichever key made it.
    pub fn open(&self, purpose: &str, place: &[&str], sealed: &str) -> Result<Vec<u8>, UnsealError> {
        let (id, body) =
            sealed.strip_prefix("v1.").and_then(|rest| rest.split_once('.')).ok_or(UnsealError)?;
        let key = self.0.iter().find(|key| key.id == id).ok_or(UnsealError)?;
        let body = decode_base64url(body).filter(|body| body.len() > NONCE).ok_or(UnsealError)?;
        let (nonce, sealed) = body.split_at(NONCE);
        let payload = Payload { msg: sealed, aad: &associated(place) };
        key.cipher(purpose).decrypt(XNonce::from_slice(nonce), payload).map_err(|_| UnsealError)
    }

    /// The id of the key that sealed `sealed`; none where no key of ours did.
    pub(crate) fn sealer(sealed: &str) -> Option<&str> {
        let (id, _) = sealed.strip_prefix("v1.")?.split_once('.')?;
        (id.len() == ID).then_some(id)
    }

    /// The keys' ids: the first one's seals.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.id.as_str())
    }

    /// Whether `sealed` was sealed by the first key, as everything is from now on.
    pub(crate) fn is_current(&self, sealed: &str) -> bool {
        Self::sealer(sealed) == Some(&self.0[0].id)
    }

    /// A tag over `parts` for `purpose`, under the first key (HMAC-SHA256).
    pub(crate) fn tag(&self, purpose: &str, parts: &[&str]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0[0].derive(purpose));
        encode_base64url(hmac::sign(&key, &associated(parts)).as_ref())
    }

    /// Whether `tag` is the tag over `parts` for `purpose`, under any key: while keys change, another process, or this one
    /// before its restart, has another first key.
    pub(crate) fn is_tag(&self, tag: &str, purpose: &str, parts: &[&str]) -> bool {
        let Some(tag) = decode_base64url(tag) else { return false };
        self.0.iter().any(|key| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &key.derive(purpose));
            hmac::verify(&key, &associated(parts), &tag).is_ok()
        })
    }

    /// 32 bytes that follow from the first key, for `purpose` alone.
    #[cfg_attr(not(feature = "testing"), allow(dead_code))]
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        self.0[0].derive(purpose)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({} keys)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_changed_byte_is_refused(plain in proptest::collection::vec(any::<u8>(), 0..64), at in any::<prop::sample::Index>(), flip in 1u8..128) {
            let ring = KeyRing::new([[7; 32]]);
            let sealed = ring.seal("flow", &["a"], &plain).unwrap();
            let mut bytes = sealed.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            if let Ok(text) = String::from_utf8(bytes) {
                prop_assert_eq!(ring.open("flow", &["a"], &text), Err(UnsealError));
            }
            prop_assert_eq!(ring.open("flow", &["a"], &sealed), Ok(plain));
        }

        #[test]
        fn nothing_from_outside_panics(text in ".{0,80}") {
            prop_assert_eq!(KeyRing::new([[7; 32]]).open("flow", &[], &text), Err(UnsealError));
        }
    }

    #[test]
    fn en_05_no_nonce_comes_twice() {
        let ring = KeyRing::new([[7; 32]]);
        // 192 random bits: no count of seals under one key comes near a collision.
        let nonces: std::collections::HashSet<String> =
            (0..10_000).map(|_| ring.seal("flow", &[], b"x").unwrap()[12..12 + 32].to_owned()).collect();
        assert_eq!(nonces.len(), 10_000);
    }

    #[test]
    fn en_06_each_purpose_has_a_key_of_its_own() {
        let ring = KeyRing::new([[7; 32]]);
        let keys =
            ["account", "account cookie", "outcome", "csrf", "key id"].map(|purpose| ring.derive(purpose));
        assert!(keys.iter().enumerate().all(|(n, key)| *key != [7; 32] && !keys[..n].contains(key)));
    }

    #[test]
    fn a_purpose_or_a_place_is_not_another() {
        let ring = KeyRing::new([[7; 32]]);
        let sealed = ring.seal("flow", &["ab", "c"], b"x").unwrap();
        assert!(ring.open("token", &["ab", "c"], &sealed).is_err());
        assert!(ring.open("flow", &["a", "bc"], &sealed).is_err());
        assert!(ring.open("flow", &["ab", "c"], &sealed).is_ok());
    }
}
