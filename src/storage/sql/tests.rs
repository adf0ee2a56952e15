use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use rocket::tokio::task::JoinSet;
use tempfile::TempDir;

use super::*;
use crate::link::{Domain, LinkCurrentUser, Login, Standing, Verdict};
use crate::storage::{Cached, suite};
use crate::token::Token;

diesel::table! {
    users (id) {
        id -> Integer,
        name -> Text,
    }
}

fn sign_up(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
    match &login.standing {
        Standing::Stranger => {
            let user = diesel::insert_into(users::table)
                .values(users::name.eq(login.profile.display_name()))
                .returning(users::id)
                .get_result(conn)?;
            Ok(Verdict::SignUp(user))
        }
        _ => Ok(login.usual()),
    }
}

/// A database in a directory that goes with it.
struct Db(TempDir);

impl Db {
    fn new() -> Self {
        let db = Db(tempfile::tempdir().unwrap());
        db.connect()
            .batch_execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
            .unwrap();
        db
    }

    fn path(&self) -> String {
        self.0.path().join("app.sqlite").to_str().unwrap().to_owned()
    }

    fn storage(&self) -> DieselStorage {
        DieselStorage::url(self.path()).migrate()
    }

    /// A connection as the app's own.
    fn connect(&self) -> SqliteConnection {
        let mut conn = SqliteConnection::establish(&self.path()).unwrap();
        conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
        conn
    }

    /// How many users and accounts there are.
    fn rows(&self) -> (i64, i64) {
        let conn = &mut self.connect();
        let users = users::table.count().get_result(conn).unwrap();
        (users, schema::oauth_accounts::table.count().get_result(conn).unwrap())
    }
}

async fn opened(storage: DieselStorage) -> Arc<dyn Storage> {
    storage.open(&Figment::new()).await.unwrap();
    Arc::new(storage)
}

async fn refused(storage: DieselStorage) -> String {
    storage.open(&Figment::new()).await.unwrap_err().to_string()
}

fn keys() -> KeyRing {
    suite::keys()
}

#[rocket::async_test]
async fn the_suite() {
    let dbs = std::sync::Mutex::new(Vec::new());
    let new = async || {
        let db = Db::new();
        let storage = opened(db.storage()).await;
        dbs.lock().unwrap().push(db);
        storage
    };
    suite::all("sql", new).await;
    suite::all("sql", async || Arc::new(Cached::<()>::new(new().await, 1 << 20, 60)) as Arc<dyn Storage>)
        .await;
}

#[rocket::async_test]
async fn each_standing_and_verdict() {
    let db = Db::new();
    // Does as the note says.
    let policy = |login: &Login<i32>, _: &mut SqliteConnection| {
        let said = login.noted("verdict").unwrap_or_default();
        let user = said.split_once(' ').map_or(0, |(_, user)| user.parse().unwrap());
        Ok(match said.split(' ').next().unwrap() {
            "SignUp" => Verdict::SignUp(user),
            "SignIn" => Verdict::SignIn(user),
            "Keep" => Verdict::Keep,
            "Refuse" => Verdict::Refuse("No.".into()),
            _ => login.usual(),
        })
    };
    let storage = opened(db.storage().link(policy)).await;
    let said = async |id: &str, visitor: Option<&str>, verdict: &str, user_required: bool| {
        let mut arrival = suite::arrival("github", Some(id), visitor);
        arrival.user_required = user_required;
        arrival.note("verdict", verdict);
        storage.link(&arrival, &keys()).await.map(|linked| linked.user).map_err(|error| error.kind())
    };
    let user = |id: &str| Ok(Some(id.to_owned()));
    let no = Err(ErrorKind::Refused);

    // Stranger.
    for verdict in ["usual", "Refuse", "SignIn 7"] {
        assert_eq!(said("a", None, verdict, false).await, no, "{verdict}");
    }
    assert_eq!(said("a", None, "Keep", true).await, Err(ErrorKind::Config));
    assert_eq!(db.rows().1, 0);
    assert_eq!(said("k", None, "Keep", false).await, Ok(None));
    assert_eq!(said("a", None, "SignUp 7", true).await, user("7"));
    assert_eq!(said("b", None, "SignUp 7", true).await, no, "a user with accounts isn't new");
    // Adding; `k` is nobody's still.
    for verdict in ["Refuse", "Keep", "SignUp 8", "SignUp 9", "SignIn 9"] {
        assert_eq!(said("b", Some("8"), verdict, false).await, no, "{verdict}");
        assert_eq!(said("k", Some("8"), verdict, false).await, no, "{verdict}");
    }
    assert_eq!(said("b", Some("8"), "usual", true).await, user("8"));
    assert_eq!(said("k", Some("8"), "SignIn 8", true).await, user("8"));
    // Returning.
    for verdict in ["Refuse", "Keep", "SignUp 7", "SignUp 9", "SignIn 8"] {
        assert_eq!(said("a", None, verdict, false).await, no, "{verdict}");
    }
    assert_eq!(said("a", None, "usual", true).await, user("7"));
    // Renewing.
    for verdict in ["Refuse", "Keep", "SignUp 7", "SignIn 8"] {
        assert_eq!(said("a", Some("7"), verdict, false).await, no, "{verdict}");
    }
    assert_eq!(said("a", Some("7"), "SignIn 7", true).await, user("7"));
    // Taken.
    for verdict in ["usual", "Refuse", "Keep", "SignUp 9", "SignIn 7", "SignIn 8"] {
        assert_eq!(said("a", Some("8"), verdict, false).await, no, "{verdict}");
    }
    let mine = storage.list(Some("8"), &["github"]).await.unwrap();
    assert_eq!((mine.len(), db.rows().1), (2, 3));
}

