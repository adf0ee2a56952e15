//! The tables of rocket_dance: whether they are there, and whether the role may use them.

use diesel::prelude::*;
use diesel::result::Error as Cause;

use super::any_connection::AnyConnection;
use super::schema::{oauth_accounts, oauth_claims, oauth_sessions};

/// What cannot be done with the tables.
pub(super) struct Unusable {
    /// The right that a statement needs.
    pub(super) right: &'static str,
    pub(super) table: &'static str,
    pub(super) cause: Cause,
}

impl AnyConnection {
    /// Checks that all tables exist with all columns, and can be read and written. It changes nothing, and needs no space.
    pub(super) fn check_tables(&mut self) -> Result<(), Unusable> {
        macro_rules! check {
            ($table:ident, $key:expr) => {
                let unusable = |right| move |cause| Unusable { right, table: stringify!($table), cause };
                let row = || $table::table.filter($table::id.eq($key));
                let read = diesel::dsl::exists(row().select($table::all_columns));
                diesel::select(read).get_result::<bool>(self).map_err(unusable("SELECT"))?;
                // No row has this key. On a read-only database BEGIN IMMEDIATE succeeds, and a write fails even if it changes no
                // rows.
                let written = row().select($table::all_columns).insert_into($table::table);
                let written = written.into_columns($table::all_columns).execute(self);
                written.map_err(unusable("INSERT"))?;
                let written = diesel::update(row()).set($table::id.eq($table::id)).execute(self);
                written.map_err(unusable("UPDATE"))?;
                diesel::delete(row()).execute(self).map_err(unusable("DELETE"))?;
            };
        }
        check!(oauth_accounts, 0);
        check!(oauth_claims, "");
        check!(oauth_sessions, "");
        Ok(())
    }
}
