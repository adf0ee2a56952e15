//! Names of databases, tables and columns in SQL.

use diesel::QueryResult;
#[cfg(feature = "mysql")]
use diesel::{
    RunQueryDsl,
    dsl::sql,
    select,
    sql_types::{Nullable, Text},
};

use super::any_connection::AnyConnection;

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
                select(sql::<Nullable<Text>>("CONVERT(database() USING utf8mb4)")).get_result(self)
            }
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            _ => Ok(None),
        }
    }
}
