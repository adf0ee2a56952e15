//! The demo provider: when it is added, its consent page, and what it refuses.

use rocket::http::ContentType;
use rocket::http::uri::Host;
use rocket::local::asynchronous::Client as Local;
use serde_json::{Value, json};

use super::{CALLBACK, VERIFIER, authorization, parameter};
use crate::Dance;
use crate::storage::KeyRing;
use crate::testing::{DemoProvider, RegisteredClient};

#[rocket::async_test]
async fn the_demo_is_for_debug_and_comes_before_the_dance() {
    let app = |profile: &str| {
        let log_level = rocket::config::LogLevel::Off;
        let config = rocket::Config { profile: profile.into(), log_level, ..rocket::Config::debug_default() };
        let figment = rocket::figment::Figment::from(config)
            .merge(("secret_key", "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk="))
            .merge(("dance.base_url", "http://localhost:8000/"))
            .merge(("dance.prefix", "/in/"));
        rocket::custom(figment)
    };
    let demo = async |rocket: rocket::Rocket<rocket::Build>| {
        let app = Local::tracked(rocket).await.unwrap();
        let status = app.get("/demo/.well-known/openid-configuration").dispatch().await.status().code;
        let entry = Dance::fetch(app.rocket()).and_then(|dance| dance.entry("demo").ok().cloned());
        (status, entry.map(|entry| entry.redirect_uri.clone()))
    };
    let (status, callback) =
        demo(app("debug").attach(DemoProvider::fairing()).attach(Dance::fairing())).await;
    assert_eq!((status, callback.as_deref()), (200, Some("http://localhost:8000/in/demo/authorized")));
    let late = app("debug").attach(Dance::fairing()).attach(DemoProvider::fairing());
    for without in [late, app("staging").attach(DemoProvider::fairing()).attach(Dance::fairing())] {
        assert_eq!(demo(without).await, (404, None));
    }
}

/// The proxy strips the path of base_url before the requests reach the app.
#[rocket::async_test]
async fn b7_the_demo_is_below_the_path_of_base_url() {
    let app = debug_app("dance.base_url", json!("http://localhost:8000/app/")).await.unwrap();
    assert!(has_demo(&app).await);
    let dance = Dance::fetch(app.rocket()).unwrap();
    let entry = dance.entry("demo").unwrap();
    assert_eq!(entry.redirect_uri, "http://localhost:8000/app/login/demo/authorized");
    assert_eq!(entry.authority(), "http://localhost:8000/app/demo");
    let paths = ["/app/demo/.well-known/openid-configuration", "/app/login"];
    for path in paths {
        assert_eq!(app.get(path).dispatch().await.status().code, 404, "{path}");
    }
    let url = format!(
        "/demo/authorize?response_type=code&client_id=demo&redirect_uri={}&scope=openid&state=s",
        "http%3A%2F%2Flocalhost%3A8000%2Fapp%2Flogin%2Fdemo%2Fauthorized"
    );
    let page = app.get(url).dispatch().await.into_string().await.unwrap();
    assert!(page.contains("action=\"&#x2F;app&#x2F;demo&#x2F;authorize\""), "{page}");
}

/// An app with the demo's fairing, in the profile debug, with this configuration.
async fn debug_app(key: &str, value: Value) -> Result<Local, String> {
    let config =
        rocket::Config { log_level: rocket::config::LogLevel::Off, ..rocket::Config::debug_default() };
    let figment = rocket::figment::Figment::from(config).merge((key, value));
    let rocket = rocket::custom(figment).attach(DemoProvider::fairing()).attach(Dance::fairing());
    // Rocket's error panics unless it is read.
    Local::tracked(rocket).await.map_err(|error| error.to_string())
}

async fn has_demo(app: &Local) -> bool {
    app.get("/demo/.well-known/openid-configuration").dispatch().await.status().code == 200
}

