//! The policies of docs/guide/policies.md, which prints these files, in an app each.

#![allow(dead_code)]

mod ask {
    include!("ask.rs");
    pub fn policy(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
        asks(login, conn)
    }
}
mod deactivated {
    include!("deactivated.rs");
    pub fn policy() -> impl LinkPolicy<SqliteConnection, i32> {
        Policy
    }
}
mod everybody {
    include!("everybody.rs");
    pub fn policy(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
        sign_up(login, conn)
    }
}
mod invitation {
    include!("invitation.rs");
    pub fn policy(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
        invited(login, conn)
    }
    pub fn signal() -> impl Signals {
        KeepInvitation
    }
    pub fn routes() -> Vec<rocket::Route> {
        rocket::routes![invitation]
    }
}
mod known_users {
    include!("known_users.rs");
    pub fn policy(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
        known(login, conn)
    }
}
mod members {
    include!("members.rs");
    pub fn signal() -> impl Signals {
        OnlyMembers
    }
}
mod same_address {
    include!("same_address.rs");
    pub fn policy(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
        same_address(login, conn)
    }
}
mod merge_users {
    include!("merge_users.rs");
    pub fn policy() -> impl LinkPolicy<SqliteConnection, i32> {
        Policy
    }
}

use std::path::Path;

use rocket::http::{ContentType, CookieJar, Status};
use rocket::local::asynchronous::Client;
use rocket::{get, post, routes};
use rocket_dance::storage::DieselStorage;
use rocket_dance::testing::{AppResponse, FakeProvider, FakeResponse, ProviderEndpoint, sign_in};
use rocket_dance::{CurrentUser, Dance, DanceFairing, RequireEmailDomain, Visitor};
use serde_json::json;
use tempfile::TempDir;

use crate::sqlite;

/// Who is signed in, or 0.
#[get("/who")]
fn who(visitor: Visitor<i32>) -> String {
    visitor.user().map_or(0, |user| *user).to_string()
}

#[post("/enter/<user>")]
fn enter(user: i32, jar: &CookieJar<'_>) {
    CurrentUser::sign_in(jar, &user);
}

#[post("/leave")]
fn leave(jar: &CookieJar<'_>) {
    CurrentUser::sign_out(jar);
}

/// An app with a policy, its database and its provider.
struct App {
    client: Client,
    fake: FakeProvider,
    folder: TempDir,
}

impl App {
    async fn new(tables: &str, dance: impl FnOnce(DieselStorage) -> DanceFairing) -> Self {
        let (fake, folder) = (FakeProvider::start().await, tempfile::tempdir().unwrap());
        let file = folder.path().join("app.sqlite");
        tables.split("; ").for_each(|sql| sqlite::execute(&file, sql));
        let figment = rocket::Config::figment()
            .merge(("databases.app.url", file.display().to_string()))
            .merge(("oauth.github.trust_email", true));
        let rocket = rocket::custom(figment)
            .attach(dance(DieselStorage::database("app").migrate()))
            .mount("/", routes![who, enter, leave])
            .mount("/", invitation::routes());
        let client = Client::tracked(fake.stand_in(rocket, "github")).await.unwrap();
        Self { client, fake, folder }
    }

    fn file(&self) -> std::path::PathBuf {
        Path::new(self.folder.path()).join("app.sqlite")
    }

    fn count(&self, table: &str) -> usize {
        sqlite::count(&self.file(), table)
    }

    async fn sign_in(&self, user: &str) -> AppResponse {
        self.fake.set_user(user);
        sign_in(&self.client, "github").await
    }

    async fn who(&self) -> String {
        self.client.get("/who").dispatch().await.into_string().await.unwrap()
    }

    /// A refused sign-in stores nothing and signs no user in.
    async fn refuses(&self, user: &str) {
        let before = sqlite::dump(&self.file(), |table| table != "oauth_claims");
        assert_eq!(self.sign_in(user).await.status, Status::Forbidden);
        assert_eq!(sqlite::dump(&self.file(), |table| table != "oauth_claims"), before);
        assert_eq!(self.who().await, "0");
    }
}

const USERS: &str = "create table users (id integer primary key autoincrement, name text not null)";

#[rocket::async_test]
async fn everybody_becomes_a_user_once() {
    let app = App::new(USERS, |storage| Dance::fairing().storage(storage.link(everybody::policy))).await;
    for _ in 0..2 {
        assert_eq!(app.sign_in("ada").await.status, Status::SeeOther);
        assert_eq!((app.who().await.as_str(), app.count("users")), ("1", 1));
    }
}

