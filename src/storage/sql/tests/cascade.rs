//! User ids of every type, and accounts and sessions that go with their user.

use uuid::Uuid;

use super::*;
use crate::user::UserId;

on_each_database! {
    accounts_go_with_their_user
    an_id_that_is_given_again_inherits_nothing
    d2_a_policy_cannot_name_a_user_who_is_not_there
    a_bigint_is_a_user_id
    a_text_is_a_user_id
    a_uuid_is_a_user_id
    a_uuid_in_bytes_is_a_user_id
    b2_any_name_is_quoted_and_found_again
    b2_the_triggers_follow_the_table_and_the_column
    b2_a_table_in_another_schema
    a_column_that_the_database_writes_in_another_way_is_refused
    what_is_no_column_is_said
}

/// Two users in `table`, whose ids SQL writes as `ids`, each with an account: the first one is deleted.
async fn one_goes<D: Db, U: UserId>(db: &D, column: &str, ids: [(&str, U); 2]) {
    db.sql(&format!("CREATE TABLE people (id {column} PRIMARY KEY, name VARCHAR(99))"));
    let policy = |login: &Login<U>, _: &mut D::Conn| Ok(login.default_verdict());
    let storage = || db.storage().link(policy).cascade_from("people", "id");
    // The first process installs the triggers; later ones find them.
    opened(storage()).await;
    let storage = opened(storage()).await;
    for (n, (sql, id)) in ids.iter().enumerate() {
        db.sql(&format!("INSERT INTO people (id) VALUES ({sql})"));
        let mut login = suite::login("github", Some(&n.to_string()), Some(&id.to_string()));
        storage.link(&login, &keys()).await.unwrap();
        login.profile.id = Some(format!("another of {n}"));
        storage.link(&login, &keys()).await.unwrap();
        // A returning user's id is parsed as the app's type.
        login.visitor = None;
        let back = storage.link(&login, &keys()).await.unwrap();
        assert_eq!(back.user, Some(id.to_string()));
        let session = suite::session(&format!("session {n}"), &id.to_string());
        begun(&*storage, &session).await;
    }
    let kept = ids[1].1.to_string();
    db.sql(&format!("DELETE FROM people WHERE id = {}", ids[0].0));
    assert_eq!(storage.list(Some(&ids[0].1.to_string()), &["github"]).await.unwrap().len(), 0);
    assert_eq!(storage.list(Some(&kept), &["github"]).await.unwrap().len(), 2);
    assert_eq!(db.number("SELECT count(*) AS n FROM oauth_accounts"), 2);
    assert_eq!(db.texts("SELECT id AS t FROM oauth_sessions"), ["session 1"]);
}

async fn accounts_go_with_their_user<D: Db>() {
    let db = D::new();
    one_goes(&db, D::ID, [("11", 11_i32), ("1", 1)]).await;
}

async fn a_bigint_is_a_user_id<D: Db>() {
    let db = D::new();
    one_goes(&db, "BIGINT", [("9007199254740993", 9_007_199_254_740_993_i64), ("-5", -5)]).await;
}

async fn a_text_is_a_user_id<D: Db>() {
    let db = D::new();
    let ids = [("'é 1'", "é 1".to_owned()), ("'e 1'", "e 1".to_owned())];
    let column = if D::NAME == "mysql" { "VARCHAR(99) COLLATE utf8mb4_bin" } else { "VARCHAR(99)" };
    one_goes(&db, column, ids).await;
}

const ADA: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";
const BOB: &str = "f47ac10b-58cc-4372-a567-0e02b2c3d479";

fn uuids() -> [Uuid; 2] {
    [ADA.parse().unwrap(), BOB.parse().unwrap()]
}

async fn a_uuid_is_a_user_id<D: Db>() {
    let db = D::new();
    let [ada, bob] = uuids();
    let column = if D::NAME == "postgres" { "UUID" } else { "CHAR(36)" };
    one_goes(&db, column, [(&format!("'{ADA}'"), ada), (&format!("'{BOB}'"), bob)]).await;
}

async fn a_uuid_in_bytes_is_a_user_id<D: Db>() {
    let db = D::new();
    let [ada, bob] = uuids();
    let (column, sql): (_, fn(Uuid) -> String) = match D::NAME {
        "postgres" => ("BYTEA", |id| format!("'\\x{}'", id.simple())),
        "mysql" => ("BINARY(16)", |id| format!("x'{}'", id.simple())),
        _ => ("BLOB", |id| format!("x'{}'", id.simple())),
    };
    one_goes(&db, column, [(&sql(ada), ada), (&sql(bob), bob)]).await;
}

/// Names that must be quoted, and in which a quote must be doubled.
fn odd_names<D: Db>() -> Vec<(&'static str, String)> {
    let long = "n".repeat(63);
    let mut names = vec![
        ("Members", "Id".to_owned()),
        ("select", "from".to_owned()),
        ("my users", "user id".to_owned()),
        ("o'brien\\", "it's".to_owned()),
        ("dotted.users", "a.b".to_owned()),
        ("$$ $1 -- /* ; ?", "%s {} :x".to_owned()),
        ("é", "ü".to_owned()),
        ("say \"hi\"", "`id`\"".to_owned()),
    ];
    names.push((if D::NAME == "mysql" { "n" } else { "u" }, long));
    names
}