#[rocket::async_test]
async fn d9_the_demo_answers_under_its_own_address_only() {
    let app = debug_app("port", json!(8000)).await.unwrap();
    let status = async |host: &'static str| {
        let mut request = app.get("/demo/.well-known/openid-configuration");
        request.inner_mut().set_host(Host::parse(host).unwrap());
        request.dispatch().await.status().code
    };
    for host in ["localhost:8000", "localhost.:8000", "127.0.0.1:8000", "[::1]:8000", "app.localhost"] {
        assert_eq!(status(host).await, 200, "{host}");
    }
    for host in ["evil.example:8000", "192.168.1.5:8000", "0.0.0.0:8000", "localhost.evil.example", "[::2]"] {
        assert_eq!(status(host).await, 400, "{host}");
    }
    // The page of the consent decides who the user is.
    let mut request = app.post("/demo/authorize").header(ContentType::Form).body("decision=allow");
    request.inner_mut().set_host(Host::parse("evil.example").unwrap());
    let answer = request.dispatch().await;
    assert_eq!(answer.status().code, 400);
    assert!(answer.into_string().await.unwrap().contains("for this machine"));
}

#[rocket::async_test]
async fn d9_an_oauth_value_that_cannot_be_read_is_no_demo() {
    let broken = [
        json!(""),
        json!(" "),
        json!("{}"),
        json!("{"),
        json!("}"),
        json!("[]"),
        json!("null"),
        json!("nonsense"),
        json!("{github={client_id=\"a\",client_secret=\"b\"}"),
        json!([]),
        json!([{}]),
        json!([["github", {}]]),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(true),
        json!(false),
        json!({"github": "x"}),
        json!({"github": []}),
        json!({"github": 7}),
        json!({"github": {}}),
    ];
    for value in broken {
        assert!(debug_app("oauth", value.clone()).await.is_err(), "{value}");
    }
    assert!(has_demo(&debug_app("oauth", json!({})).await.unwrap()).await, "an empty table");
}

#[rocket::async_test]
async fn d9_the_demo_is_for_a_loopback_host() {
    for base_url in ["http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"] {
        assert!(has_demo(&debug_app("dance.base_url", json!(base_url)).await.unwrap()).await, "{base_url}");
    }
    for base_url in ["https://app.example.com", "https://localhost.example.com", "https://127.0.0.1.example"]
    {
        let app = debug_app("dance.base_url", json!(base_url)).await.unwrap();
        assert!(!has_demo(&app).await, "{base_url}");
        assert!(Dance::fetch(app.rocket()).unwrap().entry("demo").is_err());
    }
    for base_url in [json!("http://app.example"), json!("localhost"), json!(""), json!(8000), json!([])] {
        assert!(debug_app("dance.base_url", base_url.clone()).await.is_err(), "{base_url}");
    }
}

const DEMO: &str = "http://localhost:8000/demo";

fn demo() -> DemoProvider {
    DemoProvider::new(DEMO, &KeyRing::new([[7; 32]]), RegisteredClient::new("app", "s3cret", CALLBACK))
}

async fn app(issuer: DemoProvider) -> Local {
    let config =
        rocket::Config { log_level: rocket::config::LogLevel::Off, ..rocket::Config::debug_default() };
    Local::tracked(rocket::custom(config).attach(issuer)).await.unwrap()
}

