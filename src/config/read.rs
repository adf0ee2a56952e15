//! Reads the whole configuration.

use std::collections::BTreeMap;

use rocket::Config;
use rocket::figment::Figment;
use url::Url;

use super::entry::Entry;
use super::entry_reader::EntryReader;
use super::environment::Env;
use super::faults::{Faults, Place};
use super::settings::{self, Settings};
use super::table::{Reader, Table};
use super::urls::web_url;
use crate::provider::Preset;

/// A configuration, as far as it has no fault.
pub(crate) struct ReadConfig {
    /// `[default.dance]`; `None` if it has a fault.
    pub(crate) settings: Option<Settings>,
    /// The entries without a fault.
    pub(crate) entries: BTreeMap<String, Entry>,
    pub(crate) faults: Faults,
}

/// The settings and the entries of `figment`. `presets` are the built-in ones and the app's own; `env` gets an
/// environment variable, for example `GITHUB_OAUTH_CLIENT_ID`.
pub(crate) fn read(figment: &Figment, presets: &BTreeMap<String, Preset>, env: Env<'_>) -> ReadConfig {
    let reader = Reader::new(figment);
    let (settings, entries) = read_all(&reader, presets, env);
    ReadConfig { settings, entries, faults: reader.faults() }
}

#[cfg(any(test, fuzzing))]
impl ReadConfig {
    /// # Errors
    /// All faults of the configuration.
    pub(crate) fn whole(self) -> Result<(Settings, BTreeMap<String, Entry>), Faults> {
        match self.settings {
            Some(settings) if self.faults.is_empty() => Ok((settings, self.entries)),
            _ => Err(self.faults),
        }
    }
}

/// Whether the profile is debug, where an unset base_url and an unset key get a default.
pub(crate) fn is_debug(figment: &Figment) -> bool {
    figment.profile() == Config::DEBUG_PROFILE
}

fn read_all(
    reader: &Reader<'_>,
    presets: &BTreeMap<String, Preset>,
    env: Env<'_>,
) -> (Option<Settings>, BTreeMap<String, Entry>) {
    check_profiles(reader);
    let mut dance = reader.table("dance");
    let mut oauth = reader.table("oauth");
    let mut tables = Vec::new();
    for name in oauth.keys() {
        tables.extend(oauth.table(&name).map(|table| (name, table)));
    }

    let base_url = base_url(reader, &mut dance, &tables);
    // If it is wrong, a placeholder: every other fault is found as well.
    let is_base_known = base_url.is_some();
    let settings = Settings::read(dance, base_url.unwrap_or_else(|| localhost(reader)));
    let is_right = reader.fault_count() == 0;
    let entry_reader = EntryReader { reader, presets, settings: &settings, is_base_known, env };
    let (mut entries, mut faulty) = (BTreeMap::new(), Vec::new());
    for (name, table) in tables {
        let faults = reader.fault_count();
        let entry = entry_reader.read(&name, table);
        if reader.fault_count() > faults {
            faulty.push(name.clone());
        }
        entries.extend(entry.map(|entry| (name, entry)));
    }
    entry_reader.check_clashes(&oauth, &entries);
    entries.retain(|name, _| !faulty.contains(name));
    (is_right.then_some(settings), entries)
}

/// Reports `[oauth.github]`: to Rocket it is a table of the profile `oauth`, which it ignores silently.
fn check_profiles(reader: &Reader<'_>) {
    for (profile, example) in [("oauth", "[default.oauth.github]"), ("dance", "[default.dance]")] {
        if reader.figment().profiles().any(|found| *found == profile) {
            let place = Place { key: profile.to_owned(), source: "Rocket.toml".to_owned() };
            reader.fault(
                &place,
                "is outside every profile, where Rocket ignores it: write `default.` before it",
                example,
            );
        }
    }
}

/// `base_url`, else its default. `None` if it is wrong, or needed and not set: the fault is reported.
fn base_url(reader: &Reader<'_>, dance: &mut Table<'_>, tables: &[(String, Table<'_>)]) -> Option<Url> {
    const EXAMPLE: &str = "base_url = \"https://app.example.com\"";
    if let Some(base_url) = settings::base_url(dance).transpose() {
        return base_url.ok();
    }
    // Without entries no callback URL depends on it.
    if is_debug(reader.figment()) || tables.is_empty() {
        return Some(localhost(reader));
    }
    let origins: Option<Vec<Url>> =
        tables.iter().map(|(_, table)| web_url(table.peek("redirect_uri")?).ok()?.join("/").ok()).collect();
    let why = match origins.as_deref() {
        Some([first, others @ ..]) if others.iter().all(|other| other == first) => {
            return Some(first.clone());
        }
        Some(_) => "is not set, and the entries have redirect_uris on different hosts",
        None => {
            "is not set: it is the app's address as browsers see it. Outside the debug profile it is required, \
             unless every entry has a redirect_uri"
        }
    };
    dance.fault("base_url", why, EXAMPLE);
    None
}

#[expect(clippy::unwrap_used, reason = "a host and a port make a URL")]
fn localhost(reader: &Reader<'_>) -> Url {
    let port = reader.figment().extract_inner::<u16>("port").unwrap_or(8000);
    Url::parse(&format!("http://localhost:{port}")).unwrap()
}
