//! Launches by roles with few rights: what they need, and that a message names what is missing and grants it.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

on_each_server! {
    b11_a_role_without_create_launches_where_the_tables_are
    b11_each_missing_right_is_named_and_granted
    a_right_that_is_revoked_later_is_an_outage_after_two_attempts
    b11_tables_that_another_role_must_create
    b11_a_trigger_that_is_installed_needs_no_right_to_install_it
    b5_a_missing_table_says_how_to_create_it
}

/// A role of the server, with no right but to connect.
pub(super) struct Role<'a, D: Db> {
    db: &'a D,
    name: String,
}

pub(super) const RIGHTS: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];
pub(super) const TABLES: [&str; 3] = ["oauth_accounts", "oauth_claims", "oauth_sessions"];

impl<'a, D: Db> Role<'a, D> {
    pub(super) fn new(db: &'a D) -> Self {
        let name = format!("role_{:08x}", u32::from_be_bytes(crate::secret::random().unwrap()));
        db.sql(&match D::NAME {
            "postgres" => format!("CREATE ROLE {name} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
            _ => format!("CREATE USER {name}@'%'; GRANT USAGE ON *.* TO {name}@'%'"),
        });
        Self { db, name }
    }

    /// The role as SQL writes it.
    pub(super) fn sql_name(&self) -> String {
        if D::NAME == "postgres" { self.name.clone() } else { format!("'{}'@'%'", self.name) }
    }

    pub(super) fn grant(&self, rights: &str, table: &str) {
        self.db.sql(&format!("GRANT {rights} ON {table} TO {}", self.sql_name()));
    }

    pub(super) fn revoke(&self, rights: &str, table: &str) {
        self.db.sql(&format!("REVOKE {rights} ON {table} FROM {}", self.sql_name()));
    }

    pub(super) fn grant_all(&self) {
        for table in TABLES {
            self.grant("SELECT, INSERT, UPDATE, DELETE", table);
        }
        self.grant("SELECT", "rocket_dance_migrations");
    }

    pub(super) fn storage(&self) -> DieselStorage {
        let mut url: ::url::Url = self.db.url().parse().unwrap();
        url.set_username(&self.name).unwrap();
        DieselStorage::url(url.to_string()).migrate()
    }

    /// Runs the `GRANT` lines of a message. Returns how many there are.
    pub(super) fn follow(&self, message: &str) -> usize {
        let lines: Vec<&str> = message.lines().filter(|line| line.starts_with("    GRANT ")).collect();
        lines.iter().for_each(|line| self.db.sql(line.trim()));
        lines.len()
    }
}

impl<D: Db> Drop for Role<'_, D> {
    fn drop(&mut self) {
        let name = self.sql_name();
        let _ = self.db.try_sql(&match D::NAME {
            "postgres" => format!("DROP OWNED BY {name} CASCADE; DROP ROLE {name}"),
            _ => format!("DROP USER {name}"),
        });
    }
}

async fn b11_a_role_without_create_launches_where_the_tables_are<D: Db>() {
    let db = D::new();
    opened(db.storage()).await;
    let role = Role::new(&db);
    role.grant_all();
    let storage = opened(role.storage()).await;
    storage.link(&suite::login("github", Some("1"), Some("11")), &keys()).await.unwrap();
    begun(&*storage, &suite::session("s", "11")).await;
    storage.delete(&AccountKey::identity("github", "1")).await.unwrap();
    // Also if the app's own migrations created them: the versions are nowhere then.
    db.sql("DROP TABLE rocket_dance_migrations");
    opened(role.storage()).await;
}

async fn b11_each_missing_right_is_named_and_granted<D: Db>() {
    let db = D::new();
    opened(db.storage()).await;
    let role = Role::new(&db);
    role.grant_all();
    let shown = db.url().replace("postgres@", "").replace("root@", "");
    for table in TABLES {
        for right in RIGHTS {
            role.revoke(right, table);
            let said = refused(role.storage()).await;
            let words = format!("`{shown}` does not let this role {right} in the table `{table}`");
            assert!(said.contains(&words) && said.contains(&role.sql_name()), "{said}");
            assert_eq!(role.follow(&said), 3, "{said}");
            opened(role.storage()).await;
        }
    }
}

async fn a_right_that_is_revoked_later_is_an_outage_after_two_attempts<D: Db>() {
    let db = D::new();
    opened(db.storage()).await;
    let role = Role::new(&db);
    role.grant_all();
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let policy = move |_: &Login<i32>, _: &mut D::Conn| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(Verdict::SignUp(7))
    };
    let storage = opened(role.storage().link(policy)).await;
    role.revoke("INSERT", "oauth_accounts");
    let login = suite::login("github", Some("1"), None);
    let error = storage.link(&login, &keys()).await.unwrap_err();
    assert_eq!((error.kind(), asked.load(Ordering::SeqCst)), (ErrorKind::StoreUnavailable, 2));
    assert_eq!(db.rows().1, 0);
    role.grant("INSERT", "oauth_accounts");
    storage.link(&login, &keys()).await.unwrap();
    assert_eq!((asked.load(Ordering::SeqCst), db.rows().1), (3, 1));
}

