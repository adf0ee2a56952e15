//! OpenID Connect through a whole app: ID tokens and metadata that must be refused.

use rocket::Request;
use rocket::http::Status;
use rocket_dance::provider::SigningAlgorithm;
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint};
use rocket_dance::{AuthorizationRequest, Result, Signals};
use serde_json::{Value, json};

use crate::harness::{NOT_TRUSTED, Refusal, TestApp, TestRequest, assert_refused, query_parameter};

pub(crate) const BAD_ANSWER: Refusal =
    Refusal::new(Status::BadGateway, "bad_provider_answer").after_exchange();

pub(crate) const UNREACHABLE: Refusal = Refusal::new(Status::ServiceUnavailable, "provider_unreachable");

pub(crate) const TIMEOUT: Refusal = Refusal::new(Status::GatewayTimeout, "provider_timeout");

/// Asserts that a sign-in in a new browser is refused.
pub(crate) async fn refuses(app: &TestApp, expected: Refusal) {
    let mut browser = app.browser();
    let callback = browser.ride("/login/op").await;
    assert_refused(&mut browser, &TestRequest::get(&callback), expected).await;
    assert_eq!(browser.flows(), [], "the flow is used up");
}

/// Asserts that a sign-in in a new browser succeeds.
pub(crate) async fn signs_in(app: &TestApp) {
    app.browser().sign_in("op").await;
}

#[rocket::async_test]
async fn id_07_to_id_14_claims_that_are_not_right() {
    let app = TestApp::launch().await;
    let issuer = app.fake.issuer().to_owned();
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let elsewhere = query_parameter(&app.browser().begin("/login/op").await, "nonce");
    for (name, value) in [
        ("iss", json!(null)),
        ("iss", json!(format!("{issuer}/"))),
        ("iss", json!("https://evil.example")),
        ("sub", json!(null)),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("aud", json!(null)),
        ("aud", json!("another client")),
        ("aud", json!([])),
        ("aud", json!([app.fake.client_id(), "another client"])),
        ("azp", json!("another client")),
        ("exp", json!(null)),
        ("exp", json!(now - 3600)),
        ("exp", json!("9999999999")),
        ("exp", json!(u64::MAX)),
        ("iat", json!(null)),
        ("iat", json!(now + 3600)),
        ("iat", json!(now - 2 * 86_400)),
        ("iat", json!(now.to_string())),
        ("nbf", json!(now + 3600)),
        ("nonce", json!(null)),
        ("nonce", json!("")),
        ("nonce", json!(elsewhere)),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
    ] {
        app.fake.edit_claims(move |claims| {
            claims[name] = value.clone();
            claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        });
        refuses(&app, BAD_ANSWER).await;
    }
    assert_eq!((app.count("users"), app.count("oauth_accounts")), (0, 0));
    app.fake.edit_claims(move |claims| claims["exp"] = json!(now as f64 + 1000.5));
    signs_in(&app).await;
    let client = app.fake.client_id().to_owned();
    app.fake.edit_claims(move |claims| claims["aud"] = json!([client]));
    signs_in(&app).await;
}

