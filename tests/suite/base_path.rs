//! An app below a path, which the proxy before it strips.

use rocket::figment::Figment;
use rocket::http::Status;
use rocket::http::uri::Host;
use rocket_dance::DanceFairing;
use rocket_dance::storage::{CookieStorage, DieselStorage};
use serde_json::Value;
use test_support::{Html, Navigation};
use url::Url;

use crate::app::location;
use crate::harness::{Browser, TestApp, TestRequest, TestResponse, query_parameter};
use crate::linking::{by_address, sql};

const BASE: &str = "https://app.example/app";

fn below(path: &'static str) -> impl FnOnce(Figment) -> Figment {
    move |figment| figment.merge(("dance.base_url", format!("https://app.example{path}")))
}

async fn app() -> TestApp {
    TestApp::launch_with(below("/app")).await
}

/// The keys of JSON whose values are paths, but not paths that browsers open.
const NOT_OPENED: [&str; 1] = ["next"];

/// Asserts that every path in `value` has the base path.
fn assert_public(key: &str, value: &Value) {
    match value {
        Value::String(text) if text.starts_with('/') && !NOT_OPENED.contains(&key) => {
            assert!(text.starts_with("/app/"), "{key}: {text}");
        }
        Value::Array(values) => values.iter().for_each(|value| assert_public(key, value)),
        Value::Object(values) => values.iter().for_each(|(key, value)| assert_public(key, value)),
        _ => {}
    }
}

/// Asserts that a browser can follow everything in `answer`, and sends each cookie back to this app only.
#[track_caller]
fn assert_below(answer: &TestResponse) {
    if let Some(location) = answer.header("Location").filter(|location| location.starts_with('/')) {
        assert!(location.starts_with("/app/"), "{answer:?}");
    }
    for cookie in answer.set_cookies() {
        let name = cookie.name();
        assert!(name.starts_with("__Secure-rocket_dance_"), "{name}");
        assert_eq!((cookie.path(), cookie.secure(), cookie.domain()), (Some("/app"), Some(true), None));
    }
    assert_public("", &answer.json());
    let html = Html::parse(&answer.body);
    let links = html.links.iter().map(|link| &link.href);
    let links = links.chain(html.forms.iter().map(|form| &form.action));
    for link in links {
        assert!(link.starts_with("/app/"), "{link}: {}", answer.body);
    }
}

/// A [`Browser`] that checks every response.
struct Checked(Browser);

impl Checked {
    async fn get(&mut self, uri: &str) -> TestResponse {
        let answer = self.0.get(uri).await;
        assert_below(&answer);
        answer
    }

    async fn json(&mut self, uri: &str) -> Value {
        let answer = self.0.ask(&TestRequest::get(uri).header("Accept", "application/json")).await;
        assert_below(&answer);
        answer.json()
    }

    async fn post(&mut self, uri: &str, fields: &[(&str, &str)]) -> TestResponse {
        let answer = self.0.post(uri, fields).await;
        assert_below(&answer);
        answer
    }

    /// Goes from the authorization URL back to the app.
    async fn approve(&mut self, begun: &TestResponse) -> TestResponse {
        let callback = self.0.app.approve(begun.location()).await;
        assert!(callback.starts_with("/app/login/"), "{callback}");
        self.get(&callback).await
    }
}

