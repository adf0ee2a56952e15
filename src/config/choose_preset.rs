//! Which preset an entry is laid over.

use std::collections::BTreeMap;

use super::faults::closest;
use super::table::Table;
use crate::provider::Preset;

/// The preset that `provider` names, else the one of the entry's name. An entry that gives its URLs itself needs none.
pub(super) fn read(name: &str, table: &mut Table<'_>, presets: &BTreeMap<String, Preset>) -> Option<Preset> {
    // As in rocket_oauth2: a provider that consists of its two URLs.
    if table.is_table("provider") {
        let mut provider = table.table("provider")?;
        for key in ["auth_uri", "token_uri", "authorization_url", "token_url"] {
            table.lift(&mut provider, key);
        }
        provider.close();
        return Some(Preset::OAUTH2);
    }
    let was_given = table.has("provider");
    let given = table.text("provider");
    if was_given && given.is_none() {
        return None;
    }
    let wanted = given.as_ref().map_or(name, |given| given.value.as_str());
    if let Some((_, preset)) = find_preset(wanted, |name| presets.get(name)) {
        return Some(*preset);
    }
    let has_urls = (table.has("authorization_url") || table.has("auth_uri"))
        && (table.has("token_url") || table.has("token_uri"));
    if !was_given && has_urls {
        return Some(Preset::OAUTH2);
    }
    let place = given.as_ref().map_or_else(|| table.place_of("provider"), |given| given.place.clone());
    let why = match was_given {
        true => "there is no such preset",
        false => "is not set, and there is no preset with the entry's name",
    };
    let names = || presets.keys().map(String::as_str);
    let all = names().collect::<Vec<_>>().join(", ");
    let own = "If the app defines this provider, register its marker: `Dance::fairing().provider(P)`. Otherwise name a preset";
    match closest(wanted, names()) {
        Some(name) => table.reader.fault(
            &place,
            format!("{why}; did you mean `{name}`? {own}: {all}"),
            &format!("provider = \"{name}\""),
        ),
        None => table.reader.fault(&place, format!("{why}. {own}: {all}"), "provider = \"oidc\""),
    }
    None
}

/// The preset that is called `wanted`, with its name. `get` knows the presets by their names. rocket_oauth2 has names with
/// capitals: "GitHub".
pub(crate) fn find_preset<'p>(
    wanted: &str,
    get: impl Fn(&str) -> Option<&'p Preset>,
) -> Option<(String, &'p Preset)> {
    [wanted.to_owned(), wanted.to_ascii_lowercase()]
        .into_iter()
        .find_map(|name| get(&name).map(|preset| (name, preset)))
}
