//! A callback as a form of another site (`form_post`), which browsers send without Lax cookies.

use rocket::figment::Figment;
use rocket::http::{Method, Status};
use url::form_urlencoded::parse;

use crate::app::path_and_query;
use crate::harness::{
    Browser, NOT_TRUSTED, Refusal, SESSION, TestApp, TestRequest, TestResponse, assert_guarded,
    assert_refused, query_parameter,
};

const NOT_ALLOWED: Refusal = Refusal::new(Status::MethodNotAllowed, "method_not_allowed");

type Fields = Vec<(String, String)>;

/// An app with `form_post` at both entries.
async fn open() -> TestApp {
    let by_form = |figment: Figment| {
        figment.merge(("oauth.op.response_mode", "form_post")).merge(("oauth.op2.response_mode", "form_post"))
    };
    TestApp::launch_with(by_form).await
}

/// Approves at the provider, and returns the form of its page: target and fields.
async fn posted(app: &TestApp, authorization: &str) -> (String, Fields) {
    assert_eq!(query_parameter(authorization, "response_mode").as_deref(), Some("form_post"));
    let (to, body) = app.fake.authorize_form_post(authorization).await;
    (path_and_query(&to), parse(body.as_bytes()).into_owned().collect())
}

async fn ridden(browser: &mut Browser, uri: &str) -> (String, Fields) {
    let authorization = browser.begin(uri).await;
    posted(&browser.app.clone(), &authorization).await
}

fn post(path: &str, fields: &Fields) -> TestRequest {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    TestRequest::post(path, &fields)
}

fn changed(fields: &Fields, name: &str, value: Option<&str>) -> Fields {
    let mut fields: Fields = fields.iter().filter(|(key, _)| key != name).cloned().collect();
    fields.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    fields
}

/// Posts as a browser does from another site: without Lax cookies.
async fn from_elsewhere(app: &TestApp, ask: &TestRequest) -> TestResponse {
    app.browser().peek(&ask.clone().header("Sec-Fetch-Site", "cross-site")).await
}

/// The form of the library's page, which posts once more.
fn again(page: &TestResponse, path: &str) -> TestRequest {
    assert_eq!(page.status, Status::Ok, "{page:?}");
    assert!(page.body.contains(&format!("<form method=\"post\" action=\"{path}\">")), "{}", page.body);
    let (_, rest) = page.body.split_once("name=\"again\" value=\"").expect("a field");
    TestRequest::post(path, &[("again", rest.split('"').next().expect("a value"))])
}

#[rocket::async_test]
async fn ck_09_posted_again_from_here_with_every_cookie() {
    let app = open().await;
    let mut ada = app.browser();
    let begin = ada.get("/login/op").await;
    assert!(
        begin.header("Set-Cookie").expect("the cookie of the flow").contains("SameSite=Lax"),
        "{begin:?}"
    );
    let (path, fields) = posted(&app, begin.location()).await;
    assert_eq!(path, "/login/op/authorized");
    let rows = app.rows();

    // The action `//login/…` would be a URL with the host `login`.
    let page = from_elsewhere(&app, &post(&format!("/{path}"), &fields)).await;
    again(&page, &path);
    let page = from_elsewhere(&app, &post(&path, &fields)).await;
    assert_guarded(&page);
    assert_eq!(page.header("Set-Cookie"), None);
    assert!(page.header("Content-Security-Policy").expect("a policy").contains("script-src 'sha256-"));
    assert_eq!((app.token_calls(), app.rows()), (0, rows), "nothing has changed yet");
    app.assert_no_secret("the page", &format!("{page:?}"), &secret(&fields));

    let ask = again(&page, &path);
    let landed = ada.ask(&ask).await;
    assert_eq!((landed.location(), app.token_calls()), ("/", 1));
    assert!(landed.sets(SESSION) && ada.user().await.is_some());
    // A user who goes back and posts the form again gets the outcome of the first time.
    assert_eq!(ada.ask(&ask).await.location(), "/");
    assert_eq!(ada.ask(&post(&path, &fields)).await.location(), "/");
    assert_eq!(app.token_calls(), 1);
}

