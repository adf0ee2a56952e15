//! docs/openapi.yaml against the code: the document is valid, it has the routes that the app mounts, and real answers match its
//! schemas.

#![cfg(test)]
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Integer, Text};
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use rocket::http::{Accept, ContentType, Header, Method};
use rocket::local::asynchronous::Client;
use rocket::{Build, Rocket};
use rocket_dance::storage::DieselStorage;
use rocket_dance::testing::{FakeProvider, sign_in};
use rocket_dance::{Dance, LinkPolicy, Login, Result, SignUpForm, Standing, Verdict};
use serde_json::{Map, Value, json};
use test_support::Watchdog;

#[allow(dead_code)]
mod spa {
    include!("../../examples/spa/main.rs");

    pub(super) fn app() -> rocket::Rocket<rocket::Build> {
        rocket()
    }
}

fn document() -> Value {
    serde_yaml_ng::from_str(include_str!("../../docs/openapi.yaml")).unwrap()
}

/// The document in which no schema allows a field that it does not name, so that no answer has an undocumented one.
fn strict_document() -> Value {
    let mut document = document();
    for_each_object(&mut document["components"]["schemas"], &|schema| {
        if schema.contains_key("properties") {
            schema.entry("additionalProperties").or_insert(false.into());
        }
    });
    document
}

fn for_each_object(value: &mut Value, change: &impl Fn(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            change(object);
            object.values_mut().for_each(|value| for_each_object(value, change));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| for_each_object(value, change)),
        _ => {}
    }
}

/// The documented operations: method and path, as Rocket writes it.
fn operations(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
        methods.map(move |method| format!("{} {}", method.to_uppercase(), rocket_path(path)))
    });
    operations.collect()
}

fn rocket_path(path: &str) -> String {
    path.replace('{', "<").replace('}', ">")
}