#[rocket::async_test]
async fn b7_what_browsers_get_has_the_path_and_the_routes_do_not() {
    let app = TestApp::launch_with(|figment| {
        below("/app")(figment)
            .merge(("dance.sign_in_page", "/signin?from=dance"))
            .merge(("oauth.op2.logout", true))
    })
    .await;
    assert!(app.routes().iter().all(|(path, _)| path.starts_with("/login")), "{:?}", app.routes());
    let mut ada = Checked(app.browser());

    // Signed out: the catchers, the pages, and their JSON.
    let guarded = ada.get("/guarded").await;
    assert_eq!(guarded.location(), "/app/signin?from=dance&next=%2Fguarded");
    assert_eq!(ada.get("/me").await.location(), "/app/signin?from=dance&next=%2Fme");
    let guarded = ada.json("/guarded").await;
    assert_eq!(guarded["error"]["login_url"], "/app/signin?from=dance&next=%2Fguarded");
    assert_eq!(ada.get("/login?next=/inbox").await.location(), "/app/signin?from=dance&next=%2Finbox");
    let page = ada.json("/login?next=/inbox").await;
    assert_eq!(page["entries"][0]["login_url"], "/app/login/op?next=%2Finbox");
    assert_eq!(
        ada.get("/login/accounts").await.location(),
        "/app/signin?from=dance&next=%2Flogin%2Faccounts"
    );
    for uri in ["/login/nobody", "/login/op/authorized?code=x&state=y", "/login/confirm"] {
        assert!(ada.get(uri).await.body.contains("href=\"/app/signin?from=dance\""), "{uri}");
        ada.json(uri).await;
    }

    // From the guard to the provider and back.
    let begun = ada.get("/app/login/op?next=%2Fguarded").await;
    let redirect_uri = query_parameter(begun.location(), "redirect_uri");
    assert_eq!(redirect_uri.as_deref(), Some("https://app.example/app/login/op/authorized"));
    let callback = app.approve(begun.location()).await;
    for _ in 0..2 {
        // The second time it is a repeated callback.
        assert_eq!(ada.get(&callback).await.location(), "/app/guarded");
    }
    assert_eq!(ada.get("/guarded").await.body, "ada");

    // Connect, primary, disconnect.
    let page = ada.get("/login/op2?next=/inbox").await;
    assert!(page.body.contains("action=\"/app/login/op2\""), "{}", page.body);
    assert!(page.body.contains("href=\"/app/inbox\">Cancel"), "{}", page.body);
    let begun = ada.post("/login/op2", &[("next", "/app/login/accounts")]).await;
    assert_eq!(ada.approve(&begun).await.location(), "/app/login/accounts");
    ada.get("/login/accounts").await;
    let context = ada.json("/login/accounts").await;
    assert_eq!(context["accounts_url"], "/app/login/accounts");
    let account = context["entries"][0]["accounts"][0]["id"].to_string();
    let answer = ada.post("/login/op/primary", &[("account", &account)]).await;
    assert_eq!(answer.location(), "/app/login/accounts");
    let answer = ada.post("/login/op/disconnect", &[("account", &account)]).await;
    assert_eq!(answer.location(), "/app/login/accounts");
    let last = ada.post("/login/op2/disconnect", &[]).await;
    assert_eq!(last.status, Status::Conflict);
    assert!(last.body.contains("href=\"/app/login/accounts\""), "{}", last.body);

    // Out, here and at the provider.
    let out = ada.post("/login/logout", &[]).await;
    assert_eq!(out.location(), "/app/");
    let begun = ada.get("/login/op2").await;
    assert_eq!(ada.approve(&begun).await.location(), "/app/");
    let out = ada.post("/login/logout", &[]).await;
    let back = query_parameter(out.location(), "post_logout_redirect_uri");
    assert_eq!(back.as_deref(), Some("https://app.example/app/login/logged-out"));
    assert_eq!(ada.approve(&out).await.location(), "/app/");
    assert_eq!(ada.0.user().await, None);
}

