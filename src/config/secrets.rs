//! Secrets of an entry, from a key or from a file.

use std::fs::File;
use std::io::Read as _;

use super::table::Table;
use crate::secret::Secret;

/// Maximum size of a file with a secret, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 16;

/// The secret under `key`, or in the file that `file_key` names.
pub(super) fn secret(table: &mut Table<'_>, key: &str, file_key: &str) -> Option<Secret> {
    let found = table.either(key, file_key);
    let folder = table.folder(found);
    let given = table.text(found)?;
    if found == key {
        return Some(Secret::new(given.value));
    }
    let mut text = String::new();
    let read = File::open(folder.join(given.value))
        .and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text));
    let why = match read {
        Err(error) => format!("can't be read: {}", error.kind()),
        Ok(_) => match without_line_end(&text) {
            "" => "is the path of an empty file".to_owned(),
            text => return Some(Secret::new(text)),
        },
    };
    table.reader.fault(&given.place, why, &format!("{file_key} = \"path/to/a/file\""));
    None
}

/// `text` without the line end that editors and `echo` append.
fn without_line_end(text: &str) -> &str {
    text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line))
}
