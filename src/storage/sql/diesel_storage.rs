//! `DieselStorage`: its settings, and its launch.

use std::any::TypeId;
use std::fmt;
use std::sync::{Arc, OnceLock};

use diesel::QueryResult;
use rocket::figment::Figment;
use rocket::tokio::task::spawn_blocking;

use super::any_connection::AnyConnection;
use super::cascade::Cascade;
use super::connector::{Connector, OnConnect};
use super::database_check::{self, DatabaseCheck};
use super::diesel_pool::DieselPool;
use super::failure;
use super::first_connection::first_connection;
use super::migrate;
use super::migrations::Migrations;
use super::policy::{DefaultPolicy, ErasedPolicy, TypedPolicy};
use super::policy_connection::PolicyConnection;
use super::pool::Pool;
use super::retry::retried;
use super::url::DatabaseUrl;
use super::user_table::UserTable;
use crate::config::DatabaseSettings;
use crate::error::{Error, ErrorKind, Result};
use crate::finding::Finding;
use crate::link::LinkPolicy;
use crate::storage::UserType;
use crate::user::UserId;

/// Maximum number of connections, unless the app sets another.
const DEFAULT_POOL_SIZE: u32 = 8;

/// Stores accounts in the app's database through Diesel, and asks the app's [`LinkPolicy`] inside the transaction that stores
/// them.
///
/// It opens connections of its own: at most [`pool_size`](Self::pool_size), and with PostgreSQL one that listens for changes.
/// The setting `database` of `[default.dance]` sets the size of the pool, and what PgBouncer needs. The tables are those of
/// [`schema`](super::schema).
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
///
/// # Outages and timeouts
/// - A call fails with [`ErrorKind::StoreUnavailable`] (503) if it gets no connection within three seconds, or no answer within
///   ten.
/// - Every failure of a connection, or of a statement of this crate, is such an outage, whatever the language of the server: a
///   lost connection, a database that has become read-only, a full disk. The connection is replaced, and the work is repeated
///   once on a new connection, unless the failure was during a commit. Work that loses a race for a lock or a row is attempted
///   up to 16 times.
/// - An error of the [`LinkPolicy`] is the app's ([`ErrorKind::AppError`], 500), unless the connection was lost, the database is
///   read-only or its disk is full. The policy is repeated as this crate's own statements are.
/// - If the database accepts fewer connections than `pool_size`, the calls share the accepted ones.
/// - A connection that is idle for three minutes is closed.
/// - PostgreSQL: the client library detects a dead network link after eight seconds. `connect_timeout`, `tcp_user_timeout` and
///   `keepalives_…` are added to the URL unless it sets them.
/// - MySQL and MariaDB: Diesel offers no such timeout. A thread whose link is dead waits until the operating system closes the
///   connection; another thread takes its place.
/// - A process that freezes during a transaction, or whose machine fails, keeps its locks for ten seconds on PostgreSQL, five on
///   MariaDB and four minutes on MySQL. The connection is lost, too, if a policy runs no statement for that long, for example because
///   it calls another server.
#[must_use]
pub struct DieselStorage {
    source: Source,
    migrate: bool,
    pub(super) policy: Arc<dyn ErasedPolicy>,
    pub(super) user_type: Option<UserType>,
    /// Whether the app's user ids are formatted as UUIDs are.
    uuids: bool,
    cascade: Option<(String, String)>,
    on_connect: Option<OnConnect>,
    pool_size: u32,
    pool: Arc<OnceLock<Pool>>,
    /// The app's table of users, once it is open: what `cascade` names.
    users: OnceLock<Arc<UserTable>>,
    pub(super) connector: OnceLock<Connector>,
    /// The thread that listens for changes ends when this is dropped.
    #[cfg(feature = "postgres")]
    pub(super) alive: Arc<()>,
}

enum Source {
    /// The name in `databases.<name>.url`.
    Database(String),
    Url(String),
}

impl DieselStorage {
    /// Stores accounts in the database at `databases.<name>.url` of Rocket.toml.
    pub fn database(name: impl Into<String>) -> Self {
        Self::new(Source::Database(name.into()))
    }

