//! One process of the app: Rocket, a `DieselStorage`, two entries of the same provider.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use diesel::dsl::exists;
use diesel::prelude::*;
use rocket::fairing::AdHoc;
use rocket::figment::Figment;
use rocket::figment::providers::Serialized;
use rocket::serde::json::{Json, Value};
use rocket::{Config, State, get, post, routes};
use rocket_dance::provider::Provider;
use rocket_dance::storage::DieselStorage;
use rocket_dance::testing::FakeProvider;
use rocket_dance::{CurrentUser, Dance, LinkPolicy, Login, OAuth, RequiredScopes, Standing, Verdict};
use serde_json::json;
use test_support::Watchdog;

use crate::database::{self, Database, Kind};
use crate::{Result, next_version};

/// How long a process may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a process may take to end. Rocket gives requests two seconds, and their connections three more.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// The environment variable with the settings of a process.
const SETTINGS: &str = "RACES_WORKER";
/// A key for tests only.
pub(crate) const SECRET_KEY: &str = "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk=";
/// The `base_url` of all processes. The race program calls each of them by its port.
pub(crate) const BASE_URL: &str = "http://127.0.0.1:1";

diesel::table! {
    users (id) {
        id -> Integer,
        name -> Text,
        email -> Nullable<Text>,
        password -> Nullable<Text>,
    }
}

diesel::table! {
    notes (id) {
        id -> Integer,
        user_id -> Integer,
    }
}

diesel::table! {
    merges (from_user) {
        from_user -> Integer,
        into_user -> Integer,
    }
}

/// Signs up every stranger with a new address. A person whose id begins with `again` signs in as the user with the address first, and
/// one whose id begins with `merge` can make two users one.
struct SignUp;

macro_rules! sign_up {
    ($connection:ident, |$insert:ident, $conn:ident| $id:expr) => {
        impl LinkPolicy<$connection, i32> for SignUp {
            fn link(
                &self,
                login: &Login<i32>,
                $conn: &mut $connection,
            ) -> rocket_dance::Result<Verdict<i32>> {
                let is_called = |start| login.profile.id.as_ref().is_some_and(|id| id.starts_with(start));
                match login.standing {
                    Standing::Taken { .. } if is_called("merge") => return Ok(Verdict::MergeUsers),
                    Standing::Stranger => {}
                    _ => return Ok(login.default_verdict()),
                }
                let (name, email) = (login.profile.display_name(), login.profile.email());
                let same = users::table.filter(users::email.eq(email));
                if is_called("again")
                    && let Some(user) = same.select(users::id).first($conn).optional()?
                {
                    return Ok(Verdict::SignInFirst(user));
                }
                if diesel::select(exists(same)).get_result($conn)? {
                    return Ok(Verdict::Refuse("There is a user with this address: sign in first.".into()));
                }
                let $insert =
                    diesel::insert_into(users::table).values((users::name.eq(name), users::email.eq(email)));
                Ok(Verdict::SignUp($id))
            }

            fn has_other_login(&self, _: &i32, _: &mut $connection) -> rocket_dance::Result<bool> {
                Ok(true)
            }

            fn merge_users(
                &self,
                from: &i32,
                into: &i32,
                conn: &mut $connection,
            ) -> rocket_dance::Result<()> {
                let notes = notes::table.filter(notes::user_id.eq(from));
                diesel::update(notes).set(notes::user_id.eq(into)).execute(conn)?;
                let merge = (merges::from_user.eq(from), merges::into_user.eq(into));
                diesel::insert_into(merges::table).values(merge).execute(conn)?;
                diesel::delete(users::table.find(from)).execute(conn)?;
                Ok(())
            }
        }
    };
}

#[cfg(feature = "sqlite")]
sign_up!(SqliteConnection, |insert, conn| insert.returning(users::id).get_result(conn)?);
#[cfg(feature = "postgres")]
sign_up!(PgConnection, |insert, conn| insert.returning(users::id).get_result(conn)?);
#[cfg(feature = "mysql")]
sign_up!(MysqlConnection, |insert, conn| {
    insert.execute(conn)?;
    let id: u64 = diesel::select(last_insert_id()).get_result(conn)?;
    i32::try_from(id).map_err(rocket_dance::Error::app)?
});
#[cfg(feature = "mysql")]
diesel::define_sql_function! {
    fn last_insert_id() -> diesel::sql_types::Unsigned<diesel::sql_types::BigInt>
}

