//! `UserTable`: the app's table of users, which `cascade_from` names.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Binary, Nullable, Text};

use super::any_connection::AnyConnection;
use super::failure::Result;
use super::text_row::TextRow;
use crate::storage::refusals::user_is_gone;

/// The app's table of users: what is needed to find a user in it by the text of the user's id.
#[derive(Debug, Clone)]
pub(super) struct UserTable {
    /// The schema of the table, as SQL writes it; empty if the database finds the table without it.
    #[cfg_attr(not(feature = "mysql"), allow(dead_code))]
    pub(super) schema: String,
    /// The table, as SQL writes it.
    pub(super) table: String,
    /// The column of the id, as SQL writes it.
    pub(super) id: String,
    /// Type of the column, as the database writes it.
    pub(super) declared: String,
    pub(super) kind: IdKind,
}

/// How the value of an id column becomes the text that the app's id type formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdKind {
    /// As the database formats it.
    Plain,
    /// 16 bytes, which the app formats as a UUID.
    Bytes,
}

impl UserTable {
    /// Locks the row of `user` until the transaction ends. Returns whether it exists.
    ///
    /// Locks are always taken in the order users, accounts, sessions: the app's own deletion of a user has the user's row when
    /// its triggers delete the accounts and then the sessions. It waits for this lock, or this waits for its lock.
    pub(super) fn hold(&self, conn: &mut AnyConnection, user: &str) -> Result<bool> {
        self.find(conn, user, self.row(conn))
    }

    /// Locks the row of `user` as [`hold`](Self::hold) does, so that the app may delete it in this transaction. With a lock that
    /// others can have at the same time, it would wait for them while they wait for the accounts.
    pub(super) fn hold_alone(&self, conn: &mut AnyConnection, user: &str) -> Result<bool> {
        self.find(conn, user, self.row(conn).replace("FOR KEY SHARE", "FOR UPDATE"))
    }

    fn find(&self, conn: &mut AnyConnection, user: &str, row: String) -> Result<bool> {
        if !self.can_have(conn, user) {
            return Ok(false);
        }
        let (row, bytes) = (sql_query(row), uuid_bytes(user));
        let found: QueryResult<TextRow> = match self.kind {
            _ if conn.writes_alone() => row
                .bind::<Text, _>(user)
                .bind::<Nullable<Binary>, _>(bytes)
                .bind::<Text, _>(user)
                .get_result(conn),
            IdKind::Bytes => row.bind::<Nullable<Binary>, _>(bytes).bind::<Text, _>(user).get_result(conn),
            IdKind::Plain => row.bind::<Text, _>(user).bind::<Text, _>(user).get_result(conn),
        };
        Ok(found.optional()?.is_some())
    }

    /// Returns whether the column can have the id `user`. PostgreSQL would fail to convert it otherwise.
    fn can_have(&self, conn: &AnyConnection, user: &str) -> bool {
        conn.writes_alone()
            || match (self.kind, self.declared.as_str()) {
                (IdKind::Bytes, _) | (_, "uuid") => uuid_bytes(user).is_some(),
                _ if self.is_integer() => is_integer_text(user, self.is_unsigned()),
                _ => true,
            }
    }

    /// Locks some user as [`hold`](Self::hold) does, at launch: a missing privilege is an error then, and not at each sign-in.
    ///
    /// # Errors
    /// If the database rejects the query.
    pub(super) fn probe(&self, conn: &mut AnyConnection) -> Result<()> {
        let user = if self.is_integer() { "0" } else { "00000000-0000-0000-0000-000000000000" };
        self.hold(conn, user).map(drop)
    }

    /// Locks the row of `user` until the transaction ends.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) if it is gone.
    pub(super) fn require(&self, conn: &mut AnyConnection, user: &str) -> Result<()> {
        match self.hold(conn, user)? {
            true => Ok(()),
            false => Err(user_is_gone().into()),
        }
    }

