//! Signing out at the provider, and told by it (OpenID Connect RP-Initiated Logout, Back-Channel Logout).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rocket::http::{ContentType, Method, Status};
use rocket::local::asynchronous::Client;
use rocket::tokio::time::sleep;
use rocket_dance::provider::SigningAlgorithm;
use rocket_dance::storage::{CookieStorage, MemoryStorage};
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, sign_in};
use rocket_dance::{Dance, DanceFairing};
use serde_json::{Value, json};

use crate::app::{App, figment, path_and_query, rocket};
use crate::ear::log;
use crate::logout::Fragile;
use crate::oracle::{Ask, Browser, House, Refused, SESSION, assert_guarded, param, refused, with};

const LANDING: &str = "http://localhost:8000/login/logged-out";
const COOKIE: &str = "rocket_dance_logout";
const TELL: &str = "/login/op/backchannel-logout";
const BAD: Refused = Refused::new(Status::BadRequest, "invalid_request");

/// A house whose entry `op` signs out at the provider, too.
async fn house() -> House {
    House::with(|figment| figment.merge(("oauth.op.logout", true))).await
}

/// Signs out by the page's form; gives where that leads.
async fn leaves(browser: &mut Browser) -> String {
    let copy = browser.clone();
    let answer = browser.post("/login/logout", &[]).await;
    assert_eq!((browser.user().await, copy.user().await), (None, None), "signed out here in any case");
    assert_guarded(&answer);
    answer.location().to_owned()
}

// ---- begun here

#[rocket::async_test]
async fn lo_02_signing_out_leads_to_the_provider_and_back() {
    let house = house().await;
    let mut ada = house.browser();
    ada.sign_in("op").await;
    let id_token = house.tokens()[2].clone();
    assert!(house.rows().contains("id_token='v1.") && !house.rows().contains(&id_token), "it is sealed");

    let there = leaves(&mut ada).await;
    assert!(there.starts_with(&format!("{}/logout?", house.fake.issuer())), "{there}");
    let said = |name| param(&there, name).unwrap_or_default();
    assert_eq!(said("id_token_hint"), id_token);
    assert_eq!(said("client_id"), house.fake.client_id());
    assert_eq!(said("post_logout_redirect_uri"), LANDING);
    assert_eq!(said("state").len(), 43);
    assert!(!ada.jar[COOKIE].contains(&said("state")));
    assert_eq!(house.count("oauth_sessions"), 0);

    let back = house.fake.authorize(&there).await;
    assert_eq!(back, format!("{LANDING}?state={}", said("state")));
    let answer = ada.get(&path_and_query(&back)).await;
    assert_eq!(answer.location(), "/");
    assert_guarded(&answer);
    assert!(!ada.jar.contains_key(COOKIE), "it is used up");
    house.assert_no_secret("the log", &log().unwrap_or_default(), &[("state", said("state"))]);

    // Another state the next time; and everywhere is here, too.
    ada.sign_in("op").await;
    let mut phone = house.browser();
    phone.sign_in("op").await;
    let answer = ada.post("/login/logout/everywhere", &[]).await;
    let again = param(answer.location(), "state").unwrap();
    assert_ne!(again, said("state"));
    assert_eq!((ada.user().await, phone.user().await), (None, None));
}

#[rocket::async_test]
async fn lo_02_who_came_from_elsewhere_is_not_sent_there() {
    let house = house().await;
    let mut ada = house.browser();
    // The app's own form; an entry without `logout`.
    ada.enter(7).await;
    assert_eq!(leaves(&mut ada).await, "/");
    ada.sign_in("op2").await;
    assert!(house.rows().contains("id_token=NULL"), "and no ID token is kept for that");
    assert_eq!(leaves(&mut ada).await, "/");
    assert_eq!(
        (house.fake.request_count(ProviderEndpoint::EndSession), ada.jar.contains_key(COOKIE)),
        (0, false)
    );
}

