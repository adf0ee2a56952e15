//! The callback: what counts as an answer, and what may not use it up.

use rocket::http::{Method, Status};

use crate::oracle::{Ask, House, NOT_TRUSTED, Refused, log, param, refused, with};

const DENIED: Refused = Refused::new(Status::Forbidden, "access_denied");
const NOT_ALLOWED: Refused = Refused::new(Status::MethodNotAllowed, "method_not_allowed");

#[rocket::async_test]
async fn cb_01_the_person_says_no() {
    let house = House::open().await;
    let mut ada = house.browser();
    house.fake.deny_next_authorization();
    let callback = ada.ride("/login/op").await;
    let words = format!("<script>alert(1)</script>\" onload=x {}", "y".repeat(4000));
    let callback = with(&callback, "error_description", Some(&words));
    let page = refused(&mut ada, &Ask::get(&callback), DENIED).await;
    assert!(!page.body.contains("<script>") && !page.body.contains("onload="), "{}", page.body);
    assert!(!page.body.contains(&"y".repeat(300)), "{}", page.body);
    assert_eq!(ada.flows(), [], "the flow is used up");
}

#[rocket::async_test]
async fn cb_01_other_errors_of_the_provider() {
    let house = House::open().await;
    let (unavailable, bad) = (
        Refused::new(Status::ServiceUnavailable, "provider_unreachable"),
        Refused::new(Status::BadGateway, "bad_provider_answer"),
    );
    for (error, expected) in [
        ("temporarily_unavailable", unavailable),
        ("server_error", unavailable),
        ("invalid_scope", bad),
        ("<img src=x onerror=alert(1)>", bad),
        (&"z".repeat(2000), bad),
    ] {
        house.fake.fail_next_authorization(error);
        let mut ada = house.browser();
        let callback = ada.ride("/login/op").await;
        let page = refused(&mut ada, &Ask::get(&callback), expected).await;
        assert!(!page.body.contains("<img") && !page.body.contains("zzz"), "{}", page.body);
        assert_eq!(ada.flows(), []);
    }
}

#[rocket::async_test]
async fn cb_02_a_no_to_nobody() {
    let house = House::open().await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/op").await;
    let no = with(&with(&callback, "code", None), "error", Some("access_denied"));
    refused(&mut ada, &Ask::get(&with(&no, "state", Some("x"))), NOT_TRUSTED).await;
    refused(&mut ada, &Ask::get(&with(&no, "state", None)), NOT_TRUSTED).await;
    refused(&mut house.browser(), &Ask::get(&no), NOT_TRUSTED).await;
    assert_eq!(ada.get(&callback).await.location(), "/", "nobody else can spoil a dance");
}