async fn b11_tables_that_another_role_must_create<D: Db>() {
    let db = D::new();
    let role = Role::new(&db);
    if D::NAME == "mysql" {
        role.grant("SELECT, INSERT, UPDATE, DELETE", "*");
    }
    let said = refused(role.storage()).await;
    assert!(said.contains("can't be migrated") && said.contains("GRANT CREATE"), "{said}");
    assert!(said.contains("DieselStorage::migrations()"), "{said}");
    assert_eq!(role.follow(&said), 1, "{said}");
    opened(role.storage()).await;
    if D::NAME == "postgres" {
        db.sql(&format!("ALTER ROLE {} SET search_path = nowhere", role.name));
        let said = refused(role.storage()).await;
        assert!(said.contains(&format!("CREATE SCHEMA auth AUTHORIZATION {}", role.name)), "{said}");
    }
}

async fn b11_a_trigger_that_is_installed_needs_no_right_to_install_it<D: Db>() {
    let db = D::new();
    opened(db.storage().cascade_from("users", "id")).await;
    let role = Role::new(&db);
    role.grant_all();
    let storage = || role.storage().cascade_from("users", "id");
    let said = refused(storage()).await;
    if D::NAME == "mysql" {
        // Without a right on the table, MySQL does not show that it exists.
        assert!(said.contains("there is no such table"), "{said}");
        role.grant("SELECT, UPDATE", "users");
        let said = refused(storage()).await;
        assert!(
            said.contains("GRANT TRIGGER ON") && said.contains("the trigger can't be installed"),
            "{said}"
        );
        // MySQL shows triggers only to those who may change them.
        assert_eq!(role.follow(&said), 1, "{said}");
    } else {
        assert!(said.contains("its rows can't be locked"), "{said}");
        assert_eq!(role.follow(&said), 1, "{said}");
    }
    opened(storage()).await;
    if D::NAME == "postgres" {
        db.sql("DROP FUNCTION oauth_accounts_cascade CASCADE");
        let said = refused(storage()).await;
        assert!(
            said.contains("the trigger can't be installed")
                && said.contains("as the owner of the table, run"),
            "{said}"
        );
        let script = said.lines().find(|line| line.contains("CREATE OR REPLACE FUNCTION")).unwrap();
        db.sql(script);
        opened(storage()).await;
    }
}

async fn b5_a_missing_table_says_how_to_create_it<D: Db>() {
    let db = D::new();
    let error = DieselStorage::url(db.url()).open(&Figment::new()).await.unwrap_err();
    let said = error.for_operator();
    assert!(
        said.contains("`DieselStorage::database(…).migrate()`") && said.contains("oauth_accounts"),
        "{said}"
    );
    let shown = db.url().replace("postgres@", "").replace("root@", "");
    assert!(said.contains(&format!("the database `{shown}` lacks a table")), "{said}");
}

#[cfg(feature = "postgres")]
#[rocket::async_test]
#[ignore = "needs POSTGRES_URL: tests/databases cargo test -- --include-ignored"]
async fn b11_a_schema_is_named_by_the_role_or_by_the_url() {
    let db = Postgres::new();
    let role = Role::new(&db);
    let name = &role.name;
    db.sql(&format!(
        "CREATE SCHEMA auth AUTHORIZATION {name}; ALTER ROLE {name} SET search_path = auth, public"
    ));
    db.sql(&format!("GRANT SELECT, UPDATE, TRIGGER ON users TO {name}"));
    let storage = || role.storage().cascade_from("users", "id");
    opened(storage()).await;
    let storage = opened(storage()).await;
    db.sql("INSERT INTO users (id, name) VALUES (11, 'Ada')");
    storage.link(&suite::login("github", Some("1"), Some("11")), &keys()).await.unwrap();
    let schemas = |db: &Postgres| {
        db.texts("SELECT schemaname AS t FROM pg_tables WHERE tablename = 'oauth_accounts' ORDER BY 1")
    };
    assert_eq!(schemas(&db), ["auth"]);
    assert_eq!(db.number("SELECT count(*) AS n FROM auth.oauth_accounts"), 1);
    // The trigger finds the tables, whatever the search_path of the app's own connection is.
    db.sql("SET search_path = nowhere; DELETE FROM public.users");
    assert_eq!(db.number("SELECT count(*) AS n FROM auth.oauth_accounts"), 0);

    db.sql("CREATE SCHEMA other");
    opened(DieselStorage::url(format!("{}?options=-csearch_path%3Dother", db.url())).migrate()).await;
    assert_eq!(schemas(&db), ["auth", "other"]);
}

#[cfg(feature = "mysql")]
#[rocket::async_test]
#[ignore = "needs MYSQL_URL: tests/databases cargo test -- --include-ignored"]
async fn b5_a_url_without_a_database_says_so() {
    let db = Mysql::new();
    let server = db.url().rsplit_once('/').unwrap().0.to_owned();
    for url in [server.clone(), server + "/"] {
        let said = refused(DieselStorage::url(url).migrate()).await;
        assert!(said.contains("names no database") && !said.contains("GRANT"), "{said}");
    }
}