#[rocket::async_test]
async fn lo_02_the_landing_leads_nowhere_else_whatever_comes_back() {
    let house =
        House::with(|figment| figment.merge(("oauth.op.logout", true)).merge(("dance.after_logout", "/bye")))
            .await;
    let (mut ada, mut grace) = (house.browser(), house.browser());
    ada.sign_in("op").await;
    let there = leaves(&mut ada).await;
    grace.enter(2).await;
    let good = path_and_query(&house.fake.authorize(&there).await);
    let evil = "https://evil.example/";
    let mut wrong = vec![with(&good, "state", None), format!("{good}x"), format!("{good}&state=x&state=")];
    wrong[2] = wrong[2].replace("?state=", "?state=y&old=");
    for state in ["", "another", evil, "%0d%0aSet-Cookie:a=b", &"x".repeat(9000)] {
        wrong.push(with(&good, "state", Some(state)));
    }
    for name in ["next", "post_logout_redirect_uri", "redirect_uri", "target_link_uri"] {
        wrong.push(with(&with(&good, "state", None), name, Some(evil)));
    }
    for uri in &wrong {
        for browser in [&mut ada, &mut grace] {
            let before = (browser.jar.clone(), browser.user().await, house.rows());
            let answer = browser.get(uri).await;
            assert_eq!(answer.location(), "/bye", "{uri}");
            assert_guarded(&answer);
            assert_eq!((browser.jar.clone(), browser.user().await, house.rows()), before, "{uri}");
        }
    }
    // The good one in another browser: that browser is not the one.
    assert_eq!(grace.get(&good).await.location(), "/bye");
    assert_eq!(grace.user().await, Some(2));
    // Another browser's cookie is nothing, and a flow's isn't either.
    let mut mallory = house.browser();
    mallory.begin("/login/op").await;
    mallory.jar.insert(COOKIE.to_owned(), mallory.flows()[0].1.clone());
    assert_eq!(mallory.get(&good).await.location(), "/bye");
    assert!(mallory.jar.contains_key(COOKIE));
    for _ in 0..2 {
        assert_eq!(ada.get(&good).await.location(), "/bye");
        assert!(!ada.jar.contains_key(COOKIE));
    }
    for method in [Method::Post, Method::Head, Method::Put, Method::Delete] {
        assert_eq!(ada.ask(&Ask::new(method, &good)).await.status, Status::MethodNotAllowed);
    }
}

#[rocket::async_test]
async fn lo_02_signed_out_here_whatever_the_provider_says_of_its_page() {
    for page in [
        json!(null),
        json!(7),
        json!("http://provider.example/"),
        json!("javascript:alert(1)"),
        json!("/logout"),
    ] {
        let house = house().await;
        let answer = page.clone();
        let edit = FakeResponse::edit(move |metadata| metadata["end_session_endpoint"] = answer.clone());
        house.fake.respond_always(ProviderEndpoint::Discovery, edit);
        let mut ada = house.browser();
        ada.sign_in("op").await;
        assert_eq!(leaves(&mut ada).await, "/", "{page}");
    }
    assert!(log().is_none_or(|log| log.contains("end_session_url")), "the log says what to do");

    // A restart while the provider is away.
    let house = house().await;
    let mut ada = house.browser();
    ada.sign_in("op").await;
    house.fake.respond_always(ProviderEndpoint::Discovery, FakeResponse::status(503));
    let restarted = house.again(|figment| figment.merge(("oauth.op.logout", true))).await;
    let mut ada = Browser { house: restarted, ..ada };
    assert_eq!(leaves(&mut ada).await, "/");
    assert_eq!(house.fake.request_count(ProviderEndpoint::EndSession), 0);
}

#[rocket::async_test]
async fn lo_02_an_entry_that_points_elsewhere_by_now_is_told_nothing() {
    let (house, other) = (house().await, FakeProvider::start().await);
    let mut ada = house.browser();
    ada.sign_in("op").await;
    let moved =
        house.again(|figment| figment.merge(other.config("op")).merge(("oauth.op.logout", true))).await;
    let mut ada = Browser { house: moved, ..ada };
    assert_eq!(leaves(&mut ada).await, "/");
}

