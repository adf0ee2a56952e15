//! What is removed ends, also what is under way at the same moment in another process.

use std::time::Duration;

use diesel::sql_types::Text;
use rocket::tokio::task::{JoinHandle, JoinSet, spawn_blocking};
use rocket::tokio::{join, spawn};

use super::*;
use crate::storage::sql::cascade::Cascade;
use crate::storage::suite::{session, session_from};

on_each_database_and_partitions! {
    d2_a_no_connect_brings_a_removed_account_back
    d2_b_no_session_outlives_its_account
    d2_c_a_removal_is_one_transaction
    d3_what_is_under_way_waits_for_the_deletion_of_its_user
    d3_the_apps_own_deletion_is_no_victim
    d3_a_user_is_found_by_index
    d3_a_user_is_found_by_the_exact_id
}

/// A login at `op`, as the connect of a user whose session is `session`.
fn connect(person: &str, user: &str, session: Option<&str>) -> AuthorizedLogin {
    let mut login = suite::login("op", Some(person), Some(user));
    login.session = session.map(str::to_owned);
    login
}

async fn two<D: Db>(db: &D) -> [Arc<dyn Storage>; 2] {
    let storage = || db.storage().link(sign_up::<D::Conn>).cascade_from("users", "id");
    // Two pools, as two processes have them.
    [opened(storage()).await, opened(storage()).await]
}

async fn d2_a_no_connect_brings_a_removed_account_back<D: Db>() {
    let db = D::new();
    let [one, other] = two(&db).await;
    db.sql("INSERT INTO users (id, name) VALUES (1, 'Ada')");
    for round in 0..20 {
        one.link(&connect("Mallory", "1", None), &keys()).await.unwrap();
        begun(&*one, &session_from("attacker", "1", "Mallory")).await;
        let mut tasks = JoinSet::new();
        for n in 0..6 {
            let storage = if n % 2 == 0 { one.clone() } else { other.clone() };
            tasks.spawn(async move {
                storage.link(&connect("Mallory", "1", Some("attacker")), &keys()).await.map(drop)
            });
        }
        let removed = other.unlink(Some("1"), "op", None, &[], Some("Ada's")).await.unwrap();
        assert_eq!(removed.sessions.len(), 1);
        while let Some(done) = tasks.join_next().await {
            if let Err(error) = done.unwrap() {
                assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}");
            }
        }
        assert_eq!(db.rows().1, 0, "round {round}");
    }
}

async fn d2_b_no_session_outlives_its_account<D: Db>() {
    let db = D::new();
    let [one, other] = two(&db).await;
    db.sql("INSERT INTO users (id, name) VALUES (1, 'Ada'), (2, 'Bob')");
    for round in 0..20 {
        one.link(&connect("Mallory", "1", None), &keys()).await.unwrap();
        let mut tasks = JoinSet::new();
        for n in 0..6 {
            let storage = if n % 2 == 0 { one.clone() } else { other.clone() };
            tasks.spawn(async move {
                let session = session_from(&format!("{round} {n}"), "1", "Mallory");
                storage.begin_session(&session, None, 1000).await.unwrap()
            });
        }
        let removed = other.remove(&AccountKey::identity("op", "Mallory")).await.unwrap();
        let mut begun = 0;
        while let Some(start) = tasks.join_next().await {
            begun += usize::from(start.unwrap() == SessionStart::Begun);
        }
        assert_eq!(
            (removed.sessions.len(), db.number("SELECT count(*) AS n FROM oauth_sessions")),
            (begun, 0)
        );
    }
    // An account that has moved to another user, by SQL of the app or by a write of the storage.
    one.link(&connect("Mallory", "1", None), &keys()).await.unwrap();
    begun(&*one, &session_from("s", "1", "Mallory")).await;
    one.set(&suite::account("op", Some("Mallory"), Some("2"))).await.unwrap();
    assert_eq!(db.number("SELECT count(*) AS n FROM oauth_sessions"), 0, "the sessions of its former user");
    for (user, start) in [("1", SessionStart::AccountGone), ("2", SessionStart::Begun)] {
        let session = session_from(user, user, "Mallory");
        assert_eq!(one.begin_session(&session, None, 1000).await.unwrap(), start);
    }
}

