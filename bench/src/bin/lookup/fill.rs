//! Databases with many accounts.

use std::io::Read;

#[cfg(feature = "postgres")]
use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::{SqliteConnection, sql_query};

/// A database for a number of accounts.
#[derive(Debug)]
pub(crate) enum Database {
    Sqlite(String),
    #[cfg(feature = "postgres")]
    Postgres(String),
}

/// The number of rows per statement.
const CHUNK: u64 = 100_000;

/// The columns of row `i`, in SQL for both databases. Of 13 consecutive accounts the first ten belong to ten new users;
/// the other three are second accounts of the first three users, at another entry. The multiplication scatters the
/// provider ids without repeating one.
const ROWS: &str = "
    SELECT provider, 'https://lookup.test/' || provider,
           CASE provider WHEN 'google' THEN '10' || scattered || '00000000' ELSE scattered END,
           CAST(person AS TEXT), 'v1.lookup00.' || {sealed}, 'bearer', 'openid profile email',
           1900000000, 'Person ' || person, 'person' || person || '@example.test', TRUE,
           'https://lookup.test/' || person, 'https://lookup.test/' || person || '.png',
           '{\"sub\":\"' || scattered || '\",\"name\":\"Person ' || person || '\",\"bio\":\"' || {bio} || '\"}',
           0, 1700000000 + i, 1700000000 + i, 1, 0
    FROM (SELECT i, person, CAST((i * 2654435761) % 4294967296 AS TEXT) AS scattered,
                 CASE (person + second) % 4 WHEN 0 THEN 'github' WHEN 1 THEN 'google' WHEN 2 THEN 'gitlab' ELSE 'corp' END AS provider
          FROM (SELECT i, i / 13 * 10 + CASE WHEN i % 13 < 10 THEN i % 13 ELSE i % 13 - 10 END AS person,
                       CASE WHEN i % 13 < 10 THEN 0 ELSE 1 END AS second
                FROM {numbers}) AS people) AS accounts";

const COLUMNS: &str = "provider, issuer, provider_user_id, user_id, token, token_type, scope, expires_at, display_name, \
     email, email_verified, profile_url, image_url, userinfo, rank, created_at, updated_at, version, lease_until";

const ENTRIES: [&str; 4] = ["github", "google", "gitlab", "corp"];

/// The number of users that own `rows` accounts.
pub(crate) fn users(rows: u64) -> u64 {
    rows / 13 * 10 + (rows % 13).min(10)
}

/// The entry of the user's first account.
pub(crate) fn entry_of_user(user: u64) -> &'static str {
    ENTRIES[(user % 4) as usize]
}

