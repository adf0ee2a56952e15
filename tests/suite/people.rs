//! Users of an app: a table `users` beside the accounts, in one SQLite file per test.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use rocket_dance::storage::DieselStorage;
use rocket_dance::{LinkPolicy, Login, Result, Standing, Verdict};
use tempfile::TempDir;

diesel::table! {
    users (id) {
        id -> Integer,
        name -> Text,
        active -> Bool,
        password -> Bool,
    }
}

/// Signs up every stranger.
pub struct SignUp;

impl LinkPolicy<SqliteConnection, i32> for SignUp {
    fn link(&self, login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
        match &login.standing {
            Standing::Stranger => {
                let name = users::name.eq(login.note("name").unwrap_or(login.profile.display_name()));
                let id =
                    diesel::insert_into(users::table).values(name).returning(users::id).get_result(conn)?;
                Ok(Verdict::SignUp(id))
            }
            _ => Ok(login.default_verdict()),
        }
    }

    fn has_other_login(&self, user: &i32, conn: &mut SqliteConnection) -> Result<bool> {
        Ok(users::table.find(user).select(users::password).first(conn)?)
    }

    fn may_sign_in(&self, user: &i32, conn: &mut SqliteConnection) -> Result<bool> {
        Ok(users::table.find(user).select(users::active).first(conn).optional()?.unwrap_or(false))
    }
}

/// The database file. Dropping it deletes the file.
pub struct People {
    folder: TempDir,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Integer)]
    count: i32,
}

impl People {
    pub fn new() -> Self {
        let people = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        people.sql(
            "PRAGMA journal_mode = wal;
             CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, active BOOLEAN NOT NULL DEFAULT 1,
                                 password BOOLEAN NOT NULL DEFAULT 0);",
        );
        people
    }

    pub fn path(&self) -> String {
        self.folder.path().join("app.sqlite").display().to_string()
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub fn storage(&self) -> DieselStorage {
        DieselStorage::url(self.path()).migrate().link(SignUp)
    }

    fn connection(&self) -> SqliteConnection {
        let mut conn = SqliteConnection::establish(&self.path()).expect("the file opens");
        conn.batch_execute("PRAGMA busy_timeout = 10000").expect("a pragma");
        conn
    }

    pub fn sql(&self, sql: &str) {
        self.connection().batch_execute(sql).expect("the statement succeeds");
    }

    pub fn count(&self, from: &str) -> i32 {
        let query = format!("SELECT CAST(count(*) AS INTEGER) AS count FROM {from}");
        diesel::sql_query(query).get_result::<Count>(&mut self.connection()).expect("a count").count
    }

    fn lines(&self, query: &str) -> Vec<String> {
        let lines = diesel::sql_query(query).load::<Line>(&mut self.connection()).expect("lines");
        lines.into_iter().map(|line| line.line).collect()
    }

    /// `entry/provider_user_id -> user`, in order.
    pub fn accounts(&self) -> Vec<String> {
        self.lines(
            "SELECT provider || '/' || ifnull(provider_user_id, '-') || ' -> ' || ifnull(user_id, '-') AS line \
             FROM oauth_accounts ORDER BY line",
        )
    }

    /// Everything about users and accounts that a refused request must not change.
    pub fn snapshot(&self) -> Vec<String> {
        self.lines(
            "SELECT 'user ' || id || name || active || password AS line FROM users UNION ALL \
             SELECT 'account ' || id || provider || ifnull(provider_user_id, '-') || ifnull(user_id, '-') || token \
             || version || updated_at || scope AS line FROM oauth_accounts ORDER BY line",
        )
    }

    /// The order of the accounts at `op`, by id.
    pub fn ranks(&self) -> Vec<String> {
        self.lines(
            "SELECT user_id || ' ' || provider_user_id || ' ' || rank AS line FROM oauth_accounts \
             WHERE provider = 'op' ORDER BY id",
        )
    }

    /// The columns that a new token does not change, of the accounts that match `condition`.
    pub fn lines_of(&self, condition: &str) -> Vec<String> {
        self.lines(&format!(
            "SELECT json_array(id, provider, issuer, provider_user_id, user_id, display_name, email, email_verified, \
             profile_url, image_url, userinfo, rank, created_at, note) AS line FROM oauth_accounts WHERE {condition} \
             ORDER BY id"
        ))
    }

    /// The ids of the accounts at `entry`.
    pub fn ids(&self, entry: &str) -> Vec<String> {
        self.lines(&format!(
            "SELECT CAST(id AS TEXT) AS line FROM oauth_accounts WHERE provider = '{entry}' ORDER BY id"
        ))
    }
}
