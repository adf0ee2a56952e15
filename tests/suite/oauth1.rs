//! OAuth 1.0a: whole sign-ins, and the attacks that only it knows.

use rocket::http::Status;
use rocket_dance::provider::Provider;
use rocket_dance::reqwest::multipart::Form;
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, sign_in};
use rocket_dance::{Client, Dance, Error, ErrorKind, Result, Token};
use serde_json::{Value, json};

use crate::app::{App, figment};
use crate::harness::{
    DONE, FLOW, NOT_TRUSTED, Refusal, TestApp, TestRequest, assert_refused, query_parameter, with_parameter,
};

struct One;

impl Provider for One {
    const NAME: &'static str = "one";
}

/// An app with two entries of the same OAuth 1.0a provider, `one` and `two`, beside the others.
pub(crate) async fn app() -> TestApp {
    let app = TestApp::launch().await;
    let entries = ["one", "two"].map(|name| app.fake.preset_config(name, "oauth1"));
    app.relaunch(|figment| entries.into_iter().fold(figment, |figment, entry| figment.merge(entry))).await
}

async fn client(app: &TestApp) -> Client {
    app.dance().client(One, &1).await.unwrap().expect("an account")
}

pub(crate) fn request_tokens(app: &TestApp) -> usize {
    app.fake.request_count(ProviderEndpoint::RequestToken)
}

const BAD_ANSWER: Refusal = Refusal::new(Status::BadGateway, "bad_provider_answer");

#[rocket::async_test]
async fn whole_rides_by_every_method() {
    let methods: &[&str] = match cfg!(feature = "rsa-sha1") {
        true => &["HMAC-SHA1", "HMAC-SHA256", "PLAINTEXT", "RSA-SHA1"],
        false => &["HMAC-SHA1", "HMAC-SHA256", "PLAINTEXT"],
    };
    for method in methods {
        let fake = FakeProvider::start().await;
        let preset = match *method {
            "HMAC-SHA1" => "twitter",
            "RSA-SHA1" => "jira",
            _ => "oauth1",
        };
        let figment = figment(&fake)
            .merge(fake.preset_config("one", preset))
            .merge(("oauth.one.signature_method", *method))
            .merge(("oauth.one.token_params", json!({"x_auth_access_type": "read & write"})));
        let app = App::new(
            fake,
            figment,
            Dance::fairing().storage(rocket_dance::storage::MemoryStorage::default()),
        )
        .await;
        app.sign_in_as(1).await;
        let landed = sign_in(&app.client, "one").await;
        assert_eq!(
            (landed.status, landed.location.as_deref()),
            (Status::SeeOther, Some("/")),
            "{method} {}",
            landed.body
        );
        let dance = Dance::fetch(app.client.rocket()).unwrap();
        let client = dance.client(One, &1).await.unwrap().expect("an account");
        calls(&client).await.unwrap_or_else(|error| panic!("{method}: {error:?}"));
        assert_eq!(client.userinfo().await.unwrap()["sub"], "ada");
        assert!(client.token_secret().await.unwrap().is_some());
        let sent = app.fake.last_request(ProviderEndpoint::RequestToken);
        assert_eq!(sent.form["x_auth_access_type"], "read & write");
        assert!(sent.headers["authorization"].contains(&format!("oauth_signature_method=\"{method}\"")));
    }
}

/// Every kind of call. The fake provider answers only requests with a valid signature.
async fn calls(client: &Client) -> Result<()> {
    let odd = [("a", "2 + ~"), ("a", "1"), ("é!*'()", "%3D%3D"), ("empty", "")];
    let echo: Value = client.get("things/é x").query(&odd).json().await?;
    assert_eq!(echo["query"][2], json!(["é!*'()", "%3D%3D"]));
    let echo: Value = client.post("things?q=%2F&q=+").form(&odd).json().await?;
    assert_eq!((&echo["form"][0], &echo["query"][1]), (&json!(["a", "2 + ~"]), &json!(["q", " "])));
    let echo: Value = client.put("things").query(&odd).json_body(&json!({"a": "1&b=2"})).json().await?;
    assert_eq!(echo["body"], "{\"a\":\"1&b=2\"}");
    client.post("things").multipart(Form::new().text("a", "1")).json::<Value>().await?;
    client.patch("things").header("content-type", "text/plain").body("a=1&b=2").json::<Value>().await?;
    client.delete("things").send().await?.error_for_status().map_err(Error::app)?;
    Ok(())
}