#[rocket::async_test]
async fn b7_an_account_that_waits_and_a_posted_callback() {
    let configure = |figment| {
        let figment: Figment = below("/app")(figment);
        figment.merge(("oauth.op.trust_email", false)).merge(("oauth.op2.response_mode", "form_post"))
    };
    let attach =
        |dance: DanceFairing| dance.storage(DieselStorage::database("app").migrate().link(by_address));
    let app = TestApp::launch_built(configure, attach).await;
    sql(&app, "INSERT INTO users VALUES (1, 'ada@example.test')");
    let mut ada = Checked(app.browser());
    let begun = ada.get("/login/op?next=/inbox").await;
    assert_eq!(ada.approve(&begun).await.location(), "/app/login/confirm");
    let page = ada.get("/app/login/confirm").await;
    assert!(page.body.contains("action=\"/app/login/op2\""), "{}", page.body);
    let error = ada.json("/login/confirm").await;
    assert_eq!(error["error"]["login_url"], "/app/login?next=%2Flogin%2Fconfirm");
    ada.0.enter(1).await;
    let page = ada.get("/login/confirm").await;
    assert!(page.body.contains("action=\"/app/login/confirm\""), "{}", page.body);
    assert_eq!(ada.json("/login/accounts").await["confirm_url"], "/app/login/confirm");
    assert_eq!(ada.post("/login/confirm", &[]).await.location(), "/app/inbox");

    let begun = ada.post("/login/op2", &[]).await;
    let (to, body) = app.fake.authorize_form_post(begun.location()).await;
    assert_eq!(to, format!("{BASE}/login/op2/authorized"));
    let fields: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let elsewhere =
        TestRequest::post("/app/login/op2/authorized", &fields).header("Sec-Fetch-Site", "cross-site");
    let page = ada.0.ask(&elsewhere).await;
    assert_below(&page);
    let form = Html::parse(&page.body).forms.remove(0);
    let fields: Vec<_> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let done = ada.0.ask(&TestRequest::post(&form.action, &fields)).await;
    assert_eq!(done.location(), "/app/");
}

#[rocket::async_test]
async fn b7_next_is_a_path_of_the_app_with_or_without_the_base_path() {
    let app = app().await;
    for (next, location) in [
        ("/inbox?x=/app", "/app/inbox?x=/app"),
        ("/app/inbox?x=1%23y", "/app/inbox?x=1%23y"),
        ("/app", "/app/"),
        ("/app/app/x", "/app/app/x"),
        ("/application", "/app/application"),
        // Each of these is another app, or a route that begins or ends something.
        ("/app/login/op", "/app/"),
        ("/app/login/logout", "/app/"),
        ("/login/op", "/app/"),
        ("/../b/x", "/app/"),
        ("/x/../../b", "/app/"),
        ("/x%2f..%2f..%2fb", "/app/"),
        ("/a%2fb/%2e%2e/%2e%2E/%2e./b", "/app/"),
        ("/app/../b", "/app/"),
        ("/app//evil.example", "/app/"),
        ("//evil.example", "/app/"),
        ("/app/\\evil.example", "/app/"),
        ("https://app.example/b", "/app/"),
    ] {
        let mut ada = app.browser();
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        let callback = ada.ride(&format!("/login/op?{query}")).await;
        let landed = ada.get(&callback).await;
        assert_eq!(landed.location(), location, "{next}");
        let there = Url::parse(BASE).unwrap().join(landed.location()).unwrap();
        assert!(there.as_str().starts_with("https://app.example/app/"), "{next}: {there}");
    }
}

#[rocket::async_test]
async fn b7_the_apps_own_targets_are_paths_of_the_app() {
    let app = TestApp::launch_with(|figment| {
        below("/app")(figment)
            .merge(("dance.after_login", "/welcome"))
            .merge(("dance.after_logout", "/app/bye"))
            .merge(("dance.after_error", "/oops?why"))
    })
    .await;
    let mut ada = Checked(app.browser());
    let begun = ada.get("/login/op").await;
    assert_eq!(ada.approve(&begun).await.location(), "/app/welcome");
    assert_eq!(ada.post("/login/logout", &[]).await.location(), "/app/bye");
    assert_eq!(
        ada.get("/login/op/authorized?code=x&state=y").await.location(),
        "/app/oops?why&error=callback_not_trusted&entry=op"
    );
    assert_eq!(app.dance().public_path("/inbox"), "/app/inbox");
}

