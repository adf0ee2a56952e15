//! What the provider gave out, and a look for it where it may not be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// A spelling is known by its last bytes: those of a token are random, the first may be the same in all.
const TAIL: usize = 16;

/// Every secret that has passed, by what it is.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Arc<Mutex<HashMap<String, &'static str>>>);

impl Secrets {
    pub(crate) fn add(&self, kind: &'static str, value: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(value.to_owned(), kind);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The kinds of secrets that lie open in `dump`, as they are, in hexadecimal or in base64.
    pub(crate) fn found_in(&self, dump: &[u8]) -> Vec<&'static str> {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tails: HashMap<Vec<u8>, &'static str> = HashMap::new();
        let mut short: Vec<(Vec<u8>, &'static str)> = Vec::new();
        for (value, kind) in secrets.iter() {
            for spelling in spellings(value) {
                match spelling.as_bytes().last_chunk::<TAIL>() {
                    Some(tail) => drop(tails.insert(tail.to_vec(), kind)),
                    None => short.push((spelling.into_bytes(), kind)),
                }
            }
        }
        let mut found: Vec<_> = dump
            .windows(TAIL)
            .filter_map(|window| tails.get(window).copied())
            .chain(short.iter().filter(|(value, _)| contains(dump, value)).map(|(_, kind)| *kind))
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn contains(dump: &[u8], value: &[u8]) -> bool {
    dump.windows(value.len()).any(|window| window == value)
}

fn spellings(value: &str) -> [String; 5] {
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    [hex.to_uppercase(), hex, STANDARD_NO_PAD.encode(value), URL_SAFE_NO_PAD.encode(value), value.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_lies_open() {
        let secrets = Secrets::default();
        secrets.add("token", "a long token of many letters");
        secrets.add("secret", "s3cret:+/%=&");
        for (dump, wanted) in [
            ("x = 'a long token of many letters'", vec!["token"]),
            ("61206c6f6e6720746f6b656e206f66206d616e79206c657474657273", vec!["token"]),
            ("\\x733363726574", vec![]),
            ("s3cret:+/%=& YSBsb25nIHRva2VuIG9mIG1hbnkgbGV0dGVycw==", vec!["secret", "token"]),
            ("a long token", vec![]),
        ] {
            assert_eq!(secrets.found_in(dump.as_bytes()), wanted, "{dump}");
        }
    }
}
