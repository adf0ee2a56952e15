//! SQL for the operator whose database role lacks a right.

#[cfg(any(feature = "postgres", feature = "mysql"))]
use diesel::{
    RunQueryDsl,
    dsl::sql,
    select,
    sql_types::{Nullable, Text},
};

use super::any_connection::AnyConnection;

impl AnyConnection {
    /// The value of a SQL expression; `None` if it is NULL, or if the query fails.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    fn text(&mut self, expression: &str) -> Option<String> {
        select(sql::<Nullable<Text>>(expression)).get_result(self).ok()?
    }

    /// The role of this connection, as SQL writes it.
    fn role(&mut self) -> String {
        let role = match self {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => None,
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => self.text("quote_ident(current_user)"),
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => {
                let role = self.text("CONVERT(current_user() USING utf8mb4)");
                let quoted = |name: &str| format!("'{}'", name.replace('\\', "\\\\").replace('\'', "\\'"));
                role.as_deref()
                    .and_then(|role| role.rsplit_once('@'))
                    .map(|(user, host)| format!("{}@{}", quoted(user), quoted(host)))
            }
        };
        role.unwrap_or_else(|| "…".to_owned())
    }

    /// The advice to grant `rights` on `tables`.
    pub(super) fn grant_advice(&mut self, rights: &str, tables: &[&str]) -> String {
        if self.writes_alone() {
            return "the process must be allowed to write the file and its folder".to_owned();
        }
        let role = self.role();
        let lines = tables.iter().map(|table| format!("\n    GRANT {rights} ON {table} TO {role};"));
        format!("as the owner of the tables, run\n{}\n", lines.collect::<String>())
    }

    /// The advice to grant the right to create tables, or to create them by hand.
    pub(super) fn create_advice(&mut self) -> String {
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        const BY_HAND: &str = "or run the SQL of `DieselStorage::migrations()` as a role that may create tables, and remove `.migrate()`";
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        let role = self.role();
        match self {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => self.grant_advice("", &[]),
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => match self.text("quote_ident(current_schema())") {
                Some(schema) => format!(
                    "as the owner of the schema, run\n\n    GRANT CREATE ON SCHEMA {schema} TO {role};\n\n{BY_HAND}"
                ),
                None => format!(
                    "none of the schemas in the role's search_path exists, or the role may not use them: as a superuser, run\n\n    \
                     CREATE SCHEMA auth AUTHORIZATION {role};\n    ALTER ROLE {role} SET search_path = auth;\n"
                ),
            },
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => match self.current_database().ok().flatten() {
                Some(database) => {
                    let database = self.quoted(&database);
                    format!(
                        "as root, run\n\n    GRANT CREATE, ALTER, DROP, INDEX, REFERENCES ON {database}.* TO {role};\n\n{BY_HAND}"
                    )
                }
                None => {
                    "the URL names no database: write its name at the end, as in `mysql://…/app`".to_owned()
                }
            },
        }
    }

    /// Returns whether the role lacks `right` on `table`, which exists. `message` is what the database said.
    #[allow(unused_variables)] // Each database uses others.
    pub(super) fn is_denied(&mut self, right: &str, table: &str, message: &str) -> bool {
        match self {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => {
                let denied = format!(
                    "CASE WHEN NOT has_table_privilege(to_regclass('{table}'), '{right}') THEN 'denied' END"
                );
                self.text(&denied).is_some()
            }
            // MySQL shows a table only to roles that have a right on it. Nothing but the advice depends on this word.
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => message.contains("denied"),
        }
    }
}