#[rocket::async_test]
async fn id_01_to_id_06_signatures_that_are_not_right() {
    let app = TestApp::launch().await;
    let resigned = |header: Value| {
        let fake = app.fake.clone();
        move |token: String| fake.sign_jwt(Some(&header), &payload(&token))
    };
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    app.fake
        .edit_id_token(move |token| format!("{}.{}", &token[..token.rfind('.').unwrap()], "A".repeat(86)));
    refuses(&app, BAD_ANSWER).await;
    app.fake.edit_id_token(move |token| {
        let claims = payload(&token).replace("\"ada\"", "\"eve\"");
        [&parts(&token)[0], &encode(&claims), &parts(&token)[2]].map(String::as_str).join(".")
    });
    refuses(&app, BAD_ANSWER).await;
    app.fake.edit_id_token(move |token| format!("{}.{}.", encode(r#"{"alg":"none"}"#), parts(&token)[1]));
    refuses(&app, BAD_ANSWER).await;
    for header in [
        json!({"alg": "none"}),
        json!({"alg": "HS256"}),
        json!({"alg": "ES256"}),
        json!({"alg": "EdDSA", "kid": "another"}),
        json!({"alg": "EdDSA", "crit": ["exp"]}),
        json!({"kid": "x"}),
        json!({"alg": "EdDSA", "typ": "logout+jwt"}),
        json!({"alg": "EdDSA", "typ": "at+jwt"}),
    ] {
        app.fake.edit_id_token(resigned(header));
        refuses(&app, BAD_ANSWER).await;
    }
    // Five parts (an encrypted token), two parts, and plain text.
    for odd in ["a.b.c.d.e", "a.b", "a", "..", "ey"] {
        app.fake.edit_id_token(move |_| odd.to_owned());
        refuses(&app, BAD_ANSWER).await;
    }
    app.fake.edit_id_token(resigned(json!({"alg": "EdDSA"})));
    signs_in(&app).await;
}

pub(crate) fn payload(token: &str) -> String {
    use base64::Engine as _;
    let part = token.split('.').nth(1).unwrap();
    String::from_utf8(base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

pub(crate) fn encode(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

#[rocket::async_test]
async fn id_04_the_entry_says_which_algorithms() {
    let app =
        TestApp::launch_with(|figment| figment.merge(("oauth.op.signing_algorithms", ["ES256", "RS256"])))
            .await;
    refuses(&app, BAD_ANSWER).await;
    app.fake.rotate_keys(SigningAlgorithm::ES256);
    signs_in(&app).await;
}

#[rocket::async_test]
async fn id_11_the_clocks_may_differ_by_what_the_entry_says() {
    let app = TestApp::launch_with(|figment| figment.merge(("oauth.op2.clock_skew", 500))).await;
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    app.fake.edit_claims(move |claims| claims["exp"] = json!(now - 200));
    refuses(&app, BAD_ANSWER).await;
    app.browser().sign_in("op2").await;
}

#[rocket::async_test]
async fn id_15_no_id_token_is_no_sign_in() {
    let app = TestApp::launch().await;
    for value in [json!(null), json!(""), json!(7), json!({})] {
        app.fake.respond_once(
            ProviderEndpoint::Token,
            FakeResponse::edit(move |answer| answer["id_token"] = value.clone()),
        );
        refuses(&app, BAD_ANSWER).await;
    }
    assert_eq!(app.fake.request_count(ProviderEndpoint::Userinfo), 0);
}

struct Fresh;

#[rocket::async_trait]
impl Signals for Fresh {
    async fn before_login(&self, _: &Request<'_>, begin: &mut AuthorizationRequest) -> Result<()> {
        begin.param("max_age", "100");
        begin.param("acr_values", "gold");
        Ok(())
    }
}

#[rocket::async_test]
async fn id_17_what_a_signal_demands_is_checked() {
    let app = TestApp::launch_built(|figment| figment, |dance| dance.signals(Fresh)).await;
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    for (auth_time, acr, ok) in [
        (json!(now), json!("gold"), true),
        (json!(now - 3600), json!("gold"), false),
        (json!(null), json!("gold"), false),
        (json!(now), json!("bronze"), false),
        (json!(now), json!(null), false),
    ] {
        app.fake.edit_claims(move |claims| {
            (claims["auth_time"], claims["acr"]) = (auth_time.clone(), acr.clone());
            claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        });
        if ok {
            signs_in(&app).await;
        } else {
            refuses(&app, BAD_ANSWER).await;
        }
    }
    let asked = app.fake.last_request(ProviderEndpoint::Authorize).query;
    assert_eq!((asked["max_age"].as_str(), asked["acr_values"].as_str()), ("100", "gold"));
}

const CONTOSO: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";

#[rocket::async_test]
async fn id_24_only_people_of_the_listed_tenants() {
    let app = TestApp::launch_with(|figment| {
        let issuer: String = figment.extract_inner("oauth.op.issuer").unwrap();
        figment
            .merge(("oauth.op.provider", "azure"))
            .merge(("oauth.op.issuer", issuer))
            .merge(("oauth.op.tenant", "common"))
            .merge(("oauth.op.tenants", [CONTOSO]))
    })
    .await;
    for tenant in [json!(null), json!("common"), json!("bbbbcccc-1111-dddd-2222-eeee3333ffff"), json!(7)] {
        app.fake.edit_claims(move |claims| claims["tid"] = tenant.clone());
        refuses(&app, BAD_ANSWER).await;
    }
    app.fake.edit_claims(|claims| claims["tid"] = json!(CONTOSO));
    signs_in(&app).await;
}

#[rocket::async_test]
async fn dj_01_dj_02_metadata_that_points_elsewhere() {
    let at_begin = Refusal { token_calls: 0, ..BAD_ANSWER };
    let open = "http://evil.example/x";
    for (field, url) in [
        ("issuer", "https://evil.example"),
        ("issuer", ""),
        ("authorization_endpoint", open),
        ("authorization_endpoint", "javascript:alert(1)"),
        ("token_endpoint", open),
        ("token_endpoint", "http://10.0.0.1/token"),
        ("token_endpoint", "http://169.254.169.254/latest/meta-data"),
        ("token_endpoint", "http://[::ffff:169.254.169.254]/"),
        ("token_endpoint", "file:///etc/passwd"),
        ("token_endpoint", "//evil.example/token"),
        ("token_endpoint", ""),
        ("jwks_uri", open),
        ("userinfo_endpoint", open),
    ] {
        let app = TestApp::launch().await;
        app.fake.respond_always(
            ProviderEndpoint::Discovery,
            FakeResponse::edit(move |metadata| metadata[field] = json!(url)),
        );
        let mut ada = app.browser();
        let page = assert_refused(&mut ada, &TestRequest::get("/login/op"), at_begin).await;
        assert!(!page.body.contains("evil.example"), "{field} {url}: {}", page.body);
        assert_eq!(ada.flows(), [], "{field} {url}");
    }
    // What sign-in does not use is left out.
    for field in ["revocation_endpoint", "pushed_authorization_request_endpoint", "end_session_endpoint"] {
        let app = TestApp::launch().await;
        app.fake.respond_always(
            ProviderEndpoint::Discovery,
            FakeResponse::edit(move |metadata| metadata[field] = json!(open)),
        );
        signs_in(&app).await;
    }
}

#[rocket::async_test]
async fn dj_05_no_visitor_says_which_server_is_asked() {
    let (app, evil) = (TestApp::launch().await, FakeProvider::start().await);
    let said: String =
        ["issuer", "iss", "provider", "authorization_url", "token_url", "jwks_uri", "op", "host"]
            .iter()
            .map(|name| format!("&{name}={}", evil.issuer()))
            .collect();
    let mut ada = app.browser();
    let authorization = ada.begin(&format!("/login/op?next=/guarded{said}")).await;
    assert!(authorization.starts_with(app.fake.issuer()) && !authorization.contains(evil.issuer()));
    let said = said.replace("&iss=", "&is=");
    let callback = format!("{}{said}", app.approve(&authorization).await);
    assert_eq!(ada.get(&callback).await.location(), "/guarded");
    assert_eq!(ada.get("/guarded").await.body, "ada");
    assert_eq!(evil.requests().len(), 0);
}

#[rocket::async_test]
async fn id_25_no_id_token_signs_in_by_itself() {
    let app = TestApp::launch().await;
    let claims = json!({"iss": app.fake.issuer(), "sub": "eve", "aud": app.fake.client_id(), "iat": 0,
        "exp": 9_999_999_999_i64, "nonce": "x"});
    let token = app.fake.sign_jwt(None, &claims.to_string());
    let mut eve = app.browser();
    for field in ["id_token", "credential", "token"] {
        let ask = TestRequest::get(&format!("/login/op/authorized?{field}={token}&state=x"));
        assert_refused(&mut eve, &ask, NOT_TRUSTED).await;
        let begun = eve.get(&format!("/login/op?{field}={token}")).await;
        assert!(begun.location().starts_with(app.fake.issuer()) && !begun.location().contains(&token));
    }
    assert_eq!(eve.user().await, None);
}
