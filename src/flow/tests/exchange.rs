use proptest::prelude::*;

use super::*;
use crate::flow::token_answer::TokenAnswer;

/// One exchange that the token endpoint answers like this.
async fn exchanged(status: u16, body: &str) -> (Result<Grant>, Server) {
    let server = Server::start().await;
    server.answer("/token", status, body).answer("/me", 200, json!({"id": 583231}));
    let entry = oauth2_entry(&server, "");
    let grant = engine().finish(&entry, &flow(&entry), &Secret::new("the-code")).await;
    assert_eq!(server.asked("/token").len(), 1, "a code is sent once");
    (grant, server)
}

#[rocket::async_test]
async fn a_grant() {
    let (grant, server) = exchanged(
        200,
        r#"{"access_token": "at", "token_type": "bearer", "expires_in": 3600, "refresh_token": "rt", "scope": "a b", "team": 1}"#,
    )
    .await;
    let Grant { token, profile } = grant.unwrap();
    assert_eq!(profile.id.as_deref(), Some("583231"));
    assert!(token.access_token.matches("at") && token.refresh_token.unwrap().matches("rt"));
    assert_eq!(
        (token.token_type.as_str(), token.scope.join("+"), &token.extra["team"]),
        ("bearer", "a+b".into(), &json!(1))
    );
    assert_eq!(token.expires_at, Some(token.obtained_at + 3600));
    let me = &server.asked("/me")[0];
    assert_eq!(
        (me.header("authorization"), me.header("accept")),
        (Some("Bearer at"), Some("application/json"))
    );
    assert!(me.header("user-agent").unwrap().starts_with("rocket_dance/"));
}

