//! OpenID Connect while the provider is down, stalls, or changes its keys.

use std::time::{Duration, Instant};

use rocket::http::Status;
use rocket::tokio::io::{AsyncReadExt, AsyncWriteExt};
use rocket::tokio::net::{TcpListener, TcpStream};
use rocket_dance::provider::SigningAlgorithm;
use rocket_dance::testing::{FakeResponse, ProviderEndpoint};
use serde_json::json;

use crate::harness::{Refusal, TestApp, TestRequest, assert_refused};
use crate::openid::{BAD_ANSWER, TIMEOUT, UNREACHABLE, payload, refuses, signs_in};

/// An app whose provider `op` does not run yet, while `op2` does.
async fn app_with_provider_down(port: u16) -> TestApp {
    TestApp::launch_with(|figment| figment.merge(("oauth.op.issuer", format!("http://127.0.0.1:{port}"))))
        .await
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// Reads a request and answers with `answer`.
async fn answer(mut socket: TcpStream, answer: String) {
    let _ = socket.read_buf(&mut Vec::with_capacity(4096)).await;
    let _ = socket.write_all(answer.as_bytes()).await;
}

fn metadata(port: u16) -> String {
    let at = format!("http://127.0.0.1:{port}");
    let body = json!({"issuer": at, "authorization_endpoint": format!("{at}/authorize"),
        "token_endpoint": format!("{at}/token"), "jwks_uri": format!("{at}/jwks")})
    .to_string();
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[rocket::async_test]
async fn dj_08_an_app_whose_provider_is_down_when_it_starts() {
    let port = free_port().await;
    let app = app_with_provider_down(port).await;
    // The port is closed: 503 with Retry-After.
    let page = assert_refused(&mut app.browser(), &TestRequest::get("/login/op"), UNREACHABLE).await;
    assert_eq!(page.header("Retry-After"), Some("5"));
    app.browser().sign_in("op2").await;

    // Then the server closes the connection, sends garbage, or has another issuer; at last it is right, and sign-ins work.
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let bad = Refusal::new(Status::BadGateway, "bad_provider_answer");
    for (said, expected) in [
        (String::new(), UNREACHABLE),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".into(), UNREACHABLE),
        ("SSH-2.0-OpenSSH\r\n".into(), UNREACHABLE),
        ("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 6\r\n\r\n<html>".into(), bad),
        (metadata(port).replacen("issuer\":\"http://127.0.0.1", "issuer\":\"http://127.0.0.2", 1), bad),
        ("HTTP/1.1 503 No\r\nretry-after: 17\r\ncontent-length: 0\r\n\r\n".into(), UNREACHABLE),
    ] {
        let mut browser = app.browser();
        let asked = TestRequest::get("/login/op");
        let serving = async { answer(listener.accept().await.unwrap().0, said.clone()).await };
        let (page, ()) = rocket::tokio::join!(assert_refused(&mut browser, &asked, expected), serving);
        let wait = if said.contains("17") { "17" } else { "5" };
        assert!(expected.status == bad.status || page.header("Retry-After") == Some(wait), "{page:?}");
        app.browser().sign_in("op2").await;
    }
    let serving = async { answer(listener.accept().await.unwrap().0, metadata(port)).await };
    let mut ada = app.browser();
    let (begun, ()) = rocket::tokio::join!(ada.begin("/login/op"), serving);
    assert!(begun.starts_with(&format!("http://127.0.0.1:{port}/authorize?")), "{begun}");
}

#[rocket::async_test]
async fn dj_08_tr_09_a_provider_that_stalls_delays_no_other_entry() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = app_with_provider_down(listener.local_addr().unwrap().port()).await;
    let began = Instant::now();
    let waiting = async {
        let mut browser = app.browser();
        assert_refused(&mut browser, &TestRequest::get("/login/op"), TIMEOUT).await;
    };
    let others = async {
        // `assert_refused` counts token requests and rows, so the other browsers only begin in the meantime.
        let mut times = Vec::new();
        for _ in 0..10 {
            let asked = Instant::now();
            app.browser().begin("/login/op2").await;
            times.push(asked.elapsed());
        }
        times.into_iter().max().unwrap()
    };
    let ((), slowest) = rocket::tokio::join!(waiting, others);
    assert!(slowest < Duration::from_secs(8), "{slowest:?}");
    assert!((9..40).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    drop(listener);
}

#[rocket::async_test]
async fn dj_09_keys_that_change_between_two_sign_ins() {
    let app = TestApp::launch().await;
    signs_in(&app).await;
    for (algorithm, fetched) in
        [(SigningAlgorithm::ES256, 2), (SigningAlgorithm::EdDSA, 3), (SigningAlgorithm::ES256, 4)]
    {
        app.fake.rotate_keys(algorithm);
        signs_in(&app).await;
        signs_in(&app).await;
        assert_eq!(app.fake.request_count(ProviderEndpoint::Jwks), fetched);
    }
}

#[rocket::async_test]
async fn dj_11_forged_tokens_fetch_no_keys_without_end() {
    let app = TestApp::launch().await;
    signs_in(&app).await;
    for kid in 0..30 {
        let fake = app.fake.clone();
        let header = json!({"alg": "EdDSA", "kid": kid.to_string()});
        app.fake.edit_id_token(move |token| fake.sign_jwt(Some(&header), &payload(&token)));
        refuses(&app, BAD_ANSWER).await;
    }
    // Keys are fetched at most at 0, 1, 3, 7, 15, 31 and 63 seconds, and each of these may be followed by a sign-in.
    assert!(
        app.fake.request_count(ProviderEndpoint::Jwks) <= 8,
        "{}",
        app.fake.request_count(ProviderEndpoint::Jwks)
    );
}

#[rocket::async_test]
async fn dj_13_keys_serve_while_the_provider_is_down() {
    let app = TestApp::launch().await;
    signs_in(&app).await;
    for endpoint in [ProviderEndpoint::Discovery, ProviderEndpoint::Jwks] {
        app.fake.respond_always(endpoint, FakeResponse::status(500));
    }
    app.advance(7200);
    app.fake.advance_clock(7200);
    signs_in(&app).await;
}
