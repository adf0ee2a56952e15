//! The key ring: seals with XChaCha20-Poly1305, under a key derived for each purpose.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use chacha20poly1305::aead::{AeadInPlace, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use ring::{hkdf, hmac};

use super::{decode_base64url, encode_base64url, random};
use crate::error::Result;

/// Length of a nonce, in bytes.
const NONCE_LENGTH: usize = 24;
/// Length of the tag at the end of a ciphertext, in bytes.
const TAG_LENGTH: usize = 16;
/// Length of a key's id, in characters.
const KEY_ID_LENGTH: usize = 8;

/// A sealed text cannot be opened: its key is not in the ring, or it is not what was sealed for this purpose and place
/// (truncated, changed, or moved to another row, user or column).
///
/// The error deliberately does not say which of these it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnsealError;

impl fmt::Display for UnsealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sealed text cannot be opened with these keys")
    }
}

impl std::error::Error for UnsealError {}

/// The keys that seal tokens, flows and cookies. The first key seals; all keys open.
///
/// To seal is to encrypt and authenticate with XChaCha20-Poly1305. A sealed text is
/// `v1.<key id>.<base64url of nonce and ciphertext>`: ASCII without `=`, which fits into a text column and a cookie. Each
/// purpose has a key of its own (HKDF-SHA256, RFC 5869). The place that the text belongs to, for example entry and user id
/// of a row, is authenticated as well, so that a ciphertext that was moved to another place does not open.
///
/// ```
/// use rocket_dance::storage::KeyRing;
///
/// let (old, new) = ([1; 32], [2; 32]);
/// let sealed = KeyRing::new([old]).seal("token", &["github", "583231"], b"gho_...")?;
///
/// let ring = KeyRing::new([new, old]);                                    // after a rotation, the new key seals
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
    /// Cache of the derived keys, by purpose. There are few purposes, and HKDF is most of the work for a short text.
    derived: RwLock<BTreeMap<String, [u8; 32]>>,
}

struct Bytes32;

impl hkdf::KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

impl Key {
    /// The key for `purpose`, from the cache if it is there.
    fn derive(&self, purpose: &str) -> [u8; 32] {
        if let Some(key) = self.derived.read().unwrap_or_else(PoisonError::into_inner).get(purpose) {
            return *key;
        }
        let key = self.expand(purpose);
        self.derived.write().unwrap_or_else(PoisonError::into_inner).insert(purpose.to_owned(), key);
        key
    }

    /// Derives the key for `purpose` (HKDF-SHA256).
    fn expand(&self, purpose: &str) -> [u8; 32] {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"rocket_dance");
        let mut key = [0; 32];
        let info = [purpose.as_bytes()];
        let expanded = salt.extract(&self.secret).expand(&info, Bytes32).and_then(|okm| okm.fill(&mut key));
        // HKDF fails only for more than 255 hashes (RFC 5869 §2.3). 32 bytes are one hash.
        assert!(expanded.is_ok(), "32 bytes are within HKDF's limit");
        key
    }

    fn cipher(&self, purpose: &str) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.derive(purpose).into())
    }
}

/// Joins the parts of a place unambiguously: each part follows its length.
fn associated(place: &[&str]) -> Vec<u8> {
    let mut data = Vec::with_capacity(place.iter().map(|part| size_of::<u64>() + part.len()).sum());
    for part in place {
        data.extend_from_slice(&(part.len() as u64).to_be_bytes());
        data.extend_from_slice(part.as_bytes());
    }
    data
}

impl KeyRing {
    /// Creates a ring of 32-byte keys. The first key seals.
    ///
    /// # Panics
    /// If there is no key.
    pub fn new(keys: impl IntoIterator<Item = [u8; 32]>) -> Self {
        let keys: Vec<Key> = keys
            .into_iter()
            .map(|secret| {
                let mut key = Key { id: String::new(), secret, derived: RwLock::default() };
                // Six bytes become `KEY_ID_LENGTH` characters.
                key.id = encode_base64url(&key.expand("key id")[..6]);
                key
            })
            .collect();
        assert!(!keys.is_empty(), "a key ring requires a key");
        Self(keys.into())
    }

    /// Returns keys that follow from these, for one place: what they seal or tag is worth nothing anywhere else.
    pub(crate) fn bound_to(&self, place: &str) -> Self {
        Self::new(self.0.iter().map(|key| key.expand(&format!("place {place}"))))
    }

    /// Encrypts `plain` for `purpose` at `place`.
    ///
    /// # Errors
    /// [`ErrorKind::AppError`](crate::ErrorKind::AppError) if the operating system's random generator fails.
    pub fn seal(&self, purpose: &str, place: &[&str], plain: &[u8]) -> Result<String> {
        let key = &self.0[0];
        let nonce = random::<NONCE_LENGTH>()?;
        let mut body = Vec::with_capacity(NONCE_LENGTH + plain.len() + TAG_LENGTH);
        body.extend_from_slice(&nonce);
        body.extend_from_slice(plain);
        let tag = key
            .cipher(purpose)
            .encrypt_in_place_detached(
                XNonce::from_slice(&nonce),
                &associated(place),
                &mut body[NONCE_LENGTH..],
            )
            .map_err(|_| crate::error::Error::app("the text is too long to seal"))?;
        body.extend_from_slice(&tag);
        Ok(["v1.", &key.id, ".", &encode_base64url(&body)].concat())
    }