#[rocket::async_test]
async fn what_is_sent() {
    let server = Server::start().await;
    server.answer("/token", 200, r#"{"access_token": "at", "token_type": "bearer"}"#);
    server.answer("/me", 200, r#"{"id": 1}"#);
    let entry = oauth2_entry(
        &server,
        "token_params = { audience = \"api\" }\nheaders = { x-version = \"7\", accept = \"application/vnd.op+json\" }",
    );
    let mut flow = flow(&entry);
    // As it was when the flow began, whatever the configuration says now.
    flow.redirect_uri = "http://localhost:8000".into();
    engine().finish(&entry, &flow, &Secret::new("the-code")).await.unwrap();
    let asked = &server.asked("/token")[0];
    let form = asked.form();
    let verifier = flow.verifier();
    let wanted = [
        ("audience", "api"),
        ("code", "the-code"),
        ("code_verifier", verifier.expose()),
        ("grant_type", "authorization_code"),
        ("redirect_uri", "http://localhost:8000"),
    ];
    assert_eq!(form, wanted.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
    // bWU6dGhlLXNlY3JldA== is me:the-secret.
    assert_eq!(asked.header("authorization"), Some("Basic bWU6dGhlLXNlY3JldA=="));
    assert_eq!(asked.header("x-version"), Some("7"));
    assert_eq!(server.asked("/me")[0].header("accept"), Some("application/vnd.op+json"));
}

#[rocket::async_test]
async fn tr_13_how_the_client_says_who_it_is() {
    let server = Server::start().await;
    server.answer("/token", 200, r#"{"access_token": "at", "token_type": "bearer"}"#);
    server.answer("/me", 200, r#"{"id": 1}"#);
    let mut entry = oauth2_entry(&server, "pkce = false");
    entry.client_id = "a:b c".into();
    entry.client_secret = Some(Secret::new("s+%é"));
    for auth in [
        crate::provider::ClientAuth::Basic,
        crate::provider::ClientAuth::Post,
        crate::provider::ClientAuth::None,
    ] {
        entry.auth = auth;
        engine().finish(&entry, &flow(&entry), &Secret::new("c")).await.unwrap();
    }
    let asked = server.asked("/token");
    // a%3Ab+c:s%2B%25%C3%A9
    assert_eq!(asked[0].header("authorization"), Some("Basic YSUzQWIrYzpzJTJCJTI1JUMzJUE5"));
    assert!(!asked[0].form().contains_key("client_id") && !asked[0].form().contains_key("client_secret"));
    assert!(!asked[0].form().contains_key("code_verifier"));
    assert_eq!((asked[1].header("authorization"), asked[1].form()["client_secret"].as_str()), (None, "s+%é"));
    assert_eq!((asked[2].header("authorization"), asked[2].form().get("client_secret")), (None, None));
    assert_eq!(
        (asked[1].form()["client_id"].as_str(), asked[2].form()["client_id"].as_str()),
        ("a:b c", "a:b c")
    );
}

#[rocket::async_test]
async fn tr_01_tr_06_tr_07_tr_11_tr_12_other_answers() {
    let ok = "access_token=at&token_type=bearer&scope=a%2Cb";
    let (grant, _) = exchanged(200, ok).await;
    assert_eq!(grant.unwrap().token.scope, ["a", "b"]);
    for (status, body, wanted) in [
        (200, r#"{"error": "bad_verification_code"}"#, ErrorKind::NotTrusted),
        (200, "error=bad_verification_code", ErrorKind::NotTrusted),
        (200, r#"{"error": "x", "access_token": "at", "token_type": "bearer"}"#, ErrorKind::ProviderAnswer),
        (200, r#"{"error": {"message": "x"}}"#, ErrorKind::ProviderAnswer),
        (400, r#"{"error": "invalid_grant"}"#, ErrorKind::NotTrusted),
        (401, r#"{"error": "invalid_client"}"#, ErrorKind::Config),
        (400, r#"{"error": "unauthorized_client"}"#, ErrorKind::Config),
        (401, "<html>", ErrorKind::Config),
        (400, r#"{"error": "invalid_scope"}"#, ErrorKind::ProviderAnswer),
        (400, r#"{"access_token": "at", "token_type": "bearer"}"#, ErrorKind::ProviderAnswer),
        (429, "", ErrorKind::ProviderUnreachable),
        (500, "", ErrorKind::ProviderUnreachable),
        (503, r#"{"error": "temporarily_unavailable"}"#, ErrorKind::ProviderUnreachable),
        (200, "", ErrorKind::ProviderAnswer),
        (204, "", ErrorKind::ProviderAnswer),
        (200, "<html>a=b</html>", ErrorKind::ProviderAnswer),
        (200, r#"{"access_token": "at", "token_type": "bearer"}x"#, ErrorKind::ProviderAnswer),
        (
            200,
            r#"{"access_token": "at", "access_token": "at", "token_type": "bearer"}"#,
            ErrorKind::ProviderAnswer,
        ),
        (200, "access_token=a&access_token=b&token_type=bearer", ErrorKind::ProviderAnswer),
    ] {
        let error = exchanged(status, body).await.0.expect_err(body);
        assert_eq!(error.kind(), wanted, "{status} {body} {error:?}");
    }
}

#[rocket::async_test]
async fn tr_10_redirects_are_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let (grant, server) = exchanged(status, "").await;
        assert_eq!(grant.unwrap_err().kind(), ErrorKind::ProviderAnswer);
        assert!(server.asked("/elsewhere").is_empty());
    }
}

#[rocket::async_test]
async fn tr_08_an_endless_answer() {
    let (grant, _) = exchanged(200, &" ".repeat((1 << 20) + 1)).await;
    assert_eq!(grant.unwrap_err().kind(), ErrorKind::ProviderAnswer);
}

#[rocket::async_test]
async fn nobody_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let server = Server::at(at);
    let entry = oauth2_entry(&server, "");
    let error = engine().finish(&entry, &flow(&entry), &Secret::new("c")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderUnreachable);
}

#[rocket::async_test]
async fn tr_09_a_provider_that_falls_silent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let _held = rocket::tokio::spawn(async move { listener.accept().await });
    let http = Http::new().unwrap();
    let mut request = http.0.get(url).build().unwrap();
    *request.timeout_mut() = Some(std::time::Duration::from_millis(50));
    assert_eq!(http.send(request).await.unwrap_err().kind(), ErrorKind::Deadline);
}

#[rocket::async_test]
async fn lk_no_error_quotes_what_was_sent() {
    for said in ["the-code", "the-secret"] {
        let body = json!({"error": "invalid_request", "error_description": format!("what is `{said}`?")});
        let error = exchanged(400, &body.to_string()).await.0.unwrap_err();
        assert!(!format!("{error:?}").contains(said), "{error:?}");
    }
    // Cut in the middle, or by a control character, or as the error itself.
    for said in ["the-code", "the-secret"] {
        let cut =
            json!({"error": "invalid_request", "error_description": format!("{}{said}", "x".repeat(293))});
        let split = json!({"error": "invalid_request", "error_description": said.replace('-', "\u{7}-")});
        for body in [cut, split, json!({ "error": format!("{}{said}", "x".repeat(58)) })] {
            let error = exchanged(400, &body.to_string()).await.0.unwrap_err();
            assert!(!format!("{error:?}").contains("xthe-"), "{error:?}");
            assert!(!format!("{error:?}").contains(said), "{error:?}");
        }
    }
    let error = exchanged(400, r#"{"error": "invalid_request", "error_description": "no such app"}"#)
        .await
        .0
        .unwrap_err();
    assert!(format!("{error:?}").contains("no such app"));
}

fn read(change: Value) -> Result<Token, String> {
    let mut fields = json!({"access_token": "at", "token_type": "Bearer"});
    for (name, value) in change.as_object().unwrap() {
        fields[name] = value.clone();
    }
    let answer: TokenAnswer = serde_json::from_value(fields).map_err(|error| error.to_string())?;
    Ok(answer.into_token(&["asked".into()], 1000))
}

#[test]
fn tr_02_tr_03_what_a_token_is() {
    for wrong in [json!(""), json!(null), json!(7), json!(["at"]), json!("a\nb"), json!("a b")] {
        assert!(read(json!({ "access_token": wrong })).is_err(), "{wrong}");
    }
    for wrong in [json!("mac"), json!("DPoP"), json!(""), json!(null), json!(1)] {
        assert!(read(json!({ "token_type": wrong })).is_err(), "{wrong}");
    }
    for right in ["bearer", "BEARER", "Bearer"] {
        assert!(read(json!({ "token_type": right })).is_ok());
    }
    assert!(read(json!({"refresh_token": 1})).is_err() && read(json!({"id_token": {}})).is_err());
}

#[test]
fn tr_04_expires_in() {
    for (value, wanted) in [
        (json!(3600), Some(4600)),
        (json!("3600"), Some(4600)),
        (json!(3600.0), Some(4600)),
        (json!(null), None),
        (json!(0), None),
    ] {
        assert_eq!(read(json!({ "expires_in": value })).unwrap().expires_at, wanted, "{value}");
    }
    assert_eq!(read(json!({})).unwrap().expires_at, None);
    for wrong in [
        json!("3600abc"),
        json!(-1),
        json!(1e99),
        json!(u64::MAX),
        json!("99999999999999999999999"),
        json!(1.5),
        json!(true),
        json!(""),
    ] {
        assert!(read(json!({ "expires_in": wrong })).is_err(), "{wrong}");
    }
}

#[test]
fn tr_05_scope() {
    for (value, wanted) in [
        (json!("a b"), vec!["a", "b"]),
        (json!("a,b"), vec!["a", "b"]),
        (json!("a, b"), vec!["a", "b"]),
        (json!(["a", "b"]), vec!["a", "b"]),
        (json!(""), vec![]),
        (json!([]), vec![]),
        (json!(null), vec!["asked"]),
    ] {
        assert_eq!(read(json!({ "scope": value })).unwrap().scope, wanted, "{value}");
    }
    assert_eq!(read(json!({})).unwrap().scope, ["asked"]);
    assert!(read(json!({"scope": 1})).is_err() && read(json!({"scope": [1]})).is_err());
}

proptest! {
    #[test]
    fn nothing_panics(body in proptest::collection::vec(any::<u8>(), 0..64), number in any::<f64>(), text in "\\PC{0,16}") {
        let _ = serde_json::from_slice::<TokenAnswer>(&body);
        let _ = read(json!({ "expires_in": number, "scope": text.clone(), "id_token": text }));
    }
}