#[rocket::async_test]
async fn o1_10_a_redirect_on_the_same_host_is_signed_again_and_no_other_followed() {
    let app = app().await;
    app.browser().sign_in("one").await;
    let client = client(&app).await;
    app.fake.respond_once(ProviderEndpoint::Api, FakeResponse::redirect("/api/moved?a=%7E&b=+"));
    let echo: Value = client.get("things?c=1").json().await.unwrap();
    assert_eq!((&echo["path"], &echo["query"]), (&json!("/api/moved"), &json!([["a", "~"], ["b", " "]])));
    let elsewhere = FakeProvider::start().await;
    app.fake.respond_once(
        ProviderEndpoint::Api,
        FakeResponse::redirect(&format!("{}/api/me", elsewhere.issuer())),
    );
    assert_eq!(client.get("things").send().await.unwrap().status(), 302);
    assert!(elsewhere.requests().is_empty());
}

#[rocket::async_test]
async fn a_token_that_was_revoked_is_to_be_connected_again() {
    let app = app().await;
    let mut ada = app.browser();
    ada.sign_in("one").await;
    app.fake.revoke_tokens("ada");
    let error = client(&app).await.get("me").json::<Value>().await.unwrap_err();
    assert_eq!((error.kind(), error.entry()), (ErrorKind::ReconnectNeeded, Some("one")));
    assert_eq!(app.token_calls(), 1, "there is nothing to refresh with");
    ada.leave().await;
    ada.sign_in("one").await;
    assert!(client(&app).await.get("me").json::<Value>().await.is_ok());
}

#[rocket::async_test]
async fn a_token_from_elsewhere_is_brought_in() {
    let app = TestApp::launch().await;
    let entry = app.fake.preset_config("one", "oauth1");
    let app = app.relaunch(|figment| figment.merge(entry)).await;
    app.browser().sign_in("one").await;
    let client = client(&app).await;
    let (token, secret) =
        (client.access_token().await.unwrap(), client.token_secret().await.unwrap().unwrap());
    let tokens = app.dance().tokens(One).of(&1);
    let imported = Token::oauth1(token.expose(), secret.expose());
    assert!(!format!("{imported:?}").contains(secret.expose()));
    tokens.set(imported).await.unwrap();
    assert!(self::client(&app).await.get("me").json::<Value>().await.is_ok());
    // A bearer token is not an OAuth 1.0a token: no request is sent.
    let before = app.fake.request_count(ProviderEndpoint::Api);
    tokens.set(Token::new(token.expose())).await.unwrap();
    let error = self::client(&app).await.get("me").json::<Value>().await.unwrap_err();
    assert_eq!(
        (error.kind(), app.fake.request_count(ProviderEndpoint::Api)),
        (ErrorKind::ReconnectNeeded, before)
    );
}

#[rocket::async_test]
async fn o1_07_an_unconfirmed_callback_goes_nowhere() {
    let app = app().await;
    for confirmed in [json!(null), json!("false"), json!("1"), json!("")] {
        let lie = move |answer: &mut Value| answer["oauth_callback_confirmed"] = confirmed.clone();
        app.fake.respond_once(ProviderEndpoint::RequestToken, FakeResponse::edit(lie));
        let mut ada = app.browser();
        assert_refused(&mut ada, &TestRequest::get("/login/one"), BAD_ANSWER).await;
        assert!(ada.flows().is_empty());
    }
    app.browser().sign_in("one").await;
}

