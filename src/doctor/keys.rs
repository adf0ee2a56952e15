//! The keys that encrypt tokens, cookies and sessions.

use std::collections::BTreeSet;
use std::time::Duration;

use rocket::tokio::time::timeout;

use crate::config::Settings;
use crate::dance::{Dance, KeySource, key_use};
use crate::finding::Finding;

const SUBJECT: &str = "token_keys";
const NEW_KEY: &str = "openssl rand -base64 32";
/// Minimum number of different bytes in a random key: fewer occur once in a thousand million keys.
const MIN_DIFFERENT_BYTES: usize = 20;

/// Judges where the keys come from, and whether they look random.
pub(super) fn check(settings: &Settings, source: KeySource) -> Vec<Finding> {
    let mut findings = vec![match source {
        KeySource::Settings => Finding::ok(SUBJECT, number_of_keys(settings.token_keys.len())),
        KeySource::SecretKey => Finding::warning(
            SUBJECT,
            "it is not set: one key is derived from `secret_key`, which can't be changed without losing the stored tokens",
            format!("[release.dance]\ntoken_keys = [\"…\"]    # {NEW_KEY}"),
        ),
        KeySource::File => Finding::warning(
            SUBJECT,
            "it is not set: this debug build uses the key file beside the database",
            format!("for a release: [release.dance] token_keys = [\"…\"]    # {NEW_KEY}"),
        ),
        KeySource::Process => Finding::warning(
            SUBJECT,
            "it is not set: this debug build creates a key, which no other build can use",
            format!("for a release: [release.dance] token_keys = [\"…\"]    # {NEW_KEY}"),
        ),
    }];
    for (number, key) in settings.token_keys.iter().enumerate() {
        let number = number + 1;
        if key.iter().collect::<BTreeSet<_>>().len() < MIN_DIFFERENT_BYTES {
            findings.push(Finding::failure(
                SUBJECT,
                format!("key number {number} is not random: anyone can guess it"),
                replace_it(),
            ));
        } else if key.is_ascii() {
            findings.push(Finding::warning(
                SUBJECT,
                format!("key number {number} consists of characters that can be typed: it is hardly random"),
                replace_it(),
            ));
        }
    }
    if settings.token_keys.iter().collect::<BTreeSet<_>>().len() < settings.token_keys.len() {
        findings.push(Finding::warning(SUBJECT, "a key is in the list twice", "remove one of the two"));
    }
    findings
}

fn replace_it() -> String {
    format!("replace it as \"Changing the keys\" in the guide describes; this makes a new one: {NEW_KEY}")
}

fn number_of_keys(number: usize) -> String {
    match number {
        1 => "one key encrypts and decrypts".to_owned(),
        _ => format!("the first of {number} keys encrypts, all decrypt"),
    }
}

/// Judges which keys the stored accounts need, within `limit`. Nothing is found if the tables do not exist yet.
pub(super) async fn check_use(dance: &Dance, limit: Duration) -> Vec<Finding> {
    let found = match timeout(limit, key_use(dance)).await {
        Ok(Ok(found)) => found,
        Ok(Err(_)) => return Vec::new(),
        Err(_) => {
            return vec![Finding::warning(
                SUBJECT,
                format!(
                    "the check of the keys that the stored accounts need took more than {} seconds",
                    limit.as_secs()
                ),
                "launch the app: its log names each key that is missing",
            )];
        }
    };
    let lost = found.lost.into_iter().map(|(text, cure)| Finding::failure(SUBJECT, text, cure));
    let old = (found.old > 0).then(|| {
        Finding::warning(
            SUBJECT,
            format!("at least {} accounts are sealed with an older key", found.old),
            "run `dance.reseal().run()` before you remove that key",
        )
    });
    lost.chain(old).collect()
}
