//! Outages of a server: lost connections, read-only, few connections, another language.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rocket::tokio::task::JoinSet;

use super::lost_connections::Server;
use super::*;

on_each_server! {
    b1_a_policy_that_hides_a_lost_connection_runs_again
    b1_a_database_that_becomes_read_only_is_an_outage_and_passes
    b3_few_connections_serve_all
}

async fn b1_a_policy_that_hides_a_lost_connection_runs_again<D: Server>() {
    for panics in [false, true] {
        let db = Arc::new(D::new());
        let (killer, killed) = (db.clone(), AtomicBool::new(false));
        let policy = move |_: &Login<i32>, conn: &mut D::Conn| {
            if !killed.swap(true, Ordering::SeqCst) {
                killer.end_all();
            }
            match conn.add("Ada") {
                Ok(user) => Ok(Verdict::SignUp(user)),
                Err(_) if panics => panic!("on purpose"),
                Err(_) => Err(Error::refused("This address is taken.")),
            }
        };
        let storage = opened(db.storage().link(policy)).await;
        storage.link(&suite::login("github", Some("1"), None), &keys()).await.unwrap();
        assert_eq!(db.rows(), (1, 1));
    }
}

/// A database that can be made read-only for a user without privileges.
trait Limited: Server {
    /// Creates a user who may read and write the tables, on a limited number of connections.
    fn create_user(&self, connections: u32);
    fn drop_user(&self);
    fn set_read_only(&self, read_only: bool);

    /// The URL of that user.
    fn user_url(&self) -> String {
        let mut url: ::url::Url = self.url().parse().unwrap();
        url.set_username(&self.name()).unwrap();
        url.into()
    }

    /// The name of the database and of that user.
    fn name(&self) -> String {
        self.url().rsplit_once('/').unwrap().1.to_owned()
    }
}

#[cfg(feature = "postgres")]
impl Limited for Postgres {
    fn create_user(&self, connections: u32) {
        let user = self.name();
        self.sql(&format!(
            "CREATE ROLE {user} LOGIN CONNECTION LIMIT {connections}; \
             GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {user}"
        ));
    }

    fn drop_user(&self) {
        let user = self.name();
        self.sql(&format!("DROP OWNED BY {user}; DROP ROLE {user}"));
    }

    fn set_read_only(&self, read_only: bool) {
        self.admin(&format!(
            "ALTER DATABASE {} SET default_transaction_read_only = {read_only}",
            self.name()
        ));
        if read_only {
            // It counts for new connections. When it passes, the old ones stay read-only.
            self.end_all();
        }
    }
}

#[cfg(feature = "mysql")]
impl Limited for Mysql {
    fn create_user(&self, connections: u32) {
        let user = self.name();
        self.admin(&format!("CREATE USER {user} WITH MAX_USER_CONNECTIONS {connections}"));
        self.admin(&format!("GRANT ALL ON {user}.* TO {user}"));
    }

    fn drop_user(&self) {
        self.admin(&format!("DROP USER {}", self.name()));
    }

    fn set_read_only(&self, read_only: bool) {
        self.admin(&format!("SET GLOBAL read_only = {read_only}"));
    }
}

/// Makes a database with our tables and a user for [`Limited::user_url`], and a storage of that user.
async fn limited<D: Limited>(connections: u32) -> (D, Arc<dyn Storage>) {
    let db = D::new();
    opened(db.storage()).await;
    db.create_user(connections);
    let storage = opened(DieselStorage::url(db.user_url()).link(sign_up::<D::Conn>)).await;
    (db, storage)
}

async fn b1_a_database_that_becomes_read_only_is_an_outage_and_passes<D: Limited>() {
    let (db, storage) = limited::<D>(100).await;
    let sign_in = async |id: &str| storage.link(&suite::login("github", Some(id), None), &keys()).await;
    let account = sign_in("1").await.unwrap().account;
    let renewed = Account { version: account.version + 1, ..account.clone() };
    for round in 0..2 {
        db.set_read_only(true);
        let failed = [
            sign_in("1").await.map(drop),
            sign_in("2").await.map(drop),
            storage.set(&account).await,
            storage.coordination().unwrap().renew(&account, &renewed).await.map(drop),
        ];
        let read = storage.get(&AccountKey::owner("github", account.user_id.as_deref().unwrap())).await;
        db.set_read_only(false);
        for failed in failed {
            assert_eq!(failed.unwrap_err().kind(), ErrorKind::StoreUnavailable);
        }
        assert_eq!(read.unwrap().unwrap().id, account.id, "what can be read is read");
        assert_eq!(db.rows(), (1 + round, 1 + round));
        sign_in(&format!("{}", 3 + round)).await.unwrap();
    }
    assert!(storage.coordination().unwrap().renew(&account, &renewed).await.unwrap());
    db.drop_user();
}