/// Moves the library's clock.
#[post("/advance/<seconds>")]
fn advance(seconds: i64, dance: &State<Dance>) {
    dance.advance_clock(seconds);
}

struct Op;

impl Provider for Op {
    const NAME: &'static str = "op";
}

/// The provider's userinfo, read with the stored token.
#[get("/whoami/op")]
async fn whoami(op: OAuth<Op>) -> rocket_dance::Result<Json<Value>> {
    op.userinfo().await.map(Json)
}

/// What a page needs beyond the entry's scope.
struct Repos;

impl RequiredScopes for Repos {
    const SCOPES: &'static [&'static str] = &["repo"];
}

struct Gists;

impl RequiredScopes for Gists {
    const SCOPES: &'static [&'static str] = &["gist"];
}

#[get("/repos")]
fn repos(_op: OAuth<Op, Repos>) -> &'static str {
    "repos"
}

#[get("/gists")]
fn gists(_op: OAuth<Op, Gists>) -> &'static str {
    "gists"
}

struct Op2;

impl Provider for Op2 {
    const NAME: &'static str = "op2";
}

/// The same at the other entry.
#[get("/whoami/op2")]
async fn whoami_op2(op2: OAuth<Op2>) -> rocket_dance::Result<Json<Value>> {
    op2.userinfo().await.map(Json)
}

/// Whether there is an account, as this process sees it. It sends no request to the provider, which would refuse a
/// revoked token.
#[get("/connected")]
fn connected(_op: OAuth<Op>) -> &'static str {
    "yes"
}

#[get("/me")]
fn me(user: Option<CurrentUser<i32>>) -> Json<Value> {
    Json(json!({ "user": user.map(|user| json!({ "id": *user })) }))
}

#[get("/plain")]
fn plain() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Runs the process.
pub(crate) fn main() -> ExitCode {
    // It ends with the race program.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("races worker: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<()> {
    let settings: Value = serde_json::from_str(&std::env::var(SETTINGS)?)?;
    let url = settings["url"].as_str().ok_or("no url")?.to_owned();
    let figment = Figment::from(Config::release_default()).merge(Serialized::globals(&settings["figment"]));
    if let Some(number) = settings["next"].as_u64() {
        next_version::migrate(&url, number)?;
    }
    let storage = DieselStorage::url(&*url).migrate().cascade_from("users", "id");
    let storage = match Kind::of(&url) {
        #[cfg(feature = "sqlite")]
        Kind::Sqlite => storage.link::<SqliteConnection, i32>(SignUp),
        #[cfg(feature = "postgres")]
        Kind::Postgres => storage.link::<PgConnection, i32>(SignUp),
        #[cfg(feature = "mysql")]
        Kind::Mysql => storage.link::<MysqlConnection, i32>(SignUp),
        #[allow(unreachable_patterns)] // With all features.
        other => return Err(format!("built without {other}").into()),
    };
    let rocket = rocket::custom(figment)
        .attach(Dance::fairing().storage(storage))
        .attach(AdHoc::on_liftoff("port", |rocket| {
            Box::pin(async move { println!("ready {}", rocket.config().port) })
        }))
        .mount("/", routes![whoami, whoami_op2, repos, gists, connected, me, plain, advance])
        .register("/", rocket_dance::catchers());
    rocket::execute(async { rocket.launch().await.map(drop) }).map_err(|error| error.to_string().into())
}

/// The version of the app that a process runs.
#[derive(Clone, Copy)]
pub(crate) enum WorkerVersion {
    This,
    /// With one more migration, of this number: see [`next_version`].
    Next(usize),
}

/// The settings of a process on the database at `url`.
pub(crate) fn settings(url: &str, fake: &FakeProvider, cache: &Value, version: WorkerVersion) -> String {
    let mut entries = serde_json::Map::new();
    for (key, entry) in [fake.config("op"), fake.config("op2")] {
        entries.insert(key.trim_start_matches("oauth.").to_owned(), entry);
    }
    let next = match version {
        WorkerVersion::This => None,
        WorkerVersion::Next(number) => Some(number),
    };
    let log_level = std::env::var("RACES_LOG").unwrap_or_else(|_| "off".to_owned());
    let settings = json!({ "url": url, "next": next, "figment": {
        "address": "127.0.0.1", "port": 0, "workers": 2, "log_level": log_level, "cli_colors": false,
        "secret_key": SECRET_KEY, "oauth": entries,
        "dance": { "base_url": BASE_URL, "cache": cache, "database": database::settings(url) },
        "shutdown": { "ctrlc": true },
        // It has no pages of its own, wherever it is started.
        "template_dir": "no_templates",
    }});
    settings.to_string()
}

