//! [`SecretSearch`]: finds secrets in logs, pages and databases.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// How many of its last bytes identify a spelling. The end of a token is random, while its beginning may be the same in
/// all tokens.
const TAIL: usize = 16;

/// A value that must not be seen, and what it is.
#[derive(Clone)]
pub struct KnownSecret {
    /// What it is, for example "client secret".
    pub kind: String,
    /// The value.
    pub value: String,
}

impl KnownSecret {
    /// Creates one.
    pub fn new(kind: impl Into<String>, value: impl Into<String>) -> Self {
        Self { kind: kind.into(), value: value.into() }
    }
}

impl fmt::Debug for KnownSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KnownSecret({})", self.kind)
    }
}

/// Secrets that several threads record. Clones share them.
#[derive(Clone, Default)]
pub struct SecretLog(Arc<Mutex<HashMap<String, String>>>);

impl SecretLog {
    /// Records a secret.
    pub fn add(&self, kind: &str, value: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(value.to_owned(), kind.to_owned());
    }

    /// The number of different secrets.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// All secrets so far.
    pub fn secrets(&self) -> Vec<KnownSecret> {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().map(|(value, kind)| KnownSecret::new(kind, value)).collect()
    }
}

impl fmt::Debug for SecretLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretLog({} secrets)", self.count())
    }
}

/// A search for secrets: in plain text, percent-encoded, in hexadecimal, or in base64.
#[derive(Debug)]
pub struct SecretSearch {
    tails: HashMap<[u8; TAIL], Spelling>,
    short: Vec<(Vec<u8>, Spelling)>,
}

#[derive(Debug, Clone)]
struct Spelling {
    kind: String,
    encoding: &'static str,
}

impl SecretSearch {
    /// Creates a search for `secrets`.
    pub fn new(secrets: impl IntoIterator<Item = KnownSecret>) -> Self {
        let mut search = Self { tails: HashMap::new(), short: Vec::new() };
        for secret in secrets {
            for (encoding, spelling) in spellings(&secret.value) {
                let found = Spelling { kind: secret.kind.clone(), encoding };
                match spelling.as_bytes().last_chunk::<TAIL>() {
                    // The plain spelling comes first and is not replaced by an equal one.
                    Some(tail) => drop(search.tails.entry(*tail).or_insert(found)),
                    None if search.short.iter().any(|(known, _)| known == spelling.as_bytes()) => {}
                    None => search.short.push((spelling.into_bytes(), found)),
                }
            }
        }
        search
    }

    /// The kinds of the secrets in `bytes`, sorted, each once.
    pub fn kinds_in(&self, bytes: &[u8]) -> Vec<String> {
        let mut kinds: Vec<_> = self.spellings_in(bytes).map(|(_, spelling)| spelling.kind.clone()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// Describes every secret in `bytes`. `place` says what the bytes are.
    pub fn find_in(&self, place: &str, bytes: &[u8]) -> Vec<String> {
        self.spellings_in(bytes)
            .map(|(at, Spelling { kind, encoding })| {
                let before = String::from_utf8_lossy(&bytes[at.saturating_sub(80)..at]);
                format!("{kind} ({encoding}) in {place} at byte {at}, after {before:?}")
            })
            .collect()
    }

    /// Describes every secret in `files`. A file that does not exist counts as empty.
    pub fn find_in_files(&self, files: impl IntoIterator<Item = impl AsRef<Path>>) -> Vec<String> {
        let mut found = Vec::new();
        for file in files {
            let Ok(bytes) = std::fs::read(file.as_ref()) else { continue };
            found.extend(self.find_in(&file.as_ref().display().to_string(), &bytes));
        }
        found
    }

    fn spellings_in<'s>(&'s self, bytes: &'s [u8]) -> impl Iterator<Item = (usize, &'s Spelling)> {
        let tails = bytes
            .windows(TAIL)
            .enumerate()
            .filter_map(|(at, window)| Some((at, self.tails.get(<&[u8; TAIL]>::try_from(window).ok()?)?)));
        let short = self.short.iter().filter_map(|(value, spelling)| {
            let at = bytes.windows(value.len().max(1)).position(|window| window == value)?;
            Some((at, spelling))
        });
        tails.chain(short)
    }
}

fn spellings(value: &str) -> [(&'static str, String); 6] {
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    [
        ("plain", value.to_owned()),
        ("percent-encoded", percent),
        ("upper-case hexadecimal", hex.to_uppercase()),
        ("hexadecimal", hex),
        ("base64", STANDARD_NO_PAD.encode(value)),
        ("base64url", URL_SAFE_NO_PAD.encode(value)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_secret_in_every_spelling() {
        let search = SecretSearch::new([KnownSecret::new("token", "s3cr/t+")]);
        for (text, expected) in [
            ("a s3cr/t+ b", 1),
            ("code=s3cr%2Ft%2B&", 1),
            ("733363722f742b", 1),
            ("czNjci90Kw==", 1),
            ("nothing", 0),
        ] {
            assert_eq!(search.find_in("a text", text.as_bytes()).len(), expected, "{text}");
        }
    }

    #[test]
    fn finds_several_secrets() {
        let secrets = SecretLog::default();
        secrets.add("token", "a long token of many letters");
        secrets.add("secret", "s3cret:+/%=&");
        let search = SecretSearch::new(secrets.secrets());
        for (dump, expected) in [
            ("x = 'a long token of many letters'", vec!["token"]),
            ("61206c6f6e6720746f6b656e206f66206d616e79206c657474657273", vec!["token"]),
            ("\\x733363726574", vec![]),
            ("s3cret:+/%=& YSBsb25nIHRva2VuIG9mIG1hbnkgbGV0dGVycw==", vec!["secret", "token"]),
            ("a long token", vec![]),
        ] {
            assert_eq!(search.kinds_in(dump.as_bytes()), expected, "{dump}");
        }
    }

    #[test]
    fn searches_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        std::fs::write(&file, "line\na-token-of-sixteen-bytes\n").unwrap();
        let search = SecretSearch::new([KnownSecret::new("token", "a-token-of-sixteen-bytes")]);
        let found = search.find_in_files([&file, &folder.path().join("absent")]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("token (plain) in "), "{found:?}");
    }
}
