//! The API client: it sends a valid token to one host only, in a request and outside of one.

use std::time::{Duration, Instant};

use futures::future::join_all;
use rocket::http::{Accept, Status};
use rocket_dance::reqwest::multipart::Form;
use rocket_dance::storage::AccountKey;
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, ResponseGate, sign_in};
use rocket_dance::{Client, Dance, ErrorKind, Profile, Token};
use serde_json::{Value, json};

use crate::app::{App, Op, figment, rocket};
use crate::people::People;

const HOUR: i64 = 3600;

/// Ada is signed in and connected.
async fn app(people: &People, cache: bool) -> App {
    let fake = FakeProvider::start().await;
    let mut figment = figment(&fake);
    if !cache {
        figment = figment.merge(("dance.cache", false));
    }
    let app = App::new(fake, figment, Dance::fairing().storage(people.storage())).await;
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    app
}

fn dance(app: &App) -> &Dance {
    Dance::fetch(app.client.rocket()).expect("attached")
}

async fn client(app: &App) -> Client {
    dance(app).client(Op, &1).await.expect("the storage works").expect("an account")
}

async fn guarded(app: &App) -> (u16, String) {
    let response = app.get("/guarded").await;
    (response.status().code, response.into_string().await.unwrap_or_default())
}

fn ok() -> (u16, String) {
    (200, "ada".to_owned())
}

#[rocket::async_test]
async fn a_token_is_refreshed_when_due_and_not_before() {
    let people = People::new();
    let app = app(&people, true).await;
    dance(&app).advance_clock(HOUR - 60);
    assert_eq!((guarded(&app).await, app.token_calls()), (ok(), 1));
    dance(&app).advance_clock(35);
    assert_eq!((guarded(&app).await, app.token_calls()), (ok(), 2), "before it expires");
    assert_eq!((guarded(&app).await, app.token_calls()), (ok(), 2), "once");
    let userinfo =
        app.fake.requests().into_iter().filter(|request| request.endpoint == ProviderEndpoint::Userinfo);
    for request in userinfo {
        assert!(request.query.is_empty(), "LK-03: the token goes in the header");
    }
}

#[rocket::async_test]
async fn a_401_is_answered_with_one_refresh_and_one_more_try() {
    let people = People::new();
    let app = app(&people, true).await;
    app.fake.expire_access_tokens();
    let calls = app.fake.request_count(ProviderEndpoint::Userinfo);
    assert_eq!((guarded(&app).await, app.token_calls()), (ok(), 2));
    assert_eq!(app.fake.request_count(ProviderEndpoint::Userinfo), calls + 2);
    // An API that answers 401 to every token is requested twice, not in a loop.
    dance(&app).advance_clock(120);
    app.fake.respond_always(ProviderEndpoint::Userinfo, FakeResponse::status(401));
    let calls = app.fake.request_count(ProviderEndpoint::Userinfo);
    assert_eq!(guarded(&app).await.0, 303);
    assert_eq!((app.token_calls(), app.fake.request_count(ProviderEndpoint::Userinfo)), (3, calls + 2));
}

/// While the provider cannot refresh a token, it is used until it expires, which the API may notice first. That says nothing about
/// the grant.
#[rocket::async_test]
async fn rf_03_a_token_that_expires_on_its_way_is_no_lost_grant() {
    let people = People::new();
    let app = app(&people, true).await;
    app.fake.set_access_token_ttl(20);
    dance(&app).advance_clock(HOUR);
    assert_eq!((guarded(&app).await, app.token_calls()), (ok(), 2));
    // Due and valid for the app, and expired for the API.
    dance(&app).advance_clock(19);
    app.fake.advance_clock(20);
    app.fake.respond_always(ProviderEndpoint::Token, FakeResponse::status(503));
    assert_eq!((guarded(&app).await.0, app.token_calls()), (503, 4));
    app.fake.respond_always(ProviderEndpoint::Token, FakeResponse::unmodified());
    assert_eq!((guarded(&app).await, app.token_calls()), (ok(), 5));
}