#[rocket::async_test]
async fn a_policy_that_panics_costs_its_connection_only() {
    static PANICS: AtomicBool = AtomicBool::new(true);
    let db = Db::new();
    let policy = |login: &Login<i32>, conn: &mut SqliteConnection| {
        let verdict = sign_up(login, conn);
        assert!(!PANICS.load(Ordering::SeqCst), "as told");
        verdict
    };
    let storage = opened(db.storage().link(policy).pool_size(1)).await;
    let arrival = suite::arrival("github", Some("1"), None);
    assert_eq!(storage.link(&arrival, &keys()).await.unwrap_err().kind(), ErrorKind::App);
    assert_eq!(db.rows(), (0, 0));
    PANICS.store(false, Ordering::SeqCst);
    let linked = storage.link(&arrival, &keys()).await.unwrap();
    assert_eq!(linked.user.as_deref(), Some("1"));
    assert_eq!(db.rows(), (1, 1), "seen by everybody else");
}

#[rocket::async_test]
async fn simultaneous_first_logins_make_one_user() {
    let db = Db::new();
    // Two pools: as two processes.
    let storages = [opened(db.storage().link(sign_up)).await, opened(db.storage().link(sign_up)).await];
    let mut tasks = JoinSet::new();
    for n in 0..32 {
        let storage = storages[n % 2].clone();
        tasks.spawn(async move { storage.link(&suite::arrival("github", Some("1"), None), &keys()).await });
    }
    let mut ids = Vec::new();
    while let Some(linked) = tasks.join_next().await {
        let linked = linked.unwrap().unwrap();
        assert_eq!(linked.user.as_deref(), Some("1"));
        ids.push(linked.record.id);
    }
    ids.dedup();
    assert_eq!((ids.len(), db.rows()), (1, (1, 1)));
}

