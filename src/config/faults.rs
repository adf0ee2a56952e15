//! The faults of a configuration: all at once, each with its fix, and without values.

use std::fmt;

/// The faults of a launch, for the operator. A message about the configuration has the key, its source, what is wrong, and
/// the TOML to write instead.
pub(crate) type Faults = Vec<String>;

/// The place of a value in the configuration, for messages about it. It does not contain the value, which may be secret.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// For example `default.oauth.github.client_id`.
    pub(super) key: String,
    /// The file, the environment variable, or the line of code.
    pub(super) source: String,
}

impl Place {
    /// The place of `key` in the table at this place.
    pub(super) fn of(&self, key: &str) -> Self {
        Self { key: format!("{}.{key}", self.key), source: self.source.clone() }
    }

    /// The message about this place: `why`, and the `toml` to write, below the header of its table.
    pub(super) fn fault(&self, why: impl fmt::Display, toml: &str) -> String {
        let mut message = format!("{} ({}): {why}", self.key, self.source);
        if let Some((table, _)) = self.key.rsplit_once('.')
            && !toml.is_empty()
            && !toml.starts_with('[')
        {
            message.push_str(&format!("\n    [{table}]"));
        }
        for line in toml.lines() {
            message.push_str(&format!("\n    {line}"));
        }
        message
    }
}

/// The one of `known` that is similar enough to be what `word` was meant to be.
pub(super) fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    known
        .into_iter()
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The number of edits between `a` and `b` (Levenshtein distance).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
