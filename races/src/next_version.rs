//! The next version of rocket_dance, as far as this version can notice it: a migration of its own, which adds columns, indexes and a
//! table, and a row in the table of migrations. Nothing is taken away: what a version no longer needs, the one after it removes.

use crate::Result;
use crate::database::{Conn, Database, Kind};

/// Runs the migration `number` on the database at `url`, if it has not run.
pub(crate) fn migrate(url: &str, number: u64) -> Result<()> {
    let kind = Kind::of(url);
    let mut conn = Conn::open(kind, url)?;
    let name = format!("2027-01-01-{number:06}_next");
    let is_done = format!("SELECT COUNT(*) AS number FROM rocket_dance_migrations WHERE version = '{name}'");
    if conn.number(&is_done)? == 1 {
        return Ok(());
    }
    // As the library's own: in a transaction where that is possible, and after its lock on PostgreSQL.
    let (begin, text, end) = match kind {
        Kind::Sqlite => ("BEGIN IMMEDIATE", "TEXT", "COMMIT"),
        Kind::Postgres => (
            "BEGIN; SET LOCAL lock_timeout = '60s'; SELECT pg_advisory_xact_lock(7237124659041296737); SET LOCAL lock_timeout = '5s'",
            "TEXT",
            "COMMIT",
        ),
        Kind::Mysql => ("SET lock_wait_timeout = 5", "VARCHAR(255)", "DO 0"),
    };
    conn.execute(&format!(
        "{begin};
         ALTER TABLE oauth_accounts ADD COLUMN next_version_{number} INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE oauth_claims ADD COLUMN next_text_{number} {text};
         ALTER TABLE oauth_sessions ADD COLUMN next_text_{number} {text} DEFAULT 'this version';
         CREATE INDEX oauth_accounts_next_{number} ON oauth_accounts (next_version_{number}, id);
         CREATE INDEX oauth_sessions_next_{number} ON oauth_sessions (next_text_{number}, id);
         CREATE TABLE oauth_next_{number} (id BIGINT PRIMARY KEY NOT NULL);
         UPDATE oauth_accounts SET next_version_{number} = 1;
         INSERT INTO rocket_dance_migrations VALUES ('{name}');
         {end}"
    ))
}

/// The number of accounts that this version has stored since the migration `number`, and of all accounts.
pub(crate) fn rows(database: &Database, number: usize) -> Result<(i64, i64)> {
    let of_this = database.count(&format!("oauth_accounts WHERE next_version_{number} = 0"))?;
    Ok((of_this, database.count("oauth_accounts")?))
}