#[rocket::async_test]
async fn rr_01_fifty_at_once_refresh_once() {
    for (cache, refused) in [(true, true), (true, false), (false, true), (false, false)] {
        let people = People::new();
        let app = app(&people, cache).await;
        for round in 1..=2 {
            if refused {
                dance(&app).advance_clock(120);
                app.fake.expire_access_tokens();
            } else {
                dance(&app).advance_clock(2 * HOUR);
                app.fake.advance_clock(2 * HOUR);
            }
            // The provider rotates refresh tokens: a second use of one would revoke the grant.
            app.fake.respond_once(
                ProviderEndpoint::Token,
                FakeResponse::unmodified().delay(Duration::from_millis(100)),
            );
            // The session ages with the clock, so each round uses a new one.
            app.sign_in_as(1).await;
            let answers = join_all((0..50).map(|_| guarded(&app))).await;
            assert!(answers.iter().all(|answer| *answer == ok()), "{answers:?}");
            assert_eq!(app.token_calls(), 1 + round, "cache: {cache}, refused: {refused}");
        }
    }
}

#[rocket::async_test]
async fn rf_01_a_refresh_token_that_is_not_repeated_is_kept() {
    let people = People::new();
    let app = app(&people, true).await;
    let again = json!({ "access_token": "another", "token_type": "Bearer", "expires_in": HOUR });
    app.fake
        .respond_once(ProviderEndpoint::Token, FakeResponse::json(again.clone()))
        .respond_once(ProviderEndpoint::Token, FakeResponse::json(again));
    let mut used = Vec::new();
    for _ in 0..2 {
        dance(&app).advance_clock(2 * HOUR);
        client(&app).await.access_token().await.expect("refreshed");
        used.push(app.fake.last_request(ProviderEndpoint::Token).form["refresh_token"].clone());
    }
    assert_eq!(used[0], used[1]);
}

#[rocket::async_test]
async fn a_dead_grant_is_reconnect_never_a_500() {
    let people = People::new();
    let app = app(&people, true).await;
    app.fake.revoke_tokens("ada");
    for _ in 0..2 {
        let response = app.get("/guarded").await;
        assert_eq!(response.status(), Status::SeeOther);
        assert_eq!(response.headers().get_one("Location"), Some("/login/op?next=%2Fguarded"));
        let (status, json) = app.json("/guarded").await;
        assert_eq!((status, &json["error"]["code"]), (Status::Unauthorized, &json!("reconnect_needed")));
        assert_eq!(json["error"]["login_url"], "/login/op?next=%2Fguarded");
    }
    assert_eq!(app.token_calls(), 2, "a grant that is known to be dead is not tried again");
    let (_, page) = app.json("/login/accounts").await;
    assert_eq!(
        page["entries"][0]["accounts"][0]["health"], "reconnect_needed",
        "hours before the token expires"
    );
    assert_eq!(app.get("/me").await.into_string().await.as_deref(), Some("1"), "still signed in");
    assert_eq!(people.accounts(), ["op/ada -> 1"]);
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    assert_eq!(guarded(&app).await, ok());
}

#[rocket::async_test]
async fn a_provider_that_is_down_costs_nothing_while_the_token_holds() {
    let people = People::new();
    let app = app(&people, true).await;
    dance(&app).advance_clock(HOUR - 20);
    app.fake.respond_always(ProviderEndpoint::Token, FakeResponse::status(503));
    let start = Instant::now();
    for _ in 0..3 {
        assert_eq!(guarded(&app).await, ok());
    }
    assert!(start.elapsed() < Duration::from_secs(5), "no caller waits after a failed refresh");
    let failed = app.token_calls();
    assert!(failed > 1);
    dance(&app).advance_clock(60);
    for _ in 0..2 {
        let response = app.get("/guarded").await;
        assert_eq!(
            (response.status(), response.headers().get_one("Location")),
            (Status::ServiceUnavailable, None)
        );
    }
    assert_eq!(app.json("/guarded").await.0, Status::ServiceUnavailable);
    assert!(start.elapsed() < Duration::from_secs(5));
    app.fake.reset_behavior();
    assert_eq!(guarded(&app).await, ok(), "the grant is unchanged");
}

