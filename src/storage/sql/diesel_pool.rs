//! `DieselPool`: the connections of a `DieselStorage`, for the app's own queries.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use super::any_connection::AnyConnection;
use super::failure::Failure;
use super::policy_connection::PolicyConnection;
use super::pool::Pool;
use crate::error::{Error, ErrorKind, Result};

/// The connections of a [`DieselStorage`](super::DieselStorage), for the app's own queries on the same database.
///
/// [`DieselStorage::pool`](super::DieselStorage::pool) returns it, and the app manages it. With a pool of its own an app needs
/// twice as many connections, and has to configure it for PgBouncer and for SQLite's locks a second time. `C` is Diesel's
/// connection type, the same as that of the policy.
///
/// ```
/// use diesel::prelude::*;
/// use rocket::{Build, Rocket, State, get};
/// use rocket_dance::storage::{DieselPool, DieselStorage};
/// use rocket_dance::{CurrentUser, Dance, Result};
///
/// diesel::table! { users (id) { id -> Integer, name -> Text } }
///
/// type Db = State<DieselPool<SqliteConnection>>;
///
/// #[get("/name")]
/// async fn name(user: CurrentUser<i32>, db: &Db) -> Result<String> {
///     let id = *user;
///     db.run(move |conn| Ok(users::table.find(id).select(users::name).first(conn)?)).await
/// }
///
/// fn rocket() -> Rocket<Build> {
///     let storage = DieselStorage::database("app").migrate();
///     rocket::build().manage(storage.pool::<SqliteConnection>()).attach(Dance::fairing().storage(storage))
/// }
/// # fn main() { let _ = rocket(); }
/// ```
pub struct DieselPool<C> {
    pool: Arc<OnceLock<Pool>>,
    connection: PhantomData<fn(C)>,
}

impl<C: PolicyConnection> DieselPool<C> {
    pub(super) fn new(pool: Arc<OnceLock<Pool>>) -> Self {
        Self { pool, connection: PhantomData }
    }

    /// Runs `work` on a connection, on a thread that may block.
    ///
    /// `work` is for statements that take milliseconds: the storage waits for the same connections, and a call fails after ten
    /// seconds. It runs again if the connection is lost or another transaction was faster, so it should change nothing outside of
    /// the database. Work that has begun is finished even if the caller is dropped. Begin transactions with Diesel's `transaction`:
    /// one that is left open is rolled back. Behind PgBouncer, all of `work` is one transaction.
    ///
    /// # Errors
    /// What `work` returns, also for a row that exists already. [`ErrorKind::StoreUnavailable`] (503) if the database can't be
    /// reached or takes too long, or before the launch; [`ErrorKind::AppError`] (500) if `work` panics or leaves a transaction open;
    /// [`ErrorKind::Misconfigured`] if the URL is that of another database than `C`.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl Fn(&mut C) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let pool = self.pool.get().ok_or_else(|| {
            Error::new(ErrorKind::StoreUnavailable, "The database can't be reached before the launch.")
                .with_source("the pool of DieselStorage was used before the storage was opened")
        })?;
        pool.read(move |conn| conn.lend_alone(|conn| work(narrow(conn)?)).map_err(Failure::Queries)).await
    }
}

fn narrow<C: PolicyConnection>(conn: &mut AnyConnection) -> Result<&mut C> {
    C::narrow(conn).ok_or_else(|| {
        let works_on = std::any::type_name::<C>();
        Error::new(ErrorKind::Misconfigured, "This app is not set up completely.").with_source(format!(
            "the pool is one of `{works_on}`, but the URL of DieselStorage is that of another database"
        ))
    })
}

impl<C> Clone for DieselPool<C> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), connection: PhantomData }
    }
}

impl<C> fmt::Debug for DieselPool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DieselPool").field("is_open", &self.pool.get().is_some()).finish()
    }
}
