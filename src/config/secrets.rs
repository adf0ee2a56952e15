//! Secrets of an entry, from a key or from a file.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use super::hidden_characters;
use super::table::Table;
use crate::secret::Secret;

/// Maximum size of a file with a secret, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 16;

/// The secret under `key`, or in the file that `file_key` names. Both may be a key in PEM.
///
/// An invisible character in it is a fault. Blanks at its ends are sent, with a warning.
pub(super) fn secret(table: &mut Table<'_>, key: &str, file_key: &str) -> Option<Secret> {
    let found = table.either(key, file_key);
    let folder = table.folder(found);
    let given = table.any_text(found)?;
    let secret = match found == key {
        true => Ok(given.value),
        false => read(&folder, &given.value),
    };
    let checked = secret.and_then(|secret| match is_pem(&secret) {
        true => hidden_characters::fault_of_lines(&secret).map_or(Ok(secret), Err),
        false => hidden_characters::fault(&secret).map_or(Ok(secret), Err),
    });
    match checked {
        Ok(secret) => {
            if !is_pem(&secret) {
                let place = format!("{} ({})", given.place.key, given.place.source);
                hidden_characters::warn_of_blanks(&secret, &place);
            }
            Some(Secret::new(secret))
        }
        Err(why) => {
            let example = if found == key { "" } else { &format!("{file_key} = \"path/to/a/file\"") };
            table.reader.fault(&given.place, why, example);
            None
        }
    }
}

/// Reads the secret in the file at `path`, which is relative to `folder`.
fn read(folder: &Path, path: &str) -> Result<String, String> {
    let mut text = String::new();
    let read =
        File::open(folder.join(path)).and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text));
    match read {
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err("is the path of a file that is not UTF-8: save it as UTF-8, without a byte order mark"
                .to_owned())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(format!("can't be read: {}", no_such_file(folder, path)))
        }
        Err(error) => Err(format!("can't be read: {}", error.kind())),
        Ok(_) => match without_line_end(&text) {
            "" => Err("is the path of an empty file".to_owned()),
            text => Ok(text.to_owned()),
        },
    }
}

/// Says that there is no file at `path`, and what the path is relative to.
fn no_such_file(folder: &Path, path: &str) -> &'static str {
    match (Path::new(path).is_absolute(), folder.as_os_str().is_empty()) {
        (true, _) => "there is no such file",
        (false, true) => "there is no such file, relative to the folder in which the app was started",
        (false, false) => "there is no such file, relative to the folder of the configuration file",
    }
}

/// Returns whether `text` is a key in PEM, which has several lines.
fn is_pem(text: &str) -> bool {
    text.contains("-----BEGIN ")
}

/// `text` without the line end that editors and `echo` append.
fn without_line_end(text: &str) -> &str {
    text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line))
}