#[rocket::async_test]
async fn without_a_refresh_token_a_token_serves_until_it_expires() {
    let people = People::new();
    let fake = FakeProvider::start().await;
    let figment = figment(&fake).merge(("dance.cache", false));
    let app = App::new(fake, figment, Dance::fairing().storage(people.storage())).await;
    let forget =
        |answer: &mut Value| drop(answer.as_object_mut().map(|answer| answer.remove("refresh_token")));
    app.fake.respond_once(ProviderEndpoint::Token, FakeResponse::edit(forget));
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    let (row, calls) = (people.snapshot(), app.token_calls());
    dance(&app).advance_clock(HOUR - 10);
    for _ in 0..2 {
        assert_eq!(guarded(&app).await, ok());
    }
    dance(&app).advance_clock(20);
    for _ in 0..2 {
        let (status, json) = app.json("/guarded").await;
        assert_eq!((status, &json["error"]["code"]), (Status::Unauthorized, &json!("reconnect_needed")));
    }
    assert_eq!(app.token_calls(), calls, "no provider request is needed");
    assert_eq!(people.snapshot(), row, "nothing is written");
}

#[rocket::async_test]
async fn rr_04_a_refresh_does_not_bring_back_what_was_disconnected() {
    for cache in [true, false] {
        let people = People::new();
        let app = app(&people, cache).await;
        assert_eq!(sign_in(&app.client, "op2").await.status, Status::SeeOther);
        app.fake.expire_access_tokens();
        let answer = ResponseGate::new();
        app.fake.respond_once(ProviderEndpoint::Token, FakeResponse::unmodified().hold(&answer));
        let disconnect = async {
            answer.wait_for_request().await;
            let status = app.post("/login/op/disconnect", &[]).await.status();
            answer.open();
            status
        };
        let ((status, body), disconnected) = rocket::tokio::join!(guarded(&app), disconnect);
        assert_eq!(disconnected, Status::SeeOther);
        assert_eq!(status, 303, "{body}");
        assert_eq!(people.accounts(), ["op2/ada -> 1"]);
        assert_eq!(guarded(&app).await.0, 303);
    }
}

#[rocket::async_test]
async fn redirects_stay_on_the_host_and_so_does_the_token() {
    let people = People::new();
    let app = app(&people, true).await;
    let other = FakeProvider::start().await;
    let client = client(&app).await;
    app.fake.respond_once(ProviderEndpoint::Api, FakeResponse::redirect("/api/moved?to=here"));
    let moved: Value = client.get("things").json().await.expect("followed");
    assert_eq!(moved["path"], "/api/moved");

    for location in [format!("{}/api/things", other.issuer()), format!("//{}/api", &other.issuer()[7..])] {
        app.fake.respond_once(ProviderEndpoint::Api, FakeResponse::redirect(&location));
        let stays = client.get("things").send().await.expect("the unchanged response");
        assert_eq!(stays.status().as_u16(), 302);
        app.fake.respond_once(ProviderEndpoint::Api, FakeResponse::redirect(&location));
        assert!(client.get("things").json::<Value>().await.is_err());
    }
    app.fake.respond_always(ProviderEndpoint::Api, FakeResponse::redirect("/api/round"));
    let circles = client.get("round").send().await.expect_err("a redirect loop");
    assert_eq!(circles.kind(), ErrorKind::BadProviderAnswer);
    app.fake.reset_behavior();

    for url in [
        format!("{}/api/things", other.issuer()),
        format!("http://127.0.0.1@{}/", &other.issuer()[7..]),
        format!("http:{}/", &other.issuer()[7..]),
        "https://evil.example/".to_owned(),
    ] {
        let error = client.get(&url).send().await.expect_err(&url);
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{url}");
    }
    assert!(other.requests().is_empty(), "the other host has seen nothing");
    let own = format!("{}/api/own", app.fake.issuer());
    assert_eq!(client.get(&own).json::<Value>().await.expect("its own host")["path"], "/api/own");
}

