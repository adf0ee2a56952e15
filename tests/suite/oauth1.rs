//! OAuth 1.0a: the attacks that only it knows, and those on the state once more, which it doesn't have.

use futures::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rocket::http::{Method, Status};
use rocket::tokio::runtime::Handle;
use rocket::tokio::task::block_in_place;
use rocket_dance::provider::Provider;
use rocket_dance::reqwest::multipart::Form;
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, sign_in};
use rocket_dance::{Client, Dance, Error, ErrorKind, Result, Token};
use serde_json::{Value, json};

use crate::app::{App, figment};
use crate::oracle::{
    Ask, Browser, CSRF, DONE, FLOW, House, NOT_TRUSTED, Refused, SESSION, param, refused, with,
};

struct One;

impl Provider for One {
    const NAME: &'static str = "one";
}

/// Two entries of the same OAuth 1 provider, `one` and `two`, beside the others.
async fn house() -> House {
    let house = House::open().await;
    let entries = ["one", "two"].map(|name| house.fake.preset_config(name, "oauth1"));
    house.again(|figment| entries.into_iter().fold(figment, |figment, entry| figment.merge(entry))).await
}

async fn client(house: &House) -> Client {
    house.dance().client(One, &1).await.unwrap().expect("an account")
}

fn request_tokens(house: &House) -> usize {
    house.fake.request_count(ProviderEndpoint::RequestToken)
}

const BAD_ANSWER: Refused = Refused::new(Status::BadGateway, "bad_provider_answer");

// ---- whole rides, and the API

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

/// Every kind of call; the fake answers none that is not signed rightly.
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
async fn o1_10_a_redirect_on_the_same_host_is_signed_anew_and_no_other_followed() {
    let house = house().await;
    house.browser().sign_in("one").await;
    let client = client(&house).await;
    house.fake.respond_once(ProviderEndpoint::Api, FakeResponse::redirect("/api/moved?a=%7E&b=+"));
    let echo: Value = client.get("things?c=1").json().await.unwrap();
    assert_eq!((&echo["path"], &echo["query"]), (&json!("/api/moved"), &json!([["a", "~"], ["b", " "]])));
    let elsewhere = FakeProvider::start().await;
    house.fake.respond_once(
        ProviderEndpoint::Api,
        FakeResponse::redirect(&format!("{}/api/me", elsewhere.issuer())),
    );
    assert_eq!(client.get("things").send().await.unwrap().status(), 302);
    assert!(elsewhere.requests().is_empty());
}

#[rocket::async_test]
async fn a_token_that_was_revoked_is_to_be_connected_again() {
    let house = house().await;
    let mut ada = house.browser();
    ada.sign_in("one").await;
    house.fake.revoke_tokens("ada");
    let error = client(&house).await.get("me").json::<Value>().await.unwrap_err();
    assert_eq!((error.kind(), error.entry()), (ErrorKind::ReconnectNeeded, Some("one")));
    assert_eq!(house.token_calls(), 1, "there is nothing to refresh with");
    ada.leave().await;
    ada.sign_in("one").await;
    assert!(client(&house).await.get("me").json::<Value>().await.is_ok());
}

#[rocket::async_test]
async fn a_token_from_elsewhere_is_brought_in() {
    let house = House::open().await;
    let entry = house.fake.preset_config("one", "oauth1");
    let house = house.again(|figment| figment.merge(entry)).await;
    house.browser().sign_in("one").await;
    let client = client(&house).await;
    let (token, secret) =
        (client.access_token().await.unwrap(), client.token_secret().await.unwrap().unwrap());
    let tokens = house.dance().tokens(One).of(&1);
    let imported = Token::oauth1(token.expose(), secret.expose());
    assert!(!format!("{imported:?}").contains(secret.expose()));
    tokens.set(imported).await.unwrap();
    assert!(self::client(&house).await.get("me").json::<Value>().await.is_ok());
    // A bearer token is no OAuth 1 token: nothing is sent.
    let before = house.fake.request_count(ProviderEndpoint::Api);
    tokens.set(Token::new(token.expose())).await.unwrap();
    let error = self::client(&house).await.get("me").json::<Value>().await.unwrap_err();
    assert_eq!(
        (error.kind(), house.fake.request_count(ProviderEndpoint::Api)),
        (ErrorKind::ReconnectNeeded, before)
    );
}

