//! Many first logins at once, and a policy that panics, on SQLite.

use std::sync::atomic::{AtomicBool, Ordering};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use rocket::figment::Figment;
use rocket::http::{Cookie, Status};
use rocket::local::asynchronous::Client;
use rocket_dance::storage::DieselStorage;
use rocket_dance::testing::FakeProvider;
use rocket_dance::{Dance, Login, Result, Standing, Verdict};

use crate::app::{figment, location, path_and_query, rocket};

diesel::table! { users (id) { id -> Integer, name -> Text } }

static PANIC: AtomicBool = AtomicBool::new(false);

fn sign_up(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
    match &login.standing {
        Standing::Stranger => {
            let id = diesel::insert_into(users::table)
                .values(users::name.eq(login.profile.display_name()))
                .returning(users::id)
                .get_result(conn)?;
            assert!(
                !(login.profile.display_name() == "Panic" && PANIC.load(Ordering::Relaxed)),
                "the policy panics"
            );
            Ok(Verdict::SignUp(id))
        }
        _ => Ok(login.default_verdict()),
    }
}

struct Shop {
    dir: tempfile::TempDir,
    fake: FakeProvider,
    client: Client,
}

impl Shop {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = dir.path().join("app.sqlite").display().to_string();
        SqliteConnection::establish(&url)
            .unwrap()
            .batch_execute("create table users (id integer primary key autoincrement, name text not null)")
            .unwrap();
        let fake = FakeProvider::start().await;
        let figment: Figment = figment(&fake).merge(("databases.app.url", url));
        let dance = Dance::fairing().storage(DieselStorage::database("app").migrate().link(sign_up));
        let client = Client::untracked(rocket(figment, dance)).await.unwrap();
        Self { dir, fake, client }
    }

    fn counts(&self) -> (i64, i64) {
        let url = self.dir.path().join("app.sqlite").display().to_string();
        let conn = &mut SqliteConnection::establish(&url).unwrap();
        let count = |conn: &mut SqliteConnection, table: &str| {
            diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(&format!(
                "(select count(*) from {table})"
            )))
            .get_result::<i64>(conn)
            .unwrap()
        };
        (count(conn, "users"), count(conn, "oauth_accounts"))
    }

    /// A whole sign-in of one browser: status, Location, and whether a session began.
    async fn ride(&self) -> (Status, Option<String>, bool) {
        let begun = self.client.get("/login/op").dispatch().await;
        let flow: Vec<Cookie<'static>> =
            begun.cookies().iter().map(|cookie| cookie.clone().into_owned()).collect();
        let callback = path_and_query(&self.fake.authorize(&location(&begun)).await);
        let end = self.client.get(callback).cookies(flow).dispatch().await;
        let session = end.cookies().get("rocket_dance_session").is_some();
        (end.status(), end.headers().get_one("Location").map(str::to_owned), session)
    }
}

#[rocket::async_test]
async fn al_17_thirty_two_first_logins_make_one_user() {
    let shop = Shop::open().await;
    let ends = rocket::futures::future::join_all((0..32).map(|_| shop.ride())).await;
    for end in &ends {
        assert_eq!(*end, (Status::SeeOther, Some("/".into()), true));
    }
    assert_eq!(shop.counts(), (1, 1));
}

#[rocket::async_test]
async fn a_policy_that_panics_costs_its_own_ride_only() {
    let shop = Shop::open().await;
    shop.fake.set_userinfo(serde_json::json!({ "sub": "ada", "name": "Panic" }));
    PANIC.store(true, Ordering::Relaxed);
    let (status, _, session) = shop.ride().await;
    assert_eq!((status, session), (Status::InternalServerError, false));
    assert_eq!(shop.counts(), (0, 0), "user and account are rolled back together");
    PANIC.store(false, Ordering::Relaxed);
    assert_eq!(shop.ride().await.0, Status::SeeOther);
    assert_eq!(shop.counts(), (1, 1));
}
