//! TLS of connections to MariaDB, whose client library ignores `ssl_mode`.

use std::io::{Read, Write, copy};
use std::net::{TcpListener, TcpStream};
use std::thread::spawn;

use diesel::sql_types::Text;

use super::*;

#[derive(QueryableByName)]
struct Status {
    #[diesel(sql_type = Text, column_name = "Value")]
    value: String,
}

/// The path of a certificate.
fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// An attacker between the app and the server, who removes the offer of TLS from the server's greeting. Returns the port.
fn without_tls(server: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut server = TcpStream::connect(&server).unwrap();
            let mut greeting = [0; 4096];
            let length = server.read(&mut greeting).unwrap();
            // A header of four bytes, the protocol, the version, NUL; 13 bytes later the capabilities, of which 0x0800 is TLS.
            let version = greeting[5..].iter().position(|byte| *byte == 0).unwrap();
            greeting[5 + version + 1 + 13 + 1] &= !0x08;
            client.write_all(&greeting[..length]).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            spawn(move || copy(&mut from, &mut to));
            spawn(move || copy(&mut server, &mut client));
        }
    });
    port
}

#[rocket::async_test]
#[ignore = "needs MYSQL_URL: tests/databases cargo test -- --include-ignored"]
async fn b9_tls_that_the_url_requires_holds_or_stops_the_launch() {
    let db = Mysql::new();
    let (ca, stranger) = (fixture("ca.pem"), fixture("localhost.pem"));
    let url = |query: &str| format!("{}?{query}", db.url());
    let cipher = |url: &str| {
        let mut conn = Connector::new(DatabaseUrl::parse(url).unwrap(), None).connect().unwrap();
        sql_query("SHOW STATUS LIKE 'Ssl_cipher'").get_result::<Status>(&mut conn).unwrap().value
    };
    for query in [
        format!("ssl_ca={ca}"),
        format!("ssl_mode=REQUIRED&ssl_ca={ca}"),
        format!("ssl_mode=verify_ca&ssl_ca={ca}"),
    ] {
        opened(DieselStorage::url(url(&query)).migrate()).await;
        assert_ne!(cipher(&url(&query)), "", "{query}");
    }
    let mut stripped: ::url::Url = db.url().parse().unwrap();
    let server = format!("127.0.0.1:{}", stripped.port().unwrap());
    stripped.set_port(Some(without_tls(server))).unwrap();
    opened(DieselStorage::url(stripped.to_string())).await;
    for (url, words) in [
        (url("ssl_mode=required"), "the connection is not encrypted"),
        (format!("{stripped}?ssl_ca={ca}"), "the connection is not encrypted"),
        (format!("{stripped}?ssl_mode=VERIFY_CA&ssl_ca={ca}"), "the connection is not encrypted"),
        (url(&format!("ssl_ca={stranger}")), "can't be opened: TLS/SSL error"),
        // The certificate is that of other.example.
        (url(&format!("ssl_mode=verify_identity&ssl_ca={ca}")), "the name in the server's certificate"),
    ] {
        let said = refused(DieselStorage::url(&url)).await;
        assert!(said.contains(words) && said.contains("the database `mysql://127.0.0.1:"), "{url}: {said}");
    }
}