async fn d2_c_a_removal_is_one_transaction<D: Db>() {
    let db = D::new();
    let [one, _] = two(&db).await;
    db.sql("INSERT INTO users (id, name) VALUES (1, 'Ada')");
    one.link(&connect("Ada", "1", None), &keys()).await.unwrap();
    begun(&*one, &session_from("s", "1", "Ada")).await;
    let rows = || (db.rows().1, db.number("SELECT count(*) AS n FROM oauth_sessions"));
    // The sessions can't be deleted.
    let (make, end) = match D::NAME {
        "sqlite" => (
            "CREATE TRIGGER fails BEFORE DELETE ON oauth_sessions BEGIN SELECT RAISE(ABORT, 'full'); END",
            "DROP TRIGGER fails",
        ),
        "postgres" => (
            "CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'full'; END $$; \
             CREATE TRIGGER fails BEFORE DELETE ON oauth_sessions FOR EACH ROW EXECUTE FUNCTION fails()",
            "DROP TRIGGER fails ON oauth_sessions",
        ),
        _ => (
            "CREATE TRIGGER fails BEFORE DELETE ON oauth_sessions FOR EACH ROW \
             SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'full'",
            "DROP TRIGGER fails",
        ),
    };
    db.sql(make);
    one.unlink(Some("1"), "op", None, &[], None).await.unwrap_err();
    one.remove(&AccountKey::owner("op", 1)).await.unwrap_err();
    one.delete(&AccountKey::identity("op", "Ada")).await.unwrap_err();
    assert_eq!(rows(), (1, 1), "nothing has changed");
    db.sql(end);
    let removed = one.unlink(Some("1"), "op", None, &[], None).await.unwrap();
    assert_eq!((removed.accounts.len(), removed.sessions.len(), rows()), (1, 1, (0, 0)));
}

/// What begins something for user 1.
fn beginners(storage: &Arc<dyn Storage>) -> Vec<JoinHandle<bool>> {
    let (link, set, form) = (storage.clone(), storage.clone(), storage.clone());
    vec![
        spawn(async move { link.link(&connect("new", "1", None), &keys()).await.is_ok() }),
        spawn(async move { set.set(&suite::account("plain", None, Some("1"))).await.is_ok() }),
        spawn(async move {
            form.begin_session(&session("form", "1"), None, 1000).await.unwrap() == SessionStart::Begun
        }),
    ]
}

async fn d3_what_is_under_way_waits_for_the_deletion_of_its_user<D: Db>() {
    let db = D::new();
    let [one, _] = two(&db).await;
    for (end, is_there) in [("ROLLBACK", true), ("COMMIT", false)] {
        db.sql("DELETE FROM users");
        db.sql("INSERT INTO users (id, name) VALUES (1, 'Ada')");
        let mut deleter = db.connect();
        deleter.batch_execute(if D::NAME == "sqlite" { "BEGIN IMMEDIATE" } else { "BEGIN" }).unwrap();
        deleter.batch_execute("DELETE FROM users WHERE id = 1").unwrap();
        let tasks = beginners(&one);
        rocket::tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(tasks.iter().all(|task| !task.is_finished()), "they wait");
        deleter.batch_execute(end).unwrap();
        for task in tasks {
            assert_eq!(suite::in_time("what was under way", task).await.unwrap(), is_there, "{end}");
        }
        let left = (db.rows().1, db.number("SELECT count(*) AS n FROM oauth_sessions"));
        assert_eq!(left, if is_there { (2, 1) } else { (0, 0) }, "{end}");
    }
    // A stranger's new user is visible to the transaction that makes it.
    assert!(one.link(&suite::login("op", Some("stranger"), None), &keys()).await.unwrap().user.is_some());
}

/// The id of a user, which no new user gets.
const ADA: &str = "1000000";