// ---- begin

#[rocket::async_test]
async fn o1_07_an_unconfirmed_callback_goes_nowhere() {
    let house = house().await;
    for confirmed in [json!(null), json!("false"), json!("TRUE"), json!("")] {
        let lie = move |answer: &mut Value| answer["oauth_callback_confirmed"] = confirmed.clone();
        house.fake.respond_once(ProviderEndpoint::RequestToken, FakeResponse::edit(lie));
        let mut ada = house.browser();
        refused(&mut ada, &Ask::get("/login/one"), BAD_ANSWER).await;
        assert!(ada.flows().is_empty());
    }
    house.browser().sign_in("one").await;
}

#[rocket::async_test]
async fn o1_10_o1_11_what_a_request_for_a_token_is_answered_with() {
    let house = house().await;
    let form = |body: &'static str| FakeResponse::body("text/html", body);
    let fine = "oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=true";
    let outage = Refused::new(Status::ServiceUnavailable, "provider_unreachable");
    let ours = Refused::new(Status::InternalServerError, "misconfigured");
    for (answer, expected) in [
        (FakeResponse::redirect(&format!("{}/oauth1/request_token", house.fake.issuer())), BAD_ANSWER),
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
        house.fake.respond_once(ProviderEndpoint::RequestToken, answer);
        let before = request_tokens(&house);
        let mut ada = house.browser();
        refused(&mut ada, &Ask::get("/login/one"), expected).await;
        assert_eq!((request_tokens(&house) - before, ada.flows().len()), (1, 0), "asked for once");
    }
    house.fake.respond_once(ProviderEndpoint::RequestToken, form(fine));
    let url = house.browser().begin("/login/one").await;
    assert_eq!(param(&url, "oauth_token").as_deref(), Some("t"));
}

#[rocket::async_test]
async fn o1_09_the_temporary_secret_is_nowhere_to_be_read() {
    let house = house().await;
    let secret = |answer: &mut Value| answer["oauth_token_secret"] = json!("a very secret secret");
    house.fake.respond_once(ProviderEndpoint::RequestToken, FakeResponse::edit(secret));
    let mut ada = house.browser();
    let url = ada.begin("/login/one?next=/guarded").await;
    let query: Vec<_> =
        url::Url::parse(&url).unwrap().query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(query, ["oauth_token"]);
    let everything = format!("{url} {:?} {}", ada.jar, house.rows());
    assert!(!everything.contains("secret secret") && !everything.contains("secret+secret"), "{everything}");
    assert_eq!(ada.flows().len(), 1);
}

// ---- the callback

#[rocket::async_test]
async fn o1_08_st_01_st_02_st_03_the_callbacks_token_is_the_flows() {
    let house = house().await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/one").await;
    let token = param(&callback, "oauth_token").unwrap();
    let other = param(&house.browser().ride("/login/one").await, "oauth_token").unwrap();
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
        refused(&mut ada, &Ask::get(&with(&callback, "oauth_token", Some(wrong))), NOT_TRUSTED).await;
    }
    refused(&mut ada, &Ask::get(&with(&callback, "oauth_token", None)), NOT_TRUSTED).await;
    for verifier in [None, Some("")] {
        refused(&mut ada, &Ask::get(&with(&callback, "oauth_verifier", verifier)), NOT_TRUSTED).await;
    }
    for twice in [
        "oauth_verifier=x",
        "oauth_verifier=",
        "oauth_token=x",
        "denied=x",
        "%6fauth_verifier=x",
        "oauth_problem=x",
    ] {
        refused(&mut ada, &Ask::get(&format!("{callback}&{twice}")), NOT_TRUSTED).await;
    }
    // What an OAuth 2 provider would say, with the token for a state.
    let code = format!("/login/one/authorized?code=x&state={token}");
    refused(&mut ada, &Ask::get(&code), NOT_TRUSTED).await;
    // An empty cookie is no flow, whatever it is called.
    let mut eve = house.browser();
    for name in [FLOW.to_owned(), format!("{FLOW}47DEQpj8HBSa-_TI"), DONE.to_owned()] {
        eve.jar.insert(name, String::new());
    }
    refused(&mut eve, &Ask::get(&with(&callback, "oauth_token", Some(""))), NOT_TRUSTED).await;
    // None of it used the flow up.
    assert_eq!(ada.get(&callback).await.location(), "/");
    assert_eq!(ada.user().await, Some(1));
}

