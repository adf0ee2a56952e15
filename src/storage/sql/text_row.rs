//! `TextRow`: a row of one text, for queries that Diesel's table macros do not describe.

use diesel::QueryableByName;
use diesel::sql_types::Text;

/// A row of one text, in the column `t`.
#[derive(QueryableByName)]
pub(super) struct TextRow {
    #[diesel(sql_type = Text)]
    pub(super) t: String,
}