fn secret(fields: &Fields) -> Vec<(&'static str, String)> {
    let of = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    ["state", "code"].into_iter().filter_map(|name| Some((name, of(name)?))).collect()
}

#[rocket::async_test]
async fn a_provider_of_the_same_site() {
    let app = open().await;
    let mut ada = app.browser();
    let (path, fields) = ridden(&mut ada, "/login/op?next=/me").await;
    // The query is ignored: only the form counts.
    let path = format!("{path}?code=x&state=y");
    assert_eq!(ada.ask(&post(&path, &fields)).await.location(), "/me");
    assert!(ada.user().await.is_some());
}

#[rocket::async_test]
async fn st_11_the_signed_in_user_is_known_in_spite_of_the_form() {
    let app = open().await;
    let mut ada = app.browser();
    ada.enter(1).await;
    let authorization = ada.post("/login/op", &[]).await.location().to_owned();
    let (path, fields) = posted(&app, &authorization).await;
    let page = from_elsewhere(&app, &post(&path, &fields)).await;

    // In the meantime another user has signed in, or the user has signed out, at either step.
    for other in [Some(2), None] {
        let mut elsewhere = ada.clone();
        // Signing out would end Ada's session, too, because it is the same session.
        elsewhere.jar.remove(SESSION);
        if let Some(other) = other {
            elsewhere.enter(other).await;
        }
        assert_refused(&mut elsewhere, &again(&page, &path), NOT_TRUSTED).await;
        assert_refused(&mut elsewhere, &post(&path, &fields), NOT_TRUSTED).await;
    }
    assert_eq!(app.count("oauth_accounts"), 0);
    assert_eq!(ada.ask(&again(&page, &path)).await.location(), "/");
    assert!(app.rows().contains("user_id='1'"), "{}", app.rows());
}

#[rocket::async_test]
async fn cb_08_only_by_post() {
    let app = open().await;
    let mut ada = app.browser();
    let (path, fields) = ridden(&mut ada, "/login/op").await;
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
    let callback = format!("{path}?{query}");
    for method in [Method::Get, Method::Head, Method::Put, Method::Patch, Method::Delete, Method::Options] {
        let answer = assert_refused(&mut ada, &TestRequest::new(method, &callback), NOT_ALLOWED).await;
        assert_eq!(answer.header("Allow"), (answer.status.code == 405).then_some("POST"), "{method}");
    }
    assert_refused(&mut ada, &TestRequest::post(&callback, &[]), NOT_TRUSTED).await;
    assert_eq!(ada.ask(&post(&path, &fields)).await.location(), "/");
}

#[rocket::async_test]
async fn cs_04_a_form_that_names_another_method() {
    let app = open().await;
    let mut ada = app.browser();
    let (path, fields) = ridden(&mut ada, "/login/op").await;
    for method in ["get", "head", "put", "patch", "delete"] {
        let mut named = vec![("_method".to_owned(), method.to_owned())];
        named.extend(fields.clone());
        if method != "head" {
            assert_refused(&mut ada, &post(&path, &named), NOT_ALLOWED).await;
        }
        let status = from_elsewhere(&app, &post(&path, &named)).await.status;
        assert!([Status::MethodNotAllowed, Status::NotFound].contains(&status), "{method}: {status}");
    }
    // An entry that answers in the query accepts no form.
    let by_query = app.relaunch(|figment| figment).await;
    ada.app = by_query;
    assert_refused(&mut ada, &post(&path, &fields), NOT_ALLOWED).await;
    ada.app = app;
    assert_eq!(ada.ask(&post(&path, &fields)).await.location(), "/");
}