async fn d3_the_apps_own_deletion_is_no_victim<D: Db>() {
    let db = Arc::new(D::new());
    let [one, other] = two(&*db).await;
    for round in 0..15 {
        db.sql(&format!("INSERT INTO users (id, name) VALUES ({ADA}, 'Ada')"));
        one.link(&connect("Ada", ADA, None), &keys()).await.unwrap();
        one.link(&suite::login("op2", Some("Ada"), Some(ADA)), &keys()).await.unwrap();
        for n in 0..4 {
            begun(&*one, &session_from(&format!("{round} {n}"), ADA, "Ada")).await;
        }
        let mut tasks = JoinSet::new();
        for n in 0..4 {
            let storage = if n % 2 == 0 { one.clone() } else { other.clone() };
            tasks.spawn(async move {
                // Each of these may succeed or be refused. None of them may fail.
                let refused = |error: Error| assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}");
                let returning = suite::login("op", Some("Ada"), None);
                let session = session_from(&format!("{round} again {n}"), ADA, "Ada");
                match n {
                    0 => storage
                        .link(&connect("Ada", ADA, None), &keys())
                        .await
                        .map(drop)
                        .unwrap_or_else(refused),
                    1 => {
                        // The policy makes a new user if the account is gone.
                        let _ = storage.link(&returning, &keys()).await.unwrap();
                    }
                    2 => drop(storage.begin_session(&session, None, 1000).await.unwrap()),
                    _ => {
                        let user = SessionSelection::User(ADA.into());
                        storage.sessions().unwrap().end_sessions(&user).await.unwrap();
                        storage.unlink(Some(ADA), "op2", None, &[], None).await.unwrap();
                    }
                }
            });
        }
        let deleter = {
            let db = db.clone();
            spawn_blocking(move || {
                let mut conn = db.connect();
                let begin = if D::NAME == "sqlite" { "BEGIN IMMEDIATE" } else { "BEGIN" };
                conn.batch_execute(begin).unwrap();
                conn.batch_execute("DELETE FROM users WHERE id = 1000000").expect("the app's own deletion");
                conn.batch_execute("COMMIT").unwrap();
            })
        };
        let (deleted, ()) = join!(deleter, async {
            while let Some(done) = tasks.join_next().await {
                done.unwrap();
            }
        });
        deleted.unwrap();
        let left = "WHERE user_id = '1000000'";
        assert_eq!(
            db.number(&format!("SELECT count(*) AS n FROM oauth_accounts {left}")),
            0,
            "round {round}"
        );
        assert_eq!(
            db.number(&format!("SELECT count(*) AS n FROM oauth_sessions {left}")),
            0,
            "round {round}"
        );
        db.sql("DELETE FROM users");
    }
}

/// A line of an EXPLAIN, whatever its columns are called.
fn plan<D: Db>(db: &D, row: &str, values: &[&str]) -> String {
    let mut sql = row.to_owned();
    for (n, value) in values.iter().enumerate() {
        sql = match D::NAME {
            "postgres" => sql.replace(&format!("${}", n + 1), value),
            _ => sql.replacen('?', value, 1),
        };
    }
    #[derive(QueryableByName)]
    struct Detail {
        #[diesel(sql_type = Text)]
        detail: String,
    }
    #[derive(QueryableByName)]
    struct Plan {
        #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
        plan: String,
    }
    #[derive(QueryableByName)]
    struct Key {
        #[diesel(sql_type = diesel::sql_types::Nullable<Text>)]
        key: Option<String>,
    }
    let conn = &mut db.connect();
    match D::NAME {
        "sqlite" => {
            let lines: Vec<Detail> = sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(conn).unwrap();
            lines.into_iter().map(|line| line.detail).collect()
        }
        "postgres" => {
            conn.batch_execute("SET enable_seqscan = off").unwrap();
            let lines: Vec<Plan> = sql_query(format!("EXPLAIN {sql}")).load(conn).unwrap();
            lines.into_iter().map(|line| line.plan).collect()
        }
        _ => {
            let lines: Vec<Key> = sql_query(format!("EXPLAIN {sql}")).load(conn).unwrap();
            lines.into_iter().filter_map(|line| line.key).collect()
        }
    }
}

