//! The tables are the same on every database, and compare byte for byte.

use super::*;

on_each_database! {
    al_13_identities_and_users_are_compared_byte_for_byte
    the_tables_are_those_of_schema
    mg_01_an_interrupted_migration_runs_again
    a_database_from_before_sessions_gets_their_table
}

async fn al_13_identities_and_users_are_compared_byte_for_byte<D: Db>() {
    let db = D::new();
    let storage = opened(db.storage()).await;
    let texts = [
        "AbC",
        "abc",
        "é",
        "e",
        "e\u{301}",
        "e ",
        " e",
        "ß",
        "ss",
        "I",
        "ı",
        "i",
        "0",
        "00",
        "\u{10000}",
        "'",
    ];
    for text in texts {
        storage.link(&suite::login("github", Some(text), Some(text)), &keys()).await.unwrap();
    }
    assert_eq!(db.rows().1, texts.len() as i64);
    for text in texts {
        for key in [AccountKey::identity("github", text), AccountKey::owner("github", text)] {
            let found = storage.get(&key).await.unwrap().unwrap();
            assert_eq!(
                (found.provider_user_id.as_deref(), found.user_id.as_deref()),
                (Some(text), Some(text))
            );
        }
        assert_eq!(storage.list(Some(text), &["github"]).await.unwrap().len(), 1, "{text:?}");
    }
    storage.delete(&AccountKey::identity("github", "ABC")).await.unwrap();
    storage.delete(&AccountKey::owner("github", "e  ")).await.unwrap();
    assert_eq!(db.rows().1, texts.len() as i64);
    storage.delete(&AccountKey::owner("github", "e")).await.unwrap();
    assert_eq!(db.rows().1, texts.len() as i64 - 1);
}

/// `table.column type null` of each column, in words that are the same for all databases.
fn columns<D: Db>(db: &D) -> Vec<String> {
    let tables = "('oauth_accounts', 'oauth_claims', 'oauth_sessions', 'rocket_dance_migrations')";
    let kind = |column: &str| {
        format!(
            "CASE WHEN lower({column}) LIKE 'bigint%' THEN 'bigint' \
             WHEN lower({column}) IN ('boolean', 'tinyint(1)') THEN 'boolean' \
             WHEN lower({column}) LIKE 'int%' THEN 'integer' \
             WHEN lower({column}) LIKE '%text' OR lower({column}) LIKE 'var%' OR lower({column}) LIKE 'character%' \
             THEN 'text' ELSE {column} END"
        )
    };
    let mut found = db.texts(&match D::NAME {
        "sqlite" => format!(
            "SELECT m.name || '.' || c.name || ' ' || ({}) || CASE WHEN c.\"notnull\" THEN '' ELSE ' null' END AS t \
             FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.name IN {tables}",
            // An id is a 64-bit number, whatever SQLite calls it.
            kind("CASE WHEN m.name || c.name = 'oauth_accountsid' THEN 'bigint' ELSE c.type END")
        ),
        "postgres" => format!(
            "SELECT table_name || '.' || column_name || ' ' || ({}) || CASE is_nullable WHEN 'NO' THEN '' ELSE ' null' \
             END AS t FROM information_schema.columns WHERE table_schema = 'public' AND table_name IN {tables}",
            kind("data_type")
        ),
        _ => format!(
            "SELECT CONVERT(CONCAT(table_name, '.', column_name, ' ', ({}), \
             CASE is_nullable WHEN 'NO' THEN '' ELSE ' null' END) USING utf8mb4) AS t FROM information_schema.columns \
             WHERE table_schema = database() AND table_name IN {tables} AND extra NOT LIKE '%VIRTUAL%'",
            kind("column_type")
        ),
    });
    found.sort();
    found
}