#[rocket::async_test]
async fn o1_10_o1_11_what_a_request_for_a_token_is_answered_with() {
    let app = app().await;
    let form = |body: &'static str| FakeResponse::body("text/html", body);
    let fine = "oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=true";
    let outage = Refusal::new(Status::ServiceUnavailable, "provider_unreachable");
    let ours = Refusal::new(Status::InternalServerError, "misconfigured");
    for (answer, expected) in [
        (FakeResponse::redirect(&format!("{}/oauth1/request_token", app.fake.issuer())), BAD_ANSWER),
        (form(fine).with_status(307).header("Location", "/oauth1/request_token"), BAD_ANSWER),
        (form("oauth_token=t&oauth_callback_confirmed=true"), BAD_ANSWER),
        (form("oauth_token=&oauth_token_secret=s&oauth_callback_confirmed=true"), BAD_ANSWER),
        (form("oauth_token=t&oauth_token=u&oauth_token_secret=s&oauth_callback_confirmed=true"), BAD_ANSWER),
        (FakeResponse::json(json!({"oauth_token": "t", "oauth_token_secret": "s"})), BAD_ANSWER),
        (FakeResponse::body("text/html", "<html>".repeat(1 << 18)), BAD_ANSWER),
        (FakeResponse::status(204), BAD_ANSWER),
        (FakeResponse::status(503), outage),
        (FakeResponse::status(401), ours),
    ] {
        app.fake.respond_once(ProviderEndpoint::RequestToken, answer);
        let before = request_tokens(&app);
        let mut ada = app.browser();
        assert_refused(&mut ada, &TestRequest::get("/login/one"), expected).await;
        assert_eq!((request_tokens(&app) - before, ada.flows().len()), (1, 0), "requested once");
    }
    app.fake.respond_once(ProviderEndpoint::RequestToken, form(fine));
    let url = app.browser().begin("/login/one").await;
    assert_eq!(query_parameter(&url, "oauth_token").as_deref(), Some("t"));
}

#[rocket::async_test]
async fn o1_09_the_temporary_secret_is_nowhere_to_be_read() {
    let app = app().await;
    let secret = |answer: &mut Value| answer["oauth_token_secret"] = json!("a very secret secret");
    app.fake.respond_once(ProviderEndpoint::RequestToken, FakeResponse::edit(secret));
    let mut ada = app.browser();
    let url = ada.begin("/login/one?next=/guarded").await;
    let query: Vec<_> =
        url::Url::parse(&url).unwrap().query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(query, ["oauth_token"]);
    let everything = format!("{url} {:?} {}", ada.jar, app.rows());
    assert!(!everything.contains("secret secret") && !everything.contains("secret+secret"), "{everything}");
    assert_eq!(ada.flows().len(), 1);
}

#[rocket::async_test]
async fn o1_08_st_01_st_02_st_03_the_callbacks_token_is_the_flows() {
    let app = app().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/one").await;
    let token = query_parameter(&callback, "oauth_token").unwrap();
    let other = query_parameter(&app.browser().ride("/login/one").await, "oauth_token").unwrap();
    for wrong in [
        "",
        "x",
        &token[1..],
        &format!("{token}A"),
        &token.to_ascii_lowercase(),
        &format!(" {token}"),
        &format!("{token}\0"),
        &other,
    ] {
        assert_refused(
            &mut ada,
            &TestRequest::get(&with_parameter(&callback, "oauth_token", Some(wrong))),
            NOT_TRUSTED,
        )
        .await;
    }
    assert_refused(&mut ada, &TestRequest::get(&with_parameter(&callback, "oauth_token", None)), NOT_TRUSTED)
        .await;
    for verifier in [None, Some("")] {
        assert_refused(
            &mut ada,
            &TestRequest::get(&with_parameter(&callback, "oauth_verifier", verifier)),
            NOT_TRUSTED,
        )
        .await;
    }
    for twice in [
        "oauth_verifier=x",
        "oauth_verifier=",
        "oauth_token=x",
        "denied=x",
        "%6fauth_verifier=x",
        "oauth_problem=x",
    ] {
        assert_refused(&mut ada, &TestRequest::get(&format!("{callback}&{twice}")), NOT_TRUSTED).await;
    }
    // The answer of an OAuth 2 provider, with the token as state.
    let code = format!("/login/one/authorized?code=x&state={token}");
    assert_refused(&mut ada, &TestRequest::get(&code), NOT_TRUSTED).await;
    // An empty cookie is not a flow.
    let mut eve = app.browser();
    for name in [FLOW.to_owned(), format!("{FLOW}47DEQpj8HBSa-_TI"), DONE.to_owned()] {
        eve.jar.insert(name, String::new());
    }
    assert_refused(
        &mut eve,
        &TestRequest::get(&with_parameter(&callback, "oauth_token", Some(""))),
        NOT_TRUSTED,
    )
    .await;
    // None of these used the flow up.
    assert_eq!(ada.get(&callback).await.location(), "/");
    assert_eq!(ada.user().await, Some(1));
}

