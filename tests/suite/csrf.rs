//! Links of the app's own that sign a user in.

use rocket::http::{CookieJar, Status};
use rocket::local::asynchronous::Client;
use rocket::{get, routes};
use rocket_dance::testing::FakeProvider;
use rocket_dance::{CurrentUser, Dance};

use crate::app::{App, cross_site, figment, rocket};
use crate::harness::SESSION;
use crate::people::People;

/// The app's link in an e-mail, which signs the user in without a password.
#[get("/link/<user>")]
fn link(user: i32, jar: &CookieJar<'_>) {
    CurrentUser::sign_in(jar, &user);
}

#[rocket::async_test]
async fn cs_01_a_link_of_the_apps_own_may_come_from_another_site() {
    let (people, fake) = (People::new(), FakeProvider::start().await);
    let rocket = rocket(figment(&fake), Dance::fairing().storage(people.storage())).mount("/", routes![link]);
    let app = App::of(Client::tracked(rocket).await.expect("the app launches"), fake);
    let opened = app.client.get("/link/7").header(cross_site()).dispatch().await;
    assert_eq!(opened.status(), Status::Ok);
    assert!(app.cookies().contains_key(SESSION));
    assert_eq!(app.get("/me").await.into_string().await.as_deref(), Some("7"));
    // A form is another matter.
    let posted = app.client.post("/enter/8").header(cross_site()).dispatch().await;
    assert_eq!(posted.status(), Status::Forbidden);
    assert_eq!(app.get("/me").await.into_string().await.as_deref(), Some("7"));
}