async fn b3_few_connections_serve_all<D: Limited>() {
    let (db, storage) = limited::<D>(4).await;
    for round in 0..3 {
        let began = Instant::now();
        let mut sign_ins = JoinSet::new();
        for id in 0..24 {
            let storage = storage.clone();
            sign_ins.spawn(async move {
                let login = suite::login("github", Some(&format!("{round}-{id}")), None);
                storage.link(&login, &keys()).await.map(drop)
            });
        }
        while let Some(done) = sign_ins.join_next().await {
            done.unwrap().unwrap();
        }
        assert!(began.elapsed().as_secs() < 3);
        // All connections are lost at once.
        db.end_all();
    }
    assert_eq!(db.rows(), (72, 72));
    db.drop_user();
}

#[cfg(feature = "mysql")]
#[rocket::async_test]
#[ignore = "needs MYSQL_URL: tests/databases cargo test -- --include-ignored"]
async fn b1_the_language_of_the_server_changes_nothing() {
    let db = Arc::new(Mysql::new());
    db.sql("CREATE UNIQUE INDEX by_name ON users (name)");
    db.sql("INSERT INTO users (name) VALUES ('ada@example.org')");
    let policy = |_: &Login<i32>, conn: &mut diesel::MysqlConnection| {
        Ok(Verdict::SignUp(conn.add("ada@example.org")?))
    };
    let german = |conn: &mut diesel::MysqlConnection| {
        conn.batch_execute("SET SESSION lc_messages = 'de_DE', SESSION innodb_lock_wait_timeout = 1")
    };
    let storage = opened(db.storage().link(policy).on_connect(german)).await;

    let error = storage.link(&suite::login("github", Some("1"), None), &keys()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AppError);
    let said = format!("{error:?}");
    assert!(said.contains("Doppelter Eintrag") && !said.contains("ada"), "{said}");

    let account = suite::account("github", Some("1"), Some("7"));
    storage.set(&account).await.unwrap();
    let mut other = db.connect();
    other.batch_execute(super::faults::BEGIN_AND_HOLD).unwrap();
    other.batch_execute("UPDATE oauth_accounts SET scope = 'held'").unwrap();
    let error = storage.set(&account).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreUnavailable, "{error:?}");
    other.batch_execute("ROLLBACK").unwrap();
    db.end_all();
    storage.set(&account).await.unwrap();
}

#[cfg(feature = "mysql")]
#[rocket::async_test]
#[ignore = "needs MYSQL_URL: tests/databases cargo test -- --include-ignored"]
async fn b1_settings_of_the_server_change_nothing() {
    let (db, _) = limited::<Mysql>(100).await;
    db.sql("CREATE UNIQUE INDEX by_name ON users (name)");
    // It runs for users without privileges only.
    db.admin(
        "SET GLOBAL init_connect = \"SET autocommit = 0, sql_safe_updates = 1, sql_select_limit = 1, time_zone = '-11:00', \
         lc_messages = 'de_DE', sql_mode = 'ANSI_QUOTES,EMPTY_STRING_IS_NULL,NO_BACKSLASH_ESCAPES'\"",
    );
    let storage = opened(DieselStorage::url(db.user_url()).link(sign_up::<diesel::MysqlConnection>)).await;
    let first = storage.link(&suite::login("github", Some("1"), None), &keys()).await.unwrap();
    let twice = storage.link(&suite::login("github", Some("2"), None), &keys()).await.unwrap_err();
    for (id, scope) in [("3", ""), ("4", "read")] {
        let account = Account { scope: scope.into(), ..suite::account("github", Some(id), Some("7")) };
        storage.set(&account).await.unwrap();
    }
    let listed = storage.list(Some("7"), &["github"]).await.unwrap();
    db.admin("SET GLOBAL init_connect = ''");
    assert_eq!(listed.len(), 2);
    assert_eq!(db.rows(), (1, 3), "{first:?} is committed");
    let said = format!("{twice:?}");
    assert!(said.contains("Duplicate entry … for key 'by_name'"), "{said}");
    db.drop_user();
}

#[cfg(feature = "postgres")]
#[rocket::async_test]
#[ignore = "needs POSTGRES_URL: tests/databases cargo test -- --include-ignored"]
async fn ob_01_b1_a_failed_commit_logs_no_value_of_a_row() {
    let db = Postgres::new();
    db.sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'too many of \"%\"', NEW.name; END $$; \
         CREATE CONSTRAINT TRIGGER late AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW \
         EXECUTE FUNCTION refuse()",
    );
    let policy = |_: &Login<i32>, conn: &mut PgConnection| Ok(Verdict::SignUp(conn.add("ada@example.org")?));
    let storage = opened(db.storage().link(policy)).await;
    let error = storage.link(&suite::login("github", Some("1"), None), &keys()).await.unwrap_err();
    let said = format!("{error:?}");
    assert!(said.contains("the commit failed: too many of …") && !said.contains("ada"), "{said}");
    assert_eq!(db.rows(), (0, 0));
}
