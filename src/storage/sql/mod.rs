//! Accounts in a database, through Diesel.

mod accounts;
mod any;
mod cascade;
#[cfg(feature = "postgres")]
mod listen;
mod manager;
mod migrations;
mod policy;
mod pool;
mod ranks;
mod retry;
pub mod schema;
mod sessions;
#[cfg(test)]
mod tests;
mod url;
mod walk;

use std::any::TypeId;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use diesel::QueryResult;
use rocket::figment::Figment;
use rocket::tokio::task::spawn_blocking;

use self::any::AnyConnection;
pub use self::any::PolicyConnection;
use self::cascade::Cascade;
use self::manager::{Manager, OnConnect};
pub use self::migrations::Migrations;
use self::policy::{Policy, Typed, Usual};
use self::pool::Pool;
use self::retry::retried;
use self::url::DatabaseUrl;
use super::{
    Account, AccountKey, ChangeListener, ClaimState, KeyRing, Linked, Session, SessionSelection,
    SessionStorage, Storage, UserType,
};
use crate::error::{Error, ErrorKind, Result};
use crate::link::{AuthorizedLogin, LinkPolicy};
use crate::user::UserId;

/// Keeps accounts in the app's database, through Diesel, and asks the app's [`LinkPolicy`] inside the transaction that
/// stores them.
///
/// It has a small pool of connections of its own. The tables are [`schema`]'s.
///
/// Nothing waits for a database for long. A call that gets no connection within three seconds, or no answer within ten, is
/// [`ErrorKind::StoreUnavailable`]: 503. Connections that died with a restart of the server are replaced, and what they failed to do is
/// done again, unless they died during a commit. Whoever loses a race, a lock or a deadlock tries five times. A link that
/// swallows everything is noticed by PostgreSQL's client library after eight seconds: the URL gets `connect_timeout`,
/// `tcp_user_timeout` and `keepalives_…`, unless it says otherwise. Diesel offers MySQL's nothing of the kind, so that there a
/// thread hangs until the operating system gives up; others take its place, no more than [`pool_size`](Self::pool_size).
///
/// ```
/// use diesel::SqliteConnection;
/// use diesel::connection::SimpleConnection;
/// use rocket_dance::{Login, Result, Verdict, storage::DieselStorage};
///
/// let storage = DieselStorage::database("app")                 // [default.databases.app] in Rocket.toml
///     .migrate()
///     .link(|login: &Login<i32>, _: &mut SqliteConnection| Ok(login.default_verdict()))
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
    /// Whether the app's user ids write themselves as Uuids do.
    uuids: bool,
    cascade: Option<(String, String)>,
    on_connect: Option<OnConnect>,
    pool_size: u32,
    pool: OnceLock<Pool>,
    manager: OnceLock<Manager>,
    /// Whoever listens for this storage ends with it.
    #[cfg(feature = "postgres")]
    life: Arc<()>,
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

    /// Accounts in the database at `url`: `postgres://…`, `mysql://…`, or the path of a SQLite file.
    pub fn url(url: impl Into<String>) -> Self {
        Self::new(Source::Url(url.into()))
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            migrate: false,
            policy: Arc::new(Usual),
            user_type: None,
            uuids: false,
            cascade: None,
            on_connect: None,
            pool_size: 8,
            pool: OnceLock::new(),
            manager: OnceLock::new(),
            #[cfg(feature = "postgres")]
            life: Arc::new(()),
        }
    }

    /// Creates the tables at launch, and changes them when a new version of this crate needs it. What has been run is
    /// noted in `rocket_dance_migrations`; processes that start at the same time wait for each other.
    pub fn migrate(mut self) -> Self {
        self.migrate = true;
        self
    }

    /// The migrations in their order, name and SQL, for apps that run them with their own instead of
    /// [`migrate`](DieselStorage::migrate). The names are the same for all databases.
    ///
    /// ```
    /// use rocket_dance::storage::DieselStorage;
    ///
    /// for (name, up) in DieselStorage::migrations::<diesel::SqliteConnection>() {
    ///     println!("-- {name}\n{up}");
    /// }
    /// ```
    pub fn migrations<C: PolicyConnection>() -> Migrations {
        C::MIGRATIONS
    }

    /// Asks `policy` whose account it is. It declares the type of the app's user ids. Without a policy an account goes
    /// to the user who is signed in: [`LinkCurrentUser`](crate::LinkCurrentUser).
    pub fn link<C: PolicyConnection, U: UserId>(mut self, policy: impl LinkPolicy<C, U>) -> Self {
        self.policy = Arc::new(Typed { policy, types: PhantomData });
        self.user_type = Some(UserType::of::<U>());
        let uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8";
        self.uuids = TypeId::of::<U>() != TypeId::of::<String>()
            && uuid.parse::<U>().is_ok_and(|id| id.to_string() == uuid);
        self
    }

    /// Deletes a user's accounts and sessions with the user, whoever deletes it: by triggers on the app's `table` of users,
    /// which are installed at launch. Without them, both outlive their user, and a new user who gets the old id inherits
    /// them.
    ///
    /// `id` is the column of the user's id: an integer, a text, a Uuid; bytes only where the app's ids are Uuids. A text
    /// is compared as it is: what the app's id type writes must be what stands in the column.
    ///
    /// MySQL and MariaDB run no trigger for rows that a foreign key's cascade deletes, nor for `TRUNCATE`, and SQLite none
    /// for rows that a `REPLACE` deletes: an app that deletes users in such a way deletes accounts and sessions beside. The users'
    /// table must be there when the dance is ignited: attach the fairing that migrates it before.
    ///
    /// ```
    /// use rocket_dance::storage::DieselStorage;
    ///
    /// let storage = DieselStorage::database("app").migrate().cascade_from("users", "id");
    /// # let _ = storage;
    /// ```
    pub fn cascade_from(mut self, table: impl Into<String>, id: impl Into<String>) -> Self {
        self.cascade = Some((table.into(), id.into()));
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

    fn find_url(&self, figment: &Figment) -> Result<DatabaseUrl> {
        let url = match &self.source {
            Source::Url(url) => url.clone(),
            Source::Database(name) => {
                figment.extract_inner::<String>(&format!("databases.{name}.url")).map_err(|_| {
                    // Figment's own message would print the value, which may hold a password.
                    Error::new(
                        ErrorKind::Misconfigured,
                        format!(
                            "`databases.{name}.url` is not set, or not a text; DieselStorage::database(\"{name}\") \
                             reads it. In Rocket.toml:\n\n    [default.databases.{name}]\n    \
                             url = \"{name}.sqlite\"\n"
                        ),
                    )
                })?
            }
        };
        DatabaseUrl::parse(&url)
    }

    /// Runs `work` on a connection, where it may block; again if somebody else was faster, or if the connection was dead.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut AnyConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let pool = self.pool.get().ok_or_else(|| {
            Error::new(ErrorKind::StoreUnavailable, "The accounts can't be reached before the launch.")
                .with_source("DieselStorage was asked before it was opened")
        })?;
        pool.run(work).await
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
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        let key = key.clone();
        self.run(move |conn| accounts::get(conn, &key)).await
    }

    async fn set(&self, account: &Account) -> Result<()> {
        let account = account.clone();
        self.write(move |conn| accounts::set(conn, &account)).await
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        let key = key.clone();
        self.write(move |conn| accounts::delete(conn, &key)).await
    }

    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Account>> {
        let (user, entries) = (user.map(str::to_owned), owned(entries));
        self.run(move |conn| accounts::list(conn, user.as_deref(), &entries)).await
    }

    async fn make_primary(&self, user: &str, entry: &str, account_id: i64) -> Result<bool> {
        let (user, entry) = (user.to_owned(), entry.to_owned());
        self.write(move |conn| ranks::make_primary(conn, &user, &entry, account_id)).await
    }

    async fn page(&self, entry: Option<&str>, after: i64, limit: usize) -> Result<Vec<Account>> {
        let entry = entry.map(str::to_owned);
        self.run(move |conn| walk::page(conn, entry.as_deref(), after, limit)).await
    }

    async fn reseal(&self, account: &Account, sealed: &str) -> Result<bool> {
        let (account, sealed) = (account.clone(), sealed.to_owned());
        self.write(move |conn| walk::reseal(conn, &account, &sealed)).await
    }

    async fn sealed_by(&self) -> Result<BTreeMap<String, u64>> {
        let (mut counts, mut after) = (BTreeMap::new(), i64::MIN);
        // In steps, each with a connection of its own: a long scan must not hold one.
        while let Some(step) = self.run(move |conn| walk::sealed_by(conn, after)).await? {
            after = step.last;
            for (key, count) in step.counts {
                *counts.entry(key).or_default() += count;
            }
        }
        Ok(counts)
    }

    async fn claim(&self, id: &str, now: i64, until: i64) -> Result<ClaimState> {
        let id = id.to_owned();
        self.write(move |conn| accounts::claim(conn, &id, now, until)).await
    }

    async fn settle(&self, id: &str, outcome: &str) -> Result<()> {
        let (id, outcome) = (id.to_owned(), outcome.to_owned());
        self.write(move |conn| accounts::settle(conn, &id, &outcome)).await
    }

    async fn settled(&self, id: &str) -> Result<ClaimState> {
        let id = id.to_owned();
        self.run(move |conn| accounts::settled(conn, &id)).await
    }

    async fn lease(&self, account: &Account, now: i64, until: i64) -> Result<bool> {
        let account = account.clone();
        self.write(move |conn| accounts::lease(conn, &account, now, until)).await
    }

    async fn release(&self, account: &Account) -> Result<()> {
        let account = account.clone();
        self.write(move |conn| accounts::release(conn, &account)).await
    }

    async fn renew(&self, account: &Account, renewed: &Account) -> Result<bool> {
        let (account, renewed) = (account.clone(), renewed.clone());
        self.write(move |conn| accounts::renew(conn, &account, &renewed)).await
    }

    async fn link(&self, login: &AuthorizedLogin, keys: &KeyRing) -> Result<Linked> {
        let (policy, login, keys) = (self.policy.clone(), login.clone(), keys.clone());
        self.write(move |conn| accounts::link(conn, &*policy, &login, &keys)).await
    }

    async fn unlink(
        &self,
        user: Option<&str>,
        entry: &str,
        account_id: Option<i64>,
        entries: &[&str],
    ) -> Result<Vec<Account>> {
        let (policy, user) = (self.policy.clone(), user.map(str::to_owned));
        let (entry, entries) = (entry.to_owned(), owned(entries));
        self.write(move |conn| {
            accounts::unlink(conn, &*policy, user.as_deref(), &entry, account_id, &entries)
        })
        .await
    }

    fn sessions(&self) -> Option<&dyn SessionStorage> {
        Some(self)
    }

    async fn open(&self, figment: &Figment) -> Result<()> {
        let manager = Manager::new(self.find_url(figment)?, self.on_connect.clone());
        self.manager.get_or_init(|| manager.clone());
        let (migrate, size, policy) = (self.migrate, self.pool_size, self.policy.clone());
        let (cascade, uuids) = (self.cascade.clone(), self.uuids);
        let open = move || -> Result<Pool> {
            let mut conn = retried(|| manager.connect())?;
            policy.check(&mut conn)?;
            if migrate {
                migrations::run(&mut conn, &manager)?;
            }
            retried(|| migrations::check(&mut conn, &manager))?;
            if let Some((table, id)) = cascade {
                Cascade { table, id, uuids }.install(&mut conn)?;
            }
            Ok(Pool::new(manager, size, conn))
        };
        let pool = spawn_blocking(open).await.map_err(Error::app)??;
        self.pool.get_or_init(|| pool);
        Ok(())
    }

    /// On PostgreSQL, what any process writes, told with its commit; elsewhere nothing.
    fn watch(&self, changed: ChangeListener) {
        #[cfg(feature = "postgres")]
        if let Some(manager) = self.manager.get()
            && manager.is_postgres()
        {
            listen::start(manager.clone(), changed, Arc::downgrade(&self.life));
        }
        let _ = changed;
    }

    fn user_type(&self) -> Option<UserType> {
        self.user_type
    }

    fn key_file(&self, figment: &Figment) -> Option<PathBuf> {
        let mut file = self.find_url(figment).ok()?.file?.into_os_string();
        file.push(".key");
        Some(file.into())
    }
}

#[rocket::async_trait]
impl SessionStorage for DieselStorage {
    async fn session(&self, id: &str) -> Result<Option<Session>> {
        let id = id.to_owned();
        self.run(move |conn| sessions::get(conn, &id)).await
    }

    async fn begin_session(&self, session: &Session, before: Option<&str>, now: i64) -> Result<()> {
        let (session, before) = (session.clone(), before.map(str::to_owned));
        self.write(move |conn| sessions::begin(conn, &session, before.as_deref(), now)).await
    }

    async fn rename_session(&self, id: &str, new: &str) -> Result<bool> {
        let (id, new) = (id.to_owned(), new.to_owned());
        self.write(move |conn| sessions::rename(conn, &id, &new)).await
    }

    async fn session_seen(&self, id: &str, at: i64, expires_at: i64) -> Result<()> {
        let id = id.to_owned();
        self.write(move |conn| sessions::seen(conn, &id, at, expires_at)).await
    }

    async fn end_sessions(&self, whose: &SessionSelection) -> Result<Vec<Session>> {
        let whose = whose.clone();
        self.write(move |conn| sessions::end(conn, &whose)).await
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
