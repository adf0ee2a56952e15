//! Behind PgBouncer in transaction mode.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use rocket::figment::value::Value;

use super::*;
use crate::config::DatabaseSettings;
use crate::storage::CachedStorage;

/// PgBouncer in front of the server, as `tests/pgbouncer` starts it. It stops when this is dropped.
struct PgBouncer {
    child: Child,
    url: ::url::Url,
}

impl PgBouncer {
    /// `round_robin`: whether two transactions of one connection have different server processes.
    fn start(round_robin: bool) -> Self {
        let server = direct_url().map_or_else(|| std::env::var("POSTGRES_URL").unwrap(), Into::into);
        // The program stops PgBouncer when its command ends, and `cat` ends with this process at the latest.
        let mut child = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pgbouncer"))
            .args(["bash", "-c", "echo $POSTGRES_URL && cat"])
            .env("POSTGRES_URL", server)
            .env("PGBOUNCER_ROUND_ROBIN", if round_robin { "1" } else { "0" })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { child, url: line.trim().parse().expect("the URL of PgBouncer") }
    }

    /// URL of `db` through PgBouncer.
    fn url(&self, db: &Postgres) -> String {
        let mut url = self.url.clone();
        url.set_path(&db.name);
        url.into()
    }

    /// Returns the values of the setting `name` in the server processes that PgBouncer has for `db`. The transactions overlap, so
    /// that each has another process.
    fn settings(&self, db: &Postgres, name: &str) -> Vec<String> {
        let mut conns: Vec<_> = (0..8).map(|_| PgConnection::establish(&self.url(db)).unwrap()).collect();
        conns.iter_mut().for_each(|conn| conn.batch_execute("BEGIN").unwrap());
        let show = |conn| {
            sql_query(format!("SELECT current_setting('{name}') AS t")).get_result::<TextRow>(conn).unwrap().t
        };
        let values = conns.iter_mut().map(show).collect();
        conns.iter_mut().for_each(|conn| conn.batch_execute("COMMIT").unwrap());
        values
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn configured(settings: &[(&str, Value)]) -> Figment {
    settings.iter().fold(Figment::new(), |figment, (key, value)| {
        figment.merge((format!("dance.database.{key}"), value.clone()))
    })
}

async fn refused_with(storage: DieselStorage, settings: &[(&str, Value)]) -> (ErrorKind, String) {
    let error = storage.open(&configured(settings)).await.unwrap_err();
    (error.kind(), error.to_string())
}

#[rocket::async_test]
#[ignore = "needs POSTGRES_URL: tests/databases cargo test -- --include-ignored"]
async fn b6_a_launch_behind_pgbouncer_without_the_setting_fails_and_changes_nothing() {
    for round_robin in [false, true] {
        let (db, pgbouncer) = (Postgres::new(), PgBouncer::start(round_robin));
        for _ in 0..3 {
            let (kind, said) = refused_with(DieselStorage::url(pgbouncer.url(&db)).migrate(), &[]).await;
            assert_eq!(kind, ErrorKind::Misconfigured);
            assert!(
                said.contains("database = { pgbouncer = true, listen_url = \"postgres://…\" }"),
                "{said}"
            );
            assert!(!said.contains("postgres@"), "{said}");
        }
        assert_eq!(db.number("SELECT count(*) AS n FROM pg_tables WHERE tablename LIKE '%oauth%'"), 0);
        // No setting of ours stays in a process that another client of PgBouncer gets next.
        assert_eq!(pgbouncer.settings(&db, "lock_timeout"), ["0"; 8]);
        assert_eq!(pgbouncer.settings(&db, "statement_timeout"), ["0"; 8]);
        assert!(opened_directly(&db).await, "the same URL without PgBouncer is accepted");
    }
}

async fn opened_directly(db: &Postgres) -> bool {
    DieselStorage::url(db.direct_url()).migrate().open(&Figment::new()).await.is_ok()
}

#[rocket::async_test]
#[ignore = "needs POSTGRES_URL: tests/databases cargo test -- --include-ignored"]
async fn b6_behind_pgbouncer_the_session_has_no_state() {
    let (db, pgbouncer) = (Postgres::new(), PgBouncer::start(true));
    let storage = DieselStorage::url(pgbouncer.url(&db)).migrate().cascade_from("users", "id");
    let storage = storage.link(|login: &Login<i32>, conn: &mut PgConnection| {
        let value = |conn: &mut PgConnection, name: &str| {
            sql_query(format!("SELECT current_setting('{name}') AS t")).get_result::<TextRow>(conn).unwrap().t
        };
        assert_eq!(value(conn, "lock_timeout"), "5s");
        assert_eq!(value(conn, "statement_timeout"), "8s");
        assert_eq!(value(conn, "transaction_isolation"), "read committed");
        sign_up(login, conn)
    });
    let listen_url = db.direct_url().into();
    storage.open(&configured(&[("pgbouncer", true.into()), ("listen_url", listen_url)])).await.unwrap();
    let show = |conn: &mut AnyConnection| {
        Ok(sql_query("SELECT current_setting('lock_timeout') AS t").get_result::<TextRow>(conn)?.t)
    };
    assert_eq!(storage.run(show).await.unwrap(), "5s", "what only reads has the timeouts, too");
    let storage: Arc<dyn Storage> = Arc::new(storage);
    for n in 0..20 {
        let linked =
            storage.link(&suite::login("github", Some(&n.to_string()), None), &keys()).await.unwrap();
        let key = AccountKey::identity("github", n.to_string());
        assert_eq!(storage.get(&key).await.unwrap(), Some(linked.account));
    }
    assert_eq!(db.rows(), (20, 20));
    for name in ["lock_timeout", "statement_timeout"] {
        assert_eq!(pgbouncer.settings(&db, name), ["0"; 8], "{name}");
    }
    for _ in 0..20 {
        let mut conn = PgConnection::establish(&pgbouncer.url(&db)).unwrap();
        let count = sql_query("SELECT count(*) AS n FROM pg_prepared_statements WHERE name <> ''");
        assert_eq!(count.get_result::<Number>(&mut conn).unwrap().n, 0);
    }
}

#[rocket::async_test]
#[ignore = "needs POSTGRES_URL: tests/databases cargo test -- --include-ignored"]
async fn b6_without_a_listen_url_another_node_sees_a_change_after_the_ttl() {
    let (db, pgbouncer) = (Postgres::new(), PgBouncer::start(false));
    let node = async |settings: &[(&str, Value)]| {
        let storage = DieselStorage::url(pgbouncer.url(&db)).migrate();
        storage.open(&configured(settings)).await.unwrap();
        CachedStorage::new(Arc::new(storage), 1 << 20, 2)
    };
    let deaf = [("pgbouncer", Value::from(true))];
    let hears = [("pgbouncer", Value::from(true)), ("listen_url", db.direct_url().into())];
    let (writer, deaf, hearing) = (node(&deaf).await, node(&deaf).await, node(&hears).await);
    let key = AccountKey::owner("github", 7);
    let listening = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() \
                     AND (query LIKE 'LISTEN rocket_dance' OR query = 'SELECT 1')";
    suite::eventually("the listener to begin", async || db.number(listening) > 0).await;
    writer.set(&suite::account("github", Some("1"), Some("7"))).await.unwrap();
    suite::eventually("both to see it", async || {
        deaf.get(&key).await.unwrap().is_some() && hearing.get(&key).await.unwrap().is_some()
    })
    .await;
    writer.delete(&key).await.unwrap();
    let began = std::time::Instant::now();
    assert!(deaf.get(&key).await.unwrap().is_some(), "no notification reaches it");
    suite::eventually("the notification", async || hearing.get(&key).await.unwrap().is_none()).await;
    assert!(began.elapsed() < std::time::Duration::from_secs(1), "{:?}", began.elapsed());
    suite::eventually("the TTL", async || deaf.get(&key).await.unwrap().is_none()).await;
    assert!(began.elapsed() < std::time::Duration::from_secs(4), "{:?}", began.elapsed());
}

#[rocket::async_test]
#[ignore = "needs POSTGRES_URL: tests/databases cargo test -- --include-ignored"]
async fn b6_a_listen_url_that_hears_nothing_fails_the_launch() {
    let (db, other, pgbouncer) = (Postgres::new(), Postgres::new(), PgBouncer::start(true));
    for deaf in [other.direct_url(), pgbouncer.url(&db)] {
        let settings = [("pgbouncer", Value::from(true)), ("listen_url", deaf.into())];
        let (kind, said) = refused_with(DieselStorage::url(pgbouncer.url(&db)), &settings).await;
        assert_eq!(kind, ErrorKind::Misconfigured, "{said}");
        assert!(said.contains("`listen_url`") && said.contains("does not receive"), "{said}");
    }
    let nowhere =
        [("pgbouncer", Value::from(true)), ("listen_url", "postgres://ada:hunter2@127.0.0.1:1/app".into())];
    let (kind, said) = refused_with(DieselStorage::url(pgbouncer.url(&db)), &nowhere).await;
    assert_eq!(kind, ErrorKind::StoreUnavailable, "{said}");
    assert!(
        said.contains("`listen_url`") && said.contains("127.0.0.1:1") && !said.contains("hunter2"),
        "{said}"
    );
}

#[rocket::async_test]
async fn b6_settings_of_another_database_fail_the_launch() {
    let mysql = || ("listen_url", Value::from("mysql://ada:hunter2@db/app"));
    let postgres = || DieselStorage::url("postgres://ada:hunter2@127.0.0.1:1/app");
    let on_connect = postgres().on_connect(|_: &mut PgConnection| Ok(()));
    let mut cases = vec![
        (postgres(), vec![("listen_url", Value::from("oracle://hunter2@db"))], "is wrong"),
        (on_connect, vec![("pgbouncer", true.into())], "ALTER ROLE"),
    ];
    if cfg!(feature = "mysql") {
        cases.push((postgres(), vec![mysql()], "not PostgreSQL's"));
    }
    if cfg!(feature = "sqlite") {
        cases.push((DieselStorage::url("app.sqlite"), vec![("pgbouncer", true.into())], "remove it"));
        let listen_url = ("listen_url", Value::from("postgres://ada:hunter2@db/app"));
        cases.push((DieselStorage::url("app.sqlite"), vec![listen_url], "remove it"));
    }
    for (storage, settings, words) in cases {
        let (kind, said) = refused_with(storage, &settings).await;
        assert_eq!(kind, ErrorKind::Misconfigured, "{said}");
        assert!(said.contains("[default.dance.database]") && said.contains(words), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn the_size_of_the_pool_is_a_setting() {
    let size = |figment: &Figment| DatabaseSettings::of(figment).ok().unwrap().pool_size;
    assert_eq!(size(&configured(&[("pool_size", 3.into())])), Some(3));
    assert_eq!(size(&Figment::new()), None);
    assert!(DatabaseSettings::of(&configured(&[("pool_size", 0.into())])).is_err());
}

#[test]
fn b6_changes_are_reported_where_a_connection_listens() {
    let reported = |settings: &[(&str, Value)]| {
        let settings = DatabaseSettings::of(&configured(settings)).ok().unwrap();
        let connector = Connector::new(DatabaseUrl::parse("postgres://db/app").unwrap(), None);
        connector.with_settings(&settings).unwrap().reports_changes()
    };
    let pgbouncer = ("pgbouncer", Value::from(true));
    assert!(reported(&[]));
    assert!(!reported(std::slice::from_ref(&pgbouncer)));
    assert!(reported(&[pgbouncer, ("listen_url", "postgres://db2/app".into())]));
}
