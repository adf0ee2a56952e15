//! SQL for the operator whose database role lacks a right.

use diesel::QueryResult;
#[cfg(any(feature = "postgres", feature = "mysql"))]
use diesel::{
    QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Nullable, Text},
};

use super::any_connection::AnyConnection;

#[cfg(any(feature = "postgres", feature = "mysql"))]
#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Nullable<Text>)]
    t: Option<String>,
}

impl AnyConnection {
    /// Returns `name` as an identifier, quoted for this database.
    pub(super) fn quoted(&self, name: &str) -> String {
        match self {
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => format!("`{}`", name.replace('`', "``")),
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            _ => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    /// The database in which MySQL looks for a table without a schema.
    pub(super) fn current_database(&mut self) -> QueryResult<Option<String>> {
        match self {
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => {
                Ok(sql_query("SELECT CONVERT(database() USING utf8mb4) AS t").get_result::<Name>(self)?.t)
            }
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            _ => Ok(None),
        }
    }

    /// The text `t` of the first row; `None` if there is none or if the query fails.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    fn name(&mut self, query: &str) -> Option<String> {
        sql_query(query).get_result::<Name>(self).ok()?.t
    }

    /// The role of this connection, as SQL writes it.
    fn role(&mut self) -> String {
        let role = match self {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => None,
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => self.name("SELECT quote_ident(current_user) AS t"),
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => {
                let role = self.name("SELECT CONVERT(current_user() USING utf8mb4) AS t");
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
        const BY_HAND: &str = "or, as their owner, run the SQL of `DieselStorage::migrations()` by hand";
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        let role = self.role();
        match self {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => self.grant_advice("", &[]),
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => match self.name("SELECT quote_ident(current_schema()) AS t") {
                Some(schema) => format!(
                    "as the owner of the schema, run\n\n    GRANT CREATE ON SCHEMA {schema} TO {role};\n\n{BY_HAND}"
                ),
                None => format!(
                    "none of the schemas in the role's search_path exists, or the role may not use them: as a superuser, run\n\n    \
                     CREATE SCHEMA auth AUTHORIZATION {role};\n    ALTER ROLE {role} SET search_path = auth;\n"
                ),
            },
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => {
                let database = self.current_database().ok().flatten().unwrap_or_default();
                let database = self.quoted(&database);
                format!(
                    "as root, run\n\n    GRANT CREATE, ALTER, DROP, INDEX, REFERENCES ON {database}.* TO {role};\n\n{BY_HAND}"
                )
            }
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
                let query = format!(
                    "SELECT 'denied' AS t FROM pg_class \
                     WHERE oid = to_regclass('{table}') AND NOT has_table_privilege(oid, '{right}')"
                );
                self.name(&query).is_some()
            }
            // MySQL shows a table only to roles that have a right on it. Nothing but the advice depends on this word.
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => message.contains("denied"),
        }
    }
}