    /// SQL that finds and locks a user's row. The first condition compares the column as it is, so that its index is used. The
    /// second one compares the text of the id, as the triggers do: 'Ada' is not 'ada', whatever the column's collation is.
    pub(super) fn row(&self, conn: &AnyConnection) -> String {
        let Self { table, id, .. } = self;
        match conn {
            // Rows are not locked: a transaction that writes is alone. Each value has its own type, whatever the column
            // declares.
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => {
                let text = self.text(conn, id);
                format!("SELECT 'there' AS t FROM {table} WHERE {id} IN (?, ?) AND {text} = ?")
            }
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => {
                let text = self.text(conn, id);
                let value = match (self.kind, self.declared.as_str()) {
                    (IdKind::Bytes, _) => "$1".to_owned(),
                    (_, "smallint" | "integer" | "bigint") => "CAST($1 AS bigint)".to_owned(),
                    // Without a length it would be one character.
                    (_, "character") => "CAST($1 AS bpchar)".to_owned(),
                    (_, declared) => format!("CAST($1 AS {declared})"),
                };
                // The weakest lock that keeps the row from being deleted: the app may update it.
                format!("SELECT 'there' AS t FROM {table} WHERE {id} = {value} AND {text} = $2 FOR KEY SHARE")
            }
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => {
                let text = self.text(conn, id);
                let value = match (self.kind, self.is_integer()) {
                    (IdKind::Bytes, _) | (_, false) => "?",
                    (_, true) if self.is_unsigned() => "CAST(? AS UNSIGNED)",
                    (_, true) => "CAST(? AS SIGNED)",
                };
                // Not shared: two policies that update the user would deadlock.
                format!(
                    "SELECT 'there' AS t FROM {table} WHERE {id} = {value} \
                     AND CAST({text} AS BINARY) = CAST(? AS BINARY) FOR UPDATE"
                )
            }
        }
    }

    /// SQL of the text of an id, for the value `column`.
    pub(super) fn text(&self, conn: &AnyConnection, column: &str) -> String {
        match conn {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => {
                let bytes = uuid_text(|from, length| format!("substr(hex({column}), {from}, {length})"));
                format!(
                    "CASE typeof({column}) WHEN 'blob' THEN lower({bytes}) ELSE CAST({column} AS TEXT) END"
                )
            }
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => match self.kind {
                IdKind::Plain => format!("{column}::text"),
                IdKind::Bytes => format!("encode({column}, 'hex')::uuid::text"),
            },
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => match self.kind {
                IdKind::Plain => format!("CAST({column} AS CHAR CHARACTER SET utf8mb4)"),
                IdKind::Bytes => {
                    let bytes = uuid_text(|from, length| format!("SUBSTR(HEX({column}), {from}, {length})"));
                    format!("LOWER(CONCAT({}))", bytes.replace(" || ", ", "))
                }
            },
        }
    }

    /// Returns whether the column has an integer type: `bigint`, `int(11)` or `bigint(20) unsigned`.
    fn is_integer(&self) -> bool {
        let end = self.declared.find(['(', ' ']).unwrap_or(self.declared.len());
        matches!(&self.declared[..end], "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint")
    }

    fn is_unsigned(&self) -> bool {
        self.declared.contains("unsigned")
    }
}

/// Returns whether `text` is an integer in the range of the largest integer type.
fn is_integer_text(text: &str, is_unsigned: bool) -> bool {
    match is_unsigned {
        true => text.parse::<u64>().is_ok(),
        false => text.parse::<i64>().is_ok(),
    }
}

/// Returns the bytes of a UUID in its usual form.
fn uuid_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.chars().filter(|char| *char != '-').collect();
    if digits.len() != 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    (0..32).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
}

/// SQL that joins the groups of a UUID's 32 digits by hyphens. `part` is the SQL of the digits from a position, of a length.
#[cfg(any(feature = "sqlite", feature = "mysql"))]
fn uuid_text(part: impl Fn(u8, u8) -> String) -> String {
    [(1, 8), (9, 4), (13, 4), (17, 4), (21, 12)].map(|(from, length)| part(from, length)).join(" || '-' || ")
}
