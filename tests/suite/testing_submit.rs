//! [`submit`]: forms of a page, as an app's own tests submit them.

use diesel::SqliteConnection;
use rocket::http::Status;
use rocket::local::{asynchronous, blocking};
use rocket_dance::provider::GitHub;
use rocket_dance::storage::{DieselStorage, MemoryStorage};
use rocket_dance::testing::{
    Browser, FakeProvider, TestAccount, connect, replace_storage, sign_in, sign_in_as, sign_in_as_blocking,
    submit, submit_blocking,
};
use rocket_dance::{Dance, LinkPolicy, Login, Result, SignUpForm, Standing, Verdict};

use crate::sqlite;
use crate::testing_kit::{app, app_with};
use crate::users::sign_up;

/// Asks a stranger for their name and their consent, and merges users.
struct Asking;

impl LinkPolicy<SqliteConnection, i32> for Asking {
    fn link(&self, login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
        match (&login.standing, login.answer("name")) {
            (Standing::Stranger, None) => {
                Ok(Verdict::Ask(SignUpForm::new().name().consent("terms", "I agree")))
            }
            (Standing::Taken { .. }, _) => Ok(Verdict::MergeUsers),
            _ => sign_up(login, conn),
        }
    }

    fn merge_users(&self, _: &i32, _: &i32, _: &mut SqliteConnection) -> Result<()> {
        Ok(())
    }
}

#[rocket::async_test]
async fn a_sign_up_is_completed_and_users_are_merged() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("app.sqlite");
    sqlite::execute(
        &database,
        "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL)",
    );
    let rocket = app_with(|dance| dance.storage(DieselStorage::database("app").migrate().link(Asking)));
    let figment = rocket.figment().clone().merge(("databases.app.url", database));
    let fake = FakeProvider::new();
    let client =
        asynchronous::Client::untracked(fake.stand_in(rocket.configure(figment), "github")).await.unwrap();
    let dance = Dance::fetch(client.rocket()).unwrap();
    let (ada, grace) = (Browser::new(&client), Browser::new(&client));
    for (browser, sub) in [(&ada, "ada"), (&grace, "grace")] {
        fake.set_user(sub);
        assert_eq!(sign_in(browser, "github").await.location.as_deref(), Some("/login/complete"));
        let incomplete = submit(browser, "/login/complete", "/login/complete", &[("name", sub)]).await;
        assert_eq!(incomplete.location.as_deref(), Some("/login/complete"), "the box is not checked");
        let answers = [("name", sub), ("terms", "yes")];
        let response = submit(browser, "/login/complete", "/login/complete", &answers).await;
        assert_eq!((response.status, response.location.as_deref()), (Status::SeeOther, Some("/")));
    }

    // Ada connects Grace's account.
    for (fields, accounts) in [(&[("cancel", "1")][..], 1), (&[], 2)] {
        assert_eq!(sign_in(&ada, "github").await.location.as_deref(), Some("/login/merge"));
        assert_eq!(submit(&ada, "/login/merge", "/login/merge", fields).await.status, Status::SeeOther);
        assert_eq!(dance.accounts(&1).await.unwrap().len(), accounts);
    }
}

#[rocket::async_test]
async fn an_app_below_a_path_and_a_form_that_names_the_account() {
    let rocket = app();
    let figment = rocket.figment().clone().merge(("dance.base_url", "https://example.com/app"));
    let rocket = replace_storage(rocket.configure(figment), MemoryStorage::new());
    let client = asynchronous::Client::tracked(rocket).await.unwrap();
    sign_in_as(&client, &7).await;
    connect(&client, &7, GitHub, TestAccount::valid()).await;
    connect(&client, &7, GitHub, TestAccount::valid().with_id("second")).await;
    let dance = Dance::fetch(client.rocket()).unwrap();
    let second = dance.accounts(&7).await.unwrap()[1].id.to_string();
    let fields = [("account", &*second)];
    submit(&client, "/login/accounts", "/login/github/disconnect", &fields).await;
    let left = dance.accounts(&7).await.unwrap();
    assert!(left.len() == 1 && left[0].id.to_string() != second, "{left:?}");
}

#[test]
fn the_blocking_client_submits_forms_too() {
    let client = blocking::Client::tracked(replace_storage(app(), MemoryStorage::new())).unwrap();
    sign_in_as_blocking(&client, &7);
    assert_eq!(submit_blocking(&client, "/login/accounts", "/login/logout", &[]).status, Status::SeeOther);
    assert_eq!(client.get("/me").dispatch().status(), Status::SeeOther, "signed out");
}

#[rocket::async_test]
#[should_panic(
    expected = "/login/accounts has no form that posts to /login/nobody/disconnect; its forms post to"
)]
async fn a_form_that_is_missing_fails_the_test_with_those_that_are_there() {
    let client = asynchronous::Client::tracked(replace_storage(app(), MemoryStorage::new())).await.unwrap();
    sign_in_as(&client, &7).await;
    submit(&client, "/login/accounts", "/login/nobody/disconnect", &[]).await;
}
