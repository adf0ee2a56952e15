//! `Cascade`: triggers that delete a user's accounts and sessions with the user.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Nullable, Text};

use super::any_connection::AnyConnection;
use super::cascade_trigger::CascadeTrigger;
use super::text_row::TextRow;
use super::user_table::{IdKind, UserTable};
use crate::error::{Error, ErrorKind, Result, database_cause, may_pass};

/// The app's table of users and its id column.
#[derive(Debug, Clone)]
pub(super) struct Cascade {
    /// The table, perhaps with its schema before it: `app.users`.
    pub(super) table: String,
    pub(super) id: String,
    /// Whether the app's user ids are formatted as UUIDs are.
    pub(super) uuids: bool,
}

/// The tables that have a column `user_id`.
const OURS: [&str; 2] = ["oauth_accounts", "oauth_sessions"];

impl Cascade {
    /// Installs the triggers that are missing or not as they should be, removes those on another table, and returns the table.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the table or the column does not exist, cannot be compared with the app's ids, or its rows
    /// cannot be locked, or if the role may not install triggers.
    pub(super) fn install(&self, conn: &mut AnyConnection) -> Result<UserTable> {
        let users = self.checked_users(conn)?;
        for ours in OURS {
            // Without a lock first: installed triggers need no right.
            let trigger = CascadeTrigger::new(conn, ours, &users)?;
            if trigger.change(conn)?.is_none() {
                continue;
            }
            let installed = conn.alone(|conn| match trigger.change(conn)? {
                Some(change) => Ok(conn.batch_execute(&change)?),
                None => Ok(()),
            });
            installed.map_err(|error| self.not_installed(conn, &trigger, error))?;
        }
        Ok(users)
    }

    /// Checks that the missing triggers can be installed, in transactions that are rolled back. Returns how many are missing.
    ///
    /// # Errors
    /// As [`install`](Self::install).
    pub(super) fn examine(&self, conn: &mut AnyConnection) -> Result<usize> {
        let users = self.checked_users(conn)?;
        let mut missing = 0;
        for ours in OURS {
            let trigger = CascadeTrigger::new(conn, ours, &users)?;
            if let Some(change) = trigger.change(conn)? {
                missing += 1;
                conn.rehearse(&change).map_err(|error| self.not_installed(conn, &trigger, error))?;
            }
        }
        Ok(missing)
    }

    /// The error of a trigger that can't be installed.
    fn not_installed(&self, conn: &mut AnyConnection, trigger: &CascadeTrigger<'_>, error: Error) -> Error {
        self.wrap("the trigger can't be installed", error, || {
            let grant = conn.grant_advice("TRIGGER", &[trigger.users_table()]);
            match trigger.change(conn) {
                // PostgreSQL's triggers need a function, too.
                #[cfg(feature = "postgres")]
                Ok(Some(script)) if matches!(conn, AnyConnection::Postgres(_)) => {
                    format!("as the owner of the table, run\n\n    {script}\n")
                }
                _ => grant,
            }
        })
    }

    /// Returns the table of users, after checking that its rows can be locked.
    ///
    /// # Errors
    /// As [`install`](Self::install).
    pub(super) fn checked_users(&self, conn: &mut AnyConnection) -> Result<UserTable> {
        if [&self.table, &self.id].iter().any(|name| name.is_empty() || name.contains('\0')) {
            return Err(self.fault("a table and a column are needed"));
        }
        let users = self.user_table(conn)?;
        users.probe(conn).map_err(|failure| {
            self.wrap("its rows can't be locked", failure.into(), || {
                conn.grant_advice("SELECT, UPDATE", &[&users.table])
            })
        })?;
        Ok(users)
    }

