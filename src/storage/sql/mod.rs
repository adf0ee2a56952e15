//! Accounts in a database, through Diesel.

mod accounts;
mod any;
mod migrations;
mod policy;
mod pool;
pub mod schema;
#[cfg(test)]
mod tests;

use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use diesel::QueryResult;
use diesel::r2d2::{ManageConnection, Pool};
use rocket::figment::Figment;
use rocket::tokio::task::spawn_blocking;

pub use self::any::PolicyConnection;
use self::any::{AnyConnection, retried};
use self::policy::{Policy, Typed, Usual};
use self::pool::{Manager, OnConnect, sqlite_file};
use super::{Claim, Key, KeyRing, Linked, Record, Storage, UserType};
use crate::error::{Error, ErrorKind, Result};
use crate::link::{Arrival, LinkPolicy};
use crate::user::UserId;

/// Keeps accounts in the app's database, through Diesel, and asks the app's [`LinkPolicy`] inside the transaction that
/// stores them.
///
/// It has a small pool of connections of its own. The tables are [`schema`]'s.
///
/// ```
/// use diesel::SqliteConnection;
/// use diesel::connection::SimpleConnection;
/// use rocket_dance::{Login, Result, Verdict, storage::DieselStorage};
///
/// let storage = DieselStorage::database("app")                 // [default.databases.app] in Rocket.toml
///     .migrate()
///     .link(|login: &Login<i32>, _: &mut SqliteConnection| Ok(login.usual()))
///     .on_connect(|conn: &mut SqliteConnection| conn.batch_execute("PRAGMA cache_size = -8000"))
///     .pool_size(4);
/// # let _ = storage;
/// ```
#[must_use]
pub struct DieselStorage {
    source: Source,
    migrate: bool,
    policy: Arc<dyn Policy>,
    user_type: Option<UserType>,
    on_connect: Option<OnConnect>,
    pool_size: u32,
    pool: OnceLock<Pool<Manager>>,
}

enum Source {
    /// The name in `databases.<name>.url`.
    Database(String),
    Url(String),
}

impl DieselStorage {
    /// Accounts in the database that `databases.<name>.url` in Rocket.toml leads to.
    pub fn database(name: impl Into<String>) -> Self {
        Self::new(Source::Database(name.into()))
    }

    /// Accounts in the database at `url`: the path of a SQLite file.
    pub fn url(url: impl Into<String>) -> Self {
        Self::new(Source::Url(url.into()))
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            migrate: false,
            policy: Arc::new(Usual),
            user_type: None,
            on_connect: None,
            pool_size: 8,
            pool: OnceLock::new(),
        }
    }

    /// Creates the tables at launch, and changes them when a new version of this crate needs it. What has been run is
    /// noted in `rocket_dance_migrations`; processes that start at the same time wait for each other.
    pub fn migrate(mut self) -> Self {
        self.migrate = true;
        self
    }

    /// The migrations in their order, name and SQL, for apps that run them with their own instead of
    /// [`migrate`](DieselStorage::migrate).
    pub fn migrations() -> &'static [(&'static str, &'static str)] {
        migrations::MIGRATIONS
    }

    /// Asks `policy` whose account it is. It declares the type of the app's user ids. Without a policy an account goes
    /// to the user who is signed in: [`LinkCurrentUser`](crate::LinkCurrentUser).
    pub fn link<C: PolicyConnection, U: UserId>(mut self, policy: impl LinkPolicy<C, U>) -> Self {
        self.policy = Arc::new(Typed { policy, types: PhantomData });
        self.user_type = Some(UserType::of::<U>());
        self
    }

    /// Does something with each new connection: a `PRAGMA`, a function of the app's own.
    pub fn on_connect<C: PolicyConnection>(
        mut self,
        work: impl Fn(&mut C) -> QueryResult<()> + Send + Sync + 'static,
    ) -> Self {
        self.on_connect = Some(Arc::new(move |conn| match C::narrow(conn) {
            Some(conn) => work(conn),
            None => Err(diesel::result::Error::QueryBuilderError(
                "`on_connect` is written for another database than the URL leads to".into(),
            )),
        }));
        self
    }

    /// How many connections are open at most: 8, unless said otherwise, and at least one.
    pub fn pool_size(mut self, connections: u32) -> Self {
        self.pool_size = connections.max(1);
        self
    }

    fn find_url(&self, figment: &Figment) -> Result<String> {
        match &self.source {
            Source::Url(url) => Ok(url.clone()),
            // Figment's own message would print the value, which may hold a password.
            Source::Database(name) => figment.extract_inner(&format!("databases.{name}.url")).map_err(|_| {
                Error::new(
                    ErrorKind::Config,
                    format!(
                        "`databases.{name}.url` is not set, or not a text; DieselStorage::database(\"{name}\") reads \
                         it. In Rocket.toml:\n\n    [default.databases.{name}]\n    url = \"{name}.sqlite\"\n"
                    ),
                )
            }),
        }
    }

    /// Runs `work` on a connection, where it may block; again if somebody else was faster.
    async fn run<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut AnyConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let pool = self.pool.get().cloned().ok_or_else(|| {
            Error::new(ErrorKind::Store, "The accounts can't be reached before the launch.")
                .because("DieselStorage was asked before it was opened")
        })?;
        let once = move || {
            let mut conn = pool.get().map_err(Error::store)?;
            // A policy is the app's code. If it panics its transaction stays open: the pool drops the connection.
            catch_unwind(AssertUnwindSafe(|| work(&mut conn)))
                .unwrap_or_else(|_| Err(Error::app("the link policy panicked")))
        };
        spawn_blocking(|| retried(once)).await.map_err(Error::app)?
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut AnyConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(move |conn| conn.write(&work)).await
    }
}

