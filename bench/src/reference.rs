//! What a callback and an API call can't do without: HTTP round trips, and a transaction.

use deadpool_diesel::sqlite::{Manager, Pool, Runtime};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use rocket::serde::json::{Json, Value};
use rocket::{State, get};

/// An HTTP client and a pool of the app's own.
pub struct Reference {
    http: reqwest::Client,
    pool: Pool,
    provider: String,
}

impl Reference {
    /// Opens a database of its own in `folder`.
    pub async fn new(folder: &str) -> Self {
        let manager = Manager::new(format!("{folder}/reference.sqlite"), Runtime::Tokio1);
        let pool = Pool::builder(manager).max_size(4).build().expect("a pool");
        let conn = pool.get().await.expect("a connection");
        let tables = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
            CREATE TABLE claims (id TEXT PRIMARY KEY, until BIGINT NOT NULL) WITHOUT ROWID;
            CREATE TABLE accounts (id INTEGER PRIMARY KEY, token TEXT NOT NULL, updated_at BIGINT NOT NULL);
            CREATE TABLE sessions (id TEXT PRIMARY KEY, user_id TEXT NOT NULL) WITHOUT ROWID;
            INSERT INTO accounts VALUES (1, 'a token', 0)";
        conn.interact(|conn| conn.batch_execute(tables)).await.expect("a thread").expect("tables");
        Self { http: test_support::http_client(), pool, provider: crate::server::setting("PROVIDER") }
    }
}

/// The two requests of a callback: the token, and the userinfo.
#[get("/reference/round_trips")]
pub async fn round_trips(reference: &State<Reference>) -> Json<Value> {
    let Reference { http, provider, .. } = &**reference;
    let form = [("grant_type", "authorization_code"), ("code", "c0de")];
    let token = http.post(format!("{provider}/token")).form(&form).send().await.expect("an answer");
    let token: Value = token.json().await.expect("JSON");
    let token = token["access_token"].as_str().expect("a token");
    let userinfo =
        http.get(format!("{provider}/userinfo")).bearer_auth(token).send().await.expect("an answer");
    Json(userinfo.json().await.expect("JSON"))
}

/// The statements that a callback can't do without, in one transaction: it claims the code, and stores the account and the session.
#[get("/reference/transaction")]
pub async fn transaction(reference: &State<Reference>) -> &'static str {
    let conn = reference.pool.get().await.expect("a connection");
    let work = |conn: &mut SqliteConnection| {
        conn.immediate_transaction(|conn| {
            diesel::sql_query("INSERT INTO claims VALUES (hex(randomblob(12)), 1)").execute(conn)?;
            diesel::sql_query("UPDATE accounts SET token = 'another', updated_at = 1 WHERE id = 1")
                .execute(conn)?;
            diesel::sql_query("INSERT INTO sessions VALUES (hex(randomblob(12)), '1')").execute(conn)
        })
    };
    conn.interact(work).await.expect("a thread").expect("a commit");
    "hello"
}