#[rocket::async_test]
async fn lo_02_an_id_token_too_long_for_a_url_stays_away() {
    let house = house().await;
    house.fake.edit_claims(|claims| claims["groups"] = json!("x".repeat(4000)));
    let mut ada = house.browser();
    ada.sign_in("op").await;
    let there = leaves(&mut ada).await;
    assert_eq!(param(&there, "id_token_hint"), None);
    assert_eq!(param(&there, "client_id").as_deref(), Some(house.fake.client_id()));
}

#[rocket::async_test]
async fn lo_02_a_page_from_rocket_toml() {
    let house = House::with(|figment| {
        let (key, mut plain) = (String::from("oauth.plain"), json!({"provider": "oauth2", "client_id": "c"}));
        for (name, url) in
            [("authorization_url", "a"), ("token_url", "t"), ("end_session_url", "end?client=c")]
        {
            plain[name] = json!(format!("https://plain.example/{url}"));
        }
        plain["client_secret"] = json!("s3cret");
        plain["logout"] = json!(true);
        let figment = figment.merge((key, plain));
        figment
            .merge(("oauth.op.logout", true))
            .merge(("oauth.op.end_session_url", "https://op.example/bye?a=b"))
    })
    .await;
    let mut ada = house.browser();
    ada.sign_in("op").await;
    let there = leaves(&mut ada).await;
    assert!(there.starts_with("https://op.example/bye?a=b&id_token_hint="), "{there}");
}

async fn stops(fake: &FakeProvider, changes: Value, dance: DanceFairing) {
    let figment = figment(fake).merge(("oauth.op", changes));
    let launched = Client::untracked(rocket(figment, dance)).await;
    let error = launched.map(|_| ()).expect_err("refused");
    assert!(matches!(error.kind(), rocket::error::ErrorKind::FailedFairings(_)), "{error:?}");
}

#[rocket::async_test]
async fn lo_02_what_could_not_work_stops_the_launch() {
    let fake = FakeProvider::start().await;
    let memory = || Dance::fairing().storage(MemoryStorage::new());
    // Nobody would know who came from where.
    stops(&fake, json!({"logout": true}), Dance::fairing().storage(CookieStorage)).await;
    stops(&fake, json!({"logout": "yes"}), memory()).await;
    stops(&fake, json!({"end_session_url": "http://provider.example/"}), memory()).await;
    let plain = json!({
        "provider": "oauth2", "logout": true, "issuer": null,
        "authorization_url": "https://a.example/", "token_url": "https://a.example/t",
    });
    stops(&fake, plain, memory()).await;
}

// ---- told by the provider

/// Asks as the provider does: from nowhere, without a cookie.
fn tell(logout_token: &str) -> Ask {
    Ask::post(TELL, &[("logout_token", logout_token)])
}

/// What the provider is answered.
async fn told(house: &House, logout_token: &str) -> Status {
    let mut provider = house.browser();
    let answer = provider.ask(&tell(logout_token)).await;
    assert_eq!(answer.header("Cache-Control"), Some("no-store"), "{answer:?}");
    assert_eq!(answer.body.is_empty(), answer.status == Status::Ok, "{answer:?}");
    assert!(provider.jar.is_empty());
    answer.status
}

/// A browser in which `sub` has signed in by `entry`, in the provider's session `sid`.
async fn signed_in(house: &House, entry: &str, sub: &str, sid: Option<&str>) -> Browser {
    let sid = sid.map(str::to_owned);
    house.fake.set_user(sub).edit_claims(move |claims| {
        if let Some(sid) = &sid {
            claims["sid"] = json!(sid);
        }
    });
    let mut browser = house.browser();
    browser.sign_in(entry).await;
    browser
}

