//! Database messages without the values of rows.

use diesel::result::{DatabaseErrorKind as Kind, Error as Cause};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Removes the values of rows from the message of a database error, which is logged: a value may be a user's e-mail address.
pub(super) fn without_values(source: Source) -> Source {
    let cause = match source.downcast::<Cause>() {
        Ok(cause) => *cause,
        Err(source) => return source,
    };
    let Cause::DatabaseError(kind, information) = &cause else { return cause.into() };
    let message = information.message();
    // MySQL quotes the value first and then the key. PostgreSQL quotes the constraint only, and names it.
    let quotes_value = matches!(kind, Kind::UniqueViolation) && information.constraint_name().is_none();
    let end =
        end_of_safe_part(message, |text| !quotes_value && (is_identifier(text) || is_server_file(text)));
    if end == message.len() {
        return cause.into();
    }
    // In English the key can be distinguished from the value: it is the last.
    let key = message.rfind(MYSQL_KEY).filter(|_| message.starts_with(MYSQL_DUPLICATE));
    let key = key.map_or("", |at| &message[at..]);
    Cause::DatabaseError(*kind, Box::new(format!("{}…{key}", &message[..end]))).into()
}

/// What MySQL says of a duplicate row, before the row's value and after it.
const MYSQL_DUPLICATE: &str = "Duplicate entry ";
const MYSQL_KEY: &str = " for key ";

/// The quotation marks that servers use in their languages: opening, closing.
const QUOTES: [(char, char); 9] = [
    ('\'', '\''),
    ('"', '"'),
    ('`', '`'),
    ('»', '«'),
    ('«', '»'),
    ('„', '“'),
    ('“', '”'),
    ('‘', '’'),
    ('「', '」'),
];

/// Returns where `message` quotes something that may be a value: a text that is not `allowed`, or that follows a colon. The rest
/// is not safe either, since the value may contain quotation marks.
fn end_of_safe_part(message: &str, allowed: impl Fn(&str) -> bool) -> usize {
    let mut from = 0;
    while let Some(at) = message[from..].find(|char| QUOTES.iter().any(|(open, _)| *open == char)) {
        let (before, quoted) = message.split_at(from + at);
        let mut chars = quoted.chars();
        let open = chars.next();
        let close = QUOTES.iter().find(|(mark, _)| Some(*mark) == open).map(|(_, close)| *close);
        from = before.len() + open.map_or(0, char::len_utf8);
        // As in `doesn't`.
        if open == Some('\'') && before.ends_with(char::is_alphanumeric) {
            continue;
        }
        match close.and_then(|close| chars.as_str().split_once(close)) {
            Some((text, rest)) if allowed(text.trim()) && !before.trim_end().ends_with(':') => {
                from = message.len() - rest.len();
            }
            _ => return before.len(),
        }
    }
    message.len()
}

/// Returns whether `text` may be the name of a table, a column or a constraint.
fn is_identifier(text: &str) -> bool {
    text.starts_with(|char: char| char.is_alphabetic() || char == '_')
        && text.chars().all(|char| char.is_alphanumeric() || "_$.-".contains(char))
}

/// Returns whether `text` is the path of a file of PostgreSQL. What follows it is the reason, for example a full disk.
fn is_server_file(text: &str) -> bool {
    ["base/", "global/", "pg_"].iter().any(|folder| text.starts_with(folder))
        && text.chars().all(|char| char.is_ascii_alphanumeric() || "_./".contains(char))
}