async fn the_tables_are_those_of_schema<D: Db>() {
    let db = D::new();
    opened(db.storage()).await;
    let wanted = "\
        oauth_accounts.created_at bigint, oauth_accounts.display_name text null, oauth_accounts.email text null, \
        oauth_accounts.email_verified boolean, oauth_accounts.expires_at bigint null, oauth_accounts.id bigint, \
        oauth_accounts.image_url text null, oauth_accounts.issuer text, oauth_accounts.lease_until bigint, \
        oauth_accounts.profile_url text null, oauth_accounts.provider text, oauth_accounts.provider_user_id text null, \
        oauth_accounts.rank integer, oauth_accounts.scope text, oauth_accounts.token text, \
        oauth_accounts.token_type text, oauth_accounts.updated_at bigint, oauth_accounts.user_id text null, \
        oauth_accounts.userinfo text, oauth_accounts.version bigint, \
        oauth_claims.expires_at bigint, oauth_claims.id text, oauth_claims.outcome text null, \
        oauth_sessions.cookie_hash text, oauth_sessions.created_at bigint, oauth_sessions.expires_at bigint, oauth_sessions.id text, \
        oauth_sessions.id_token text null, oauth_sessions.issuer text null, \
        oauth_sessions.previous_cookie_hash text null, oauth_sessions.provider text null, \
        oauth_sessions.provider_user_id text null, oauth_sessions.rotated_at bigint null, oauth_sessions.seen_at bigint, oauth_sessions.sid text null, \
        oauth_sessions.user_id text, \
        rocket_dance_migrations.version text";
    assert_eq!(columns(&db).join(", "), wanted);
    // The names of the migrations are the same, too.
    let names: Vec<&str> = DieselStorage::migrations::<D::Conn>().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["2026-01-01-000000_oauth_accounts", "2026-02-01-000000_oauth_sessions"]);
    assert_eq!(db.texts("SELECT version AS t FROM rocket_dance_migrations ORDER BY version"), names);
}

/// The SQL that takes a migration back.
macro_rules! down {
    ($database:expr, $name:literal) => {
        match $database {
            "sqlite" => include_str!(concat!("../../../../migrations/sqlite/", $name, "/down.sql")),
            "postgres" => include_str!(concat!("../../../../migrations/postgres/", $name, "/down.sql")),
            _ => include_str!(concat!("../../../../migrations/mysql/", $name, "/down.sql")),
        }
    };
}

async fn mg_01_an_interrupted_migration_runs_again<D: Db>() {
    let db = D::new();
    // Killed after the first statements: with transactional DDL no table exists, otherwise some do.
    if D::NAME == "mysql" {
        for (_, up) in DieselStorage::migrations::<D::Conn>() {
            db.sql(up.split_inclusive(';').next().unwrap());
        }
    }
    let storage = opened(db.storage()).await;
    storage.set(&suite::account("github", Some("1"), Some("7"))).await.unwrap();
    // The migrations run down and up again.
    db.sql(down!(D::NAME, "2026-02-01-000000_oauth_sessions"));
    db.sql(down!(D::NAME, "2026-01-01-000000_oauth_accounts"));
    db.sql("DELETE FROM rocket_dance_migrations");
    let storage = opened(db.storage()).await;
    assert_eq!(storage.get(&AccountKey::owner("github", 7)).await.unwrap(), None);
    storage.set(&suite::account("github", Some("1"), Some("7"))).await.unwrap();
}

async fn a_database_from_before_sessions_gets_their_table<D: Db>() {
    let db = D::new();
    db.sql("CREATE TABLE rocket_dance_migrations (version VARCHAR(64) PRIMARY KEY NOT NULL)");
    let (name, up) = DieselStorage::migrations::<D::Conn>()[0];
    db.sql(up);
    db.sql(&format!("INSERT INTO rocket_dance_migrations VALUES ('{name}')"));
    let said = refused(DieselStorage::url(db.url())).await;
    assert!(said.contains("oauth_sessions") && said.contains("migrate"), "{said}");
    let storage = opened(db.storage()).await;
    assert_eq!(storage.sessions().unwrap().session("none").await.unwrap(), None);
}