#[rocket::async_test]
async fn o1_08_a_wrong_verifier_ends_the_flow() {
    let house = house().await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/one").await;
    let wrong = with(&callback, "oauth_verifier", Some("guessed-by-somebody"));
    refused(&mut ada, &Ask::get(&wrong), NOT_TRUSTED.after_exchange()).await;
    // The verifier is asked for once, whatever comes later.
    refused(&mut ada, &Ask::get(&callback), NOT_TRUSTED).await;
    assert_eq!((house.token_calls(), house.count("users")), (1, 0));
}

#[rocket::async_test]
async fn o1_08_denied_is_an_ordinary_no() {
    let house = house().await;
    let denied = Refused::new(Status::Forbidden, "access_denied");
    let mut ada = house.browser();
    house.fake.deny_next_authorization();
    let callback = ada.ride("/login/one").await;
    assert!(param(&callback, "denied").is_some() && param(&callback, "oauth_token").is_none());
    refused(&mut house.browser(), &Ask::get(&callback), NOT_TRUSTED).await;
    refused(&mut ada, &Ask::get(&callback), denied).await;
    refused(&mut ada, &Ask::get(&callback), denied).await;
    assert!(ada.flows().is_empty());
    // As Atlassian says it, and in the words of OAuth Problem Reporting.
    let callback = ada.ride("/login/one").await;
    let said = with(&callback, "oauth_verifier", Some("denied"));
    refused(&mut ada, &Ask::get(&said), denied).await;
    house.fake.fail_next_authorization("permission_denied");
    let callback = ada.ride("/login/one").await;
    refused(&mut ada, &Ask::get(&callback), denied).await;
    house.fake.fail_next_authorization("additional_authorization_required");
    let callback = ada.ride("/login/one").await;
    refused(&mut ada, &Ask::get(&callback), BAD_ANSWER).await;
    ada.sign_in("one").await;
}

#[rocket::async_test]
async fn o1_10_o1_11_what_a_verifier_is_answered_with() {
    let house = house().await;
    let fine = "oauth_token=t&oauth_token_secret=s";
    let outage = Refused::new(Status::ServiceUnavailable, "provider_unreachable");
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
        // Taken for a token; then nobody is there who has it.
        (FakeResponse::body("text/html", fine), BAD_ANSWER),
    ] {
        let mut ada = house.browser();
        let callback = ada.ride("/login/one").await;
        house.fake.respond_once(ProviderEndpoint::Token, answer);
        refused(&mut ada, &Ask::get(&callback), expected.after_exchange()).await;
        assert!(ada.flows().is_empty());
    }
    assert_eq!(house.count("oauth_accounts"), 0);
}

// ---- O1-13: bound to the browser as OAuth 2 is