#[rocket::async_test]
async fn paths_are_relative_to_the_api() {
    let people = People::new();
    let app = app(&people, true).await;
    let client = client(&app).await;
    for (path, arrives) in [
        ("things/1", "/api/things/1"),
        ("/things/1", "/api/things/1"),
        ("//evil.example/things", "/api/evil.example/things"),
        ("things/a%2Fb", "/api/things/a%2Fb"),
        ("things/a:b", "/api/things/a:b"),
        // R15: no scheme, but a path.
        ("people:list", "/api/people:list"),
        ("data:text/plain,x", "/api/data:text/plain,x"),
    ] {
        let answer = client.get(path).json::<Value>().await;
        assert_eq!(answer.expect(path)["path"], arrives, "{path}");
    }
    let answer: Value = client.get("things?a=1").query(&[("b", "2 3")]).json().await.expect("an answer");
    assert_eq!(answer["query"], json!([["a", "1"], ["b", "2 3"]]));
}

#[rocket::async_test]
async fn what_is_sent_arrives() {
    let people = People::new();
    let app = app(&people, true).await;
    let client = client(&app).await;
    let answer: Value = client.post("things").form(&[("a", "1 & 2")]).json().await.expect("a form");
    assert_eq!((&answer["method"], &answer["form"]), (&json!("POST"), &json!([["a", "1 & 2"]])));
    let answer: Value = client.put("things").json_body(&json!({"a": [1]})).json().await.expect("JSON");
    assert_eq!((&answer["method"], &answer["body"]), (&json!("PUT"), &json!("{\"a\":[1]}")));
    assert_eq!(answer["headers"]["content-type"], "application/json");
    let answer: Value =
        client.patch("things").body("bytes").header("X-Thing", "yes").json().await.expect("a body");
    assert_eq!((&answer["body"], &answer["headers"]["x-thing"]), (&json!("bytes"), &json!("yes")));
    let form = Form::new().text("name", "a large body");
    let answer: Value = client.post("things").multipart(form).json().await.expect("a multipart form");
    let body = answer["body"].as_str().unwrap_or_default();
    assert!(body.contains("name=\"name\"") && body.contains("a large body"), "{body}");
    let answer: Value = client.delete("things/1").json().await.expect("deleted");
    assert_eq!((&answer["method"], &answer["user"]), (&json!("DELETE"), &json!("ada")));
    assert_eq!(client.head("things").send().await.expect("a head").status().as_u16(), 200);
    // The caller cannot replace the token.
    let bearer = app.fake.last_request(ProviderEndpoint::Api).headers["authorization"].clone();
    client.get("things").header("Authorization", "Bearer mine").json::<Value>().await.expect("ours");
    assert_eq!(app.fake.last_request(ProviderEndpoint::Api).headers["authorization"], bearer);
}

#[rocket::async_test]
async fn a_status_from_400_on_is_a_typed_error() {
    let people = People::new();
    let app = app(&people, true).await;
    let client = client(&app).await;
    for status in [400, 403, 404, 429, 500, 503] {
        app.fake.respond_once(
            ProviderEndpoint::Api,
            FakeResponse::json(json!({"secret": "s3cr3t"})).with_status(status),
        );
        let error = client.get("things").json::<Value>().await.expect_err("a status");
        assert_eq!(error.kind(), ErrorKind::ApiError(status));
        assert_eq!(error.kind().status(), Status::BadGateway);
        assert!(!format!("{error} {error:?}").contains("s3cr3t"));
        app.fake.respond_once(ProviderEndpoint::Api, FakeResponse::status(status));
        assert_eq!(client.get("things").send().await.expect("unchanged").status().as_u16(), status);
    }
    app.fake.respond_once(ProviderEndpoint::Api, FakeResponse::body("application/json", "{\"a\": s3cr3t"));
    let error = client.get("things").json::<Value>().await.expect_err("no JSON");
    assert_eq!(error.kind(), ErrorKind::BadProviderAnswer);
    assert!(!format!("{error} {error:?}").contains("s3cr3t"));
    let shown = format!("{client:?} {:?}", client.get("things"));
    let token = client.access_token().await.expect("a token");
    assert!(!shown.contains(token.expose()), "{shown}");
}