#[rocket::async_trait]
impl Storage for DieselStorage {
    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        let key = key.clone();
        self.run(move |conn| accounts::get(conn, &key)).await
    }

    async fn set(&self, record: &Record) -> Result<()> {
        let record = record.clone();
        self.write(move |conn| accounts::set(conn, &record).map(drop)).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        let key = key.clone();
        self.write(move |conn| accounts::delete(conn, &key)).await
    }

    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Record>> {
        let (user, entries) = (user.map(str::to_owned), owned(entries));
        self.run(move |conn| accounts::list(conn, user.as_deref(), &entries)).await
    }

    async fn page(&self, entry: &str, after: i64, limit: usize) -> Result<Vec<Record>> {
        let entry = entry.to_owned();
        self.run(move |conn| accounts::page(conn, &entry, after, limit)).await
    }

    async fn claim(&self, id: &str, now: i64, until: i64) -> Result<Claim> {
        let id = id.to_owned();
        self.write(move |conn| accounts::claim(conn, &id, now, until)).await
    }

    async fn settle(&self, id: &str, outcome: &str) -> Result<()> {
        let (id, outcome) = (id.to_owned(), outcome.to_owned());
        self.write(move |conn| accounts::settle(conn, &id, &outcome)).await
    }

    async fn settled(&self, id: &str) -> Result<Claim> {
        let id = id.to_owned();
        self.run(move |conn| accounts::settled(conn, &id)).await
    }

    async fn lease(&self, record: &Record, now: i64, until: i64) -> Result<bool> {
        let record = record.clone();
        self.write(move |conn| accounts::lease(conn, &record, now, until)).await
    }

    async fn release(&self, record: &Record) -> Result<()> {
        let record = record.clone();
        self.write(move |conn| accounts::release(conn, &record)).await
    }

    async fn renew(&self, record: &Record, renewed: &Record) -> Result<bool> {
        let (record, renewed) = (record.clone(), renewed.clone());
        self.write(move |conn| accounts::renew(conn, &record, &renewed)).await
    }

    async fn link(&self, arrival: &Arrival, keys: &KeyRing) -> Result<Linked> {
        let (policy, arrival, keys) = (self.policy.clone(), arrival.clone(), keys.clone());
        self.write(move |conn| accounts::link(conn, &*policy, &arrival, &keys)).await
    }

    async fn unlink(
        &self,
        user: Option<&str>,
        entry: &str,
        account: Option<i64>,
        entries: &[&str],
    ) -> Result<Vec<Record>> {
        let (policy, user) = (self.policy.clone(), user.map(str::to_owned));
        let (entry, entries) = (entry.to_owned(), owned(entries));
        self.write(move |conn| accounts::unlink(conn, &*policy, user.as_deref(), &entry, account, &entries))
            .await
    }

    async fn open(&self, figment: &Figment) -> Result<()> {
        let manager = Manager::new(&self.find_url(figment)?, self.on_connect.clone())?;
        let (migrate, size) = (self.migrate, self.pool_size);
        let open = move || -> Result<Pool<Manager>> {
            let mut conn = retried(|| manager.connect())?;
            if migrate {
                migrations::run(&mut conn, &manager)?;
            }
            retried(|| migrations::check(&mut conn, &manager))?;
            Ok(manager.pool(size))
        };
        let pool = spawn_blocking(open).await.map_err(Error::app)??;
        self.pool.get_or_init(|| pool);
        Ok(())
    }

    fn user_type(&self) -> Option<UserType> {
        self.user_type
    }

    fn key_file(&self, figment: &Figment) -> Option<PathBuf> {
        let mut file = sqlite_file(&self.find_url(figment).ok()?).ok()?.into_os_string();
        file.push(".key");
        Some(file.into())
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

impl fmt::Debug for DieselStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the URL: it may hold a password.
        let mut shown = f.debug_struct("DieselStorage");
        if let Source::Database(name) = &self.source {
            shown.field("database", name);
        }
        shown.field("migrate", &self.migrate).field("pool_size", &self.pool_size).finish_non_exhaustive()
    }
}
