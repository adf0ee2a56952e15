//! Many first logins at once, and a policy that panics, on SQLite.

use std::sync::atomic::{AtomicBool, Ordering};

use diesel::SqliteConnection;
use rocket::figment::Figment;
use rocket::http::{Cookie, Status};
use rocket::local::asynchronous::Client;
use rocket_dance::storage::DieselStorage;
use rocket_dance::testing::FakeProvider;
use rocket_dance::{Dance, Login, Result, Verdict};

use crate::app::{figment, location, path_and_query, rocket};
use crate::sqlite;
use crate::users::{self, sign_up};

static PANIC: AtomicBool = AtomicBool::new(false);

/// Signs up every stranger, and panics after that while `PANIC` is set.
fn sign_up_or_panic(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
    let verdict = sign_up(login, conn)?;
    let panics = login.profile.display_name() == "Panic" && PANIC.load(Ordering::Relaxed);
    assert!(!panics, "the policy panics");
    Ok(verdict)
}

struct Shop {
    dir: tempfile::TempDir,
    fake: FakeProvider,
    client: Client,
}

impl Shop {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("app.sqlite");
        users::create_table(&file);
        let url = file.display().to_string();
        let fake = FakeProvider::start().await;
        let figment: Figment = figment(&fake).merge(("databases.app.url", url));
        let dance = Dance::fairing().storage(DieselStorage::database("app").migrate().link(sign_up_or_panic));
        let client = Client::untracked(rocket(figment, dance)).await.unwrap();
        Self { dir, fake, client }
    }

    /// The numbers of users and of accounts.
    fn counts(&self) -> (usize, usize) {
        let file = self.dir.path().join("app.sqlite");
        (sqlite::count(&file, "users"), sqlite::count(&file, "oauth_accounts"))
    }

    /// A whole sign-in of one browser: status, Location, and whether a session began.
    async fn ride(&self) -> (Status, Option<String>, bool) {
        let begun = self.client.get("/login/op").dispatch().await;
        let flow: Vec<Cookie<'static>> =
            begun.cookies().iter().map(|cookie| cookie.clone().into_owned()).collect();
        let callback = path_and_query(&self.fake.authorize(&location(&begun)).await);
        let end = self.client.get(callback).cookies(flow).dispatch().await;
        let session = end.cookies().get(crate::harness::SESSION).is_some();
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
