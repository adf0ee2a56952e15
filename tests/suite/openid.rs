//! OpenID Connect through a whole app: what an ID token, a userinfo, metadata, keys and token answers may not be.

use std::time::{Duration, Instant};

use rocket::Request;
use rocket::http::Status;
use rocket::tokio::io::{AsyncReadExt, AsyncWriteExt};
use rocket::tokio::net::{TcpListener, TcpStream};
use rocket_dance::provider::SigningAlgorithm;
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint};
use rocket_dance::{AuthorizationRequest, Result, Signals};
use serde_json::{Value, json};

use crate::oracle::{Ask, House, NOT_TRUSTED, Refused, param, refused};

const BAD_ANSWER: Refused = Refused::new(Status::BadGateway, "bad_provider_answer").after_exchange();
const UNREACHABLE: Refused = Refused::new(Status::ServiceUnavailable, "provider_unreachable");
const TIMEOUT: Refused = Refused::new(Status::GatewayTimeout, "provider_timeout");

/// A sign-in in a new browser, which is refused.
async fn refuses(house: &House, expected: Refused) {
    let mut browser = house.browser();
    let callback = browser.ride("/login/op").await;
    refused(&mut browser, &Ask::get(&callback), expected).await;
    assert_eq!(browser.flows(), [], "the flow is used up");
}

/// A sign-in in a new browser, which is good.
async fn signs_in(house: &House) {
    house.browser().sign_in("op").await;
}

#[rocket::async_test]
async fn id_07_to_id_14_claims_that_are_not_right() {
    let house = House::open().await;
    let issuer = house.fake.issuer().to_owned();
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let elsewhere = param(&house.browser().begin("/login/op").await, "nonce");
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
        ("aud", json!([house.fake.client_id(), "another client"])),
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
        ("auth_time", json!("now")),
    ] {
        house.fake.edit_claims(move |claims| {
            claims[name] = value.clone();
            claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        });
        refuses(&house, BAD_ANSWER).await;
    }
    assert_eq!((house.count("users"), house.count("oauth_accounts")), (0, 0));
    house.fake.edit_claims(move |claims| claims["exp"] = json!(now as f64 + 1000.5));
    signs_in(&house).await;
    let client = house.fake.client_id().to_owned();
    house.fake.edit_claims(move |claims| claims["aud"] = json!([client]));
    signs_in(&house).await;
}

