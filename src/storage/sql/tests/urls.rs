//! The URLs of databases: what is accepted, and that no part of a password is shown.

use super::*;

/// What a message shows of `url`.
fn shown(url: &str) -> String {
    DatabaseUrl::parse(url).unwrap().to_string()
}

/// The message of a launch with this URL, for the operator.
#[cfg(any(feature = "postgres", feature = "mysql"))]
async fn message(url: &str) -> String {
    DieselStorage::url(url).open(&Figment::new()).await.unwrap_err().for_operator()
}

#[cfg(feature = "postgres")]
#[test]
fn b4_the_client_library_judges_its_connection_string() {
    for (url, words) in [
        ("postgres://u:hunter2@h1,h2:5433/app?target_session_attrs=read-write", "postgres://h1,h2:5433/app"),
        ("postgresql://u:hunter2@h1:1,h2:2/app", "postgres://h1:1,h2:2/app"),
        ("PostgreSQL://u:hunter2@db/app", "postgres://db/app"),
        ("postgres://u:hunter2@/app?host=/cloudsql/x", "postgres:///app?host=/cloudsql/x"),
        ("postgres://u:hunter2@%2Frun%2Fpg/app", "postgres://%2Frun%2Fpg/app"),
        ("postgres://[::1]:5433/app?user=u&password=hunter2", "postgres://[::1]:5433/app"),
        // libpq ends the password at the first `@`.
        ("postgres://u:hunter2?#:x@db/app", "postgres://db/app"),
        ("postgres://", "postgres://"),
        ("host=db port=5433 dbname=app user=u password=hunter2", "host=db port=5433 dbname=app"),
        (" host = db password = 'hun\\'ter2 \\\\' dbname='a b' ", "host=db dbname=a b"),
        (
            "password=hunter2\\ x host=h1,h2 port=1,2 sslpassword=hunter2 passfile=/hunter2",
            "host=h1,h2 port=1,2",
        ),
        ("service=app password=hunter2 options='-c search_path=auth'", "service=app"),
    ] {
        assert_eq!(shown(url), words, "{url}");
    }
    #[cfg(feature = "sqlite")]
    for path in
        ["app.sqlite", "./host=x/app.sqlite", "file:app.sqlite?cache=private", "sqlite://data/app.sqlite"]
    {
        let url = DatabaseUrl::parse(path).unwrap();
        assert!(url.backend == super::super::url::Backend::Sqlite && url.file.is_some(), "{path}");
    }
}

#[cfg(feature = "postgres")]
#[test]
fn db_05_the_client_library_notices_a_dead_link_unless_the_url_says_otherwise() {
    let taken = |url: &str| DatabaseUrl::parse(url).unwrap().url;
    let all =
        "connect_timeout=3&tcp_user_timeout=8000&keepalives_idle=4&keepalives_interval=2&keepalives_count=2";
    for url in ["postgres://ada@db/app", "postgres://h1,h2:2", "postgres://u:a?b@db/app"] {
        assert_eq!(taken(url), format!("{url}?{all}"));
    }
    for url in ["postgres:///app?host=/run", "postgres://u:p@h1,h2/app?target_session_attrs=read-write"] {
        assert_eq!(taken(url), format!("{url}&{all}"));
    }
    for url in ["postgres://db?", "postgres://db/app?user=a&"] {
        assert_eq!(taken(url), format!("{url}{all}"));
    }
    let own = taken("postgres://db/app?connect_timeout=9");
    assert!(
        own.starts_with("postgres://db/app?connect_timeout=9&tcp_user_timeout") && !own.contains("timeout=3")
    );
    assert_eq!(taken("host=db dbname='a b'"), format!("host=db dbname='a b' {}", all.replace('&', " ")));
    let own = taken("host=db connect_timeout = '9' keepalives_idle=1");
    assert!(
        own.ends_with("keepalives_idle=1 tcp_user_timeout=8000 keepalives_interval=2 keepalives_count=2"),
        "{own}"
    );
}