#[rocket::async_test]
async fn an_error_after_the_user_was_made_leaves_no_user() {
    let db = Db::new();
    let policy = |login: &Login<i32>, conn: &mut SqliteConnection| {
        sign_up(login, conn)?;
        if login.noted("refuse").is_some() {
            Ok(Verdict::Refuse("No.".into()))
        } else {
            Err(Error::app("broken"))
        }
    };
    let storage = opened(db.storage().link(policy)).await;
    let mut arrival = suite::arrival("github", Some("1"), None);
    assert_eq!(storage.link(&arrival, &keys()).await.unwrap_err().kind(), ErrorKind::App);
    arrival.note("refuse", "yes");
    assert_eq!(storage.link(&arrival, &keys()).await.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(db.rows(), (0, 0));
}

#[rocket::async_test]
async fn a_transaction_in_the_policy_is_a_savepoint() {
    let db = Db::new();
    let policy = |login: &Login<i32>, conn: &mut SqliteConnection| {
        let undone: Result<Verdict<i32>> = conn.transaction(|conn| {
            sign_up(login, conn)?;
            Err(Error::app("undone"))
        });
        assert!(undone.is_err());
        conn.transaction(|conn| sign_up(login, conn))
    };
    let storage = opened(db.storage().link(policy)).await;
    storage.link(&suite::arrival("github", Some("1"), None), &keys()).await.unwrap();
    assert_eq!(db.rows(), (1, 1));
}

#[rocket::async_test]
async fn a_policy_may_not_leave_a_transaction_open_or_end_ours() {
    let db = Db::new();
    let policy = |login: &Login<i32>, conn: &mut SqliteConnection| {
        type Manager = <SqliteConnection as Connection>::TransactionManager;
        use diesel::connection::TransactionManager;
        match login.noted("do") {
            Some("open") => Manager::begin_transaction(conn)?,
            Some("end") => Manager::rollback_transaction(conn)?,
            Some("raw") => conn.batch_execute("ROLLBACK")?,
            _ => {}
        }
        sign_up(login, conn)
    };
    let storage = opened(db.storage().link(policy).pool_size(1)).await;
    for what in ["open", "end", "raw"] {
        let mut arrival = suite::arrival("github", Some(what), None);
        arrival.note("do", what);
        assert!(storage.link(&arrival, &keys()).await.is_err(), "{what}");
        let before = db.rows().1;
        // Past Diesel nobody can tell, until the commit fails.
        assert!(
            what == "raw" || storage.get(&Key::identity("github", what)).await.unwrap().is_none(),
            "{what}"
        );
        arrival.notes.clear();
        arrival.profile.id = Some(format!("after {what}"));
        storage.link(&arrival, &keys()).await.unwrap();
        assert_eq!(db.rows().1, before + 1, "{what}: the next one is seen");
    }
}

#[rocket::async_test]
async fn a_stored_user_id_of_another_type_is_said() {
    let db = Db::new();
    let storage = opened(db.storage().link(sign_up)).await;
    assert_eq!(storage.user_type(), Some(UserType::of::<i32>()));
    storage.set(&suite::record("github", Some("1"), Some("ada"))).await.unwrap();
    let error = storage.link(&suite::arrival("github", Some("1"), None), &keys()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(format!("{error:?}").contains("not a `i32`"), "{error:?}");
}

#[rocket::async_test]
async fn migrated_twice_and_by_eight_at_once() {
    let db = Db::new();
    // An app's migration of the same version is nobody's business.
    let diesels = "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL)";
    db.connect().batch_execute(diesels).unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let storage = db.storage();
        tasks.spawn(async move { storage.open(&Figment::new()).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    let storage = opened(db.storage()).await;
    storage.set(&suite::record("github", Some("1"), Some("7"))).await.unwrap();
    let storage = opened(db.storage()).await;
    assert!(storage.get(&Key::owner("github", 7)).await.unwrap().is_some());
    let count = "SELECT 1 FROM rocket_dance_migrations UNION ALL SELECT 1 FROM __diesel_schema_migrations";
    assert_eq!(sql_query(count).execute(&mut db.connect()).map(drop), Ok(()));
    opened(DieselStorage::url(db.path())).await;
}

#[rocket::async_test]
async fn the_shipped_sql_serves_an_app_that_migrates_by_itself() {
    let db = Db::new();
    let said = refused(DieselStorage::url(db.path())).await;
    assert!(said.contains("oauth_accounts") && said.contains(".migrate()"), "{said}");
    for (_, up) in DieselStorage::migrations() {
        db.connect().batch_execute(up).unwrap();
    }
    opened(DieselStorage::url(db.path())).await;
    db.connect().batch_execute("ALTER TABLE oauth_accounts DROP COLUMN userinfo").unwrap();
    assert!(refused(DieselStorage::url(db.path())).await.contains("userinfo"));
}

#[rocket::async_test]
async fn a_row_moved_to_another_user_does_not_open() {
    let db = Db::new();
    let storage = opened(db.storage()).await;
    storage.set(&suite::record("github", Some("1"), Some("7"))).await.unwrap();
    db.connect().batch_execute("UPDATE oauth_accounts SET user_id = '8'").unwrap();
    let moved = storage.get(&Key::owner("github", 8)).await.unwrap().unwrap();
    assert!(moved.open(&keys()).is_err());
    let back = Record { user_id: Some("7".into()), ..moved };
    assert!(back.open(&keys()).is_ok());
    // Nor does a refresh that was under way come back to it.
    let renewed = back.with(&Token::new("next"), 2000, &keys()).unwrap();
    assert!(!storage.renew(&back, &renewed).await.unwrap());
    assert!(!storage.lease(&back, 1000, 1030).await.unwrap());
}

#[rocket::async_test]
async fn no_token_is_in_the_file() {
    let db = Db::new();
    let storage = opened(db.storage()).await;
    let mut arrival = suite::arrival("github", Some("1"), Some("7"));
    arrival.token = Token::new("gho_0123456789").with_refresh_token("ghr_0123456789");
    storage.link(&arrival, &keys()).await.unwrap();
    for file in std::fs::read_dir(db.0.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("gho_") && !text.contains("ghr_"));
    }
}

#[rocket::async_test]
async fn domain_admits_its_own_people_only() {
    let db = Db::new();
    let storage = opened(db.storage().link(Domain("corp.com", sign_up))).await;
    let login = async |id: &str, address: &str, verified: bool| {
        let mut arrival = suite::arrival("google", Some(id), None);
        arrival.profile = arrival.profile.with_email(Some(address.into()), verified);
        storage.link(&arrival, &keys()).await.map(|linked| linked.user).map_err(|error| error.kind())
    };
    for (address, verified) in
        [("a@corp.com", false), ("a@evilcorp.com", true), ("a@x.corp.com", true), ("a@corp.com@x.com", true)]
    {
        assert_eq!(login("1", address, verified).await, Err(ErrorKind::Refused), "{address}");
    }
    assert_eq!(login("1", "a@Corp.com", true).await, Ok(Some("1".into())));
    assert_eq!(login("1", "a@elsewhere.com", true).await, Err(ErrorKind::Refused), "who left stays out");
    assert_eq!(db.rows(), (1, 1));
}

#[rocket::async_test]
async fn link_current_user_signs_nobody_up() {
    let db = Db::new();
    let named = opened(db.storage().link(LinkCurrentUser::<SqliteConnection, i32>::new())).await;
    assert_eq!(named.user_type(), Some(UserType::of::<i32>()));
    for (storage, id) in [(named, "1"), (opened(db.storage()).await, "2")] {
        let stranger = storage.link(&suite::arrival("github", Some(id), None), &keys()).await.unwrap_err();
        assert_eq!(stranger.kind(), ErrorKind::Refused);
        storage.link(&suite::arrival("github", Some(id), Some("7")), &keys()).await.unwrap();
        let returning = storage.link(&suite::arrival("github", Some(id), None), &keys()).await.unwrap();
        assert_eq!(returning.user.as_deref(), Some("7"));
        // Its users have another way to sign in: the app's.
        assert_eq!(storage.unlink(Some("7"), "github", None, &["github"]).await.unwrap().len(), 1);
    }
}

struct Passwords;

impl LinkPolicy<SqliteConnection, i32> for Passwords {
    fn link(&self, login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
        sign_up(login, conn)
    }

    fn has_other_login(&self, user: &i32, conn: &mut SqliteConnection) -> Result<bool> {
        Ok(users::table.find(user).select(users::name).first::<String>(conn)? == "has a password")
    }

    fn may_sign_in(&self, user: &i32, conn: &mut SqliteConnection) -> Result<bool> {
        let name = users::table.find(user).select(users::name).first::<String>(conn).optional()?;
        Ok(name.is_none_or(|name| name != "deactivated"))
    }
}

#[rocket::async_test]
async fn the_last_way_to_sign_in_stays() {
    let db = Db::new();
    let storage = opened(db.storage().link(Domain("corp.com", Passwords))).await;
    db.connect().batch_execute("INSERT INTO users VALUES (1, 'Ada')").unwrap();
    for (entry, id) in [
        ("github", Some("1")),
        ("github", Some("2")),
        ("google", Some("1")),
        ("jira", Some("1")),
        ("plain", None),
    ] {
        storage.set(&suite::record(entry, id, Some("1"))).await.unwrap();
    }
    // One signs in with these; `plain` says nobody's id, `jira` is for connecting only.
    let logins = ["github", "google", "plain"];
    let unlink = async |entry: &str, account| {
        let removed = storage.unlink(Some("1"), entry, account, &logins).await;
        removed.map(|records| records.len()).map_err(|error| error.kind())
    };
    assert_eq!(unlink("google", None).await, Ok(1));
    assert_eq!(unlink("github", None).await, Err(ErrorKind::LastLogin));
    let two = storage.list(Some("1"), &["github"]).await.unwrap();
    assert_eq!(two.len(), 2, "nothing has changed");
    assert_eq!(unlink("github", Some(two[0].id)).await, Ok(1));
    assert_eq!(unlink("github", Some(two[1].id)).await, Err(ErrorKind::LastLogin));
    assert_eq!(unlink("jira", None).await, Ok(1));
    assert_eq!(unlink("plain", None).await, Ok(1));
    assert_eq!(unlink("nowhere", None).await, Ok(0));
    db.connect().batch_execute("UPDATE users SET name = 'has a password'").unwrap();
    assert_eq!(unlink("github", None).await, Ok(1));
    assert_eq!(db.rows().1, 0);
}

#[rocket::async_test]
async fn who_is_deactivated_gets_no_new_token() {
    let db = Db::new();
    let storage = opened(db.storage().link(Passwords)).await;
    let mut arrival = suite::arrival("github", Some("1"), None);
    let first = storage.link(&arrival, &keys()).await.unwrap();
    db.connect().batch_execute("UPDATE users SET name = 'deactivated'").unwrap();
    arrival.now = 2000;
    assert_eq!(storage.link(&arrival, &keys()).await.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(storage.get(&Key::owner("github", 1)).await.unwrap(), Some(first.record));
}

#[rocket::async_test]
async fn a_column_of_the_apps_own_stays() {
    let db = Db::new();
    let storage = opened(db.storage()).await;
    db.connect()
        .batch_execute("ALTER TABLE oauth_accounts ADD COLUMN note TEXT NOT NULL DEFAULT 'new'")
        .unwrap();
    let arrival = suite::arrival("github", Some("1"), Some("7"));
    let first = storage.link(&arrival, &keys()).await.unwrap().record;
    db.connect().batch_execute("UPDATE oauth_accounts SET note = 'the app was here'").unwrap();
    let second = storage.link(&arrival, &keys()).await.unwrap().record;
    let third = second.with(&Token::new("next"), 2000, &keys()).unwrap();
    assert!(storage.renew(&second, &third).await.unwrap());
    storage.set(&third).await.unwrap();
    let kept = "DELETE FROM oauth_accounts WHERE note = 'the app was here'";
    assert_eq!(sql_query(kept).execute(&mut db.connect()).unwrap(), 1);
    // An id isn't given twice.
    assert!(storage.link(&arrival, &keys()).await.unwrap().record.id > first.id);
}

#[rocket::async_test]
async fn one_process_refreshes_at_a_time() {
    let db = Db::new();
    let storages = [opened(db.storage()).await, opened(db.storage()).await];
    let record =
        storages[0].link(&suite::arrival("github", Some("1"), Some("7")), &keys()).await.unwrap().record;
    let won = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for n in 0..16 {
        let (storage, record, won) = (storages[n % 2].clone(), record.clone(), won.clone());
        tasks.spawn(async move {
            won.fetch_add(usize::from(storage.lease(&record, 1000, 1030).await.unwrap()), Ordering::SeqCst);
        });
    }
    while tasks.join_next().await.is_some() {}
    assert_eq!(won.load(Ordering::SeqCst), 1);
    assert!(!storages[1].lease(&record, 1029, 1059).await.unwrap());
    assert!(storages[1].lease(&record, 1030, 1060).await.unwrap(), "who holds it may have died");
    storages[1].release(&record).await.unwrap();
    assert!(storages[0].lease(&record, 1031, 1061).await.unwrap());
    let renewed = record.with(&Token::new("next"), 1032, &keys()).unwrap();
    assert!(storages[0].renew(&record, &renewed).await.unwrap());
    assert!(!storages[1].lease(&record, 2000, 2030).await.unwrap(), "no longer what is stored");
    assert!(storages[1].lease(&renewed, 1033, 1063).await.unwrap(), "the renewal ended the lease");
}

#[rocket::async_test]
async fn a_callback_is_used_once_over_all_processes() {
    let db = Db::new();
    let [one, other] = [opened(db.storage()).await, opened(db.storage()).await];
    let mut tasks = JoinSet::new();
    for n in 0..16 {
        let storage = if n % 2 == 0 { one.clone() } else { other.clone() };
        tasks.spawn(async move { storage.claim("c", 1000, 1600).await.unwrap() });
    }
    let mut first = 0;
    while let Some(claim) = tasks.join_next().await {
        first += usize::from(claim.unwrap() == Claim::First);
    }
    assert_eq!(first, 1);
    one.settle("c", "/home").await.unwrap();
    assert_eq!(other.claim("c", 1599, 9000).await.unwrap(), Claim::Settled("/home".into()));
    for n in 0..100 {
        one.claim(&n.to_string(), 1000, 1600).await.unwrap();
    }
    assert_eq!(other.claim("c", 1600, 9000).await.unwrap(), Claim::First, "forgotten");
    one.claim("later", 1600, 9000).await.unwrap();
    let left: i64 = schema::oauth_claims::table.count().get_result(&mut db.connect()).unwrap();
    assert_eq!(left, 2, "what has expired goes in passing");
}

#[rocket::async_test]
async fn rows_that_no_identity_could_have_are_refused_by_the_database() {
    let db = Db::new();
    let storage = opened(db.storage()).await;
    storage.set(&suite::record("github", Some("a"), Some("7"))).await.unwrap();
    storage.set(&suite::record("github", Some("A"), Some("8"))).await.unwrap();
    storage.set(&suite::record("plain", None, Some("7"))).await.unwrap();
    assert_eq!(db.rows().1, 3, "byte for byte");
    let copy = |id: &str, user: &str, entry: &str| {
        let columns =
            "token, token_type, scope, email_verified, userinfo, created_at, updated_at, version, issuer";
        db.connect().batch_execute(&format!(
            "INSERT INTO oauth_accounts (provider, provider_user_id, user_id, {columns}) \
             SELECT {entry}, {id}, {user}, {columns} FROM oauth_accounts LIMIT 1"
        ))
    };
    copy("''", "'9'", "'github'").unwrap_err();
    copy("'a'", "'9'", "'github'").unwrap_err();
    copy("NULL", "'7'", "'plain'").unwrap_err();
    copy("NULL", "'9'", "'plain'").unwrap();
}

#[rocket::async_test]
async fn a_wrong_database_is_said() {
    let db = Db::new();
    for url in ["", ":memory:", "file::memory:?cache=shared", "file:x?mode=memory"] {
        assert!(refused(DieselStorage::url(url)).await.contains("in memory"), "{url}");
    }
    let said = refused(DieselStorage::url("postgres://ada:hunter2@db/app")).await;
    assert!(said.contains("not SQLite's") && !said.contains("hunter2"), "{said}");
    let nowhere = db.0.path().join("no such directory/app.sqlite").to_str().unwrap().to_owned();
    assert!(refused(DieselStorage::url(&nowhere)).await.contains(&nowhere));
    let read_only = format!("file:{}?mode=ro", db.path());
    let said = refused(DieselStorage::url(&read_only).migrate()).await;
    assert!(said.contains(&db.path()) && said.contains("readonly"), "{said}");
    opened(db.storage()).await;
    assert!(refused(DieselStorage::url(&read_only)).await.contains("readonly"));

    let said = refused(DieselStorage::database("app")).await;
    assert!(said.contains("databases.app.url") && said.contains("[default.databases.app]"), "{said}");
    let figment = Figment::new().merge(("databases.app.url", db.path()));
    let storage = DieselStorage::database("app");
    storage.open(&figment).await.unwrap();
    assert_eq!(storage.key_file(&figment).as_deref(), Some(Path::new(&format!("{}.key", db.path()))));
    let early = DieselStorage::database("app").get(&Key::owner("github", 7)).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::Store);
    assert!(!format!("{:?}", DieselStorage::url("secret")).contains("secret"));
}

#[rocket::async_test]
async fn on_connect_prepares_each_connection() {
    let db = Db::new();
    let on_connect = |conn: &mut SqliteConnection| conn.batch_execute("CREATE TEMP TABLE mine (id INTEGER)");
    let policy = |login: &Login<String>, conn: &mut SqliteConnection| {
        conn.batch_execute("INSERT INTO mine VALUES (1)")?;
        let on: Vec<Pragma> = sql_query("PRAGMA foreign_keys").load(conn)?;
        assert_eq!(on[0].foreign_keys, 1);
        Ok(login.usual())
    };
    let storage = opened(db.storage().on_connect(on_connect).link(policy)).await;
    storage.link(&suite::arrival("github", Some("1"), Some("ada")), &keys()).await.unwrap();
    let broken = |conn: &mut SqliteConnection| conn.batch_execute("PRAGMA nonsense; NONSENSE");
    assert!(refused(db.storage().on_connect(broken)).await.contains("on_connect"));
}

#[derive(QueryableByName)]
struct Pragma {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    foreign_keys: i32,
}
