//! `CacheKey`: what the cache of accounts looks up by.

use std::hash::{Hash, Hasher};

use moka::Equivalent;

use crate::storage::AccountKey;

/// What the cache of accounts looks up by: the text of an [`AccountKey`] and its generation.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct CacheKey {
    text: Box<str>,
    generation: u64,
}

impl CacheKey {
    pub(super) fn new(key: &AccountKey, generation: u64) -> Self {
        Self { text: CacheKeyRef(key, generation).texts().concat().into(), generation }
    }

    /// Length of the text, in bytes.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }
}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.text.as_bytes());
        state.write_u64(self.generation);
    }
}

/// A [`CacheKey`] that borrows: a lookup that hits copies no text.
pub(super) struct CacheKeyRef<'k>(pub(super) &'k AccountKey, pub(super) u64);

impl<'k> CacheKeyRef<'k> {
    fn texts(&self) -> [&'k str; 3] {
        let [_, entry, kind, id] = self.0.parts();
        [entry, kind, id]
    }
}

impl Hash for CacheKeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.texts().into_iter().for_each(|text| state.write(text.as_bytes()));
        state.write_u64(self.1);
    }
}

impl Equivalent<CacheKey> for CacheKeyRef<'_> {
    fn equivalent(&self, key: &CacheKey) -> bool {
        let rest = self.texts().into_iter().try_fold(&*key.text, |rest, text| rest.strip_prefix(text));
        rest == Some("") && self.1 == key.generation
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::*;

    #[test]
    fn a_place_is_found_by_its_key_alone() {
        let state = RandomState::new();
        let keys = [
            AccountKey::owner("github", "7"),
            AccountKey::owner("github", "8"),
            AccountKey::identity("github", "7"),
            AccountKey::owner("git", "hub:user:7"),
            AccountKey::Owner { entry: "github".into(), user: None },
        ];
        for (n, key) in keys.iter().enumerate() {
            for (m, other) in keys.iter().enumerate() {
                let same = CacheKeyRef(key, 1).equivalent(&CacheKey::new(other, 1));
                assert_eq!(same, n == m, "{key} {other}");
            }
            let owned = CacheKey::new(key, 1);
            assert_eq!(state.hash_one(CacheKeyRef(key, 1)), state.hash_one(&owned));
            assert!(!CacheKeyRef(key, 2).equivalent(&owned));
        }
    }
}