const UUID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

async fn d3_a_user_is_found_by_index<D: Db>() {
    let db = D::empty();
    let bytes = match D::NAME {
        "sqlite" => "BLOB",
        "postgres" => "BYTEA",
        _ => "BINARY(16)",
    };
    let hex = format!("'\\x{}'", UUID.replace('-', ""));
    let hex = if D::NAME == "postgres" { hex } else { format!("x'{}'", UUID.replace('-', "")) };
    let (uuid, text) = (format!("'{UUID}'"), if D::NAME == "postgres" { "TEXT" } else { "VARCHAR(99)" });
    for (n, (column, uuids, value, exact)) in [
        ("INTEGER", false, "'7'", "'7'"),
        ("BIGINT", false, "'7'", "'7'"),
        (text, false, "'ada'", "'ada'"),
        ("CHAR(36)", true, &*uuid, &*uuid),
        (bytes, true, &*hex, &*uuid),
        (if D::NAME == "postgres" { "UUID" } else { "CHAR(36)" }, true, &*uuid, &*uuid),
    ]
    .into_iter()
    .enumerate()
    {
        let table = format!("people{n}");
        db.sql(&format!("CREATE TABLE {table} (id {column} PRIMARY KEY, name VARCHAR(99))"));
        for m in 0..50 {
            let id = match column {
                "INTEGER" | "BIGINT" => m.to_string(),
                _ if column == bytes && D::NAME == "postgres" => format!("'\\x{m:032x}'"),
                _ if column == bytes => format!("x'{m:032x}'"),
                _ => format!("'00000000-0000-0000-0000-{m:012}'"),
            };
            db.sql(&format!("INSERT INTO {table} (id) VALUES ({id})"));
        }
        if column != "INTEGER" && column != "BIGINT" {
            let there = if column == bytes { &hex } else { value };
            db.sql(&format!("INSERT INTO {table} (id) VALUES ({there})"));
        }
        opened(db.storage()).await;
        let conn = &mut db.connect();
        let users = Cascade { table, id: "id".into(), uuids }.install(conn).unwrap();
        let row = users.row(conn);
        let values = if D::NAME == "sqlite" { &[value, "NULL", exact][..] } else { &[value, exact][..] };
        let plan = plan(&db, &row, values);
        let uses_the_key = match D::NAME {
            "sqlite" => plan.contains("SEARCH"),
            "postgres" => plan.contains("Index Scan") && plan.contains("Index Cond"),
            _ => plan.contains("PRIMARY"),
        };
        assert!(uses_the_key, "{column}: {row}: {plan}");
    }
}

async fn d3_a_user_is_found_by_the_exact_id<D: Db>() {
    let db = D::empty();
    opened(db.storage()).await;
    let quoted = |id: &str| format!("'{id}'");
    for (n, (column, uuids, there, others)) in [
        ("BIGINT", false, "7", &["8", "07", "+7", "7 ", " 7", "7.0", "", "x", "99999999999999999999"][..]),
        ("VARCHAR(99)", false, "Ada", &["ada", "Ada ", "Adá", "", "Ad", "A%"]),
        (
            "CHAR(36)",
            true,
            UUID,
            &["67E55044-10B1-426F-9247-BB680E5FE0C8", "67e5504410b1426f9247bb680e5fe0c8", "7"],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let table = format!("people{n}");
        db.sql(&format!("CREATE TABLE {table} (id {column} PRIMARY KEY, name VARCHAR(99))"));
        db.sql(&format!("INSERT INTO {table} (id) VALUES ({})", quoted(there)));
        let conn = &mut db.connect();
        let users = Cascade { table, id: "id".into(), uuids }.install(conn).unwrap();
        assert!(users.hold(conn, there).unwrap(), "{column}");
        for other in others {
            assert!(!users.hold(conn, other).unwrap(), "{column}: {other:?}");
        }
        let error = Error::from(users.require(conn, others[0]).unwrap_err());
        assert_eq!(error.kind(), ErrorKind::Refused);
    }
}
