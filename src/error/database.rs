//! Errors of the database as errors of this crate.

use diesel::result::{DatabaseErrorKind as Kind, Error as Cause};

use super::Error;
use super::error::Source;

/// Returns the first error of Diesel in the chain of causes of `error`.
pub(crate) fn database_cause(error: &Error) -> Option<&Cause> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(cause) = error.downcast_ref() {
            return Some(cause);
        }
        cause = error.source();
    }
    None
}

/// Returns whether `cause` is of a kind that may pass: the connection is closed, the database is read-only, or another transaction
/// was faster. Diesel has no kind for many other outages.
pub(crate) fn may_pass(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::BrokenTransactionManager
            | Cause::DatabaseError(
                Kind::ClosedConnection
                    | Kind::UnableToSendCommand
                    | Kind::SerializationFailure
                    | Kind::ReadOnlyTransaction,
                _,
            )
    )
}

impl From<Cause> for Error {
    /// Converts an error of the app's own statements. If Diesel reports that the connection is closed, that the database is
    /// read-only, or that another transaction was faster, the result is
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable). Any other error, for example a duplicate or a
    /// missing row, is [`ErrorKind::AppError`](crate::ErrorKind::AppError).
    ///
    /// Diesel has no kind for many outages. For an error of a [`LinkPolicy`](crate::LinkPolicy), `DieselStorage` looks at the
    /// state of the connection, too.
    fn from(cause: Cause) -> Self {
        if may_pass(&cause) { Self::storage(cause) } else { Self::app(cause) }
    }
}

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
    let end = end_of_safe_part(message, |text| !quotes_value && is_identifier(text));
    if end == message.len() {
        return cause.into();
    }
    // In English the key can be told from the value: it is the last.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn error(kind: Kind, message: &str) -> Error {
        Error::from(Cause::DatabaseError(kind, Box::new(message.to_owned())))
    }

    #[test]
    fn b1_only_what_the_kind_says_is_an_outage() {
        for kind in [
            Kind::ClosedConnection,
            Kind::UnableToSendCommand,
            Kind::SerializationFailure,
            Kind::ReadOnlyTransaction,
        ] {
            assert_eq!(error(kind, "").kind(), ErrorKind::StoreUnavailable);
        }
        for words in ["database is locked", "disk I/O error", "Server has gone away", "no such table: users"]
        {
            assert_eq!(error(Kind::Unknown, words).kind(), ErrorKind::AppError, "{words}");
        }
        let twice = error(Kind::UniqueViolation, "UNIQUE constraint failed: users.name");
        assert_eq!(twice.kind(), ErrorKind::AppError);
        assert_eq!(Error::from(Cause::NotFound).kind(), ErrorKind::AppError);
    }

    fn logged(kind: Kind, message: &str) -> String {
        let said = format!("{:?}", error(kind, message));
        let also = Error::app(Cause::DatabaseError(kind, Box::new(message.to_owned())));
        assert_eq!(
            format!("{also:?}").rsplit_once("later.: ").unwrap().1,
            said.rsplit_once("later.: ").unwrap().1
        );
        said.rsplit_once("later.: ").unwrap().1.to_owned()
    }

    #[test]
    fn ob_01_b1_no_value_of_a_row_is_in_a_message() {
        for value in
            ["ada", "ada@example.org", "ada' for key 'x", "ada@example.org for key ", "a' ada@example.org 'b"]
        {
            for (before, after, key) in [
                ("Duplicate entry '", "' for key 'users.email'", " for key 'users.email'"),
                ("Doppelter Eintrag '", "' für Schlüssel 'users.email'", ""),
                ("Entrée dupliquée '", "' pour la clef 'users.email'", ""),
            ] {
                let said = logged(Kind::UniqueViolation, &format!("{before}{value}{after}"));
                assert!(!said.contains("ada") && said.ends_with(&format!("…{key}")), "{said}");
            }
            for (before, after) in [
                ("invalid input syntax for type integer: \"", "\""),
                ("ungültige Eingabesyntax für Typ integer: »", "«"),
                ("syntaxe en entrée invalide pour le type integer : « ", " »"),
                ("Incorrect integer value: '", "' for column `app`.`users`.`age` at row 1"),
            ] {
                let said = logged(Kind::Unknown, &format!("{before}{value}{after}"));
                assert!(!said.contains("ada") && said.ends_with('…'), "{said}");
            }
        }
        let said = logged(Kind::Unknown, "value \"4915112345678\" is out of range for type integer");
        assert_eq!(said, "value …");
    }

    #[test]
    fn names_of_tables_and_constraints_stay_in_a_message() {
        for (kind, message) in [
            (Kind::Unknown, "relation \"app.users\" does not exist"),
            (Kind::Unknown, "Relation »users« existiert nicht"),
            (Kind::Unknown, "Table 'app.users' doesn't exist"),
            (Kind::Unknown, "la relation « users » n'existe pas"),
            (Kind::Unknown, "no such table: users"),
            (Kind::UniqueViolation, "UNIQUE constraint failed: users.email"),
            (Kind::NotNullViolation, "Column 'name' cannot be null"),
            (Kind::CheckViolation, "CONSTRAINT `c` failed for `app`.`users`"),
        ] {
            assert_eq!(logged(kind, message), message);
        }
    }

    #[test]
    fn a_cause_is_found_behind_other_errors() {
        let unique = Error::storage(error(Kind::UniqueViolation, ""));
        assert!(matches!(database_cause(&unique), Some(Cause::DatabaseError(Kind::UniqueViolation, _))));
        assert!(database_cause(&Error::storage("Server has gone away")).is_none());
    }
}
