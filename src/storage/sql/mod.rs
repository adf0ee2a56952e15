//! Accounts in a database, through Diesel.
//!
//! [`DieselStorage`] runs each call on a connection of its [pool]. The queries are functions on an [`AnyConnection`], one file
//! per subject: `accounts`, `claims`, `leases`, `linking`, `new_sessions`, `ranks`, `removal`, `sessions`, `user_merge`, `walk`. Row
//! locks are taken in the order users ([`user_table`]), accounts, sessions.

mod accounts;
mod any_connection;
mod cascade;
mod cascade_trigger;
mod claims;
mod connector;
mod database_check;
mod diesel_pool;
mod diesel_storage;
mod failure;
mod first_connection;
mod job;
mod leases;
mod libpq_keywords;
#[cfg(feature = "postgres")]
mod libpq_string;
mod linking;
#[cfg(feature = "postgres")]
mod listen;
mod migrate;
mod migrations;
#[cfg(feature = "mysql")]
mod mysql_transaction;
mod names;
mod new_sessions;
mod policy;
mod policy_connection;
mod pool;
#[cfg(feature = "postgres")]
mod pooler;
mod queue;
mod ranks;
mod removal;
mod retry;
mod rights;
pub mod schema;
mod sessions;
mod storage_traits;
mod tables;
#[cfg(test)]
mod tests;
mod text_row;
#[cfg(feature = "mysql")]
mod tls_demand;
mod transaction;
mod url;
mod user_merge;
mod user_table;
mod walk;

pub use self::diesel_pool::DieselPool;
pub use self::diesel_storage::DieselStorage;
pub use self::migrations::Migrations;
pub use self::policy_connection::PolicyConnection;