#[rocket::async_test]
async fn only_people_of_one_domain_sign_in() {
    let policy = RequireEmailDomain("example.com", everybody::policy);
    let app = App::new(USERS, |storage| Dance::fairing().storage(storage.link(policy))).await;
    let person = |email: &str| json!({ "id": 7, "login": "ada", "email": email });
    let emails = |email: &str| json!([{ "email": email, "primary": true, "verified": true }]);
    app.fake.set_userinfo(person("ada@example.org"));
    app.fake.respond_once(ProviderEndpoint::Emails, FakeResponse::json(emails("ada@example.org")));
    assert_eq!(sign_in(&app.client, "github").await.status, Status::Forbidden);
    assert_eq!((app.who().await.as_str(), app.count("users")), ("0", 0));
    app.fake.set_userinfo(person("ada@example.com"));
    app.fake.respond_once(ProviderEndpoint::Emails, FakeResponse::json(emails("ada@example.com")));
    sign_in(&app.client, "github").await;
    assert_eq!((app.who().await.as_str(), app.count("users")), ("1", 1));
}

#[rocket::async_test]
async fn only_members_of_the_organization_sign_in() {
    let dance = |storage: DieselStorage| {
        Dance::fairing().storage(storage.link(everybody::policy)).signals_for("github", members::signal())
    };
    let app = App::new(USERS, dance).await;
    app.fake.respond_once(ProviderEndpoint::Api, FakeResponse::status(404));
    app.refuses("mallory").await;
    assert!(app.fake.last_request(ProviderEndpoint::Api).path.ends_with("/user/memberships/orgs/our-org"));
    app.sign_in("ada").await;
    assert_eq!(app.who().await, "1");
}

#[rocket::async_test]
async fn an_invitation_is_used_up_by_one_user() {
    let tables = format!(
        "{USERS}; create table invitations (code text primary key); insert into invitations values ('for-ada')"
    );
    let dance = |storage: DieselStorage| {
        Dance::fairing().storage(storage.link(invitation::policy)).signals(invitation::signal())
    };
    let app = App::new(&tables, dance).await;
    app.refuses("mallory").await;
    app.client.get("/invitations/guessed").dispatch().await;
    app.refuses("mallory").await;
    assert_eq!(app.count("invitations"), 1);
    app.client.get("/invitations/for-ada").dispatch().await;
    app.sign_in("ada").await;
    assert_eq!((app.who().await.as_str(), app.count("invitations")), ("1", 0));
    app.sign_in("ada").await;
    assert_eq!(
        (app.who().await.as_str(), app.count("users")),
        ("1", 1),
        "without an invitation from then on"
    );
}

#[rocket::async_test]
async fn a_known_user_signs_in_as_before_and_confirms() {
    let tables = "create table users (id integer primary key autoincrement, email text not null); \
                  insert into users values (7, 'ada@example.com')";
    let app = App::new(tables, |storage| Dance::fairing().storage(storage.link(known_users::policy))).await;
    app.fake.set_userinfo(json!({ "id": 1, "login": "mallory", "email": "mallory@example.com" }));
    let emails = json!([{ "email": "mallory@example.com", "primary": true, "verified": true }]);
    app.fake.respond_once(ProviderEndpoint::Emails, FakeResponse::json(emails));
    assert_eq!(sign_in(&app.client, "github").await.status, Status::Forbidden, "no user has this address");
    let emails = json!([{ "email": "ada@example.com", "primary": true, "verified": true }]);
    app.fake.set_userinfo(json!({ "id": 2, "login": "ada", "email": "ada@example.com" }));
    app.fake.respond_once(ProviderEndpoint::Emails, FakeResponse::json(emails));
    let waits = sign_in(&app.client, "github").await;
    assert_eq!(waits.location.as_deref(), Some("/login/confirm"));
    assert_eq!(
        (app.who().await.as_str(), app.count("oauth_accounts")),
        ("0", 0),
        "nothing before the confirmation"
    );
    app.client.post("/enter/7").dispatch().await;
    let me: serde_json::Value = app.client.get("/login/me").dispatch().await.into_json().await.unwrap();
    let form = format!("csrf={}", me["csrf"].as_str().unwrap());
    let confirmed = app.client.post("/login/confirm").header(ContentType::Form).body(form).dispatch().await;
    assert_eq!(confirmed.status(), Status::SeeOther);
    assert_eq!((app.who().await.as_str(), app.count("oauth_accounts")), ("7", 1));
}