#[rocket::async_test]
async fn st_04_what_was_posted_again_belongs_to_its_browser_and_entry() {
    let app = open().await;
    let mut ada = app.browser();
    let (path, fields) = ridden(&mut ada, "/login/op").await;
    let again = again(&from_elsewhere(&app, &post(&path, &fields)).await, &path);
    assert_refused(&mut app.browser(), &again, NOT_TRUSTED).await;

    let sealed = again.field("again");
    for wrong in [
        TestRequest::post("/login/op2/authorized", &[("again", &sealed)]),
        TestRequest::post(&path, &[("again", "")]),
        TestRequest::post(&path, &[("again", "x")]),
        TestRequest::post(&path, &[("again", &sealed[1..])]),
        TestRequest::post(&path, &[("again", &format!("{sealed}A"))]),
        // ST-13: no other sealed value is accepted.
        TestRequest::post(&path, &[("again", &ada.flows()[0].1)]),
    ] {
        assert_refused(&mut ada, &wrong, NOT_TRUSTED).await;
    }
    // It is not accepted as a flow either.
    let mut eve = ada.clone();
    eve.jar.insert(ada.flows()[0].0.clone(), sealed);
    let page = eve.ask(&post(&path, &fields)).await;
    assert_eq!(
        (page.status, eve.user().await),
        (Status::Ok, None),
        "it is not a flow: at most it is posted again"
    );
    assert_eq!(ada.ask(&again).await.location(), "/");
}

#[rocket::async_test]
async fn st_01_st_02_st_09_cb_11_what_can_be_no_answer() {
    let app = open().await;
    let mut ada = app.browser();
    let (path, fields) = ridden(&mut ada, "/login/op").await;
    let doubled = [fields.clone(), fields.clone()].concat();
    for wrong in [
        Vec::new(),
        changed(&fields, "state", None),
        changed(&fields, "state", Some("")),
        changed(&fields, "state", Some(&"s".repeat(200))),
        changed(&fields, "code", None),
        changed(&fields, "code", Some(&"a".repeat((16 << 10) + 1))),
        changed(&fields, "error", Some("access_denied")),
        changed(&fields, "iss", Some(&"i".repeat(3000))),
        changed(&fields, "padding", Some(&"x".repeat(70 << 10))),
        doubled,
    ] {
        assert_refused(&mut ada, &post(&path, &wrong), NOT_TRUSTED).await;
    }
    // A state that this browser does not know is posted once more, and then refused.
    let foreign = changed(&fields, "state", Some("of another browser"));
    let page = from_elsewhere(&app, &post(&path, &foreign)).await;
    assert_refused(&mut ada, &again(&page, &path), NOT_TRUSTED).await;
    for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
        assert_refused(&mut ada, &post(&path, &fields).header("Content-Type", kind), NOT_TRUSTED).await;
    }
    assert_eq!(ada.ask(&post(&path, &fields)).await.location(), "/");
}

#[rocket::async_test]
async fn cb_01_mx_04_a_no_by_form() {
    let app = open().await;
    let denied = Refusal::new(Status::Forbidden, "access_denied");
    for (iss, expected) in
        [(None, NOT_TRUSTED), (Some("https://evil.example"), NOT_TRUSTED), (Some("own"), denied)]
    {
        app.fake.deny_next_authorization();
        let mut ada = app.browser();
        let (path, mut fields) = ridden(&mut ada, "/login/op").await;
        if iss != Some("own") {
            fields = changed(&fields, "iss", iss);
        }
        let fields = changed(&fields, "error_description", Some("<script>alert(1)</script>"));
        let page = from_elsewhere(&app, &post(&path, &fields)).await;
        assert!(!page.body.contains("alert(1)"), "{}", page.body);
        let page = assert_refused(&mut ada, &again(&page, &path), expected).await;
        assert!(!page.body.contains("alert(1)"), "{}", page.body);
        assert_eq!(ada.flows(), []);
    }
}
