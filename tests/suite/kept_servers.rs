//! Accounts without a user on PostgreSQL and MariaDB: the same over HTTP as on SQLite, with the rows counted on the server.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use futures::future::join_all;
use rocket::http::Status;
use rocket_dance::storage::{AccountKey, DieselStorage};
use rocket_dance::testing::{FakeResponse, ProviderEndpoint};
use rocket_dance::{DanceFairing, Login, Result, Standing, Verdict};

use crate::backchannel_logout::post_logout_token;
use crate::harness::TestApp;
use crate::kept::{KEPT, guarded, kept_at, without_users};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// A database on a server, which is removed with it.
struct Database<C: Connection + SimpleConnection> {
    server: C,
    name: String,
    url: String,
}

impl<C: Connection + SimpleConnection> Database<C> {
    /// Creates a database with the app's table of users, on the server whose URL is in the environment variable `server`.
    fn create(server: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let url =
            std::env::var(server).unwrap_or_else(|_| panic!("{server} is not set: see tests/databases"));
        let name = format!("kept_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut server = C::establish(&url).expect("the server answers");
        server.batch_execute(&format!("CREATE DATABASE {name}")).expect("a database");
        let url = format!("{}/{name}", url.rsplit_once('/').expect("a URL with a database").0);
        C::establish(&url)
            .expect("the database answers")
            .batch_execute("CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(99) NOT NULL)")
            .expect("a table");
        Self { server, name, url }
    }

    fn connection(&self) -> C {
        C::establish(&self.url).expect("the database answers")
    }
}

impl<C: Connection + SimpleConnection> Drop for Database<C> {
    fn drop(&mut self) {
        // PostgreSQL needs FORCE to drop a database with connections. MariaDB rejects the word and does not need it.
        for force in [" WITH (FORCE)", ""] {
            let _ = self.server.batch_execute(&format!("DROP DATABASE {}{force}", self.name));
        }
    }
}

/// Stores a stranger's account without a user.
fn keep<C>(login: &Login<i32>, _: &mut C) -> Result<Verdict<i32>> {
    Ok(match login.standing {
        Standing::Stranger => Verdict::StoreWithoutUser,
        _ => login.default_verdict(),
    })
}

macro_rules! on_servers {
    ($($module:ident $connection:ident $server:literal $feature:literal)*) => {
        $(#[cfg(feature = $feature)]
        mod $module {
            use super::*;

            type Server = Database<$connection>;

            fn count(server: &Server, table: &str) -> i64 {
                let query = format!("SELECT count(*) AS count FROM {table}");
                let mut conn = server.connection();
                diesel::sql_query(query).get_result::<Count>(&mut conn).expect("a count").count
            }

            async fn app(server: &Server) -> TestApp {
                let storage = DieselStorage::url(&*server.url).migrate().link(keep::<$connection>);
                let storage = storage.cascade_from("users", "id");
                TestApp::launch_built(without_users, |dance: DanceFairing| dance.storage(storage)).await
            }

            #[rocket::async_test]
            #[ignore = concat!("needs ", $server, ": tests/databases cargo test -- --include-ignored")]
            async fn one_browser_has_the_account_until_it_signs_out() {
                let server = Server::create($server);
                let app = app(&server).await;
                let (mut ada, grace) = (kept_at(&app, "op", "ada").await, kept_at(&app, "op", "grace").await);
                assert_eq!(guarded(&ada).await.as_deref(), Some("ada"));
                assert_eq!(guarded(&grace).await.as_deref(), Some("grace"));
                assert_eq!(guarded(&app.browser()).await, None);
                let rows = || ["users", "oauth_accounts", "oauth_sessions"].map(|table| count(&server, table));
                assert_eq!(rows(), [0, 2, 2]);
                let copy = ada.clone();
                assert_eq!(ada.post("/login/logout", &[]).await.status, Status::SeeOther);
                assert_eq!((guarded(&ada).await, guarded(&copy).await), (None, None));
                assert_eq!(rows(), [0, 2, 1]);
                // The provider ends Grace's.
                let token = app.fake.logout_token(Some("grace"), None);
                assert_eq!(post_logout_token(&app, &token).await, Status::Ok);
                assert_eq!((guarded(&grace).await, rows()), (None, [0, 2, 0]));
            }

            #[rocket::async_test]
            #[ignore = concat!("needs ", $server, ": tests/databases cargo test -- --include-ignored")]
            async fn it_ends_with_the_account_and_with_a_user() {
                let server = Server::create($server);
                let app = app(&server).await;
                let mut ada = kept_at(&app, "op", "ada").await;
                let (elsewhere, grace) =
                    (kept_at(&app, "op", "ada").await, kept_at(&app, "op", "grace").await);
                assert_eq!(ada.post("/login/op/disconnect", &[]).await.status, Status::SeeOther);
                assert_eq!((guarded(&ada).await, guarded(&elsewhere).await), (None, None));
                assert_eq!(guarded(&grace).await.as_deref(), Some("grace"));
                app.dance().delete(&AccountKey::identity("op", "grace")).await.unwrap();
                assert_eq!(guarded(&grace).await, None);
                let rows = || ["oauth_accounts", "oauth_sessions"].map(|table| count(&server, table));
                assert_eq!(rows(), [0, 0]);
                // A user connects the account: no other browser has it without one.
                let (mut ada, elsewhere) = (kept_at(&app, "op", "ada").await, kept_at(&app, "op", "ada").await);
                server.connection().batch_execute("INSERT INTO users (id, name) VALUES (7, 'ada')").unwrap();
                ada.enter(7).await;
                assert_eq!((guarded(&ada).await, ada.jar.contains_key(KEPT)), (None, false));
                let callback = ada.ride_to_connect("/login/op").await;
                assert_eq!(ada.get(&callback).await.location(), "/");
                assert_eq!((guarded(&ada).await.as_deref(), guarded(&elsewhere).await), (Some("ada"), None));
                assert_eq!(rows(), [1, 1]);
                // What the user had ends with the user.
                server.connection().batch_execute("DELETE FROM users").unwrap();
                assert_eq!(rows(), [0, 0]);
            }

            #[rocket::async_test]
            #[ignore = concat!("needs ", $server, ": tests/databases cargo test -- --include-ignored")]
            async fn many_at_once_are_one_account_and_a_failure_is_none() {
                let server = Server::create($server);
                let app = app(&server).await;
                app.fake.set_user("ada");
                let ride = async || {
                    let mut browser = app.browser();
                    let callback = browser.ride("/login/op").await;
                    (browser.get(&callback).await.status, guarded(&browser).await)
                };
                for end in join_all((0..8).map(|_| ride())).await {
                    assert_eq!(end, (Status::SeeOther, Some("ada".to_owned())));
                }
                let rows = || ["oauth_accounts", "oauth_sessions"].map(|table| count(&server, table));
                assert_eq!(rows(), [1, 8]);
                app.fake.set_user("grace");
                let mut grace = app.browser();
                let callback = grace.ride("/login/op").await;
                app.fake.respond_once(ProviderEndpoint::Token, FakeResponse::status(503));
                assert_eq!(grace.get(&callback).await.status, Status::ServiceUnavailable);
                assert_eq!((rows(), grace.jar.contains_key(KEPT)), ([1, 8], false));
            }
        })*
    };
}

on_servers! {
    postgres PgConnection "POSTGRES_URL" "postgres"
    mysql MysqlConnection "MYSQL_URL" "mysql"
}