#[rocket::async_test]
async fn o1_13_st_04_a_token_of_another_browser() {
    let house = house().await;
    let callback = house.browser().ride("/login/one").await;
    refused(&mut house.browser(), &Ask::get(&callback), NOT_TRUSTED).await;
    house.fake.set_user("bob");
    let mut bob = house.browser();
    bob.begin("/login/one").await;
    refused(&mut bob, &Ask::get(&callback), NOT_TRUSTED).await;
    bob.sign_in("one").await;
    refused(&mut bob, &Ask::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn o1_13_st_05_a_token_of_another_entry_or_protocol() {
    let house = house().await;
    let mut ada = house.browser();
    let (one, two) = (ada.ride("/login/one").await, ada.ride("/login/two").await);
    let query = |uri: &str| uri.split_once('?').unwrap().1.to_owned();
    refused(&mut ada, &Ask::get(&format!("/login/two/authorized?{}", query(&one))), NOT_TRUSTED).await;
    refused(&mut ada, &Ask::get(&format!("/login/one/authorized?{}", query(&two))), NOT_TRUSTED).await;
    let mixed = with(&one, "oauth_token", param(&two, "oauth_token").as_deref());
    refused(&mut ada, &Ask::get(&mixed), NOT_TRUSTED).await;
    // An OAuth 2 flow of this browser at an OAuth 1 callback, and the other way round.
    let oidc = ada.ride("/login/op").await;
    let state = param(&oidc, "state").unwrap();
    let crossed = format!("/login/one/authorized?oauth_token={state}&oauth_verifier=x");
    refused(&mut ada, &Ask::get(&crossed), NOT_TRUSTED).await;
    let crossed = with(&oidc, "state", param(&one, "oauth_token").as_deref());
    refused(&mut ada, &Ask::get(&crossed), NOT_TRUSTED).await;
    for callback in [one, two, oidc] {
        assert_eq!(ada.get(&callback).await.status, Status::SeeOther);
        ada.leave().await;
    }
}

#[rocket::async_test]
async fn o1_13_st_06_st_07_repeats_one_after_the_other_and_at_once() {
    let house = house().await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/one?next=/guarded").await;
    let before = ada.clone();
    assert_eq!(ada.get(&callback).await.location(), "/guarded");
    let rows = house.rows();
    for browser in [ada.clone(), before] {
        let again = browser.peek(&Ask::get(&callback)).await;
        assert_eq!(again.location(), "/guarded");
        assert!(!again.sets(SESSION) && !again.sets(CSRF), "{again:?}");
    }
    assert_eq!((house.token_calls(), house.rows()), (1, rows));
    refused(&mut house.browser(), &Ask::get(&callback), NOT_TRUSTED).await;
    ada.leave().await;
    assert_eq!(ada.get(&callback).await.location(), "/guarded");
    assert_eq!(ada.user().await, None, "a repeat signs nobody in");

    let callback = ada.ride("/login/one?next=/guarded").await;
    let ask = Ask::get(&callback);
    let answers = join_all((0..16).map(|_| ada.peek(&ask))).await;
    assert_eq!((house.token_calls(), house.count("users"), house.count("oauth_accounts")), (2, 1, 1));
    assert_eq!(answers.iter().filter(|answer| answer.sets(SESSION)).count(), 1);
    assert!(answers.iter().all(|answer| answer.location() == "/guarded"));
}

#[rocket::async_test]
async fn o1_13_st_08_an_old_flow() {
    let house = house().await;
    let mut ada = house.browser();
    let (young, old) = (ada.ride("/login/one").await, ada.ride("/login/one").await);
    house.advance(590);
    house.fake.advance_clock(590);
    assert_eq!(ada.get(&young).await.location(), "/");
    house.advance(10);
    refused(&mut ada, &Ask::get(&old), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn o1_13_st_10_st_11_for_what_and_for_whom_it_was_begun() {
    let house = house().await;
    let mut ada = house.browser();
    ada.sign_in("one").await;
    let callback = ada.ride_to_connect("/login/two").await;
    let mut grace = ada.clone();
    ada.leave().await;
    refused(&mut ada, &Ask::get(&callback), NOT_TRUSTED).await;
    grace.enter(700).await;
    refused(&mut grace, &Ask::get(&callback), NOT_TRUSTED).await;
    let mut eve = house.browser();
    eve.jar.extend(grace.flows());
    eve.enter(3).await;
    refused(&mut eve, &Ask::get(&callback), NOT_TRUSTED).await;
    // Begun signed out; by the end somebody else is signed in.
    house.fake.set_user("bob");
    let mut bob = house.browser();
    let callback = bob.ride("/login/one").await;
    bob.enter(700).await;
    let rows = house.rows();
    assert_eq!(bob.get(&callback).await.status, Status::Forbidden);
    assert_eq!((bob.user().await, house.rows()), (Some(700), rows));
}

#[rocket::async_test]
async fn o1_13_st_12_st_19_an_authorization_url_of_somebody_else() {
    let house = house().await;
    let callback = house.approve(&house.browser().begin("/login/one").await).await;
    let mut victim = house.browser();
    refused(&mut victim, &Ask::get(&callback), NOT_TRUSTED).await;
    // A link can't fix what a dance is made of.
    let fixed =
        "oauth_token=fixed&oauth_callback=https://evil.example&oauth_token_secret=fixed&oauth_verifier=fixed";
    let url = victim.begin(&format!("/login/one?{fixed}")).await;
    assert!(!url.contains("fixed") && !url.contains("evil"), "{url}");
    refused(
        &mut victim,
        &Ask::get("/login/one/authorized?oauth_token=fixed&oauth_verifier=fixed"),
        NOT_TRUSTED,
    )
    .await;
    refused(&mut victim, &Ask::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn o1_13_st_13_no_value_is_another() {
    let house = house().await;
    let mut ada = house.browser();
    let used = ada.sign_in("one").await;
    let pending = ada.ride_to_connect("/login/two").await;
    let flow = ada.flows().remove(0);
    let values = [
        param(&pending, "oauth_token").unwrap(),
        param(&pending, "oauth_verifier").unwrap(),
        param(&used, "oauth_token").unwrap(),
        flow.1.clone(),
        ada.jar[DONE].clone(),
        ada.jar[SESSION].clone(),
    ];
    let forbidden = Refused::new(Status::Forbidden, "csrf");
    for value in &values {
        for name in [SESSION, CSRF, DONE, "rocket_dance_account_one", flow.0.as_str()] {
            if ada.jar.get(name) == Some(value) {
                continue;
            }
            let mut eve = house.browser();
            eve.jar.insert(name.to_owned(), value.clone());
            assert_eq!(eve.user().await, None, "{name}");
            refused(&mut eve, &Ask::get(&pending), NOT_TRUSTED).await;
            refused(&mut eve, &Ask::get(&used), NOT_TRUSTED).await;
            refused(&mut eve, &Ask::post("/login/one", &[("csrf", value)]), forbidden).await;
        }
    }
}

#[rocket::async_test]
async fn o1_13_st_14_any_byte_of_cookie_or_token() {
    let house = house().await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/one").await;
    let (name, sealed) = ada.flows().remove(0);
    let token = param(&callback, "oauth_token").unwrap();
    let flips = (any::<prop::sample::Index>(), 1..128u8, any::<bool>());
    let runtime = Handle::current();
    let outcome = TestRunner::new(ProptestConfig::with_cases(32)).run(&flips, |(at, flip, in_cookie)| {
        let flipped = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            String::from_utf8(bytes).expect("ASCII stays ASCII")
        };
        let mut browser = ada.clone();
        let mut ask = Ask::get(&callback);
        if in_cookie {
            browser.jar.insert(name.clone(), flipped(&sealed));
        } else {
            ask = Ask::get(&with(&callback, "oauth_token", Some(&flipped(&token))));
        }
        block_in_place(|| runtime.block_on(refused(&mut browser, &ask, NOT_TRUSTED)));
        Ok(())
    });
    outcome.unwrap();
    assert_eq!(ada.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn ten_tabs_of_both_protocols() {
    let house = house().await;
    let mut ada = house.browser();
    let mut tabs = Vec::new();
    for tab in 0..10 {
        let entry = if tab % 2 == 0 { "one" } else { "op" };
        tabs.push((tab, ada.ride(&format!("/login/{entry}?next=/tab/{tab}")).await));
    }
    for (tab, callback) in tabs.into_iter().rev() {
        assert_eq!(ada.get(&callback).await.location(), format!("/tab/{tab}"));
        ada.leave().await;
    }
    assert!(ada.flows().is_empty());
}

#[rocket::async_test]
async fn a_head_begins_nothing() {
    let house = house().await;
    let mut ada: Browser = house.browser();
    let answer = ada.ask(&Ask::new(Method::Head, "/login/one")).await;
    assert_eq!((answer.status, request_tokens(&house)), (Status::MethodNotAllowed, 0));
}