fn quoted<D: Db>(name: &str) -> String {
    match D::NAME {
        "mysql" => format!("`{}`", name.replace('`', "``")),
        _ => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// The texts that define the triggers, in order.
fn triggers<D: Db>(db: &D) -> Vec<String> {
    db.texts(match D::NAME {
        "sqlite" => "SELECT sql AS t FROM sqlite_master WHERE type = 'trigger' ORDER BY 1",
        "postgres" => {
            "SELECT pg_trigger.oid || pg_get_triggerdef(pg_trigger.oid) || prosrc AS t FROM pg_trigger \
             JOIN pg_proc ON pg_proc.oid = tgfoid WHERE NOT tgisinternal AND tgname LIKE '%cascade%' ORDER BY 1"
        }
        _ => {
            "SELECT CONVERT(CONCAT(trigger_name, event_object_table, created, action_statement) USING utf8mb4) AS t \
             FROM information_schema.triggers WHERE trigger_schema = database() ORDER BY 1"
        }
    })
}

async fn b2_any_name_is_quoted_and_found_again<D: Db>() {
    for (table, id) in odd_names::<D>() {
        let db = D::new();
        let (table_sql, id_sql) = (quoted::<D>(table), quoted::<D>(&id));
        db.sql(&format!("CREATE TABLE {table_sql} ({id_sql} {} PRIMARY KEY)", D::ID));
        db.sql(&format!("INSERT INTO {table_sql} ({id_sql}) VALUES (11)"));
        let storage = || db.storage().cascade_from(table, &*id);
        opened(storage()).await;
        let installed = triggers(&db);
        assert!(!installed.is_empty());
        opened(storage()).await;
        let storage = opened(storage()).await;
        assert_eq!(triggers(&db), installed, "{table}: a later launch changes nothing");
        storage.link(&suite::login("github", Some("1"), Some("11")), &keys()).await.unwrap();
        begun(&*storage, &suite::session("s", "11")).await;
        db.sql(&format!("DELETE FROM {table_sql}"));
        assert_eq!(db.rows().1, 0, "{table}");
        assert_eq!(storage.sessions().unwrap().session("s").await.unwrap(), None);
        let gone = storage.link(&suite::login("github", Some("1"), Some("11")), &keys()).await.unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::Refused);
    }
}

async fn b2_the_triggers_follow_the_table_and_the_column<D: Db>() {
    let db = D::new();
    db.sql(&format!("CREATE TABLE members (a {} PRIMARY KEY, b INTEGER)", D::ID));
    db.sql("INSERT INTO users (id, name) VALUES (11, 'Ada')");
    db.sql("INSERT INTO members (a, b) VALUES (11, 12)");
    opened(db.storage().cascade_from("users", "id")).await;
    let first = triggers(&db).len();
    let by = |id: &str| db.storage().cascade_from("members", id);
    let storage = opened(by("a")).await;
    storage.link(&suite::login("github", Some("1"), Some("11")), &keys()).await.unwrap();
    db.sql("DELETE FROM users");
    assert_eq!(db.rows().1, 1, "the old table counts no longer");
    let storage = opened(by("b")).await;
    assert_eq!(triggers(&db).len(), first);
    storage.link(&suite::login("github", Some("2"), Some("12")), &keys()).await.unwrap();
    db.sql("DELETE FROM members");
    assert_eq!(db.texts("SELECT user_id AS t FROM oauth_accounts"), ["11"]);
}

async fn b2_a_table_in_another_schema<D: Db>() {
    let db = D::new();
    if D::NAME == "sqlite" {
        opened(db.storage().cascade_from("main.users", "id")).await;
        let said = refused(db.storage().cascade_from("other.users", "id")).await;
        assert!(said.contains("there is no such table"), "{said}");
        return;
    }
    let other = format!("other_{}", db.url().rsplit('/').next().unwrap());
    db.sql(&format!("CREATE SCHEMA {other}"));
    db.sql(&format!("CREATE TABLE {other}.members (id {} PRIMARY KEY)", D::ID));
    db.sql(&format!("INSERT INTO {other}.members (id) VALUES (11)"));
    let storage = || db.storage().cascade_from(format!("{other}.members"), "id");
    opened(storage()).await;
    let storage = opened(storage()).await;
    storage.link(&suite::login("github", Some("1"), Some("11")), &keys()).await.unwrap();
    db.sql(&format!("DELETE FROM {other}.members"));
    assert_eq!(db.rows().1, 0);
    // The trigger of the other schema is replaced, too.
    opened(db.storage().cascade_from("users", "id")).await;
    db.sql(&format!("DROP SCHEMA {other} {}", if D::NAME == "postgres" { "CASCADE" } else { "" }));
}

async fn an_id_that_is_given_again_inherits_nothing<D: Db>() {
    let db = D::new();
    let storage = opened(db.storage().link(sign_up::<D::Conn>).cascade_from("users", "id")).await;
    let first = storage.link(&suite::login("github", Some("1"), None), &keys()).await.unwrap();
    let user = first.user.unwrap();
    db.sql("DELETE FROM users");
    assert_eq!(db.rows(), (0, 0));
    db.sql(&format!("INSERT INTO users (id, name) VALUES ({user}, 'Mallory')"));
    assert!(storage.list(Some(&user), &["github"]).await.unwrap().is_empty());
    assert_eq!(storage.get(&AccountKey::identity("github", "1")).await.unwrap(), None);
    if D::NAME == "postgres" {
        let sessions = storage.sessions().unwrap();
        begun(&*storage, &suite::session("s", &user)).await;
        storage.link(&suite::login("github", Some("1"), Some(&user)), &keys()).await.unwrap();
        db.sql("TRUNCATE users RESTART IDENTITY");
        assert_eq!(db.rows(), (0, 0));
        assert_eq!(sessions.session("s").await.unwrap(), None);
    }
}

async fn d2_a_policy_cannot_name_a_user_who_is_not_there<D: Db>() {
    let db = D::new();
    db.sql("INSERT INTO users (id, name) VALUES (11, 'Ada')");
    let policy = |login: &Login<i32>, _: &mut D::Conn| {
        Ok(Verdict::SignUp(login.note("user").unwrap_or_default().parse().unwrap()))
    };
    let storage = opened(db.storage().link(policy).cascade_from("users", "id")).await;
    let mut login = suite::login("github", Some("1"), None);
    login.add_note("user", "12");
    let gone = storage.link(&login, &keys()).await.unwrap_err();
    assert_eq!((gone.kind(), db.rows()), (ErrorKind::Refused, (1, 0)));
    login.add_note("user", "11");
    assert_eq!(storage.link(&login, &keys()).await.unwrap().user.as_deref(), Some("11"));
}

async fn a_column_that_the_database_writes_in_another_way_is_refused<D: Db>() {
    let db = D::new();
    let bytes = if D::NAME == "postgres" { "BYTEA" } else { "VARBINARY(16)" };
    let real = if D::NAME == "mysql" { "DOUBLE" } else { "REAL" };
    db.sql(&format!("CREATE TABLE odd (a {bytes}, b {real})"));
    let storage = |id: &str| {
        let policy = |login: &Login<String>, _: &mut D::Conn| Ok(login.default_verdict());
        db.storage().link(policy).cascade_from("odd", id)
    };
    let said = refused(storage("a")).await;
    assert!(said.contains(".cascade_from(\"odd\", \"a\")") && said.contains("aren't UUIDs"), "{said}");
    let said = refused(storage("b")).await;
    assert!(said.contains("an integer, a text or a UUID is needed"), "{said}");
}

async fn what_is_no_column_is_said<D: Db>() {
    let db = D::new();
    for (table, id, what) in [("users", "nothing", "column"), ("nobody", "id", "table")] {
        let said = refused(db.storage().cascade_from(table, id)).await;
        assert!(
            said.contains(&format!("there is no such {what}")) && said.contains("attached before"),
            "{said}"
        );
    }
    for table in ["users; DROP TABLE users", "nowhere.users"] {
        let said = refused(db.storage().cascade_from(table, "id")).await;
        assert!(said.contains("there is no such table"), "{said}");
    }
    for table in ["", "us\0ers"] {
        let said = refused(db.storage().cascade_from(table, "id")).await;
        assert!(said.contains("a table and a column are needed"), "{said}");
    }
}

#[cfg(feature = "postgres")]
#[rocket::async_test]
#[ignore = "needs POSTGRES_URL: tests/databases cargo test -- --include-ignored"]
async fn db_07_a_table_in_use_is_waited_for() {
    let db = Postgres::new();
    let mut busy = db.connect();
    busy.batch_execute("BEGIN; INSERT INTO users (name) VALUES ('Ada')").unwrap();
    let open = rocket::tokio::spawn(opened(db.storage().cascade_from("users", "id")));
    let step = std::time::Duration::from_millis(10);
    let waiting = "SELECT count(*) AS n FROM pg_locks WHERE NOT granted AND relation = 'users'::regclass";
    suite::eventually("the launch to wait for the table", async || db.number(waiting) > 0).await;
    // An attempt takes five seconds, so the first one has ended by then.
    rocket::tokio::time::sleep(step * 530).await;
    busy.batch_execute("COMMIT").unwrap();
    open.await.unwrap();
    let name = "oauth_accounts_cascade";
    assert_eq!(db.number(&format!("SELECT count(*) AS n FROM pg_trigger WHERE tgname = '{name}'")), 1);
}

#[cfg(feature = "mysql")]
#[rocket::async_test]
#[ignore = "needs MYSQL_URL: tests/databases cargo test -- --include-ignored"]
async fn db_07_a_tables_own_lock_is_not_waited_for_all_day() {
    assert_eq!(Mysql::empty().number("SELECT CAST(@@lock_wait_timeout AS SIGNED) AS n"), 5);
}
