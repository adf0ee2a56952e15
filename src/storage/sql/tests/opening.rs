//! What happens at launch.

use rocket::tokio::task::JoinSet;

use super::*;

on_each_database! {
    migrated_twice_and_by_eight_at_once
    the_shipped_sql_serves_an_app_that_migrates_by_itself
    on_connect_prepares_each_connection
}

async fn migrated_twice_and_by_eight_at_once<D: Db>() {
    let db = D::new();
    // An app's migration of the same version does not matter.
    let diesels = "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL)";
    db.sql(diesels);
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let storage = db.storage();
        tasks.spawn(async move { storage.open(&figment(&storage)).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    let storage = opened(db.storage()).await;
    storage.set(&suite::account("github", Some("1"), Some("7"))).await.unwrap();
    let storage = opened(db.storage()).await;
    assert!(storage.get(&AccountKey::owner("github", 7)).await.unwrap().is_some());
    let migrations = DieselStorage::migrations::<D::Conn>().len() as i64;
    assert_eq!(db.number("SELECT count(*) AS n FROM rocket_dance_migrations"), migrations);
    assert_eq!(db.number("SELECT count(*) AS n FROM __diesel_schema_migrations"), 0);
    opened(DieselStorage::url(db.url())).await;
}

async fn the_shipped_sql_serves_an_app_that_migrates_by_itself<D: Db>() {
    let db = D::new();
    let said = refused(DieselStorage::url(db.url())).await;
    assert!(said.contains("oauth_accounts") && said.contains(".migrate()"), "{said}");
    for (_, up) in DieselStorage::migrations::<D::Conn>() {
        db.sql(up);
    }
    opened(DieselStorage::url(db.url())).await;
    db.sql("ALTER TABLE oauth_accounts DROP COLUMN email");
    assert!(refused(DieselStorage::url(db.url())).await.contains("email"));
}

#[cfg(feature = "sqlite")]
#[rocket::async_test]
async fn a_wrong_file_is_said() {
    let db = Sqlite::new();
    for url in ["", ":memory:", "file::memory:?cache=shared", "file:x?mode=memory"] {
        assert!(refused(DieselStorage::url(url)).await.contains("in memory"), "{url}");
    }
    let nowhere = db.0.path().join("no such directory/app.sqlite").to_str().unwrap().to_owned();
    let said = refused(DieselStorage::url(&nowhere)).await;
    assert!(said.contains(&nowhere) && said.contains("its folder must exist"), "{said}");
    let read_only = format!("file:{}?mode=ro", db.url());
    let said = refused(DieselStorage::url(&read_only).migrate()).await;
    assert!(said.contains(&db.url()) && said.contains("readonly"), "{said}");
    opened(db.storage()).await;
    let said = refused(DieselStorage::url(&read_only)).await;
    assert!(
        said.contains("must be allowed to write the file and its folder") && said.contains("readonly"),
        "{said}"
    );
    let damaged = db.0.path().join("damaged.sqlite").to_str().unwrap().to_owned();
    std::fs::write(&damaged, [0xa5; 8192]).unwrap();
    let said = refused(DieselStorage::url(&damaged).migrate()).await;
    assert!(said.contains(&damaged) && said.contains("not a database"), "{said}");
    assert_eq!(std::fs::read(&damaged).unwrap(), [0xa5; 8192], "it is left as it was");
    let figment = Figment::new().merge(("databases.app.url", db.url()));
    let key_file = DieselStorage::database("app").key_file(&figment);
    assert_eq!(key_file.as_deref(), Some(std::path::Path::new(&format!("{}.key", db.url()))));
}

#[rocket::async_test]
async fn a_wrong_url_is_said_without_its_password() {
    for (url, words) in [
        ("oracle://ada:hunter2@db/app", "unknown scheme"),
        #[cfg(not(feature = "postgres"))]
        ("postgres://ada:hunter2@db/app", "features = [\"postgres\"]"),
        #[cfg(feature = "postgres")]
        ("postgres://ada:hunter2@127.0.0.1:1/app", "`postgres://127.0.0.1:1/app` can't be opened"),
        #[cfg(feature = "mysql")]
        ("mysql://ada:hunter2@127.0.0.1:1/app", "`mysql://127.0.0.1:1/app` can't be opened"),
    ] {
        let said = refused(DieselStorage::url(url)).await;
        assert!(said.contains(words) && !said.contains("hunter2"), "{said}");
    }
    let said = refused(DieselStorage::database("app")).await;
    assert!(said.contains("databases.app.url") && said.contains("[default.databases.app]"), "{said}");
    let early = DieselStorage::database("app").get(&AccountKey::owner("github", 7)).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::StoreUnavailable);
    assert!(!format!("{:?}", DieselStorage::url("secret")).contains("secret"));
}

#[cfg(all(feature = "sqlite", feature = "postgres"))]
#[rocket::async_test]
async fn a_policy_for_another_database_stops_the_launch() {
    let db = Sqlite::new();
    let said =
        db.storage().link(|login: &Login<i32>, _: &mut diesel::PgConnection| Ok(login.default_verdict()));
    let said = format!("{:?}", said.open(&Figment::new()).await.unwrap_err());
    assert!(said.contains("PgConnection") && said.contains("URL"), "{said}");
    let said = db.storage().on_connect(|_: &mut diesel::PgConnection| Ok(()));
    assert!(refused(said).await.contains("`on_connect` is written for another database"));
}

async fn on_connect_prepares_each_connection<D: Db>() {
    let db = D::new();
    let on_connect = |conn: &mut D::Conn| conn.batch_execute("CREATE TEMPORARY TABLE mine (id INTEGER)");
    let policy = |login: &Login<String>, conn: &mut D::Conn| {
        conn.batch_execute("INSERT INTO mine VALUES (1)")?;
        Ok(login.default_verdict())
    };
    let storage = opened(db.storage().on_connect(on_connect).link(policy)).await;
    storage.link(&suite::login("github", Some("1"), Some("ada")), &keys()).await.unwrap();
    let broken = |conn: &mut D::Conn| conn.batch_execute("NONSENSE");
    assert!(refused(db.storage().on_connect(broken)).await.contains("on_connect"));
}

#[cfg(feature = "sqlite")]
#[rocket::async_test]
async fn sqlite_holds_to_foreign_keys() {
    let db = Sqlite::new();
    db.sql("CREATE TABLE pets (owner INTEGER REFERENCES users (id))");
    db.try_sql("INSERT INTO pets VALUES (7)").unwrap_err();
}