    /// Stores accounts in the database at `url`: `postgres://…`, `mysql://…`, or the path of a SQLite file. For PostgreSQL it is
    /// whatever libpq accepts: several hosts, a socket in the query, `postgresql://…`, `host=… dbname=…`. `mariadb://…` is
    /// `mysql://…`. The page "In production" of the documentation describes TLS and special characters in passwords.
    pub fn url(url: impl Into<String>) -> Self {
        Self::new(Source::Url(url.into()))
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            migrate: false,
            policy: Arc::new(DefaultPolicy),
            user_type: None,
            uuids: false,
            cascade: None,
            on_connect: None,
            pool_size: DEFAULT_POOL_SIZE,
            pool: Arc::default(),
            users: OnceLock::new(),
            connector: OnceLock::new(),
            #[cfg(feature = "postgres")]
            alive: Arc::new(()),
        }
    }

    /// Creates the tables at launch, and changes them when a new version of this crate needs it. The table
    /// `rocket_dance_migrations` records the migrations that have run. Processes that start at the same time wait for each
    /// other. If all migrations have run, the database role needs no right to create tables.
    pub fn migrate(mut self) -> Self {
        self.migrate = true;
        self
    }

    /// The name and the SQL of each migration, in order, for apps that run them with their own migrations instead of
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

    /// Asks `policy` to which user an account belongs. The policy declares the type of the app's user ids. Without a policy, an
    /// account belongs to the user who is signed in: [`LinkCurrentUser`](crate::LinkCurrentUser).
    pub fn link<C: PolicyConnection, U: UserId>(mut self, policy: impl LinkPolicy<C, U>) -> Self {
        self.policy = Arc::new(TypedPolicy::new(policy));
        self.user_type = Some(UserType::of::<U>());
        let uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8";
        self.uuids = TypeId::of::<U>() != TypeId::of::<String>()
            && uuid.parse::<U>().is_ok_and(|id| id.to_string() == uuid);
        self
    }

    /// Deletes a user's accounts and sessions whenever the user's row is deleted, by triggers that the launch installs on the
    /// app's `table` of users. Without it accounts and sessions outlive their user, and a new user with the same id inherits
    /// them.
    ///
    /// Both names are taken as they are, capitals included, and are quoted. A table in another schema is `app.users`. If a later
    /// launch names another table or column, its triggers replace the old ones.
    ///
    /// `id` is the column of the user's id: an integer, a text or a UUID. A column of bytes is allowed if the app's ids are
    /// UUIDs. A text is compared as it is, so the column must contain what the app's id type formats.
    ///
    /// From then on a user is also looked up and locked when an account is stored for the user, and when a session of the user
    /// begins, also by [`CurrentUser::sign_in`](crate::CurrentUser::sign_in): a sign-in under way while its user is deleted is
    /// refused, and leaves nothing behind. Delete users at the isolation level READ COMMITTED, PostgreSQL's default. At a
    /// stricter level PostgreSQL's triggers do not see an account that was stored since the transaction began.
    ///
    /// The table must exist when rocket_dance is ignited: attach the fairing that creates it first. The database role needs the
    /// privilege UPDATE on it, which PostgreSQL requires for locks. A role that may not install triggers can launch on PostgreSQL
    /// if they are installed: the message of a failed launch contains their SQL. MySQL shows a trigger only to roles with the
    /// privilege TRIGGER on the table. Triggers do not run in these cases, in which the app has to delete accounts and sessions
    /// itself:
    ///
    /// | database | no trigger runs |
    /// |---|---|
    /// | MySQL, MariaDB | for rows that a foreign key's cascade deletes, and for `TRUNCATE` |
    /// | SQLite | for rows that `REPLACE` deletes |
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

    /// Runs `work` on each new connection, for example a `PRAGMA`. Behind PgBouncer in transaction mode it cannot be used.
    pub fn on_connect<C: PolicyConnection>(
        mut self,
        work: impl Fn(&mut C) -> QueryResult<()> + Send + Sync + 'static,
    ) -> Self {
        self.on_connect = Some(Arc::new(move |conn| match C::narrow(conn) {
            Some(conn) => work(conn),
            None => Err(diesel::result::Error::QueryBuilderError(
                "`on_connect` is written for another database than that of the URL".into(),
            )),
        }));
        self
    }

    /// Sets the maximum number of connections, unless `pool_size` in `[default.dance.database]` does. The default is 8, the
    /// minimum 1.
    pub fn pool_size(mut self, connections: u32) -> Self {
        self.pool_size = connections.max(1);
        self
    }

    /// Returns the connections of this storage, for the app's own queries: see [`DieselPool`]. It can be used after the launch.
    pub fn pool<C: PolicyConnection>(&self) -> DieselPool<C> {
        DieselPool::new(self.pool.clone())
    }

    /// # Errors
    /// [`ErrorKind::Misconfigured`] if there is no URL, or if this build cannot use it.
    pub(super) fn find_url(&self, figment: &Figment) -> Result<DatabaseUrl> {
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

    /// Runs `work` on a connection, where it may block. It runs again if another transaction was faster, or if the connection
    /// was dead.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut AnyConnection) -> failure::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.open_pool()?.read(work).await
    }

    fn open_pool(&self) -> Result<&Pool> {
        self.pool.get().ok_or_else(|| {
            Error::new(ErrorKind::StoreUnavailable, "The accounts can't be reached before the launch.")
                .with_source("DieselStorage was used before it was opened")
        })
    }

    /// Runs `work` in a transaction that writes: see [`run`](Self::run).
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut AnyConnection) -> failure::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.open_pool()?.run(move |conn| conn.write(&work)).await
    }

    /// The app's table of users, if `cascade_from` names it.
    pub(super) fn users(&self) -> Option<Arc<UserTable>> {
        self.users.get().cloned()
    }

    /// Returns what opens connections, and the size of the pool.
    fn connector(&self, figment: &Figment) -> Result<(Connector, u32)> {
        let settings = DatabaseSettings::of(figment)
            .map_err(|faults| Error::new(ErrorKind::Misconfigured, faults.join("\n")))?;
        let connector = Connector::new(self.find_url(figment)?, self.on_connect.clone());
        Ok((connector.with_settings(&settings)?, settings.pool_size.unwrap_or(self.pool_size)))
    }

    /// Checks what [`connect`](Self::connect) needs, and changes nothing.
    pub(super) async fn examine_database(&self, figment: &Figment) -> Vec<Finding> {
        let connector = match self.connector(figment) {
            Ok((connector, _)) => connector,
            Err(error) => return vec![Finding::fault(database_check::SUBJECT, &error.for_operator())],
        };
        let check = DatabaseCheck {
            connector: connector.clone(),
            policy: self.policy.clone(),
            migrate: self.migrate,
            cascade: self.cascade(),
        };
        match spawn_blocking(move || check.run()).await {
            Ok((findings, conn)) => {
                if let Some(conn) = conn {
                    self.pool.get_or_init(|| Pool::new(connector, 1, conn));
                }
                findings
            }
            Err(error) => vec![Finding::fault(database_check::SUBJECT, &Error::app(error).for_operator())],
        }
    }

    fn cascade(&self) -> Option<Cascade> {
        let (table, id) = self.cascade.clone()?;
        Some(Cascade { table, id, uuids: self.uuids })
    }

    /// Connects, checks the policy and the tables, and installs the triggers.
    pub(super) async fn connect(&self, figment: &Figment) -> Result<()> {
        let (connector, size) = self.connector(figment)?;
        self.connector.get_or_init(|| connector.clone());
        let (migrate, policy) = (self.migrate, self.policy.clone());
        let cascade = self.cascade();
        let listens = if connector.reports_changes() { ", and one that listens for changes" } else { "" };
        log::info!("oauth: the database `{connector}`: at most {size} connections{listens}");
        let launched = connector.clone();
        let open = move || -> Result<(Pool, Option<UserTable>)> {
            let mut conn = retried(|| first_connection(&connector, Connector::prepare))?;
            policy.check(&mut conn)?;
            if migrate {
                migrate::run(&mut conn, &connector)?;
            }
            retried(|| migrate::check(&mut conn, &connector))?;
            let users = match cascade {
                Some(cascade) => Some(cascade.install(&mut conn)?),
                None => None,
            };
            Ok((Pool::new(connector, size, conn), users))
        };
        let opened = spawn_blocking(open).await.map_err(Error::app)?;
        let (pool, users) = opened.map_err(|error| launched.name_database(error))?;
        if let Some(users) = users {
            self.users.get_or_init(|| Arc::new(users));
        }
        self.pool.get_or_init(|| pool);
        Ok(())
    }
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