    /// Returns the table with the kind of ids in the column.
    fn user_table(&self, conn: &mut AnyConnection) -> Result<UserTable> {
        let Some((schema, table, declared)) = self.find(conn, Some(&self.id))? else {
            let missing = if self.find(conn, None)?.is_some() { "column" } else { "table" };
            return Err(self.fault(&format!(
                "there is no such {missing}: create it before the launch, or in a fairing that is attached before \
                 `Dance::fairing()`"
            )));
        };
        let id = conn.quoted(&self.id);
        let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
        let users = |kind| UserTable { schema, table, id, declared: declared.clone(), kind };
        if has(&["int", "serial", "char", "text", "clob", "uuid"]) {
            Ok(users(IdKind::Plain))
        } else if has(&["blob", "binary", "bytea"]) {
            match self.uuids {
                true => Ok(users(IdKind::Bytes)),
                false => Err(self.fault(&format!(
                    "the column is `{declared}`, and the app's user ids aren't UUIDs, so their text is unknown. Delete the \
                     accounts and sessions together with the user instead: `DELETE FROM oauth_accounts WHERE user_id = …`, \
                     and the same from `oauth_sessions`"
                ))),
            }
        } else {
            Err(self.fault(&format!(
                "the column is `{declared}`, which the database and the app may format differently: an integer, a \
                 text or a UUID is needed"
            )))
        }
    }

    /// Returns the schema if it is known, the table as SQL writes it, and the type of the column, or of any column. A name with a dot
    /// is that of a table, or else a schema and a table.
    fn find(&self, conn: &mut AnyConnection, id: Option<&str>) -> Result<Option<(String, String, String)>> {
        let current = conn.current_database()?;
        let names = [
            Some((None, self.table.as_str())),
            self.table.split_once('.').map(|(schema, table)| (Some(schema), table)),
        ];
        for (schema, table) in names.into_iter().flatten() {
            // SQLite's triggers reach only tables of their own file.
            if conn.writes_alone() && schema.is_some_and(|schema| !schema.eq_ignore_ascii_case("main")) {
                continue;
            }
            let schema = schema.filter(|_| !conn.writes_alone()).or(current.as_deref());
            let quoted_schema = schema.map(|schema| conn.quoted(schema)).unwrap_or_default();
            let path = match schema {
                Some(_) => format!("{quoted_schema}.{}", conn.quoted(table)),
                None => conn.quoted(table),
            };
            let found: QueryResult<TextRow> = match conn {
                #[cfg(feature = "sqlite")]
                AnyConnection::Sqlite(_) => sql_query(
                    "SELECT lower(type) AS t FROM pragma_table_info(?1) WHERE ?2 IS NULL OR name = ?2 COLLATE NOCASE",
                )
                .bind::<Text, _>(table)
                .bind::<Nullable<Text>, _>(id)
                .get_result(conn),
                // Names of more than 63 bytes are cut, as everywhere in PostgreSQL.
                #[cfg(feature = "postgres")]
                AnyConnection::Postgres(_) => sql_query(
                    "SELECT format_type(atttypid, NULL) AS t FROM pg_attribute \
                     WHERE attrelid = to_regclass($1) AND ($2 IS NULL OR attname = $2::name) AND NOT attisdropped \
                     LIMIT 1",
                )
                .bind::<Text, _>(&path)
                .bind::<Nullable<Text>, _>(id)
                .get_result(conn),
                #[cfg(feature = "mysql")]
                AnyConnection::Mysql(_) => sql_query(
                    "SELECT CONVERT(lower(column_type) USING utf8mb4) AS t FROM information_schema.columns \
                     WHERE table_schema = ? AND table_name = ? AND (? IS NULL OR column_name = ?) \
                     LIMIT 1",
                )
                .bind::<Nullable<Text>, _>(schema)
                .bind::<Text, _>(table)
                .bind::<Nullable<Text>, _>(id)
                .bind::<Nullable<Text>, _>(id)
                .get_result(conn),
            };
            if let Some(TextRow { t: declared }) = found.optional()? {
                return Ok(Some((quoted_schema, path, declared)));
            }
        }
        Ok(None)
    }

    /// Adds what failed, and the cure, to an error that is no outage.
    fn wrap(&self, what: &str, error: Error, cure: impl FnOnce() -> String) -> Error {
        match database_cause(&error) {
            Some(cause) if !may_pass(cause) => {
                self.fault(&format!("{what} ({}): {}", error.for_operator(), cure())).with_source(error)
            }
            _ => error,
        }
    }

    fn fault(&self, why: &str) -> Error {
        let Self { table, id, .. } = self;
        Error::new(ErrorKind::Misconfigured, format!("`.cascade_from(\"{table}\", \"{id}\")`: {why}"))
    }
}