#[rocket::async_test]
async fn accounts_and_clients_without_a_server() {
    let people = People::new();
    people.sql("INSERT INTO users (id, name) VALUES (7, 'grace'), (8, 'eve')");
    // Ada is user 9.
    let app = app(&people, true).await;
    let token = dance(&app)
        .client(Op, &9)
        .await
        .expect("the store")
        .expect("ada's")
        .access_token()
        .await
        .expect("it");
    let rocket = rocket(figment(&app.fake), Dance::fairing().storage(people.storage()));
    let rocket = rocket.ignite().await.expect("ignited");
    let dance = Dance::fetch(&rocket).expect("attached");

    assert_eq!(dance.accounts(&9).await.expect("listed").len(), 1);
    assert!(dance.accounts(&7).await.expect("listed").is_empty());
    assert!(dance.client(Op, &7).await.expect("asked").is_none());
    let client = dance.client(Op, &9).await.expect("asked").expect("connected");
    assert_eq!(client.get("me").json::<Value>().await.expect("called")["sub"], "ada");

    let profile = |id: &str| Profile::from_claims(&json!({ "sub": id, "name": "Grace" })).expect("a profile");
    let imported = Token::new(token.expose());
    let account = dance.import(Op, &7, profile("grace"), imported.clone()).await.expect("imported");
    assert_eq!((account.user_id.as_deref(), account.provider_user_id.as_deref()), (Some("7"), Some("grace")));
    assert!(!account.token.contains(token.expose()));
    let before = people.snapshot();
    let error = dance
        .import(Op, &8, profile("grace"), imported.clone())
        .await
        .expect_err("it belongs to another user");
    assert_eq!((error.kind(), people.snapshot()), (ErrorKind::Refused, before));
    dance.import(Op, &7, profile("grace"), imported).await.expect("replaced");
    assert_eq!(people.accounts(), ["op/ada -> 9", "op/grace -> 7"]);

    let mut each = dance.each(Op);
    let mut walked = Vec::new();
    while let Some(client) = each.next().await.expect("a page") {
        walked.push(client.account().provider_user_id.unwrap_or_default());
        client.get("me").json::<Value>().await.expect("each of them works");
    }
    walked.sort();
    assert_eq!(walked, ["ada", "grace"]);

    assert!(dance.account(Op, "grace").await.expect("asked").is_some());
    assert!(dance.account(Op, "GRACE").await.expect("asked").is_none(), "byte for byte");
    dance.delete(&AccountKey::identity("op", "grace")).await.expect("deleted");
    dance.delete(&AccountKey::identity("op", "grace")).await.expect("a second time");
    assert!(dance.account(Op, "grace").await.expect("asked").is_none());
    assert_eq!(people.accounts(), ["op/ada -> 9"]);

    app.fake.revoke_tokens("ada");
    let mut each = dance.each(Op);
    let lost = each.next().await.expect("a page").expect("ada");
    let error = lost.get("me").json::<Value>().await.expect_err("dead");
    assert_eq!(error.kind(), ErrorKind::ReconnectNeeded, "reported, and the walk continues");
    assert!(each.next().await.expect("the end").is_none());
    let html = app.client.get("/guarded").header(Accept::HTML).dispatch().await;
    assert_eq!(html.status(), Status::SeeOther);
}