    /// Decrypts what [`seal`](KeyRing::seal) returned for the same `purpose` and `place`, with the key that sealed it.
    ///
    /// # Errors
    /// [`UnsealError`] if the key is not in this ring, or if `sealed` was changed or sealed for another purpose or place.
    pub fn open(&self, purpose: &str, place: &[&str], sealed: &str) -> Result<Vec<u8>, UnsealError> {
        let (id, body) =
            sealed.strip_prefix("v1.").and_then(|rest| rest.split_once('.')).ok_or(UnsealError)?;
        let key = self.0.iter().find(|key| key.id == id).ok_or(UnsealError)?;
        let mut body = decode_base64url(body).ok_or(UnsealError)?;
        let (nonce, sealed) = body.split_at_mut_checked(NONCE_LENGTH).ok_or(UnsealError)?;
        let length = sealed.len().checked_sub(TAG_LENGTH).ok_or(UnsealError)?;
        let (text, tag) = sealed.split_at_mut(length);
        let (nonce, tag) = (XNonce::from_slice(nonce), Tag::from_slice(tag));
        key.cipher(purpose)
            .decrypt_in_place_detached(nonce, &associated(place), text, tag)
            .map_err(|_| UnsealError)?;
        body.truncate(NONCE_LENGTH + length);
        body.drain(..NONCE_LENGTH);
        Ok(body)
    }

    /// Returns the id of the key that sealed `sealed`. `None` if `sealed` is not a sealed text.
    pub(crate) fn sealing_key_id(sealed: &str) -> Option<&str> {
        let (id, _) = sealed.strip_prefix("v1.")?.split_once('.')?;
        (id.len() == KEY_ID_LENGTH).then_some(id)
    }

    /// Returns the key id and the bytes of `sealed`, which are a quarter shorter than the text. `None` if `sealed` is not a
    /// sealed text.
    pub(crate) fn sealed_to_bytes(sealed: &str) -> Option<Vec<u8>> {
        let (id, body) = sealed.strip_prefix("v1.")?.split_once('.')?;
        let body = decode_base64url(body).filter(|_| id.len() == KEY_ID_LENGTH)?;
        Some([id.as_bytes(), &body].concat())
    }

    /// Returns the sealed text for which [`sealed_to_bytes`](KeyRing::sealed_to_bytes) returns `bytes`.
    pub(crate) fn sealed_from_bytes(bytes: &[u8]) -> Option<String> {
        let (id, body) = bytes.split_at_checked(KEY_ID_LENGTH)?;
        Some(format!("v1.{}.{}", std::str::from_utf8(id).ok()?, encode_base64url(body)))
    }

    /// Returns the ids of the keys. The first key seals.
    pub(crate) fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.id.as_str())
    }

    /// Returns whether the first key sealed `sealed`. If not, resealing is due.
    pub(crate) fn is_current(&self, sealed: &str) -> bool {
        Self::sealing_key_id(sealed) == Some(&self.0[0].id)
    }

    /// Returns a tag over `parts` for `purpose`, made with the first key (HMAC-SHA256), as base64url.
    pub(crate) fn tag(&self, purpose: &str, parts: &[&str]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0[0].derive(purpose));
        encode_base64url(hmac::sign(&key, &associated(parts)).as_ref())
    }

    /// Returns whether any key of the ring made `tag` over `parts` for `purpose`. All keys count because, during a rotation,
    /// other processes, or this one before its restart, have another first key.
    pub(crate) fn verify_tag(&self, tag: &str, purpose: &str, parts: &[&str]) -> bool {
        let Some(tag) = decode_base64url(tag) else { return false };
        self.0.iter().any(|key| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &key.derive(purpose));
            hmac::verify(&key, &associated(parts), &tag).is_ok()
        })
    }

    /// Derives 32 bytes for `purpose` from the first key.
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
    fn d13_what_bound_keys_seal_opens_nowhere_else() {
        let ring = KeyRing::new([[7; 32], [8; 32]]);
        let here = ring.bound_to("https://app.example/ /login");
        let sealed = here.seal("flow", &["a"], b"x").unwrap();
        let tag = here.tag("csrf", &["a"]);
        let rotated = KeyRing::new([[9; 32], [7; 32]]).bound_to("https://app.example/ /login");
        for ring in [&here, &rotated] {
            assert_eq!(ring.open("flow", &["a"], &sealed).unwrap(), b"x");
            assert!(ring.verify_tag(&tag, "csrf", &["a"]));
        }
        for ring in [ring.bound_to("https://staging.app.example/ /login"), ring.bound_to(""), ring] {
            assert!(ring.open("flow", &["a"], &sealed).is_err());
            assert!(!ring.verify_tag(&tag, "csrf", &["a"]));
        }
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