/// The value of the hidden field `name` in the page's first form.
fn hidden(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

async fn consent_page(app: &Local, changes: &[(&str, &str)]) -> String {
    let url = authorization(DEMO, "app", changes).replace("http://localhost:8000", "");
    let answer = app.get(url).dispatch().await;
    assert_eq!((answer.status().code, answer.headers().get_one("Cache-Control")), (200, Some("no-store")));
    answer.into_string().await.unwrap()
}

async fn decide(app: &Local, request: &str, fields: &[(&str, &str)]) -> (u16, Option<String>, String) {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("request", request)
        .extend_pairs(fields)
        .finish();
    let post = app.post("/demo/authorize").header(rocket::http::ContentType::Form).body(form);
    let answer = post.dispatch().await;
    let location = answer.headers().get_one("Location").map(str::to_owned);
    (answer.status().code, location, answer.into_string().await.unwrap_or_default())
}

#[rocket::async_test]
async fn the_demo_asks_and_its_tokens_outlive_a_restart() {
    let app = self::app(demo()).await;
    let page = consent_page(&app, &[("login_hint", "\"><script>alert(1)</script>")]).await;
    assert!(
        page.contains("action=\"/demo/authorize\"") || page.contains("action=\"&#x2F;demo&#x2F;authorize\""),
        "{page}"
    );
    assert!(!page.contains("<script>"));
    let request = hidden(&page, "request");

    let (status, _, page) = decide(&app, &request, &[("decision", "allow"), ("login", "<b>")]).await;
    assert!(status == 422 && page.contains("&lt;b&gt;") && !page.contains("<b>"));
    let (status, location, _) = decide(&app, &request, &[("decision", "deny")]).await;
    assert_eq!((status, parameter(&location.unwrap(), "error").as_deref()), (303, Some("access_denied")));
    let (status, location, _) = decide(&app, "v1.x.y", &[("decision", "allow"), ("login", "ada")]).await;
    assert_eq!((status, location), (400, None));

    let (status, location, _) = decide(&app, &request, &[("decision", "allow"), ("login", " Grace ")]).await;
    let location = location.unwrap();
    assert_eq!((status, parameter(&location, "state").as_deref()), (303, Some("s&1")));

    // Restarted between the code and its exchange.
    let app = self::app(demo()).await;
    let code = parameter(&location, "code").unwrap();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", &code)
        .append_pair("redirect_uri", CALLBACK)
        .append_pair("code_verifier", VERIFIER)
        .append_pair("client_id", "app")
        .append_pair("client_secret", "s3cret")
        .finish();
    let answer = app.post("/demo/token").header(rocket::http::ContentType::Form).body(form).dispatch().await;
    let answer: Value = serde_json::from_str(&answer.into_string().await.unwrap()).unwrap();
    let bearer = format!("Bearer {}", answer["access_token"].as_str().unwrap());

    let app = self::app(demo()).await;
    let userinfo = app.get("/demo/userinfo").header(rocket::http::Header::new("Authorization", bearer));
    let userinfo: Value =
        serde_json::from_str(&userinfo.dispatch().await.into_string().await.unwrap()).unwrap();
    assert_eq!((&userinfo["sub"], &userinfo["name"]), (&json!("grace"), &json!("Grace")));
}

#[rocket::async_test]
async fn the_demo_is_for_the_apps_own_client_alone() {
    let app = app(demo()).await;
    for (id, changes) in [
        ("unknown", vec![]),
        ("app", vec![("redirect_uri", "http://evil.test/login/op/authorized")]),
        ("app", vec![("redirect_uri", "http://localhost:8000/login/op/authorized/")]),
        ("app", vec![("redirect_uri", "http://LOCALHOST:8000/login/op/authorized")]),
    ] {
        let url = authorization(DEMO, id, &changes).replace("http://localhost:8000/demo", "/demo");
        let answer = app.get(url).dispatch().await;
        assert_eq!((answer.status().code, answer.headers().get_one("Location")), (400, None), "{changes:?}");
    }
    let silent =
        authorization(DEMO, "app", &[("prompt", "none")]).replace("http://localhost:8000/demo", "/demo");
    let answer = app.get(silent).dispatch().await;
    let location = answer.headers().get_one("Location").unwrap().to_owned();
    assert_eq!(parameter(&location, "error").as_deref(), Some("login_required"));
}

#[rocket::async_test]
async fn the_demos_authorization_request_is_not_logged_with_its_state() {
    use std::sync::{Arc, Mutex};

    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let after = rocket::fairing::AdHoc::on_request("log", move |request, _| {
        log.lock().unwrap().push(request.uri().to_string());
        Box::pin(async {})
    });
    let config =
        rocket::Config { log_level: rocket::config::LogLevel::Off, ..rocket::Config::debug_default() };
    let app = Local::tracked(rocket::custom(config).attach(demo()).attach(after)).await.unwrap();
    let page = consent_page(&app, &[]).await;
    assert!(page.contains("openid, email"));
    assert_eq!(*seen.lock().unwrap(), ["/demo/authorize"]);
}