fn payload(token: &str) -> String {
    use base64::Engine as _;
    let part = token.split('.').nth(1).unwrap();
    String::from_utf8(base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// A logout token of Ada's session `laptop`, its claims and its header changed, and signed by the provider.
fn spoiled(house: &House, header: Option<Value>, edit: impl FnOnce(&mut Value)) -> String {
    let mut claims: Value =
        serde_json::from_str(&payload(&house.fake.logout_token(Some("ada"), Some("laptop")))).unwrap();
    edit(&mut claims);
    house.fake.sign_jwt(header.as_ref(), &claims.to_string())
}

#[rocket::async_test]
async fn lo_03_claims_of_a_logout_token_that_are_not_right() {
    let house = House::open().await;
    let mut ada = signed_in(&house, "op", "ada", Some("laptop")).await;
    let issuer = house.fake.issuer().to_owned();
    let client = house.fake.client_id().to_owned();
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let event = "http://schemas.openid.net/event/backchannel-logout";
    let without = json!("without");
    for (name, value) in [
        ("iss", without.clone()),
        ("iss", json!(format!("{issuer}/"))),
        ("iss", json!("https://evil.example")),
        ("aud", without.clone()),
        ("aud", json!("another client")),
        ("aud", json!([])),
        ("aud", json!([client, "another client"])),
        ("azp", json!("another client")),
        ("iat", without.clone()),
        ("iat", json!(now.to_string())),
        ("iat", json!(now - 3600)),
        ("iat", json!(now + 3600)),
        ("exp", without.clone()),
        ("exp", json!("9999999999")),
        ("exp", json!(now - 120)),
        ("nbf", json!(now + 3600)),
        ("jti", without.clone()),
        ("jti", json!("")),
        ("jti", json!(7)),
        ("events", without.clone()),
        ("events", json!({})),
        ("events", json!(event)),
        ("events", json!([event])),
        ("events", json!({event: true})),
        ("events", json!({event: null})),
        ("events", json!({"http://schemas.openid.net/event/another": {}})),
        ("events", json!({format!("{event}/"): {}})),
        ("nonce", json!("n")),
        ("nonce", json!(null)),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("sub", json!(null)),
        ("sid", json!("")),
        ("sid", json!(["laptop"])),
        ("sid", json!(null)),
    ] {
        let (said, gone) = (format!("{name}: {value}"), value == without);
        let token = spoiled(&house, None, |claims| {
            claims[name] = value;
            claims.as_object_mut().unwrap().retain(|key, _| key != name || !gone);
        });
        refuses(&house, &mut ada, &tell(&token), &said).await;
    }
    let nobody = house.fake.logout_token(None, None);
    refuses(&house, &mut ada, &tell(&nobody), "neither sub nor sid").await;
    assert_eq!(told(&house, &spoiled(&house, None, |_| ())).await, Status::Ok);
    assert_eq!(ada.user().await, None);
}

/// Refused: whole, without a trace, and whatever cookies come along.
async fn refuses(house: &House, ada: &mut Browser, ask: &Ask, what: &str) {
    let claims = house.claims();
    assert_eq!(ada.user().await, Some(1), "{what}");
    for mut browser in [house.browser(), ada.clone()] {
        let answer = refused(&mut browser, ask, BAD).await;
        assert_eq!(answer.body, "{\"error\":\"invalid_request\"}", "{what}");
        assert_eq!(answer.header("Content-Type"), Some("application/json"), "{what}");
    }
    assert_eq!((ada.user().await, house.claims()), (Some(1), claims), "{what}");
    let token = ask.field("logout_token");
    house.assert_no_secret("the log", &log().unwrap_or_default(), &[("logout token", token)]);
}

#[rocket::async_test]
async fn lo_03_signatures_of_a_logout_token_that_are_not_right() {
    let house = House::open().await;
    let mut ada = signed_in(&house, "op", "ada", Some("laptop")).await;
    let good = house.fake.logout_token(Some("ada"), Some("laptop"));
    let part = |n: usize| good.split('.').nth(n).unwrap().to_owned();
    let encode = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    };
    let (header, none) = (part(0), encode(r#"{"alg":"none","typ":"logout+jwt"}"#));
    let grace = encode(&payload(&good).replace("\"ada\"", "\"grace\""));
    let mut wrong = vec![
        format!("{none}.{}.", part(1)),
        format!("{none}.{}.{}", part(1), part(2)),
        format!("{header}.{grace}.{}", part(2)),
        format!("{header}.{}.{}", part(1), "A".repeat(86)),
        format!("{header}.{}.", part(1)),
        format!("{header}.{}", part(1)),
        "a.b.c.d.e".into(),
        "..".into(),
        String::new(),
        // An ID token, and an access token.
        house.tokens()[2].clone(),
        house.tokens()[0].clone(),
    ];
    for header in [
        json!({"alg": "none"}),
        json!({"alg": "HS256"}),
        json!({"alg": "ES256"}),
        json!({"alg": "RS256"}),
        json!({"alg": "EdDSA", "kid": "another"}),
        json!({"alg": "EdDSA", "crit": ["exp"]}),
        json!({"alg": "EdDSA", "typ": "at+jwt"}),
        json!({"alg": "EdDSA", "typ": "secevent+jwt"}),
        json!({"alg": "EdDSA", "typ": 7}),
        json!({"typ": "logout+jwt"}),
    ] {
        wrong.push(spoiled(&house, Some(header), |_| ()));
    }
    // Another provider's, which is just as good there.
    let other = FakeProvider::start().await;
    wrong.push(other.logout_token(Some("ada"), Some("laptop")));
    wrong.push(other.sign_jwt(None, &payload(&good)));
    // SigningAlgorithm confusion (RFC 8725 §2.1): the client's secret signs nothing.
    wrong.push({
        let signed = format!("{}.{}", encode(r#"{"alg":"HS256"}"#), part(1));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, house.fake.client_secret().as_bytes());
        use base64::Engine as _;
        let tag = ring::hmac::sign(&key, signed.as_bytes());
        format!("{signed}.{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(tag))
    });
    for token in &wrong {
        refuses(&house, &mut ada, &tell(token), token).await;
    }
    // Forms that are none.
    let json = Ask::post(TELL, &[("logout_token", &good)]);
    refuses(&house, &mut ada, &json.clone().header("Content-Type", "application/json"), "JSON").await;
    refuses(&house, &mut ada, &json.header("Content-Type", "text/plain"), "plain").await;
    refuses(&house, &mut ada, &Ask::post(TELL, &[]), "nothing").await;
    refuses(&house, &mut ada, &Ask::post(TELL, &[("token", &good)]), "another name").await;
    // At another entry's door: none that there is, or of another client's.
    for entry in ["nobody", "accounts", "%2e%2e"] {
        let uri = format!("/login/{entry}/backchannel-logout");
        refuses(&house, &mut ada, &Ask::post(&uri, &[("logout_token", &good)]), entry).await;
    }
    let in_the_url = ada.ask(&Ask::post(&format!("{TELL}?logout_token={good}"), &[])).await;
    assert_eq!((in_the_url.status, ada.user().await), (Status::BadRequest, Some(1)));
    for method in [Method::Get, Method::Head, Method::Put, Method::Delete, Method::Patch] {
        let answer = ada.ask(&Ask::new(method, &format!("{TELL}?logout_token={good}"))).await;
        assert_eq!((answer.status, ada.user().await), (Status::MethodNotAllowed, Some(1)), "{method}");
    }
    assert_eq!(told(&house, &good).await, Status::Ok);
    assert_eq!(ada.user().await, None);
}

#[rocket::async_test]
async fn lo_03_the_entry_says_which_algorithms() {
    let house = House::with(|figment| figment.merge(("oauth.op.signing_algorithms", ["ES256"]))).await;
    let eddsa = house.fake.logout_token(Some("ada"), None);
    house.fake.rotate_keys(SigningAlgorithm::ES256);
    let mut ada = signed_in(&house, "op", "ada", None).await;
    refuses(&house, &mut ada, &tell(&eddsa), "EdDSA").await;
    // A key that is new since then is fetched.
    house.fake.rotate_keys(SigningAlgorithm::ES256);
    assert_eq!(told(&house, &house.fake.logout_token(Some("ada"), None)).await, Status::Ok);
    assert_eq!(ada.user().await, None);
}

#[rocket::async_test]
async fn lo_03_kinds_of_a_logout_token_that_are_right() {
    let house = House::open().await;
    for header in [
        json!({}),
        json!({"typ": "JWT"}),
        json!({"typ": "logout+jwt"}),
        json!({"typ": "application/LOGOUT+jwt"}),
    ] {
        let ada = signed_in(&house, "op", "ada", Some("laptop")).await;
        let mut header = header;
        header["alg"] = json!("EdDSA");
        let client = house.fake.client_id();
        let token = spoiled(&house, Some(header.clone()), |claims| claims["aud"] = json!([client]));
        assert_eq!(told(&house, &token).await, Status::Ok, "{header}");
        assert_eq!(ada.user().await, None, "{header}");
    }
}

/// Who is still signed in, of: Ada's laptop and phone at `op`, her tablet at `op2` in a session of the same name, Grace at
/// `op`, and Ada by the app's own form.
async fn left(browsers: &[Browser; 5]) -> [bool; 5] {
    let mut left = [false; 5];
    for (left, browser) in left.iter_mut().zip(browsers) {
        *left = browser.user().await.is_some();
    }
    left
}

#[rocket::async_test]
async fn lo_03_the_right_sessions_end_and_no_others() {
    for (sub, sid, expected) in [
        (None, Some("laptop"), [false, true, true, true, true]),
        (Some("ada"), Some("laptop"), [false, true, true, true, true]),
        (Some("ada"), None, [false, false, true, true, true]),
        (Some("grace"), None, [true, true, true, false, true]),
        (Some("grace"), Some("laptop"), [true; 5]),
        (Some("ADA"), None, [true; 5]),
        (None, Some("Laptop"), [true; 5]),
        (Some("nobody"), None, [true; 5]),
        (Some("ada' or '1'='1"), None, [true; 5]),
        (Some("%"), None, [true; 5]),
    ] {
        let house = House::open().await;
        let laptop = signed_in(&house, "op", "ada", Some("laptop")).await;
        let phone = signed_in(&house, "op", "ada", Some("phone")).await;
        let tablet = signed_in(&house, "op2", "ada", Some("laptop")).await;
        let grace = signed_in(&house, "op", "grace", Some("grace's")).await;
        let mut form = house.browser();
        form.enter(laptop.user().await.unwrap()).await;
        let browsers = [laptop, phone, tablet, grace, form];
        assert_eq!(left(&browsers).await, [true; 5]);
        assert_eq!(told(&house, &house.fake.logout_token(sub, sid)).await, Status::Ok);
        assert_eq!(left(&browsers).await, expected, "{sub:?} {sid:?}");
        let alive = expected.iter().filter(|alive| **alive).count();
        assert_eq!((house.count("oauth_sessions"), house.count("oauth_accounts")), (alive, 3));
    }
}

#[rocket::async_test]
async fn lo_03_a_session_keeps_its_origin_when_an_account_is_connected() {
    let house = House::open().await;
    let mut ada = signed_in(&house, "op", "ada", Some("laptop")).await;
    let callback = ada.ride_to_connect("/login/op2").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    assert_eq!(told(&house, &house.fake.logout_token(None, Some("laptop"))).await, Status::Ok);
    assert_eq!(ada.user().await, None, "SF-01: under its new id, too");
}

#[rocket::async_test]
async fn lo_03_a_session_of_which_the_provider_told_no_name_may_be_the_one() {
    let house = House::open().await;
    let ada = signed_in(&house, "op", "ada", None).await;
    assert_eq!(told(&house, &house.fake.logout_token(Some("grace"), Some("laptop"))).await, Status::Ok);
    assert_eq!(told(&house, &house.fake.logout_token(None, Some("laptop"))).await, Status::Ok);
    assert!(ada.user().await.is_some());
    assert_eq!(told(&house, &house.fake.logout_token(Some("ada"), Some("laptop"))).await, Status::Ok);
    assert_eq!(ada.user().await, None);
}

#[rocket::async_test]
async fn lo_03_on_every_node_and_only_once() {
    let ttl = 2;
    let configure = |figment: rocket::figment::Figment| figment.merge(("dance.cache.ttl", ttl));
    let here = House::with(configure).await;
    let there = here.again(configure).await;
    let elsewhere = Browser { house: there.clone(), ..signed_in(&here, "op", "ada", None).await };
    assert!(elsewhere.user().await.is_some());
    let token = here.fake.logout_token(Some("ada"), None);
    assert_eq!(told(&here, &token).await, Status::Ok);
    let since = Instant::now();
    while elsewhere.user().await.is_some() {
        assert!(since.elapsed() < Duration::from_secs(ttl + 3), "still there after {:?}", since.elapsed());
        sleep(Duration::from_millis(20)).await;
    }
    // Whoever has read the token along can't sign her out again with it, here or there.
    let mut ada = signed_in(&here, "op", "ada", None).await;
    refuses(&here, &mut ada, &tell(&token), "a replay").await;
    let mut there = Browser { house: there, ..ada.clone() };
    refuses(&there.house.clone(), &mut there, &tell(&token), "a replay elsewhere").await;
    // Another token with the same `jti` is that one; an app's clock that goes on lets none of them live again.
    let jti = serde_json::from_str::<Value>(&payload(&token)).unwrap()["jti"].clone();
    let twin = spoiled(&here, None, |claims| claims["jti"] = jti);
    refuses(&here, &mut ada, &tell(&twin), "a twin").await;
    for _ in 0..8 {
        here.advance(100);
        refuses(&here, &mut ada, &tell(&token), "later").await;
    }
    here.advance(-800);
    // An attacker's page in her browser has no token to post; a foreign Origin is the provider's good right.
    let answer = house_of(&ada)
        .browser()
        .ask(&tell(&here.fake.logout_token(Some("ada"), None)).header("Origin", "https://provider.example"))
        .await;
    assert_eq!((answer.status, ada.user().await), (Status::Ok, None));
}

fn house_of(browser: &Browser) -> House {
    browser.house.clone()
}

#[rocket::async_test]
async fn lo_03_an_outage_uses_no_token_up() {
    let down = Arc::new(AtomicBool::new(false));
    let fake = FakeProvider::start().await;
    let figment = figment(&fake).merge(("dance.cache", false));
    let storage = Fragile::new(MemoryStorage::new(), down.clone());
    let app = App::new(fake, figment, Dance::fairing().storage(storage)).await;
    app.sign_in_as(7).await;
    sign_in(&app.client, "op").await;
    assert_eq!(app.client.post("/leave").dispatch().await.status(), Status::Ok);
    sign_in(&app.client, "op").await;
    assert_eq!(app.get("/me").await.status(), Status::Ok);
    let token = app.fake.logout_token(Some("ada"), None);
    let told = async || {
        let form = format!("logout_token={token}");
        app.client.post(TELL).header(ContentType::Form).body(form).dispatch().await.status()
    };
    down.store(true, Ordering::SeqCst);
    assert_eq!(told().await, Status::BadRequest);
    down.store(false, Ordering::SeqCst);
    assert_eq!(app.get("/me").await.status(), Status::Ok);
    assert_eq!(told().await, Status::Ok, "the provider tries again");
    assert_eq!(app.get("/me").await.status(), Status::SeeOther);
    assert!(app.cookies().contains_key(SESSION), "the browser doesn't know yet");
}

#[rocket::async_test]
async fn lo_03_where_nobody_keeps_sessions_the_provider_is_told_so() {
    let fake = FakeProvider::start().await;
    let figment = figment(&fake);
    let app = App::new(fake, figment, Dance::fairing().storage(CookieStorage)).await;
    let form = format!("logout_token={}", app.fake.logout_token(Some("ada"), None));
    let answer = app.client.post(TELL).header(ContentType::Form).body(form).dispatch().await;
    assert_eq!(answer.status(), Status::BadRequest);
    assert_eq!(answer.into_string().await.as_deref(), Some("{\"error\":\"server_error\"}"));
}
