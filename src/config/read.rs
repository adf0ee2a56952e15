//! The whole configuration, read once.

use std::collections::BTreeMap;

use rocket::Config;
use rocket::figment::Figment;
use url::Url;

use super::settings;
use super::table::{Reader, Table};
use super::urls::web_url;
use super::{Entry, Faults, Settings, entry};
use crate::provider::Preset;

/// The settings and the entries of `figment`, over these presets (the built-in ones and the app's own), or everything
/// that is wrong with them. `env` is the environment, for `<NAME>_OAUTH_CLIENT_ID` and `<NAME>_OAUTH_CLIENT_SECRET`.
pub(crate) fn read(
    figment: &Figment,
    presets: &BTreeMap<String, Preset>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(Settings, BTreeMap<String, Entry>), Faults> {
    let reader = Reader::new(figment);
    let (settings, entries) = everything(&reader, presets, env);
    let faults = reader.faults();
    if faults.is_empty() { Ok((settings, entries)) } else { Err(faults) }
}

/// Whether this is for trying out, where an address and a key are made up that nobody has set.
pub(crate) fn is_debug(figment: &Figment) -> bool {
    figment.profile() == Config::DEBUG_PROFILE
}

fn everything(
    reader: &Reader<'_>,
    presets: &BTreeMap<String, Preset>,
    env: &dyn Fn(&str) -> Option<String>,
) -> (Settings, BTreeMap<String, Entry>) {
    misplaced(reader);
    let mut dance = reader.table("dance");
    let mut oauth = reader.table("oauth");
    let mut tables = Vec::new();
    for name in oauth.keys() {
        tables.extend(oauth.table(&name).map(|table| (name, table)));
    }

    let base_url = base_url(reader, &mut dance, &tables);
    // Whatever else is wrong is said too, so a base_url is needed to go on.
    let known = base_url.is_some();
    let settings = Settings::read(dance, base_url.unwrap_or_else(|| localhost(reader)));
    let context = entry::Context { reader, presets, settings: &settings, base_known: known, env };
    let mut entries = BTreeMap::new();
    for (name, table) in tables {
        if let Some(entry) = context.entry(&name, table) {
            entries.insert(name, entry);
        }
    }
    context.clashes(&oauth, &entries);
    (settings, entries)
}

/// `[oauth.github]` is a table of the profile `oauth`, which Rocket passes over in silence.
fn misplaced(reader: &Reader<'_>) {
    for (profile, example) in [("oauth", "[default.oauth.github]"), ("dance", "[default.dance]")] {
        if reader.figment().profiles().any(|found| *found == profile) {
            let place = super::faults::Place { key: profile.to_owned(), source: "Rocket.toml".to_owned() };
            reader.fault(
                &place,
                "is outside every profile, where Rocket doesn't read it: write `default.` before it",
                example,
            );
        }
    }
}

/// The base_url, as the table in the documentation of the settings has it.
fn base_url(reader: &Reader<'_>, dance: &mut Table<'_>, tables: &[(String, Table<'_>)]) -> Option<Url> {
    const EXAMPLE: &str = "base_url = \"https://app.example.com\"";
    if let Some(base_url) = settings::base_url(dance).transpose() {
        return base_url.ok();
    }
    // Without entries there is nothing to register anywhere, and nobody to be led astray.
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
            "is not set: it is the app's address as browsers see it. Outside the debug profile it is needed, \
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
