//! The callback URL of an entry.

use std::borrow::Cow;

use url::Url;

use super::settings::Settings;
use super::table::Table;
use super::urls::web_url;
use crate::paths::{Path, Paths};

/// `redirect_uri`, or the default callback URL. `is_base_known`: `base_url` is right, so that it can be compared with it.
pub(super) fn read(name: &str, table: &mut Table<'_>, settings: &Settings, is_base_known: bool) -> String {
    let paths = Paths::new(&settings.prefix);
    let default = format!("{}{}", settings.base(), paths.of_entry(Path::Callback, name));
    let Some(given) = table.text("redirect_uri") else { return default };
    let why = match web_url(&given.value) {
        Err(why) => why,
        // The browser sends the flow's cookie only to the host and the path of base_url.
        Ok(url) if is_base_known && local_path(&url, settings).is_none() => {
            "must begin with base_url: the browser must return to the app where the sign-in began"
        }
        Ok(url) if url.query().is_some() => "must not have a query: the provider adds one",
        Ok(url) if !is_mountable(&mount_path(&url, settings)) => {
            "must have a path of plain characters, and not `/`"
        }
        Ok(url) if paths.is_taken(&mount_path(&url, settings), Path::Callback) => {
            "is the path of one of our own routes: choose another"
        }
        Ok(_) => return given.value,
    };
    table.reader.fault(&given.place, why, &format!("redirect_uri = \"{default}\""));
    default
}

/// The path of the callback URL `url` as the app sees it, without a `/` at its end.
pub(super) fn path(url: &str, settings: &Settings) -> Option<String> {
    Some(mount_path(&Url::parse(url).ok()?, settings).trim_end_matches('/').to_owned())
}

/// The path of `url` as the app sees it. `None` if `url` is outside of the app.
fn local_path<'u>(url: &'u Url, settings: &Settings) -> Option<Cow<'u, str>> {
    let path = settings.base_path.strip(url.path())?;
    (url.origin() == settings.base_url.origin()).then_some(path)
}

/// The path at which Rocket mounts the callback `url`: without the path of `base_url`.
pub(crate) fn mount_path<'u>(url: &'u Url, settings: &Settings) -> Cow<'u, str> {
    local_path(url, settings).unwrap_or(url.path().into())
}

/// Whether Rocket can mount a route at `path`: no characters with a meaning of their own in a route.
pub(super) fn is_mountable(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    path.strip_prefix('/').is_some_and(|rest| {
        rest.trim_end_matches('/').split('/').all(|part| !part.is_empty() && part.chars().all(plain))
    })
}
