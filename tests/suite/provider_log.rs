//! The log of requests to providers that fail: the entry, the host and all causes, and nothing of a query.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use rocket_dance::testing::FakeProvider;
use serde_json::{Map, Value, json};

use crate::people::People;
use crate::server::Server;
use crate::tls;

/// A server that answers each connection with `answer`, or never if it is empty. Returns its port.
fn serve(answer: impl Into<Vec<u8>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let answer = answer.into();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(&answer);
                if answer.is_empty() {
                    let _ = stream.read_to_end(&mut Vec::new());
                }
            });
        }
    });
    port
}

/// A port at which no server listens. A free one could be given to another test.
const CLOSED_PORT: u16 = 1;

/// Begins a sign-in at each entry, whose discovery document is at the URL. The log must have one line with the entry and all
/// the words. The query `key=s3cr3t` of each URL must not be in the log.
async fn logs(env: &[(&str, &str)], cases: &[(&str, String, &[&str])]) {
    let fake = FakeProvider::start().await;
    let mut entries = Map::new();
    for (name, origin, _) in cases {
        let metadata = format!("{origin}/.well-known/openid-configuration?key=s3cr3t");
        entries.insert(
            (*name).to_owned(),
            json!({"provider": "oidc", "issuer": origin, "metadata_url": metadata, "client_id": "id",
                "client_secret": "s3cr3t"}),
        );
    }
    let extra = json!({ "oauth": Value::Object(entries) });
    let base = "http://localhost:8000";
    let server =
        Server::start_in(env, "server::serve", Arc::new(People::new()), &fake, base, "normal", extra);
    for (name, origin, words) in cases {
        let answer = server.request("GET", &format!("/login/{name}"), &[], "");
        assert!([502, 503, 504].contains(&answer.status), "{name}: {}", answer.status);
        let log = server.log();
        let line = log.lines().find(|line| line.contains(&format!("oauth: `{name}`: ")));
        let line = line.unwrap_or_else(|| panic!("{name} is not in the log: {log}"));
        let host = origin.split_once("://").expect("a scheme").1;
        for words in words.iter().chain([&host]) {
            assert!(line.contains(words), "{name}: `{words}` is not in: {line}");
        }
        assert!(!answer.body.contains(host), "{name}: the page is for users");
    }
    assert!(!server.log().contains("s3cr3t"), "{}", server.log());
}

#[rocket::async_test]
async fn b10_the_log_says_why_a_provider_is_not_reached() {
    let tls_port = |pem: &[u8]| format!("https://localhost:{}", tls::serve(pem).0);
    let header = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    let large = format!("{header}{}", " ".repeat((1 << 20) + 1));
    let moved =
        "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: https://elsewhere.example/a?key=s3cr3t\r\n\r\n";
    let busy = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";
    let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/ca.pem");
    logs(
        &[("SSL_CERT_FILE", ca)],
        &[
            ("dns", "https://b10-host.invalid".into(), &["dns error", "failed to lookup"]),
            ("refused", format!("http://127.0.0.1:{}", CLOSED_PORT), &["Connection refused"]),
            ("issuer", tls_port(tls::PEM), &["invalid peer certificate"]),
            ("expired", tls_port(include_bytes!("../fixtures/expired.pem")), &["certificate expired"]),
            (
                "other_name",
                tls_port(include_bytes!("../fixtures/other_host.pem")),
                &["not valid for name", "other.example"],
            ),
            ("plain", format!("https://localhost:{}", serve(header)), &["does not speak TLS at this port"]),
            ("closed", format!("http://127.0.0.1:{}", serve("\n")), &["client error"]),
            (
                "moved",
                format!("http://127.0.0.1:{}", serve(moved)),
                &["a redirect (302) to elsewhere.example"],
            ),
            ("large", format!("http://127.0.0.1:{}", serve(large)), &["an answer of more than 1 MiB"]),
            ("busy", format!("http://127.0.0.1:{}", serve(busy)), &["was answered with 503"]),
            (
                "silent",
                format!("http://127.0.0.1:{}", serve("")),
                &["timed out", "connected, but no whole answer"],
            ),
        ],
    )
    .await;
}

#[rocket::async_test]
async fn b10_the_log_names_a_proxy_that_refuses() {
    let port = serve("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let proxy = format!("http://ada:s3cr3t@127.0.0.1:{port}");
    let words: &[&str] = &["tunnel error", "through the proxy of HTTPS_PROXY"];
    logs(&[("HTTPS_PROXY", &proxy)], &[("proxied", "https://b10-host.invalid".into(), words)]).await;
    let proxy = format!("http://127.0.0.1:{}", CLOSED_PORT);
    let words: &[&str] = &["Connection refused", "through the proxy of HTTPS_PROXY"];
    logs(&[("HTTPS_PROXY", &proxy)], &[("proxied", "https://b10-host.invalid".into(), words)]).await;
}