/// A running process of the app. Dropping it kills it.
pub(crate) struct Worker {
    child: Child,
    /// Its URL.
    pub(crate) url: String,
}

impl Worker {
    /// Starts a process on the database at `url`.
    fn start(url: &str, fake: &FakeProvider, cache: &Value) -> Result<Self> {
        Self::launch(&settings(url, fake, cache, WorkerVersion::This))
    }

    /// Starts a process with these [`settings`].
    pub(crate) fn launch(settings: &str) -> Result<Self> {
        let _watchdog = Watchdog::for_step("the start of a worker", START_TIMEOUT);
        let mut child = Command::new(std::env::current_exe()?)
            .arg("worker")
            .env(SETTINGS, settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let mut log = Vec::new();
        let port = loop {
            match lines.next().transpose()? {
                Some(line) => match line.strip_prefix("ready ") {
                    Some(port) => break port.to_owned(),
                    None => log.push(line),
                },
                None => {
                    let ended = child.wait()?;
                    let log = log.join("\n");
                    return Err(format!(
                        "the worker ended before it listened ({ended}): RACES_LOG=critical shows its log\n{log}"
                    )
                    .into());
                }
            }
        };
        // The log. Nothing may be printed to a pipe without a reader.
        std::thread::spawn(move || {
            lines.map_while(std::result::Result::ok).for_each(|line| eprintln!("{line}"))
        });
        Ok(Self { child, url: format!("http://127.0.0.1:{port}") })
    }

    /// Asks the process to end, as a deployment does, and waits until it has. Returns how long that has taken.
    pub(crate) fn stop(mut self) -> Result<Duration> {
        let begun = Instant::now();
        let _watchdog = Watchdog::for_step("the end of a worker", STOP_TIMEOUT);
        // `wait` would close it, and the process would end at once.
        let _stdin = self.child.stdin.take();
        let asked = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status()?;
        let ended = self.child.wait()?;
        match asked.success() && ended.success() {
            true => Ok(begun.elapsed()),
            false => Err(format!("a worker did not end as it should: {ended}").into()),
        }
    }

    /// Starts two processes at the same time, as in a deployment, so that both run the migrations; on a cluster, one on each
    /// node, one after the other.
    pub(crate) fn several(database: &Database, fake: &FakeProvider, cache: &Value) -> Result<Vec<Self>> {
        if let [_, _, ..] = &*database.urls {
            // A node's lock for migrations means nothing to the others.
            return database.urls.iter().map(|url| Self::start(url, fake, cache)).collect();
        }
        let urls = database.urls.iter().cycle().take(2);
        std::thread::scope(|scope| {
            let starts: Vec<_> = urls.map(|url| scope.spawn(|| Self::start(url, fake, cache))).collect();
            starts.into_iter().map(|start| start.join().map_err(|_| "a thread panicked")?).collect()
        })
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // The server notices the closed connections a moment later.
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl Worker {
    /// Starts `program`, the example app, instead of a worker.
    pub(crate) fn example(
        program: &std::path::Path,
        database: &Database,
        fake: &FakeProvider,
    ) -> Result<Self> {
        // Rocket reads all entries from one environment variable.
        let (_, entry) = fake.config("op");
        let entry: Vec<_> =
            entry.as_object().into_iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = std::fs::File::create(database.folder().join("app.log"))?;
        let child = Command::new(program)
            .env("ROCKET_PROFILE", "release")
            .env("ROCKET_ADDRESS", "127.0.0.1")
            .env("ROCKET_PORT", port.to_string())
            .env("ROCKET_LOG_LEVEL", "critical")
            .env("ROCKET_SECRET_KEY", SECRET_KEY)
            .env("ROCKET_DATABASES", format!("{{app={{url={:?}}}}}", database.urls[0]))
            .env("ROCKET_DANCE", format!("{{base_url={BASE_URL:?}}}"))
            .env("ROCKET_OAUTH", format!("{{op={{{}}}}}", entry.join(",")))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut worker = Self { child, url: format!("http://127.0.0.1:{port}") };
        for _ in 0..1000 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(worker);
            }
            if !worker.is_alive() {
                let log = std::fs::read_to_string(database.folder().join("app.log"))?;
                return Err(format!("{} ended before it listened:\n{log}", program.display()).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(format!("{} did not listen within 20 s", program.display()).into())
    }
}
