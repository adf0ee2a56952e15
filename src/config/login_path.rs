//! `login_path`: where an entry's flows begin.

use super::callback_url::is_mountable;
use super::settings::Settings;
use super::table::Table;
use crate::paths::{Path, Paths};

/// The path, without a `/` at its end; `None`: the default, below the prefix.
pub(super) fn read(name: &str, table: &mut Table<'_>, settings: &Settings) -> Option<String> {
    let paths = Paths::new(&settings.prefix);
    let default = paths.of_entry(Path::Begin, name);
    let given = table.text("login_path")?;
    let path =
        settings.base_path.target(&given.value).map(|path| path.as_str().trim_end_matches('/').to_owned());
    let why = match path {
        Ok(path) if path == default => return None,
        Ok(path) if !is_mountable(&path) => "must have a path of plain characters, and not `/`",
        Ok(path) if paths.is_taken(&path, Path::Begin) => {
            "is the path of one of our own routes: choose another"
        }
        Ok(path) => return Some(path),
        Err(_) => "must be a path of this app, which begins with one `/`",
    };
    table.reader.fault(&given.place, why, &format!("login_path = \"{default}\""));
    None
}