#[cfg(feature = "postgres")]
#[rocket::async_test]
async fn b4_no_part_of_a_password_is_shown() {
    // Each password contains `hun` and `ter2`, with something between that ends it too early.
    for url in [
        "postgres://ada:hun@ter2@127.0.0.1:1/app",
        "postgres://ada:hun/ter2@127.0.0.1:1/app",
        "postgres://ada:1/ter2@127.0.0.1:1/app",
        "postgres://ada:hun%ter2@127.0.0.1:1/app",
        "postgres://ada:hun%00ter2@127.0.0.1:1/app",
        "postgres://ada:ter2/app",
        "postgres://127.0.0.1:1/app?password=hun&ter2",
        "postgres://127.0.0.1:1/app?password=hun&ter2=x",
        "postgres://127.0.0.1:1/app?password=hun%zzter2",
        "postgres://127.0.0.1:1/ter2@127.0.0.1/app",
        "postgres://127.0.0.1:1/app?sslmode=hun@ter2",
        "host=127.0.0.1 port=1 password=hun ter2",
        "host=127.0.0.1 port=1 password=hun ter2=x",
        "host=127.0.0.1 port=1 password='hun ter2",
        "host=127.0.0.1 port=1 password='hun'ter2'",
        "host=127.0.0.1 port=1 dbname=postgres://u:ter2@db/app",
    ] {
        let said = message(url).await;
        assert!(!said.contains("hun") && !said.contains("ter2"), "{url}: {said}");
        let advice = if url.contains("://") && url.starts_with("postgres") {
            "write `%25` for `%`"
        } else {
            "password='a b'"
        };
        assert!(said.contains("can't be opened") && said.contains(advice), "{url}: {said}");
    }
    for (url, words) in [
        (
            "postgres://ada:hunter2@127.0.0.1:1/app",
            "`postgres://127.0.0.1:1/app` can't be opened: connection to server at",
        ),
        ("postgres://ada:hunter2@127.0.0.1:1,127.0.0.1:2/app", "port 2 failed"),
        (
            "host=127.0.0.1 port=1 password=hunter2",
            "`host=127.0.0.1 port=1` can't be opened: connection to server at",
        ),
        ("host=127.0.0.1 port=1 sslmode=sometimes password=hunter2", "invalid sslmode value: \"sometimes\""),
    ] {
        let said = message(url).await;
        assert!(said.contains(words) && !said.contains("hunter2"), "{url}: {said}");
    }
    let no_slashes = message("postgres:ada:hunter2@db/app").await;
    assert!(no_slashes.contains("no `//`") && !no_slashes.contains("hunter2"), "{no_slashes}");
}

#[cfg(feature = "mysql")]
#[rocket::async_test]
async fn b4_no_part_of_a_mysql_password_is_shown() {
    assert_eq!(shown("mariadb://u:hunter2@db:3307/app?ssl_mode=disabled"), "mysql://db:3307/app");
    assert_eq!(DatabaseUrl::parse("MariaDB://u:p@db/app").unwrap().url, "mysql://u:p@db/app");
    // Diesel takes what is before the last `@`, and decodes it.
    assert_eq!(shown("mysql://u:hun@ter2%@db/app"), "mysql://db/app");
    for url in [
        "mysql://ada:hun/ter2@127.0.0.1:1/app",
        "mysql://ada:1/ter2@127.0.0.1",
        "mysql://ada:hun?ter2@127.0.0.1:1/app",
        "mysql://ada:hun#ter2@127.0.0.1:1/app",
    ] {
        let said = message(url).await;
        assert!(
            said.contains("`mysql://…` can't be opened") && said.contains("write `%25` for `%`"),
            "{said}"
        );
        assert!(!said.contains("hun") && !said.contains("ter2"), "{url}: {said}");
    }
    let said = message("mysql://ada:hunter2@127.0.0.1:1/app").await;
    assert!(
        said.contains("`mysql://127.0.0.1:1/app` can't be opened: ") && !said.contains("hunter2"),
        "{said}"
    );
}

#[cfg(feature = "sqlite")]
#[test]
fn b4_a_url_without_its_scheme_is_not_shown_as_a_path() {
    assert_eq!(shown("ada:hunter2@db/app"), "…@db/app");
    assert_eq!(shown("file:app.sqlite?key=hunter2"), "app.sqlite");
}

#[cfg(feature = "mysql")]
#[rocket::async_test]
async fn b9_a_parameter_about_tls_holds_or_stops_the_launch() {
    for (query, words) in [
        ("sslmode=require", "would be ignored"),
        ("ssl-mode=REQUIRED", "would be ignored"),
        ("SSL_MODE=required", "would be ignored"),
        ("useSSL=true", "would be ignored"),
        ("tls=true", "would be ignored"),
        ("ssl_mode=verify_ca", "ssl_ca=/path/ca.pem"),
        ("ssl_mode=VERIFY_IDENTITY", "ssl_ca=/path/ca.pem"),
        ("ssl_mode=always", "must be DISABLED"),
    ] {
        let said = message(&format!("mysql://ada:hunter2@127.0.0.1:1/app?{query}")).await;
        assert!(said.contains(words) && !said.contains("hunter2"), "{query}: {said}");
    }
}