#[rocket::async_test]
async fn o1_08_a_wrong_verifier_ends_the_flow() {
    let app = app().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/one").await;
    let wrong = with_parameter(&callback, "oauth_verifier", Some("guessed-by-an-attacker"));
    assert_refused(&mut ada, &TestRequest::get(&wrong), NOT_TRUSTED.after_exchange()).await;
    // The verifier is sent once.
    assert_refused(&mut ada, &TestRequest::get(&callback), NOT_TRUSTED).await;
    assert_eq!((app.token_calls(), app.count("users")), (1, 0));
}

#[rocket::async_test]
async fn o1_08_denied_is_an_ordinary_no() {
    let app = app().await;
    let denied = Refusal::new(Status::Forbidden, "access_denied");
    let mut ada = app.browser();
    app.fake.deny_next_authorization();
    let callback = ada.ride("/login/one").await;
    assert!(
        query_parameter(&callback, "denied").is_some() && query_parameter(&callback, "oauth_token").is_none()
    );
    assert_refused(&mut app.browser(), &TestRequest::get(&callback), NOT_TRUSTED).await;
    assert_refused(&mut ada, &TestRequest::get(&callback), denied).await;
    assert_refused(&mut ada, &TestRequest::get(&callback), denied).await;
    assert!(ada.flows().is_empty());
    // Atlassian's spelling, and that of OAuth Problem Reporting.
    let callback = ada.ride("/login/one").await;
    let said = with_parameter(&callback, "oauth_verifier", Some("denied"));
    assert_refused(&mut ada, &TestRequest::get(&said), denied).await;
    app.fake.fail_next_authorization("permission_denied");
    let callback = ada.ride("/login/one").await;
    assert_refused(&mut ada, &TestRequest::get(&callback), denied).await;
    app.fake.fail_next_authorization("additional_authorization_required");
    let callback = ada.ride("/login/one").await;
    assert_refused(&mut ada, &TestRequest::get(&callback), BAD_ANSWER).await;
    ada.sign_in("one").await;
}

#[rocket::async_test]
async fn o1_10_o1_11_what_a_verifier_is_answered_with() {
    let app = app().await;
    let fine = "oauth_token=t&oauth_token_secret=s";
    let outage = Refusal::new(Status::ServiceUnavailable, "provider_unreachable");
    for (answer, expected) in [
        (FakeResponse::redirect("/oauth1/access_token"), BAD_ANSWER),
        (
            FakeResponse::body("text/plain", fine)
                .with_status(308)
                .header("Location", "/oauth1/access_token"),
            BAD_ANSWER,
        ),
        (FakeResponse::body("text/html", "oauth_token=t"), BAD_ANSWER),
        (FakeResponse::body("text/html", "oauth_token=&oauth_token_secret=s"), BAD_ANSWER),
        (FakeResponse::body("text/html", "x".repeat(1 << 21)), BAD_ANSWER),
        (FakeResponse::status(500), outage),
        (FakeResponse::body("text/plain", "oauth_problem=token_expired").with_status(401), NOT_TRUSTED),
        // It is accepted as a token that no account has.
        (FakeResponse::body("text/html", fine), BAD_ANSWER),
    ] {
        let mut ada = app.browser();
        let callback = ada.ride("/login/one").await;
        app.fake.respond_once(ProviderEndpoint::Token, answer);
        assert_refused(&mut ada, &TestRequest::get(&callback), expected.after_exchange()).await;
        assert!(ada.flows().is_empty());
    }
    assert_eq!(app.count("oauth_accounts"), 0);
}