/// Entry and identity of row `i`.
pub(crate) fn identity(i: u64) -> (&'static str, String) {
    let (place, second) = if i % 13 < 10 { (i % 13, 0) } else { (i % 13 - 10, 1) };
    let entry = ENTRIES[((i / 13 * 10 + place + second) % 4) as usize];
    let scattered = i * 2_654_435_761 % 4_294_967_296;
    (entry, if entry == "google" { format!("10{scattered}00000000") } else { scattered.to_string() })
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

impl Database {
    pub(crate) fn new(place: &str, rows: u64) -> Self {
        if !place.starts_with("postgres") {
            return Database::Sqlite(format!("{place}.{rows}"));
        }
        #[cfg(not(feature = "postgres"))]
        panic!("for PostgreSQL: --features postgres");
        #[cfg(feature = "postgres")]
        Self::on_server(place, rows)
    }

    #[cfg(feature = "postgres")]
    fn on_server(place: &str, rows: u64) -> Self {
        let url = format!("{place}_{rows}");
        if PgConnection::establish(&url).is_err() {
            let name = url.rsplit_once('/').expect("a URL with a database's name").1;
            let mut conn = PgConnection::establish(place).expect("PostgreSQL answers");
            sql_query(format!("CREATE DATABASE {name}")).execute(&mut conn).expect("a new database");
        }
        Database::Postgres(url)
    }

    pub(crate) fn url(&self) -> &str {
        match self {
            Database::Sqlite(url) => url,
            #[cfg(feature = "postgres")]
            Database::Postgres(url) => url,
        }
    }

    /// Fills the table to `rows` rows, with its indexes, and returns how many were added.
    pub(crate) fn fill(&self, rows: u64) -> u64 {
        match self {
            Database::Sqlite(path) => {
                let mut conn = SqliteConnection::establish(path).expect("the file opens");
                conn.batch_execute(
                    "PRAGMA busy_timeout = 5000; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000;",
                )
                .expect("pragmas");
                let filled = fill(&mut conn, rows, |first, last| {
                    // Sealed tokens: GitHub's are short, those of an OpenID provider also contain an ID token.
                    sql(
                        "hex(randomblob(CASE WHEN provider = 'google' THEN 500 ELSE 120 END))",
                        "hex(randomblob(60))",
                        &format!(
                            "(WITH RECURSIVE numbers (i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM numbers \
                                  WHERE i < {last}) SELECT i FROM numbers) AS numbers"
                        ),
                    )
                });
                conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").expect("a checkpoint");
                filled
            }
            #[cfg(feature = "postgres")]
            Database::Postgres(url) => {
                let mut conn = PgConnection::establish(url).expect("PostgreSQL answers");
                // The trigger that notifies caches of each row is switched off.
                conn.batch_execute(
                    "SET synchronous_commit = off; ALTER TABLE oauth_accounts DISABLE TRIGGER USER",
                )
                .expect("settings");
                let filled = fill(&mut conn, rows, |first, last| {
                    sql(
                        "repeat(md5(scattered), CASE WHEN provider = 'google' THEN 31 ELSE 8 END)",
                        "repeat(md5(scattered), 4)",
                        &format!("generate_series({first}::bigint, {last}::bigint) AS numbers (i)"),
                    )
                });
                for sql in ["ALTER TABLE oauth_accounts ENABLE TRIGGER USER", "VACUUM ANALYZE oauth_accounts"]
                {
                    conn.batch_execute(sql).expect("settings");
                }
                filled
            }
        }
    }

    /// Reads every row once.
    pub(crate) fn read_through(&self) {
        match self {
            Database::Sqlite(path) => {
                let (mut file, mut buffer) = (std::fs::File::open(path).expect("the file"), vec![0; 1 << 20]);
                while file.read(&mut buffer).expect("the file is read") > 0 {}
            }
            #[cfg(feature = "postgres")]
            Database::Postgres(url) => {
                let mut conn = PgConnection::establish(url).expect("PostgreSQL answers");
                let all = "SELECT sum(length(token))::bigint AS number FROM oauth_accounts";
                let _: Number = sql_query(all).get_result(&mut conn).expect("all rows");
            }
        }
    }
}

fn sql(sealed: &str, bio: &str, numbers: &str) -> String {
    let rows = ROWS.replace("{sealed}", sealed).replace("{bio}", bio).replace("{numbers}", numbers);
    format!("INSERT INTO oauth_accounts ({COLUMNS}) {rows}")
}

fn fill<C>(conn: &mut C, rows: u64, insert: impl Fn(u64, u64) -> String) -> u64
where
    C: SimpleConnection + diesel::connection::LoadConnection,
    for<'q> diesel::query_builder::SqlQuery:
        diesel::query_dsl::LoadQuery<'q, C, Number> + diesel::query_dsl::LoadQuery<'q, C, Word>,
{
    let first: Vec<Word> =
        sql_query("SELECT issuer AS word FROM oauth_accounts LIMIT 1").load(conn).expect("a row");
    assert!(
        first.iter().all(|issuer| issuer.word.starts_with("https://lookup.test/")),
        "the database contains other accounts: name another database"
    );
    let there: Vec<Number> =
        sql_query("SELECT coalesce(max(id), 0) AS number FROM oauth_accounts").load(conn).expect("a number");
    let there = there[0].number.unsigned_abs();
    let mut next = there;
    while next < rows {
        let last = (next + CHUNK).min(rows) - 1;
        conn.batch_execute(&insert(next, last))
            .unwrap_or_else(|error| panic!("rows {next} to {last}: {error}"));
        next = last + 1;
        if next.is_multiple_of(1_000_000) {
            eprintln!("{next} of {rows}");
        }
    }
    next.max(there) - there
}