#[rocket::async_test]
async fn cb_03_cb_04_cb_05_a_code_or_an_error() {
    let house = House::open().await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/op").await;
    let without = with(&callback, "code", None);
    for wrong in [
        format!("{callback}&error=access_denied"),
        format!("{callback}&error="),
        without.clone(),
        with(&callback, "code", Some("")),
        with(&without, "error", Some("")),
        with(&callback, "code", Some(&"a".repeat(64 << 10))),
        with(&callback, "code", Some(&"a".repeat(4097))),
        format!("{without}&code=%ff"),
        format!("{without}&code=%4"),
        format!("{callback}{}", "&x=y".repeat(1000)),
    ] {
        refused(&mut ada, &Ask::get(&wrong), NOT_TRUSTED).await;
    }
    assert_eq!(ada.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn cb_06_a_used_code_under_a_fresh_state() {
    let house = House::open().await;
    let mut ada = house.browser();
    let used = param(&ada.sign_in("op").await, "code");
    let fresh = with(&ada.ride_to_connect("/login/op").await, "code", used.as_deref());
    // `refused` sees that session and account stay.
    refused(&mut ada, &Ask::get(&fresh), NOT_TRUSTED.after_exchange()).await;
    let mut eve = house.browser();
    let fresh = with(&eve.ride("/login/op").await, "code", used.as_deref());
    refused(&mut eve, &Ask::get(&fresh), NOT_TRUSTED.after_exchange()).await;
}

#[rocket::async_test]
async fn cb_07_tokens_in_the_callback() {
    let house = House::open().await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/op").await;
    let header = serde_json::json!({"alg": "EdDSA"});
    let claims = serde_json::json!({"iss": house.fake.issuer(), "sub": "eve", "aud": house.fake.client_id(),
        "iat": 0, "exp": 9_999_999_999_i64});
    let token = house.fake.sign_jwt(Some(&header), &claims.to_string());
    let injected = format!("access_token=injected-token&token_type=Bearer&id_token={token}");
    let only = format!("{}&{injected}", with(&callback, "code", None));
    refused(&mut ada, &Ask::get(&only), NOT_TRUSTED).await;

    assert_eq!(ada.get(&format!("{callback}&{injected}")).await.location(), "/");
    assert_eq!(house.count("oauth_accounts"), 1);
    assert!(house.rows().contains("provider_user_id='ada'"), "{}", house.rows());
    assert!(house.fake.requests().iter().all(|request| !format!("{request:?}").contains("injected-token")));
}

#[rocket::async_test]
async fn cb_08_only_by_get() {
    let house = House::open().await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/op").await;
    let (path, query) = callback.split_once('?').unwrap();
    let fields: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    for ask in [
        Ask::post(path, &fields),
        Ask::post(&callback, &[]),
        Ask::new(Method::Put, &callback),
        Ask::new(Method::Patch, &callback),
        Ask::new(Method::Delete, &callback),
    ] {
        let answer = refused(&mut ada, &ask, NOT_ALLOWED).await;
        assert_eq!(answer.header("Allow"), Some("GET"));
    }
    assert_eq!(ada.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn cb_09_who_only_looks_uses_nothing_up() {
    let house = House::open().await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/op").await;
    refused(&mut ada, &Ask::new(Method::Head, &callback), NOT_ALLOWED).await;
    refused(&mut ada, &Ask::new(Method::Options, &callback), NOT_ALLOWED).await;
    let in_advance = Refused::new(Status::BadRequest, "bad_request");
    for (header, value) in [
        ("Sec-Purpose", "prefetch"),
        ("Sec-Purpose", "prefetch;prerender"),
        ("Purpose", "prefetch"),
        ("X-Moz", "prefetch"),
    ] {
        refused(&mut ada, &Ask::get(&callback).header(header, value), in_advance).await;
    }
    // The begin, too, begins nothing for HEAD.
    let flows = ada.flows();
    refused(&mut ada, &Ask::new(Method::Head, "/login/op"), NOT_ALLOWED).await;
    assert_eq!(ada.flows(), flows);
    assert_eq!(ada.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn cb_10_an_unknown_provider() {
    let house = House::open().await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/op").await;
    let unknown = Refused::new(Status::NotFound, "unknown_provider");
    let query = callback.split_once('?').unwrap().1;
    for name in ["nobody", "OP", "op%20", "..", "<script>"] {
        let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        refused(&mut ada, &Ask::get(&format!("/login/{name}/authorized?{query}")), unknown).await;
        refused(&mut ada, &Ask::get(&format!("/login/{name}")), unknown).await;
    }
    assert_eq!(ada.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn cb_10_an_entry_that_is_gone() {
    let house = House::open().await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/op2").await;
    ada.house = house.again(without_op2).await;
    refused(&mut ada, &Ask::get(&callback), Refused::new(Status::NotFound, "unknown_provider")).await;
    // A flow of the one that is gone is no flow of another.
    let elsewhere = callback.replace("/op2/", "/op/");
    refused(&mut ada, &Ask::get(&elsewhere), NOT_TRUSTED).await;
}

/// The same figment with `op` alone.
#[rocket::async_test]
async fn lk_what_stands_in_a_path_is_not_logged() {
    let house = House::open().await;
    for uri in ["/login/forged%0Aname", "/login/forged%0Aname/authorized?code=c&state=s"] {
        assert_eq!(house.browser().get(uri).await.status, Status::NotFound, "{uri}");
    }
    let log = log().unwrap_or_default();
    assert!(!log.contains("oauth: `forged"), "{log}");
}

#[rocket::async_test]
async fn al_23_an_entry_that_changed_meanwhile() {
    let house = House::open().await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/op2").await;
    for (key, value) in
        [("oauth.op2.login", serde_json::Value::from(false)), ("oauth.op2.account", "ada".into())]
    {
        let changed = house.again(|figment| figment.merge((key, value))).await;
        ada.house = changed;
        refused(&mut ada, &Ask::get(&callback), NOT_TRUSTED).await;
    }
    let elsewhere = house.again(|figment| figment.merge(("oauth.op2.issuer", "http://localhost:1"))).await;
    ada.house = elsewhere;
    refused(&mut ada, &Ask::get(&callback), NOT_TRUSTED).await;
    ada.house = house;
    assert_eq!(ada.get(&callback).await.location(), "/");
}

fn without_op2(figment: rocket::figment::Figment) -> rocket::figment::Figment {
    use rocket::figment::{Figment, providers::Serialized};
    let mut entries: serde_json::Map<String, serde_json::Value> = figment.extract_inner("oauth").unwrap();
    entries.remove("op2");
    let mut kept = Figment::from(rocket::Config::debug_default());
    for key in ["secret_key", "databases", "log_level"] {
        kept = kept.merge(Serialized::default(key, figment.find_value(key).unwrap()));
    }
    kept.merge(Serialized::default("oauth", entries))
}

#[rocket::async_test]
async fn a_form_that_names_another_method() {
    let house = House::open().await;
    let mut ada = house.browser();
    ada.sign_in("op").await;
    let csrf = ada.csrf().await;
    // Rocket rewrites the method of such a form before routing.
    for method in ["get", "put", "delete"] {
        for form in ["/login/logout", "/login/logout/everywhere", "/login/op/disconnect", "/login/op/primary"]
        {
            let ask = Ask::post(form, &[("_method", method), ("csrf", &csrf)]);
            refused(&mut ada, &ask, NOT_ALLOWED).await;
        }
    }
    // Nor is it the GET that it says: not of a begin, not of a callback.
    refused(&mut ada, &Ask::post("/login/op2", &[("_method", "get"), ("csrf", &csrf)]), NOT_ALLOWED).await;
    assert_eq!(ada.flows(), []);
    let callback = ada.ride_to_connect("/login/op2").await;
    for method in ["get", "head"] {
        refused(&mut ada, &Ask::post(&callback, &[("_method", method)]), NOT_ALLOWED).await;
    }
    assert_eq!(ada.get(&callback).await.location(), "/");
}