#[rocket::async_test]
async fn a_visitor_with_a_users_verified_address_is_that_user() {
    let tables = "create table users (id integer primary key autoincrement, email text not null collate nocase, \
                  email_verified bool not null); \
                  insert into users values (7, 'ada@example.com', true), (8, 'Eve@example.com', true), (9, 'bob@example.com', false)";
    let app = App::new(tables, |storage| Dance::fairing().storage(storage.link(same_address::policy))).await;
    let signs_in = async |id: i32, email: &str, is_verified: bool| {
        app.client.post("/leave").dispatch().await;
        app.fake.set_userinfo(json!({ "id": id, "login": "visitor", "email": email }));
        let emails = json!([{ "email": email, "primary": true, "verified": is_verified }]);
        app.fake.respond_once(ProviderEndpoint::Emails, FakeResponse::json(emails));
        let response = sign_in(&app.client, "github").await;
        (response.status.code, response.location, app.who().await, app.count("oauth_accounts"))
    };
    let refused = (403, None, "0".to_owned(), 0);
    assert_eq!(signs_in(1, "ada@example.com", false).await, refused, "the provider has not verified it");
    assert_eq!(signs_in(1, "mallory@example.com", true).await, refused, "no user has this address");
    let asked = (303, Some("/login/confirm".to_owned()), "0".to_owned(), 0);
    assert_eq!(signs_in(2, "eve@example.com", true).await, asked, "equal for the database only");
    assert_eq!(signs_in(3, "bob@example.com", true).await, asked, "the app has not verified it");
    assert_eq!(signs_in(1, "ada@example.com", true).await, (303, Some("/".to_owned()), "7".to_owned(), 1));
}

#[rocket::async_test]
async fn a_visitor_is_asked_before_the_user_is_created() {
    let tables =
        "create table users (id integer primary key autoincrement, name text not null, email text not null)";
    let app = App::new(tables, |storage| Dance::fairing().storage(storage.link(ask::policy))).await;
    assert_eq!(app.sign_in("ada").await.location.as_deref(), Some("/login/complete"));
    assert_eq!((app.who().await.as_str(), app.count("users")), ("0", 0));
    let me: serde_json::Value = app.client.get("/login/me").dispatch().await.into_json().await.unwrap();
    let form = format!("csrf={}&name=Ada&email=ada@example.com&terms=on", me["csrf"].as_str().unwrap());
    let completed = app.client.post("/login/complete").header(ContentType::Form).body(form).dispatch().await;
    assert_eq!(completed.status(), Status::SeeOther);
    assert_eq!((app.who().await.as_str(), app.count("users")), ("1", 1));
}

#[rocket::async_test]
async fn two_users_of_one_person_become_one() {
    let tables = "create table users (id integer primary key autoincrement); insert into users values (1), (2); \
                  create table notes (id integer primary key, user_id integer); insert into notes values (5, 1)";
    let app = App::new(tables, |storage| Dance::fairing().storage(storage.link(merge_users::policy()))).await;
    app.client.post("/enter/1").dispatch().await;
    app.sign_in("ada").await;
    app.client.post("/enter/2").dispatch().await;
    assert_eq!(app.sign_in("ada").await.location.as_deref(), Some("/login/merge"));
    assert_eq!(app.count("users"), 2, "nothing before the confirmation");
    let me: serde_json::Value = app.client.get("/login/me").dispatch().await.into_json().await.unwrap();
    let form = format!("csrf={}", me["csrf"].as_str().unwrap());
    app.client.post("/login/merge").header(ContentType::Form).body(form).dispatch().await;
    assert_eq!((app.who().await.as_str(), app.count("users")), ("2", 1));
    assert!(
        sqlite::dump(&app.file(), |table| table == "notes").contains("id=5, user_id=2"),
        "the note as well"
    );
}

#[rocket::async_test]
async fn a_deactivated_user_does_not_sign_in() {
    let tables = "create table users (id integer primary key autoincrement, is_active bool not null, password text); \
                  insert into users values (1, true, null)";
    let app = App::new(tables, |storage| Dance::fairing().storage(storage.link(deactivated::policy()))).await;
    app.client.post("/enter/1").dispatch().await;
    app.sign_in("ada").await;
    let me: serde_json::Value = app.client.get("/login/me").dispatch().await.into_json().await.unwrap();
    let form = format!("csrf={}", me["csrf"].as_str().unwrap());
    let disconnect =
        || app.client.post("/login/github/disconnect").header(ContentType::Form).body(&form).dispatch();
    assert_eq!(disconnect().await.status(), Status::Conflict, "the last way to sign in");
    sqlite::execute(&app.file(), "update users set is_active = false");
    app.client.post("/leave").dispatch().await;
    app.refuses("ada").await;
}