#[rocket::async_test]
async fn id_01_to_id_06_signatures_that_are_not_right() {
    let house = House::open().await;
    let resigned = |header: Value| {
        let fake = house.fake.clone();
        move |token: String| fake.sign_jwt(Some(&header), &payload(&token))
    };
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    house
        .fake
        .edit_id_token(move |token| format!("{}.{}", &token[..token.rfind('.').unwrap()], "A".repeat(86)));
    refuses(&house, BAD_ANSWER).await;
    house.fake.edit_id_token(move |token| {
        let claims = payload(&token).replace("\"ada\"", "\"eve\"");
        [&parts(&token)[0], &encode(&claims), &parts(&token)[2]].map(String::as_str).join(".")
    });
    refuses(&house, BAD_ANSWER).await;
    house.fake.edit_id_token(move |token| format!("{}.{}.", encode(r#"{"alg":"none"}"#), parts(&token)[1]));
    refuses(&house, BAD_ANSWER).await;
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
        house.fake.edit_id_token(resigned(header));
        refuses(&house, BAD_ANSWER).await;
    }
    // Five parts (an encrypted one), two, and a text.
    for odd in ["a.b.c.d.e", "a.b", "a", "..", "ey"] {
        house.fake.edit_id_token(move |_| odd.to_owned());
        refuses(&house, BAD_ANSWER).await;
    }
    house.fake.edit_id_token(resigned(json!({"alg": "EdDSA"})));
    signs_in(&house).await;
}

fn payload(token: &str) -> String {
    use base64::Engine as _;
    let part = token.split('.').nth(1).unwrap();
    String::from_utf8(base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn encode(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

#[rocket::async_test]
async fn id_04_the_entry_says_which_algorithms() {
    let house =
        House::with(|figment| figment.merge(("oauth.op.signing_algorithms", ["ES256", "RS256"]))).await;
    refuses(&house, BAD_ANSWER).await;
    house.fake.rotate_keys(SigningAlgorithm::ES256);
    signs_in(&house).await;
}

#[rocket::async_test]
async fn id_11_the_clocks_may_differ_by_what_the_entry_says() {
    let house = House::with(|figment| figment.merge(("oauth.op2.clock_skew", 500))).await;
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    house.fake.edit_claims(move |claims| claims["exp"] = json!(now - 200));
    refuses(&house, BAD_ANSWER).await;
    house.browser().sign_in("op2").await;
}

#[rocket::async_test]
async fn id_15_no_id_token_is_no_sign_in() {
    let house = House::open().await;
    for value in [json!(null), json!(""), json!(7), json!({})] {
        house.fake.respond_once(
            ProviderEndpoint::Token,
            FakeResponse::edit(move |answer| answer["id_token"] = value.clone()),
        );
        refuses(&house, BAD_ANSWER).await;
    }
    assert_eq!(house.fake.request_count(ProviderEndpoint::Userinfo), 0);
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
    let house = House::built(|figment| figment, |dance| dance.signals(Fresh)).await;
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    for (auth_time, acr, ok) in [
        (json!(now), json!("gold"), true),
        (json!(now - 3600), json!("gold"), false),
        (json!(null), json!("gold"), false),
        (json!(now), json!("bronze"), false),
        (json!(now), json!(null), false),
    ] {
        house.fake.edit_claims(move |claims| {
            (claims["auth_time"], claims["acr"]) = (auth_time.clone(), acr.clone());
            claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        });
        if ok {
            signs_in(&house).await;
        } else {
            refuses(&house, BAD_ANSWER).await;
        }
    }
    let asked = house.fake.last_request(ProviderEndpoint::Authorize).query;
    assert_eq!((asked["max_age"].as_str(), asked["acr_values"].as_str()), ("100", "gold"));
}

#[rocket::async_test]
async fn id_18_id_20_the_userinfo_of_somebody_else() {
    let house = House::with(|figment| figment.merge(("oauth.op.profile.id", "preferred_username"))).await;
    for userinfo in [json!({"sub": "eve"}), json!({"name": "Ada"}), json!({"sub": 7}), json!(["ada"])] {
        house.fake.set_userinfo(userinfo);
        refuses(&house, BAD_ANSWER).await;
    }
    for answer in
        [FakeResponse::status(401), FakeResponse::status(204), FakeResponse::redirect("http://localhost:1/")]
    {
        house.fake.respond_once(ProviderEndpoint::Userinfo, answer);
        refuses(&house, BAD_ANSWER).await;
    }
    // A mapping names her otherwise; who she is, the ID token says.
    house.fake.set_userinfo(json!({"sub": "ada", "preferred_username": "eve"}));
    signs_in(&house).await;
    assert!(house.rows().contains("provider_user_id='ada'"), "{}", house.rows());
}

#[rocket::async_test]
async fn id_19_a_signed_userinfo() {
    let house = House::open().await;
    let good =
        json!({"iss": house.fake.issuer(), "aud": house.fake.client_id(), "sub": "ada", "name": "Ada L."});
    let signed = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        FakeResponse::body("application/jwt", house.fake.sign_jwt(None, &claims.to_string()))
    };
    for answer in [
        signed("sub", json!("eve")),
        signed("iss", json!("https://evil.example")),
        signed("aud", json!("another client")),
        signed("aud", json!(null)),
        signed("exp", json!(1)),
        FakeResponse::body(
            "application/jwt",
            format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(&good.to_string())),
        ),
        FakeResponse::body("application/jwt", good.to_string()),
    ] {
        house.fake.respond_once(ProviderEndpoint::Userinfo, answer);
        refuses(&house, BAD_ANSWER).await;
    }
    house.fake.respond_once(ProviderEndpoint::Userinfo, signed("sub", json!("ada")));
    signs_in(&house).await;
    assert!(house.rows().contains("Ada L."), "{}", house.rows());
}

#[rocket::async_test]
async fn id_21_a_refreshed_id_token_of_somebody_else() {
    let house = House::open().await;
    house.fake.set_access_token_ttl(100);
    let mut ada = house.browser();
    ada.sign_in("op").await;
    house.fake.edit_claims(|claims| claims["sub"] = json!("eve"));
    house.advance(200);
    house.fake.advance_clock(200);
    let (rows, before) = (house.rows(), house.token_calls());
    let answer = ada.get("/guarded").await;
    assert_eq!((answer.status, house.token_calls()), (Status::BadGateway, before + 1), "{answer:?}");
    assert_eq!(house.rows(), rows, "the old one stays");
}

const CONTOSO: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";

#[rocket::async_test]
async fn id_24_only_people_of_the_listed_tenants() {
    let house = House::with(|figment| {
        let issuer: String = figment.extract_inner("oauth.op.issuer").unwrap();
        figment
            .merge(("oauth.op.provider", "azure"))
            .merge(("oauth.op.issuer", issuer))
            .merge(("oauth.op.tenant", "common"))
            .merge(("oauth.op.tenants", [CONTOSO]))
    })
    .await;
    for tenant in [json!(null), json!("common"), json!("bbbbcccc-1111-dddd-2222-eeee3333ffff"), json!(7)] {
        house.fake.edit_claims(move |claims| claims["tid"] = tenant.clone());
        refuses(&house, BAD_ANSWER).await;
    }
    house.fake.edit_claims(|claims| claims["tid"] = json!(CONTOSO));
    signs_in(&house).await;
}

#[rocket::async_test]
async fn dj_01_dj_02_metadata_that_points_elsewhere() {
    let at_begin = Refused { token_calls: 0, ..BAD_ANSWER };
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
        ("revocation_endpoint", open),
        ("pushed_authorization_request_endpoint", open),
    ] {
        let house = House::open().await;
        house.fake.respond_always(
            ProviderEndpoint::Discovery,
            FakeResponse::edit(move |metadata| metadata[field] = json!(url)),
        );
        let mut ada = house.browser();
        let page = refused(&mut ada, &Ask::get("/login/op"), at_begin).await;
        assert!(!page.body.contains("evil.example"), "{field} {url}: {}", page.body);
        assert_eq!(ada.flows(), [], "{field} {url}");
    }
}

#[rocket::async_test]
async fn dj_05_no_visitor_says_which_server_is_asked() {
    let (house, evil) = (House::open().await, FakeProvider::start().await);
    let said: String =
        ["issuer", "iss", "provider", "authorization_url", "token_url", "jwks_uri", "op", "host"]
            .iter()
            .map(|name| format!("&{name}={}", evil.issuer()))
            .collect();
    let mut ada = house.browser();
    let authorization = ada.begin(&format!("/login/op?next=/guarded{said}")).await;
    assert!(authorization.starts_with(house.fake.issuer()) && !authorization.contains(evil.issuer()));
    let said = said.replace("&iss=", "&is=");
    let callback = format!("{}{said}", house.approve(&authorization).await);
    assert_eq!(ada.get(&callback).await.location(), "/guarded");
    assert_eq!(ada.get("/guarded").await.body, "ada");
    assert_eq!(evil.requests().len(), 0);
}

#[rocket::async_test]
async fn id_25_no_id_token_signs_in_by_itself() {
    let house = House::open().await;
    let claims = json!({"iss": house.fake.issuer(), "sub": "eve", "aud": house.fake.client_id(), "iat": 0,
        "exp": 9_999_999_999_i64, "nonce": "x"});
    let token = house.fake.sign_jwt(None, &claims.to_string());
    let mut eve = house.browser();
    for field in ["id_token", "credential", "token"] {
        let ask = Ask::get(&format!("/login/op/authorized?{field}={token}&state=x"));
        refused(&mut eve, &ask, NOT_TRUSTED).await;
        let begun = eve.get(&format!("/login/op?{field}={token}")).await;
        assert!(begun.location().starts_with(house.fake.issuer()) && !begun.location().contains(&token));
    }
    assert_eq!(eve.user().await, None);
}

/// An OpenID provider that isn't there yet, and `op2`, which is.
async fn house_of_one_that_is_down(port: u16) -> House {
    House::with(|figment| figment.merge(("oauth.op.issuer", format!("http://127.0.0.1:{port}")))).await
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// Reads a request and answers this.
async fn answer(mut socket: TcpStream, answer: String) {
    let _ = socket.read_buf(&mut Vec::with_capacity(4096)).await;
    let _ = socket.write_all(answer.as_bytes()).await;
}

fn metadata(port: u16) -> String {
    let at = format!("http://127.0.0.1:{port}");
    let body = json!({"issuer": at, "authorization_endpoint": format!("{at}/authorize"),
        "token_endpoint": format!("{at}/token"), "jwks_uri": format!("{at}/jwks")})
    .to_string();
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[rocket::async_test]
async fn dj_08_an_app_whose_provider_is_down_when_it_starts() {
    let port = free_port().await;
    let house = house_of_one_that_is_down(port).await;
    // Nobody listens: 503, and when to come again.
    let page = refused(&mut house.browser(), &Ask::get("/login/op"), UNREACHABLE).await;
    assert_eq!(page.header("Retry-After"), Some("5"));
    house.browser().sign_in("op2").await;

    // Then somebody closes, talks rubbish, is somebody else; and at last is there: it heals by itself.
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let bad = Refused::new(Status::BadGateway, "bad_provider_answer");
    for (said, expected) in [
        (String::new(), UNREACHABLE),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".into(), UNREACHABLE),
        ("SSH-2.0-OpenSSH\r\n".into(), UNREACHABLE),
        ("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 6\r\n\r\n<html>".into(), bad),
        (metadata(port).replacen("issuer\":\"http://127.0.0.1", "issuer\":\"http://127.0.0.2", 1), bad),
        ("HTTP/1.1 503 No\r\nretry-after: 17\r\ncontent-length: 0\r\n\r\n".into(), UNREACHABLE),
    ] {
        let mut browser = house.browser();
        let asked = Ask::get("/login/op");
        let serving = async { answer(listener.accept().await.unwrap().0, said.clone()).await };
        let (page, ()) = rocket::tokio::join!(refused(&mut browser, &asked, expected), serving);
        let wait = if said.contains("17") { "17" } else { "5" };
        assert!(expected.status == bad.status || page.header("Retry-After") == Some(wait), "{page:?}");
        house.browser().sign_in("op2").await;
    }
    let serving = async { answer(listener.accept().await.unwrap().0, metadata(port)).await };
    let mut ada = house.browser();
    let (begun, ()) = rocket::tokio::join!(ada.begin("/login/op"), serving);
    assert!(begun.starts_with(&format!("http://127.0.0.1:{port}/authorize?")), "{begun}");
}

#[rocket::async_test]
async fn dj_08_tr_09_a_provider_that_stalls_holds_up_nobody_else() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let house = house_of_one_that_is_down(listener.local_addr().unwrap().port()).await;
    let began = Instant::now();
    let waiting = async {
        let mut browser = house.browser();
        refused(&mut browser, &Ask::get("/login/op"), TIMEOUT).await;
    };
    let others = async {
        // `refused` counts token calls and rows: the others only begin meanwhile.
        let mut times = Vec::new();
        for _ in 0..10 {
            let asked = Instant::now();
            house.browser().begin("/login/op2").await;
            times.push(asked.elapsed());
        }
        times.into_iter().max().unwrap()
    };
    let ((), slowest) = rocket::tokio::join!(waiting, others);
    assert!(slowest < Duration::from_secs(8), "{slowest:?}");
    assert!((9..40).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    drop(listener);
}

#[rocket::async_test]
async fn dj_09_keys_that_change_between_two_sign_ins() {
    let house = House::open().await;
    signs_in(&house).await;
    for (algorithm, fetched) in
        [(SigningAlgorithm::ES256, 2), (SigningAlgorithm::EdDSA, 3), (SigningAlgorithm::ES256, 4)]
    {
        house.fake.rotate_keys(algorithm);
        signs_in(&house).await;
        signs_in(&house).await;
        assert_eq!(house.fake.request_count(ProviderEndpoint::Jwks), fetched);
    }
}

#[rocket::async_test]
async fn dj_11_forged_tokens_fetch_no_keys_without_end() {
    let house = House::open().await;
    signs_in(&house).await;
    for kid in 0..30 {
        let fake = house.fake.clone();
        let header = json!({"alg": "EdDSA", "kid": kid.to_string()});
        house.fake.edit_id_token(move |token| fake.sign_jwt(Some(&header), &payload(&token)));
        refuses(&house, BAD_ANSWER).await;
    }
    // At 0, 1, 3, 7, 15, 31 and 63 seconds at most, and a sign-in by each: whatever the machine takes.
    assert!(
        house.fake.request_count(ProviderEndpoint::Jwks) <= 8,
        "{}",
        house.fake.request_count(ProviderEndpoint::Jwks)
    );
}

#[rocket::async_test]
async fn dj_13_keys_serve_while_the_provider_is_down() {
    let house = House::open().await;
    signs_in(&house).await;
    for endpoint in [ProviderEndpoint::Discovery, ProviderEndpoint::Jwks] {
        house.fake.respond_always(endpoint, FakeResponse::status(500));
    }
    house.advance(7200);
    house.fake.advance_clock(7200);
    signs_in(&house).await;
}

#[rocket::async_test]
async fn tr_01_to_tr_12_token_answers_that_are_none() {
    let house = House::open().await;
    let json = |body: &str| FakeResponse::body("application/json", body);
    let edit =
        |name: &'static str, value: Value| FakeResponse::edit(move |answer| answer[name] = value.clone());
    let expected = |status, code| Refused::new(status, code).after_exchange();
    let busy = expected(Status::ServiceUnavailable, "provider_unreachable");
    let misconfigured = expected(Status::InternalServerError, "misconfigured");
    for (answer, expected) in [
        // TR-01
        (json(r#"{"error": "bad_verification_code"}"#), NOT_TRUSTED.after_exchange()),
        (json(r#"{"error": "x", "access_token": "at", "token_type": "Bearer"}"#), BAD_ANSWER),
        (edit("error", json!({"message": "no"})), BAD_ANSWER),
        // TR-02, TR-03, TR-04
        (edit("access_token", json!(null)), BAD_ANSWER),
        (edit("access_token", json!("")), BAD_ANSWER),
        (edit("access_token", json!(7)), BAD_ANSWER),
        (edit("token_type", json!(null)), BAD_ANSWER),
        (edit("token_type", json!("DPoP")), BAD_ANSWER),
        (edit("expires_in", json!("3600abc")), BAD_ANSWER),
        (edit("expires_in", json!(-1)), BAD_ANSWER),
        (edit("expires_in", json!(1e99)), BAD_ANSWER),
        (edit("scope", json!(7)), BAD_ANSWER),
        // TR-06, TR-07
        (FakeResponse::body("text/plain", "access_token=at&token_type=bearer"), BAD_ANSWER),
        (FakeResponse::body("text/html", "<html>sorry</html>"), BAD_ANSWER),
        (json(""), BAD_ANSWER),
        (FakeResponse::status(204), BAD_ANSWER),
        (json("\u{feff}{}"), BAD_ANSWER),
        (json(r#"{"access_token": "at""#), BAD_ANSWER),
        (json(&"[".repeat(10_000)), BAD_ANSWER),
        // TR-08
        (json(&" ".repeat((1 << 20) + 1)), BAD_ANSWER),
        // TR-10
        (FakeResponse::redirect("http://localhost:1/token"), BAD_ANSWER),
        (FakeResponse::status(307).header("Location", "http://localhost:1/token"), BAD_ANSWER),
        // TR-11, TR-12
        (FakeResponse::status(429).header("Retry-After", "17"), busy),
        (FakeResponse::status(503).header("Retry-After", "17"), busy),
        (FakeResponse::json(json!({"error": "invalid_client"})).with_status(401), misconfigured),
    ] {
        let shown = format!("{answer:?}");
        house.fake.respond_once(ProviderEndpoint::Token, answer);
        let mut browser = house.browser();
        let callback = browser.ride("/login/op").await;
        let page = refused(&mut browser, &Ask::get(&callback), expected).await;
        let wait = (expected.status == Status::ServiceUnavailable).then_some("17");
        assert_eq!(page.header("Retry-After"), wait, "{shown}");
        assert!(!page.body.contains("invalid_client"), "the person reads nothing of it: {}", page.body);
    }
    assert_eq!((house.count("users"), house.count("oauth_accounts")), (0, 0));
}

#[rocket::async_test]
async fn tr_04_tr_05_token_answers_as_providers_send_them() {
    let house = House::open().await;
    for (name, value, stored) in [
        ("expires_in", json!("3600"), ""),
        ("expires_in", json!(3600.0), ""),
        ("expires_in", json!(0), "expires_at=NULL"),
        ("expires_in", json!(null), "expires_at=NULL"),
        ("token_type", json!("BEARER"), ""),
        ("scope", json!(["openid", "x"]), "scope='openid x'"),
        ("scope", json!("openid,x"), "scope='openid x'"),
        ("scope", json!(null), "scope='openid profile email'"),
        // Empty is empty: nothing was granted.
        ("scope", json!(""), "scope=''"),
    ] {
        let shown = format!("{name} {value}");
        house.fake.respond_once(
            ProviderEndpoint::Token,
            FakeResponse::edit(move |answer| {
                answer[name] = value.clone();
                answer.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            }),
        );
        signs_in(&house).await;
        assert!(house.rows().contains(stored), "{shown}: {}", house.rows());
    }
}

#[rocket::async_test]
async fn tr_15_a_later_userinfo_of_somebody_else() {
    let house = House::open().await;
    let mut ada = house.browser();
    ada.sign_in("op").await;
    assert_eq!(ada.get("/guarded").await.body, "ada");
    for userinfo in [json!({"sub": "eve"}), json!({"name": "Ada"}), json!({"sub": 7})] {
        house.fake.set_userinfo(userinfo);
        let answer = ada.get("/guarded").await;
        assert_eq!(answer.status, Status::BadGateway, "{answer:?}");
        assert!(!answer.body.contains("eve"));
    }
}

#[rocket::async_test]
async fn rf_02_a_new_consent_without_a_refresh_token_keeps_the_old_one() {
    let house = House::open().await;
    house.fake.set_access_token_ttl(100);
    signs_in(&house).await;
    house.fake.respond_once(
        ProviderEndpoint::Token,
        FakeResponse::edit(|answer| {
            answer.as_object_mut().unwrap().remove("refresh_token");
        }),
    );
    let mut ada = house.browser();
    ada.sign_in("op").await;
    house.advance(200);
    house.fake.advance_clock(200);
    let before = house.token_calls();
    assert_eq!(ada.get("/guarded").await.body, "ada");
    assert_eq!(house.token_calls(), before + 1, "refreshed by the first consent's");
}
