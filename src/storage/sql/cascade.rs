//! `Cascade`: triggers that delete a user's accounts and sessions with the user.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};

use super::any_connection::AnyConnection;
use super::user_table::{IdKind, UserTable};
use crate::error::{Error, ErrorKind, Result};

/// The app's table of users and its id column.
#[derive(Debug, Clone)]
pub(super) struct Cascade {
    pub(super) table: String,
    pub(super) id: String,
    /// Whether the app's user ids are formatted as UUIDs are.
    pub(super) uuids: bool,
}

/// The tables that have a column `user_id`. Their names have the same length.
const OURS: [&str; 2] = ["oauth_accounts", "oauth_sessions"];

/// Maximum length of a trigger's name, in bytes. PostgreSQL truncates names after 63 bytes, and `_all` needs four.
const MAX_NAME: usize = 59;

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    t: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

impl Cascade {
    /// Installs the triggers that are missing, and returns the table.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the table or the column does not exist, cannot be compared with the app's ids, or its rows
    /// cannot be locked.
    pub(super) fn install(&self, conn: &mut AnyConnection) -> Result<UserTable> {
        // The names are put into SQL as they are, and into the trigger's name.
        let is_name = |name: &String| {
            !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
        };
        if !is_name(&self.table) || !is_name(&self.id) || self.name(OURS[0]).len() > MAX_NAME {
            return Err(
                self.fault("a table and a column are needed, in ASCII letters, digits and `_`, not too long")
            );
        }
        let users = self.user_table(conn)?;
        users.probe(conn).map_err(|cause| self.fault("its rows can't be locked").with_source(cause))?;
        conn.alone(|conn| {
            for ours in OURS {
                if sql_query(self.installed(conn, ours)).get_result::<Count>(conn)?.n == 0 {
                    conn.batch_execute(&self.trigger(conn, ours, &users)).map_err(|cause| {
                        self.fault(&format!("the trigger can't be installed: {cause}")).with_source(cause)
                    })?;
                }
            }
            Ok(())
        })?;
        Ok(users)
    }

    /// Returns the table with the kind of ids in the column.
    fn user_table(&self, conn: &mut AnyConnection) -> Result<UserTable> {
        let Self { table, id, .. } = self;
        let query = match conn {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => {
                format!("SELECT lower(type) AS t FROM pragma_table_info('{table}') WHERE name = '{id}'")
            }
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => format!(
                "SELECT format_type(atttypid, NULL) AS t FROM pg_attribute \
                 WHERE attrelid = to_regclass('\"{table}\"') AND attname = '{id}' AND NOT attisdropped"
            ),
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => format!(
                "SELECT CONVERT(lower(column_type) USING utf8mb4) AS t FROM information_schema.columns \
                 WHERE table_schema = database() AND table_name = '{table}' AND column_name = '{id}'"
            ),
        };
        let Some(Found { t: declared }) = sql_query(query).get_result(conn).optional()? else {
            return Err(self.fault(
                "there is no such column: run the app's own migrations before the dance is ignited, in a fairing \
                 that is attached before it",
            ));
        };
        let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
        let users =
            |kind| UserTable { table: table.clone(), id: id.clone(), declared: declared.clone(), kind };
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

    fn name(&self, ours: &str) -> String {
        format!("{ours}_of_{}_{}", self.table, self.id)
    }

    /// SQL that counts the triggers that delete from `ours`.
    fn installed(&self, conn: &AnyConnection, ours: &str) -> String {
        let name = self.name(ours);
        match conn {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => {
                format!("SELECT count(*) AS n FROM sqlite_master WHERE type = 'trigger' AND name = '{name}'")
            }
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => format!(
                "SELECT count(*) AS n FROM pg_trigger \
                 WHERE tgname = '{name}' AND tgrelid = to_regclass('\"{}\"')",
                self.table
            ),
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => format!(
                "SELECT count(*) AS n FROM information_schema.triggers \
                 WHERE trigger_schema = database() AND trigger_name = '{name}'"
            ),
        }
    }

    fn trigger(&self, conn: &AnyConnection, ours: &str, users: &UserTable) -> String {
        let (name, Self { table, id, .. }) = (self.name(ours), self);
        match conn {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => {
                let old = users.text(conn, &format!("OLD.\"{id}\""));
                format!(
                    "CREATE TRIGGER {name} AFTER DELETE ON \"{table}\" FOR EACH ROW BEGIN \
                     DELETE FROM {ours} WHERE user_id = {old}; END"
                )
            }
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => {
                let old = users.text(conn, &format!("OLD.\"{id}\""));
                // TRUNCATE runs no trigger for each row. The names are quoted: PostgreSQL stores others in lower case, and the next
                // launch does not find them.
                format!(
                    "CREATE OR REPLACE FUNCTION \"{name}\"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT \
                     AS $$ BEGIN \
                     IF TG_OP = 'TRUNCATE' THEN DELETE FROM {ours} WHERE user_id IS NOT NULL; \
                     ELSE DELETE FROM {ours} WHERE user_id = {old}; END IF; \
                     RETURN NULL; END $$; \
                     CREATE TRIGGER \"{name}\" AFTER DELETE ON \"{table}\" FOR EACH ROW EXECUTE FUNCTION \"{name}\"(); \
                     CREATE TRIGGER \"{name}_all\" AFTER TRUNCATE ON \"{table}\" FOR EACH STATEMENT \
                     EXECUTE FUNCTION \"{name}\"();"
                )
            }
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => {
                let old = users.text(conn, &format!("OLD.`{id}`"));
                format!(
                    "CREATE TRIGGER {name} AFTER DELETE ON `{table}` FOR EACH ROW \
                     DELETE FROM {ours} WHERE user_id = CAST({old} AS BINARY)"
                )
            }
        }
    }

    fn fault(&self, why: &str) -> Error {
        let Self { table, id, .. } = self;
        Error::new(ErrorKind::Misconfigured, format!("`.cascade_from(\"{table}\", \"{id}\")`: {why}"))
    }
}
