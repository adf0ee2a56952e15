//! docs/settings.md names every key that is read, and no other.

use std::collections::BTreeSet;

use super::*;

const PAGE: &str = include_str!("../../../docs/settings.md");

/// Longer than any key, so that the message lists the keys instead of a similar one.
const UNKNOWN: &str = "an_unknown_key_that_is_longer_than_every_key_which_could_be_meant_by_it";

/// The keys that a table which begins with these lines can have, as the message about an unknown key lists them.
pub(super) fn known(table: &str) -> BTreeSet<String> {
    let faults = read_toml(&format!("{table}{UNKNOWN} = 1\n")).unwrap_err();
    let line = faults.lines().find(|line| line.contains(UNKNOWN)).unwrap_or_else(|| panic!("{faults}"));
    let (_, keys) = line.split_once("The keys here are ").unwrap_or_else(|| panic!("{line}"));
    keys.split(", ").map(str::to_owned).collect()
}

/// The keys in `section` of the page: what is in backticks in the column `key` of its tables.
fn documented(section: &str) -> BTreeSet<String> {
    let (_, section) = PAGE.split_once(&format!("\n## {section}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let (mut keys, mut column) = (BTreeSet::new(), None);
    for line in section.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        match (line.starts_with('|'), column) {
            (false, _) => column = None,
            (true, None) => column = cells.iter().position(|cell| *cell == "key"),
            (true, Some(at)) => keys.extend(cells[at].split('`').skip(1).step_by(2).map(str::to_owned)),
        }
    }
    keys
}

fn compare(documented: &BTreeSet<String>, read: &BTreeSet<String>) {
    let missing: Vec<_> = read.difference(documented).collect();
    let unknown: Vec<_> = documented.difference(read).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "docs/settings.md lacks {missing:?}, and has {unknown:?}, which no table can have"
    );
}

#[test]
fn every_key_of_an_entry_is_documented() {
    let mut keys = BTreeSet::new();
    for (name, preset) in PRESETS {
        let entry = format!("[default.oauth.a]\nprovider = \"{name}\"\n");
        // docs/providers.md has the own keys of presets.
        let own_keys = providers_page::own_keys(preset);
        keys.extend(known(&entry).into_iter().filter(|key| !own_keys.contains(key)));
        if preset.protocol == Protocol::OAuth1 {
            let known = known(&format!("{entry}signature_method = \"RSA-SHA1\"\n"));
            keys.extend(known.into_iter().filter(|key| !own_keys.contains(key)));
        }
    }
    keys.extend(["offline", "tenants"].map(str::to_owned));
    compare(&documented("`[default.oauth.<name>]`"), &keys);
}

#[test]
fn every_setting_is_documented() {
    let keys = known("[default.dance]\n");
    compare(&documented("`[default.dance]`"), &keys);
    for table in ["cache", "database", "session"] {
        let (_, row) = PAGE.split_once(&format!("\n| `{table}` |")).unwrap();
        let row = row.lines().next().unwrap();
        for key in known(&format!("[default.dance.{table}]\n")) {
            assert!(row.contains(&format!("{key} = ")) && row.contains(&format!("`{key}`")), "{table}.{key}");
        }
    }
}

#[test]
fn every_field_of_a_profile_is_documented() {
    let (_, row) = PAGE.split_once("\n| `profile` |").unwrap();
    let row = row.lines().next().unwrap();
    for field in known("[default.oauth.github.profile]\n") {
        assert!(row.contains(&format!("`{field}`")), "{field}");
    }
}