#[test]
fn a5_the_document_is_valid() {
    let schema: Value = serde_json::from_str(include_str!("openapi-3.1.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&document()).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert!(!validator.is_valid(&json!({"openapi": "3.1.0"})), "the check can fail");
}

/// An app with three entries: `op` signs out at the provider, `op_post` has its callback by POST.
struct App {
    client: Client,
    fake: FakeProvider,
    document: Value,
    /// The answers that were compared: operation and status.
    seen: BTreeSet<String>,
    _folder: tempfile::TempDir,
    _watchdog: Watchdog,
}

impl App {
    /// Launches the example app.
    async fn launch() -> Self {
        Self::launch_rocket(spa::app()).await
    }

    async fn launch_rocket(rocket: Rocket<Build>) -> Self {
        let (fake, folder) = (FakeProvider::start().await, tempfile::tempdir().unwrap());
        let database = folder.path().join("app.sqlite").display().to_string();
        SqliteConnection::establish(&database)
            .unwrap()
            .batch_execute("create table users (id integer primary key autoincrement, name text not null)")
            .unwrap();
        let figment = rocket::Config::figment()
            .merge(("log_level", "off"))
            .merge(("databases.app.url", database))
            .merge(("secret_key", "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk="))
            .merge(fake.config("op"))
            .merge(fake.config("op2"))
            .merge(fake.config("op_post"))
            .merge(("oauth.op.logout", true))
            .merge(("oauth.op.native_client_ids", ["ios"]))
            .merge(("oauth.op_post.response_mode", "form_post"));
        let client = Client::tracked(rocket.configure(figment)).await.unwrap();
        let document = strict_document();
        Self { client, fake, document, seen: BTreeSet::new(), _folder: folder, _watchdog: Watchdog::start() }
    }

    async fn csrf(&mut self) -> String {
        self.send(Method::Get, "/login/me", None).await["csrf"].as_str().unwrap().to_owned()
    }

    /// Posts JSON as a script does.
    async fn post(&mut self, uri: &str, fields: Value) -> Value {
        self.send(Method::Post, uri, Some(fields)).await
    }

    /// Sends a request that asks for JSON, compares the answer with the document, and returns it.
    async fn send(&mut self, method: Method, uri: &str, fields: Option<Value>) -> Value {
        let csrf = match method {
            Method::Get => String::new(),
            _ => Box::pin(self.csrf()).await,
        };
        let (status, content_type, body) = {
            let mut request = self.client.req(method, uri.to_owned()).header(Accept::JSON);
            if let Some(fields) = fields {
                request = request.header(ContentType::JSON).body(fields.to_string());
                request.add_header(Header::new("X-CSRF-Token", csrf));
            }
            let response = request.dispatch().await;
            let content_type = response.content_type().map(|kind| kind.to_string());
            (response.status().code, content_type, response.into_string().await.unwrap_or_default())
        };
        self.compare(method, uri, status, content_type.as_deref(), &body);
        serde_json::from_str(&body).unwrap_or_default()
    }

    fn compare(&mut self, method: Method, uri: &str, status: u16, content_type: Option<&str>, body: &str) {
        let path = documented_path(&self.document, uri);
        let operation = &self.document["paths"][&path][method.as_str().to_lowercase()];
        let responses = &operation["responses"];
        let what = format!("{method} {path} {status}");
        let response =
            [status.to_string().as_str(), "default"].into_iter().find_map(|key| responses.get(key));
        let response = response.unwrap_or_else(|| panic!("{what} is not documented: {body}"));
        let response = match response["$ref"].as_str() {
            Some(reference) => self.document.pointer(reference.trim_start_matches('#')).unwrap(),
            None => response,
        };
        match content_type {
            None => assert_eq!(body, "", "{what}"),
            Some("application/json") => {
                let mut schema = response["content"]["application/json"]["schema"].clone();
                assert!(schema.is_object(), "{what} has no JSON: {body}");
                schema["components"] = self.document["components"].clone();
                let validator = jsonschema::draft202012::new(&schema).unwrap();
                let answer: Value = serde_json::from_str(body).unwrap();
                let errors: Vec<String> =
                    validator.iter_errors(&answer).map(|error| error.to_string()).collect();
                assert!(errors.is_empty(), "{what}: {errors:?}: {answer}");
            }
            Some(other) => panic!("{what} answers with {other}"),
        }
        self.seen.insert(what);
    }

    /// Fails if one of `operations` (with its status) was not compared.
    fn assert_seen(&self, operations: &[&str]) {
        let missing: Vec<_> = operations.iter().filter(|what| !self.seen.contains(**what)).collect();
        assert!(missing.is_empty(), "not seen: {missing:?}; seen: {:?}", self.seen);
    }

    /// Begins by JSON, and follows the provider to the callback.
    async fn ride(&mut self, entry: &str) {
        let begun = self.post(&format!("/login/{entry}"), json!({"next": "/"})).await;
        let callback = self.fake.authorize(begun["authorization_url"].as_str().unwrap()).await;
        let callback = url::Url::parse(&callback).unwrap();
        let callback = callback[url::Position::BeforePath..].to_owned();
        assert_eq!(self.client.get(callback).dispatch().await.status().code, 303);
    }
}

/// The path of the document for `uri`: one without a parameter first.
fn documented_path(document: &Value, uri: &str) -> String {
    let segments: Vec<&str> = uri.split('?').next().unwrap().split('/').collect();
    let fits = |path: &&String, is_exact: bool| {
        let own: Vec<&str> = path.split('/').collect();
        own.len() == segments.len()
            && own.iter().zip(&segments).all(|(own, given)| own == given || (!is_exact && *own == "{name}"))
    };
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    let found = [true, false].into_iter().find_map(|is_exact| paths.iter().find(|path| fits(path, is_exact)));
    (*found.unwrap_or_else(|| panic!("{uri} is not documented"))).clone()
}

#[rocket::async_test]
async fn a5_the_document_has_the_routes_that_are_mounted() {
    let app = App::launch().await;
    let routes = app.client.rocket().routes();
    let ours = routes.filter(|route| route.name.as_ref().is_some_and(|name| name.starts_with("oauth: ")));
    let mounted: BTreeSet<String> = ours.map(|route| format!("{} {}", route.method, route.uri)).collect();
    assert_eq!(mounted, operations(&app.document));
}

#[rocket::async_test]
async fn a5_real_answers_match_the_document() {
    let mut app = App::launch().await;
    let get = Method::Get;
    // Signed out.
    for uri in [
        "/login",
        "/login?next=/a",
        "/login/me",
        "/login/accounts",
        "/login/confirm",
        "/login/complete",
        "/login/merge",
        "/login/signed-out",
        "/login/op",
        "/login/nobody",
    ] {
        app.send(get, uri, None).await;
    }
    let posts = [
        "op",
        "op/disconnect",
        "op/primary",
        "op/native",
        "op/native/finish",
        "confirm",
        "complete",
        "merge",
        "logout/session",
    ];
    for path in posts.iter().chain(&["nobody", "nobody/native"]) {
        app.post(&format!("/login/{path}"), json!({})).await;
        app.post(
            &format!("/login/{path}"),
            json!({"account": 1, "session": "x", "flow": "x", "id_token": "x"}),
        )
        .await;
    }
    // A device signs up, connects, and signs out here and at the provider.
    let begun = app.post("/login/op/native", json!({})).await;
    let id_token = app.fake.native_id_token("ios", begun["nonce"].as_str().unwrap());
    let finish = json!({"flow": begun["flow"], "id_token": id_token});
    assert_eq!(app.post("/login/op/native/finish", finish.clone()).await, json!({"user": 1}));
    app.post("/login/op/native/finish", finish).await;
    app.ride("op2").await;
    for uri in [
        "/login",
        "/login/me",
        "/login/accounts",
        "/login/confirm",
        "/login/merge",
        "/login/signed-out",
        "/login/op",
    ] {
        app.send(get, uri, None).await;
    }
    let accounts = app.send(get, "/login/me", None).await["accounts"].clone();
    assert_eq!(accounts.as_array().map(Vec::len), Some(2));
    let (first, second) = (accounts[0]["id"].clone(), accounts[1]["id"].clone());
    app.post("/login/op/primary", json!({"account": first})).await;
    app.post("/login/op2/disconnect", json!({"account": second})).await;
    app.post("/login/op/disconnect", json!({"account": first})).await;
    let session = app.send(get, "/login/accounts", None).await["sessions"][0]["id"].clone();
    assert!(app.post("/login/logout/session", json!({"session": session})).await["logout_url"].is_string());
    for logout in ["/login/logout", "/login/logout/everywhere"] {
        sign_in(&app.client, "op").await;
        assert!(app.post(logout, json!({})).await["logout_url"].is_string());
        sign_in(&app.client, "op2").await;
        assert_eq!(app.post(logout, json!({})).await, Value::Null);
    }
    sign_in(&app.client, "op2").await;
    app.post("/login/logout/session", json!({"session": "another"})).await;
    app.send(get, "/login/logged-out", None).await;

    app.assert_seen(&[
        "GET /login 200",
        "GET /login/me 200",
        "GET /login/accounts 200",
        "GET /login/accounts 401",
        "GET /login/confirm 400",
        "GET /login/signed-out 200",
        "GET /login/{name} 200",
        "GET /login/{name} 404",
        "POST /login/confirm 400",
        "POST /login/{name} 200",
        "POST /login/{name} 404",
        "POST /login/{name}/disconnect 204",
        "POST /login/{name}/disconnect 401",
        "POST /login/{name}/disconnect 409",
        "POST /login/{name}/native 200",
        "POST /login/{name}/native 404",
        "POST /login/{name}/native/finish 200",
        "POST /login/{name}/native/finish 400",
        "POST /login/{name}/primary 204",
        "POST /login/{name}/primary 400",
        "POST /login/logout 200",
        "POST /login/logout 204",
        "POST /login/logout/everywhere 200",
        "POST /login/logout/everywhere 204",
        "POST /login/logout/session 200",
        "POST /login/logout/session 204",
        "POST /login/logout/session 400",
        "GET /login/logged-out 303",
    ]);
}

/// Asks strangers for their name at `op`, and to sign in as user 1 at `op2`. Merges users.
struct Asking;

impl LinkPolicy<SqliteConnection, i32> for Asking {
    fn link(&self, login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
        match (&login.standing, login.answer("name")) {
            (Standing::Stranger, Some(name)) => {
                let insert = "insert into users (name) values (?) returning id";
                let user = diesel::sql_query(insert).bind::<Text, _>(name).get_result::<NewUser>(conn)?;
                Ok(Verdict::SignUp(user.id))
            }
            (Standing::Stranger, None) if login.entry == "op2" => Ok(Verdict::SignInFirst(1)),
            (Standing::Stranger, None) => Ok(Verdict::Ask(SignUpForm::new().name())),
            (Standing::Taken { .. }, _) => Ok(Verdict::MergeUsers),
            _ => Ok(login.default_verdict()),
        }
    }

    fn merge_users(&self, _: &i32, _: &i32, _: &mut SqliteConnection) -> Result<()> {
        Ok(())
    }
}

#[derive(diesel::QueryableByName)]
struct NewUser {
    #[diesel(sql_type = Integer)]
    id: i32,
}

#[rocket::async_test]
async fn the_answers_about_an_account_that_waits_match_the_document() {
    let storage = DieselStorage::database("app").migrate().link(Asking).cascade_from("users", "id");
    let rocket = rocket::build().attach(Dance::fairing().storage(storage));
    let mut app = App::launch_rocket(rocket).await;
    let get = Method::Get;

    app.fake.set_user("ada");
    app.ride("op").await;
    app.send(get, "/login/complete", None).await;
    let incomplete = app.post("/login/complete", json!({"name": ""})).await;
    assert_eq!(incomplete["error"]["code"], "sign_up_incomplete");
    assert!(app.send(get, "/login/complete", None).await["fields"][0]["error"].is_string());
    assert_eq!(app.post("/login/complete", json!({"name": "Ada"})).await, json!({"user": 1}));

    app.post("/login/logout", json!({})).await;
    app.fake.set_user("grace");
    app.ride("op2").await;
    assert_eq!(app.send(get, "/login/confirm", None).await["error"]["code"], "sign_in_first");
    app.fake.set_user("ada");
    app.ride("op").await;
    app.send(get, "/login/confirm", None).await;
    app.post("/login/confirm", json!({})).await;

    app.post("/login/logout", json!({})).await;
    app.fake.set_user("eve");
    app.ride("op").await;
    assert_eq!(app.post("/login/complete", json!({"name": "Eve"})).await, json!({"user": 2}));
    app.fake.set_user("grace");
    app.ride("op2").await;
    assert_eq!(app.send(get, "/login/merge", None).await["merged"].as_array().map(Vec::len), Some(2));
    app.post("/login/merge", json!({})).await;

    app.assert_seen(&[
        "GET /login/complete 200",
        "POST /login/complete 200",
        "GET /login/confirm 200",
        "POST /login/confirm 204",
        "GET /login/merge 200",
        "POST /login/merge 204",
    ]);
}
