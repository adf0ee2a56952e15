//! Looks for secrets where none may be.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// One value that must not be seen, and what it is.
#[derive(Debug, Clone)]
pub(crate) struct Hidden {
    pub(crate) kind: String,
    pub(crate) value: String,
}

/// Every place in `files` where a secret lies open: as it is, in hexadecimal, or in base64. A file that is not there
/// counts as empty.
pub(crate) fn leaks(files: &[&Path], hidden: &[Hidden]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        let Ok(bytes) = std::fs::read(file) else { continue };
        found.extend(leaks_in(&file.display().to_string(), &bytes, hidden));
    }
    found
}

/// Every place in `bytes`, which are what `place` says, where a secret lies open.
pub(crate) fn leaks_in(place: &str, bytes: &[u8], hidden: &[Hidden]) -> Vec<String> {
    let mut found = Vec::new();
    let text = String::from_utf8_lossy(bytes);
    for secret in hidden {
        for (spelling, needle) in spellings(&secret.value) {
            if let Some(at) = text.find(&needle) {
                let before = String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(80)..at]);
                found.push(format!("{} ({spelling}) in {place} at {at}, after {before:?}", secret.kind));
            }
        }
    }
    found
}

fn spellings(value: &str) -> Vec<(&'static str, String)> {
    let hex = value.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let percent: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let mut all = vec![
        ("plain", value.to_owned()),
        ("percent-encoded", percent),
        ("hexadecimal", hex),
        ("base64", STANDARD_NO_PAD.encode(value)),
        ("base64url", URL_SAFE_NO_PAD.encode(value)),
    ];
    all.dedup_by(|a, b| a.1 == b.1);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_secret_in_every_spelling() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let hidden = [Hidden { kind: "token".into(), value: "s3cr/t+".into() }];
        for (text, wanted) in [
            ("a s3cr/t+ b", 1),
            ("code=s3cr%2Ft%2B&", 1),
            ("733363722f742b", 1),
            ("czNjci90Kw==", 1),
            ("nothing", 0),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(leaks(&[&file], &hidden).len(), wanted, "{text}");
        }
    }
}
