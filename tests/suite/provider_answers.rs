//! Answers, callbacks and API calls as providers write them.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use rocket::http::Status;
use rocket_dance::provider::Provider;
use rocket_dance::testing::{FakeResponse, ProviderEndpoint};
use rocket_dance::{AuthorizedLogin, Client, ErrorKind, NextStep, Result, Signals};
use serde_json::{Value, json};

use crate::app::Op;
use crate::harness::{
    NOT_TRUSTED, Refusal, TestApp, TestRequest, assert_refused, captured_log, with_parameter,
};
use crate::openid::{BAD_ANSWER, refuses, signs_in};

/// `[default.oauth.hub]`.
struct Hub;

impl Provider for Hub {
    const NAME: &'static str = "hub";
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    brotli::CompressorWriter::new(&mut packed, 4096, 9, 22).write_all(bytes).unwrap();
    packed
}

type Pack = fn(&[u8]) -> Vec<u8>;
const PACKS: [(&str, Pack); 3] = [("gzip", gzip), ("deflate", deflate), ("br", brotli)];

#[rocket::async_test]
async fn r6_one_odd_character_shuts_nobody_out() {
    let app = TestApp::launch().await;
    let sub = |rest: &[u8]| [b"{\"sub\":\"ada\",\"name\":\"Ada L.\"", rest].concat();
    for body in [
        sub(br#","bio":"I \ud83d"}"#),
        sub(b",\"bio\":\"Ren\xe9\"}"),
        sub(br#","bio":{"a":1,"a":2},"x":1,"x":2}"#),
        [b"\xef\xbb\xbf", &sub(b"}")[..]].concat(),
    ] {
        let shown = String::from_utf8_lossy(&body).into_owned();
        app.fake.respond_once(ProviderEndpoint::Userinfo, FakeResponse::body("application/json", body));
        signs_in(&app).await;
        assert!(app.rows().contains("Ada L."), "{shown}");
    }
    // A user's id is never repaired, and never one of two.
    for body in [&br#"{"sub":"ada\ud83d"}"#[..], b"{\"sub\":\"ad\xe9\"}", br#"{"sub":"eve","sub":"ada"}"#] {
        app.fake.respond_once(ProviderEndpoint::Userinfo, FakeResponse::body("application/json", body));
        refuses(&app, BAD_ANSWER).await;
    }
}

#[rocket::async_test]
async fn r7_compressed_answers_within_the_cap() {
    let app = TestApp::launch().await;
    let userinfo = br#"{"sub":"ada","name":"Packed"}"#;
    for (encoding, pack) in PACKS {
        let packed =
            FakeResponse::body("application/json", pack(userinfo)).header("Content-Encoding", encoding);
        app.fake.respond_once(ProviderEndpoint::Userinfo, packed);
        signs_in(&app).await;
        assert!(app.rows().contains("Packed"), "{encoding}");
        // 8 MiB of spaces in a few KiB.
        let bomb = pack(&vec![b' '; 8 << 20]);
        assert!(bomb.len() < 64 << 10);
        let bomb = FakeResponse::body("application/json", bomb).header("Content-Encoding", encoding);
        app.fake.respond_once(ProviderEndpoint::Token, bomb);
        refuses(&app, BAD_ANSWER).await;
    }
    // What no request offers is unreadable, and never taken for the text that it packs.
    let answer = br#"{"access_token":"at","token_type":"bearer"}"#;
    for encoding in ["zstd", "x-unknown"] {
        let packed =
            FakeResponse::body("application/json", gzip(answer)).header("Content-Encoding", encoding);
        app.fake.respond_once(ProviderEndpoint::Token, packed);
        refuses(&app, BAD_ANSWER).await;
    }
    // The answers of API calls, too.
    let client = app.dance().client(Op, &1).await.unwrap().unwrap();
    for (encoding, pack) in PACKS {
        let packed =
            FakeResponse::body("application/json", pack(b"[7]")).header("Content-Encoding", encoding);
        app.fake.respond_once(ProviderEndpoint::Api, packed);
        assert_eq!(client.get("things").json::<Value>().await.unwrap(), json!([7]), "{encoding}");
    }
}

#[rocket::async_test]
async fn r8_no_in_every_spelling() {
    let app = TestApp::launch().await;
    let denied = Refusal::new(Status::Forbidden, "access_denied");
    for (error, expected) in [
        ("user_cancelled_login", denied),
        ("user_cancelled_authorize", denied),
        ("user_denied", denied),
        ("ACCESS_DENIED", denied),
        ("login_required", Refusal::new(Status::Forbidden, "login_required")),
        ("consent_required", Refusal::new(Status::Forbidden, "consent_required")),
        ("interaction_required", Refusal::new(Status::Forbidden, "interaction_required")),
        ("account_selection_required", Refusal::new(Status::Forbidden, "account_selection_required")),
    ] {
        app.fake.fail_next_authorization(error);
        let mut ada = app.browser();
        let callback = ada.ride("/login/op").await;
        assert_refused(&mut ada, &TestRequest::get(&callback), expected).await;
        assert_eq!(ada.flows(), []);
    }
}

#[rocket::async_test]
async fn r8_an_error_without_state_reaches_the_operator_only() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let words = "/login/op/authorized?error=unauthorized_client&error_description=app+4711+is+unknown%0ax";
    assert_refused(&mut ada, &TestRequest::get(words), NOT_TRUSTED).await;
    if let Some(log) = captured_log() {
        assert!(log.contains("`unauthorized_client`: app 4711 is unknown"), "the operator sees the words");
    }
    assert_eq!(ada.get(&callback).await.location(), "/", "the flow is not used up");
}

#[rocket::async_test]
async fn r9_parameters_that_nobody_reads() {
    let app = TestApp::launch().await;
    for more in
        ["scope=a&scope=b", "name=Ren%E9", "authuser=%", "%E9=1&%E9=2", "session_state=&session_state="]
    {
        let mut ada = app.browser();
        let callback = ada.ride("/login/op").await;
        assert_eq!(ada.get(&format!("{callback}&{more}")).await.location(), "/", "{more}");
        assert!(ada.user().await.is_some());
    }
    // A long code reaches the provider whole, which does not know it.
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let long = with_parameter(&callback, "code", Some(&"c".repeat(16 << 10)));
    assert_refused(&mut ada, &TestRequest::get(&long), NOT_TRUSTED.after_exchange()).await;
    assert_eq!(app.fake.last_request(ProviderEndpoint::Token).form["code"].len(), 16 << 10);
}

#[rocket::async_test]
async fn r10_the_id_token_suffices() {
    for answer in
        [FakeResponse::status(403), FakeResponse::status(503), FakeResponse::body("text/html", "<p>")]
    {
        let app = TestApp::launch().await;
        app.fake.respond_always(ProviderEndpoint::Userinfo, answer);
        signs_in(&app).await;
        assert!(app.rows().contains("provider_user_id='ada'"));
    }
    for (method, calls) in [("none", 0), ("post", 1)] {
        let app = TestApp::launch_with(|figment| figment.merge(("oauth.op.userinfo", method))).await;
        signs_in(&app).await;
        assert_eq!(app.fake.request_count(ProviderEndpoint::Userinfo), calls, "{method}");
    }
}

/// Notes what came beside the code.
#[derive(Clone, Default)]
struct Beside(Arc<Mutex<Vec<BTreeMap<String, String>>>>);

#[rocket::async_trait]
impl Signals for Beside {
    async fn authorized(
        &self,
        _: &rocket::Request<'_>,
        login: &mut AuthorizedLogin,
        _: &Client,
    ) -> Result<NextStep> {
        self.0.lock().unwrap().push(login.callback_params.clone());
        Ok(NextStep::Continue)
    }
}

#[rocket::async_test]
async fn r12_what_comes_beside_the_code() {
    let beside = Beside::default();
    let signals = beside.clone();
    let app = TestApp::launch_built(
        |figment| figment.merge(("oauth.op.callback_params", ["realmId", "user"])),
        move |dance| dance.signals(signals),
    )
    .await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let callback = format!("{callback}&realmId=9130&user=%7B%22name%22%3A%22Ada%22%7D&shop=x");
    assert_eq!(ada.get(&callback).await.location(), "/");
    let wanted = [("realmId", "9130"), ("user", r#"{"name":"Ada"}"#)];
    let wanted = wanted.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(*beside.0.lock().unwrap(), [BTreeMap::from(wanted)]);
    assert!(!app.rows().contains("9130"), "only the app stores it");
}

#[rocket::async_test]
async fn r15_the_primary_address_on_page_two() {
    let app = TestApp::launch().await;
    let hub = app.fake.preset_config("hub", "github");
    let app = app.relaunch(|figment| figment.merge(hub)).await;
    let page = |address: &str, primary: bool, next: &str| {
        FakeResponse::json(json!([{"email": address, "primary": primary, "verified": true}]))
            .header("Link", next)
    };
    let next = format!("<{}/api/user/emails?page=2>; rel=\"next\"", app.fake.issuer());
    app.fake
        .respond_once(ProviderEndpoint::Emails, page("other@hub.example", false, &next))
        .respond_once(ProviderEndpoint::Emails, page("ada@hub.example", true, "<?page=1>; rel=\"prev\""));
    app.browser().sign_in("hub").await;
    assert!(app.rows().contains("email='ada@hub.example'"), "{}", app.rows());
    assert_eq!(
        app.fake.last_request(ProviderEndpoint::Emails).query.get("page").map(String::as_str),
        Some("2")
    );
    // Another host gets neither a request nor the token, and pages end.
    let evil = "<http://localhost:1/api/user/emails?page=2>; rel=\"next\"";
    app.fake.respond_once(ProviderEndpoint::Emails, page("ada@hub.example", true, evil));
    app.browser().sign_in("hub").await;
    let calls = app.fake.request_count(ProviderEndpoint::Emails);
    for n in 0..9 {
        let next = format!("<{}/api/user/emails?page={n}>; rel=\"next\"", app.fake.issuer());
        app.fake.respond_once(ProviderEndpoint::Emails, page("x@hub.example", false, &next));
    }
    app.browser().sign_in("hub").await;
    assert_eq!(app.fake.request_count(ProviderEndpoint::Emails), calls + 5);
    assert!(app.dance().client(Hub, &1).await.unwrap().is_some());
}

#[rocket::async_test]
async fn r15_errors_name_the_entry_and_the_wait() {
    let app = TestApp::launch().await;
    signs_in(&app).await;
    let client = app.dance().client(Op, &1).await.unwrap().unwrap();
    for (status, wait) in [(429, Some(7)), (503, Some(7)), (500, None)] {
        app.fake.respond_once(ProviderEndpoint::Api, FakeResponse::status(status).header("Retry-After", "7"));
        let error = client.get("things").json::<Value>().await.unwrap_err();
        assert_eq!((error.kind(), error.entry()), (ErrorKind::ApiError(status), Some("op")));
        assert_eq!(error.retry_after(), wait.map(Duration::from_secs), "{status}");
    }
    app.fake.respond_once(ProviderEndpoint::Api, FakeResponse::body("text/html", "<p>"));
    assert_eq!(client.get("things").json::<Value>().await.unwrap_err().entry(), Some("op"));
    assert_eq!(client.get("https://evil.example/").send().await.unwrap_err().entry(), Some("op"));
}

#[rocket::async_test]
async fn r15_redirects_after_a_post() {
    let app = TestApp::launch().await;
    signs_in(&app).await;
    let client = app.dance().client(Op, &1).await.unwrap().unwrap();
    for (status, method, body) in [
        (301, "GET", ""),
        (302, "GET", ""),
        (303, "GET", ""),
        (307, "POST", "{\"a\":1}"),
        (308, "POST", "{\"a\":1}"),
    ] {
        let moved = FakeResponse::redirect("/api/moved").with_status(status);
        app.fake.respond_once(ProviderEndpoint::Api, moved);
        let answer: Value = client.post("things").json_body(&json!({"a": 1})).json().await.unwrap();
        assert_eq!((&answer["path"], &answer["method"]), (&json!("/api/moved"), &json!(method)), "{status}");
        assert_eq!(answer["body"].as_str().unwrap_or_default(), body, "{status}");
        assert_eq!(answer["headers"].get("content-type").is_some(), method == "POST", "{status}");
    }
    app.fake
        .respond_once(ProviderEndpoint::Api, FakeResponse::redirect("http://localhost:1/").with_status(307));
    let stays = client.post("things").json_body(&json!({"a": 1})).send().await.unwrap();
    assert_eq!(stays.status().as_u16(), 307, "the token stays on its host");
}

#[rocket::async_test]
async fn r16_further_hosts_of_the_api() {
    let app = TestApp::launch().await;
    signs_in(&app).await;
    let elsewhere = app.fake.issuer().replace("127.0.0.1", "localhost") + "/api/things";
    let host = elsewhere.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let client = app.dance().client(Op, &1).await.unwrap().unwrap();
    let error = client.get(&elsewhere).send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(format!("{error:?}").contains("api_hosts"), "{error:?}");
    let app = app.relaunch(|figment| figment.merge(("oauth.op.api_hosts", [host]))).await;
    let client = app.dance().client(Op, &1).await.unwrap().unwrap();
    assert_eq!(client.get(&elsewhere).json::<Value>().await.unwrap()["path"], "/api/things");
    for url in ["https://evil.example/", "http://localhost:1/api/things", "https://localhost/"] {
        assert_eq!(client.get(url).send().await.unwrap_err().kind(), ErrorKind::Misconfigured, "{url}");
    }
}

#[rocket::async_test]
async fn tr_18_a_small_api_answer_that_expands_is_not_read_to_its_end() {
    let app = TestApp::launch().await;
    signs_in(&app).await;
    let client = app.dance().client(Op, &1).await.unwrap().unwrap();
    const MIB: usize = 1 << 20;
    let answer = |bytes: usize| {
        let body = format!("\"{}\"", "x".repeat(bytes));
        FakeResponse::body("application/json", gzip(body.as_bytes())).header("Content-Encoding", "gzip")
    };
    app.fake.respond_once(ProviderEndpoint::Api, answer(2 * MIB));
    assert_eq!(client.get("things").json::<String>().await.unwrap().len(), 2 * MIB);
    for read in ["json", "text"] {
        app.fake.respond_once(ProviderEndpoint::Api, answer(16 * MIB));
        let error = match read {
            "json" => client.get("things").json::<String>().await.unwrap_err(),
            _ => client.get("things").text().await.unwrap_err(),
        };
        assert_eq!((error.kind(), error.entry()), (ErrorKind::BadProviderAnswer, Some("op")), "{read}");
    }
    app.fake.respond_once(
        ProviderEndpoint::Api,
        FakeResponse::body("text/plain; charset=iso-8859-1", *b"Ren\xe9"),
    );
    assert!(client.get("things").text().await.unwrap().starts_with("Ren"));
}
