//! The users' table on PostgreSQL.

use std::convert::Infallible;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use diesel::Connection as _;
use diesel::connection::CacheSize;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Error};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use rocket::{Build, Rocket};
use rocket_sync_db_pools::r2d2::{ManageConnection, Pool};
use rocket_sync_db_pools::{Config, PoolResult, Poolable};

use super::Migrated;
use crate::users::{NewUser, users};

/// The connection type of Diesel.
pub type Connection = PgConnection;

/// The connection type of the pool: it prepares no statements if the app is behind PgBouncer in transaction mode, where the next
/// statement may run in another process of the server. rocket_sync_db_pools has no hook for that.
pub struct PoolConnection(Connection);

impl Deref for PoolConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for PoolConnection {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}

impl Poolable for PoolConnection {
    type Manager = Manager;
    type Error = Infallible;

    fn pool(name: &str, rocket: &Rocket<Build>) -> PoolResult<Self> {
        let config = Config::from(name, rocket)?;
        let pgbouncer = rocket.figment().extract_inner("dance.database.pgbouncer").unwrap_or(false);
        let cache_size = if pgbouncer { CacheSize::Disabled } else { CacheSize::Unbounded };
        let manager = Manager { inner: ConnectionManager::new(config.url), cache_size };
        let timeout = Duration::from_secs(config.timeout.into());
        Ok(Pool::builder().max_size(config.pool_size).connection_timeout(timeout).build(manager)?)
    }
}

/// Opens and checks the connections of the pool.
pub struct Manager {
    inner: ConnectionManager<Connection>,
    cache_size: CacheSize,
}

impl ManageConnection for Manager {
    type Connection = PoolConnection;
    type Error = Error;

    fn connect(&self) -> Result<PoolConnection, Error> {
        let mut conn = self.inner.connect()?;
        conn.set_prepared_statement_cache_size(self.cache_size);
        Ok(PoolConnection(conn))
    }

    fn is_valid(&self, conn: &mut PoolConnection) -> Result<(), Error> {
        self.inner.is_valid(conn)
    }

    fn has_broken(&self, conn: &mut PoolConnection) -> bool {
        self.inner.has_broken(conn)
    }
}

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Creates the table `users`. Processes that start at the same time wait for each other.
pub fn migrate(conn: &mut Connection) -> Migrated {
    conn.transaction(|conn| {
        diesel::sql_query("SELECT pg_advisory_xact_lock(1)").execute(conn)?;
        conn.run_pending_migrations(MIGRATIONS).map(drop)
    })
}

/// Does nothing: PostgreSQL makes writers wait for each other.
pub fn wait_for_writers(_: &mut Connection) -> QueryResult<()> {
    Ok(())
}

/// Inserts a user and returns the new id.
pub fn insert_user(conn: &mut Connection, user: &NewUser<'_>) -> QueryResult<i32> {
    diesel::insert_into(users::table).values(user).returning(users::id).get_result(conn)
}
