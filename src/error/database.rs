//! Errors of the database as errors of this crate.

use diesel::result::{DatabaseErrorKind as Kind, Error as Cause};

use super::Error;

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
        for path in ["/home/ada", "base/ada@example.org", "ada/base/1", "base/1 ada"] {
            let said = logged(Kind::Unknown, &format!("invalid name \"{path}\": ada"));
            assert_eq!(said, "invalid name …");
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
            (Kind::Unknown, "could not extend file \"base/5/16384_fsm\": No space left on device"),
            (
                Kind::Unknown,
                "konnte Datei »pg_tblspc/16385/PG_15_202209061/5/16384« nicht erweitern: Auf dem Gerät ist kein Platz mehr",
            ),
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