#[rocket::async_test]
async fn b7_a_callback_of_its_own_is_mounted_without_the_path() {
    let uri = format!("{BASE}/back/op");
    let app =
        TestApp::launch_with(|figment| below("/app")(figment).merge(("oauth.op.redirect_uri", uri))).await;
    assert!(app.routes().iter().any(|(path, _)| path == "/back/op"), "{:?}", app.routes());
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    assert!(callback.starts_with("/app/back/op?"), "{callback}");
    assert_eq!(ada.get(&callback).await.location(), "/app/");
    assert_eq!(ada.user().await, Some(1));
}

#[rocket::async_test]
async fn b7_accounts_in_cookies_have_the_path_too() {
    let app = TestApp::launch_built(below("/app"), |dance| dance.storage(CookieStorage)).await;
    let mut ada = Checked(app.browser());
    let begun = ada.get("/login/op").await;
    let landed = ada.approve(&begun).await;
    assert!(landed.set_cookies().any(|cookie| cookie.name().contains("rocket_dance_account_")), "{landed:?}");
    assert_eq!(ada.get("/guarded").await.body, "ada");
    let gone = ada.post("/login/op/disconnect", &[]).await;
    assert!(gone.set_cookies().any(|cookie| cookie.value().is_empty()), "{gone:?}");
    assert_eq!(ada.get("/guarded").await.status, Status::SeeOther);
}

#[rocket::async_test]
async fn b7_a_visitor_of_another_loopback_name_and_a_proxy_with_its_own_host() {
    let base = ("dance.base_url", "http://localhost:8080/app");
    let app = TestApp::launch_with(|figment| figment.merge(base)).await;
    let begin = async |host: &'static str| {
        let mut request = app.client.get("/login/op?next=/inbox");
        request.inner_mut().set_host(Host::parse(host).unwrap());
        location(&request.dispatch().await)
    };
    for name in ["127.0.0.1:8080", "[::1]:8080", "app.localhost:8080"] {
        assert_eq!(begin(name).await, "http://localhost:8080/app/login/op?next=/inbox", "{name}");
    }
    // The address of the app, to which nginx passes the request on: another redirect would come back here, and so on.
    for name in ["127.0.0.1:8000", "localhost:8000", "127.0.0.1", "localhost:8080", "app"] {
        assert!(begin(name).await.starts_with(app.fake.issuer()), "{name}");
    }
}

#[rocket::async_test]
async fn b7_two_apps_of_one_host_never_see_each_others_cookies() {
    let one = TestApp::launch_with(below("/a")).await;
    // The same keys and the same database.
    let other = one.relaunch(below("/b")).await;
    let mut ada = one.browser();
    let callback = ada.ride("/login/op").await;
    assert_eq!(ada.get(&callback).await.location(), "/a/");
    assert!(ada.user().await.is_some());
    let sent = |browser: &Browser, url: &str| {
        browser.set.header(&Url::parse(url).unwrap(), Navigation::SameSite).unwrap_or_default()
    };
    for elsewhere in ["https://app.example/b/login", "https://app.example/", "https://app.example/ab/x"] {
        assert_eq!(sent(&ada, elsewhere), "", "{elsewhere}");
    }
    let theirs: Vec<String> = ada.jar.keys().cloned().collect();

    ada.app = other.clone();
    assert_eq!(ada.user().await, None);
    let callback = ada.ride("/login/op").await;
    assert_eq!(ada.get(&callback).await.location(), "/b/");
    assert!(ada.user().await.is_some());
    assert!(theirs.iter().all(|name| ada.jar.contains_key(name)), "each has names of its own");
    ada.leave().await;
    ada.app = one;
    assert!(ada.user().await.is_some(), "signing out of the other app is not signing out of this one");
}
