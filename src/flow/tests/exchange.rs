use super::*;
use crate::config::ClientAuthentication;

/// Runs one code exchange that the token endpoint answers with this status and body.
async fn exchanged(status: u16, body: &str) -> (Result<Grant>, Server) {
    exchanged_as("", "content-type: application/json", status, body).await
}

/// As [`exchanged`], with more TOML and another header of the answer.
async fn exchanged_as(more: &str, header: &str, status: u16, body: &str) -> (Result<Grant>, Server) {
    let server = Server::start().await;
    server.answer("/token", status, body).header("/token", header).answer("/me", 200, json!({"id": 583231}));
    let entry = oauth2_entry(&server, more);
    let grant = engine().exchange(&entry, &flow(&entry), &Secret::new("the-code")).await;
    assert_eq!(server.asked("/token").len(), 1, "a code is sent once");
    (grant, server)
}

/// Strava names in the callback, and not in the token answer, which scopes the user has granted.
#[rocket::async_test]
async fn r12_a_scope_in_the_callback_is_the_granted_one() {
    let server = Server::start().await;
    server.answer("/me", 200, json!({"id": 583231}));
    let entry = oauth2_entry(&server, "scope = [\"read\", \"write\"]\ncallback_params = [\"scope\"]");
    let kept = |scope: &str| BTreeMap::from([("scope".to_owned(), scope.to_owned())]);
    for (answer, callback, granted) in [
        ("", Some("read"), "read"),
        ("", Some("read,activity:read"), "read activity:read"),
        ("", None, "read write"),
        (", \"scope\": \"write\"", Some("read"), "write"),
    ] {
        server.answer(
            "/token",
            200,
            format!("{{\"access_token\": \"at\", \"token_type\": \"bearer\"{answer}}}"),
        );
        let kept = callback.map(kept).unwrap_or_default();
        let grant = engine().finish(&entry, &flow(&entry), &Secret::new("c"), &kept).await.unwrap();
        assert_eq!(grant.token.scope.join(" "), granted, "{answer} {callback:?}");
    }
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
    // The redirect URI of the time when the flow began, not that of the configuration.
    flow.redirect_uri = "http://localhost:8000".into();
    engine().exchange(&entry, &flow, &Secret::new("the-code")).await.unwrap();
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
async fn tr_13_client_authentication_at_the_token_endpoint() {
    let server = Server::start().await;
    server.answer("/token", 200, r#"{"access_token": "at", "token_type": "bearer"}"#);
    server.answer("/me", 200, r#"{"id": 1}"#);
    let mut entry = oauth2_entry(&server, "pkce = false");
    entry.client_id = "a:b c".into();
    let secret = || Secret::new("s+%é");
    for client_auth in [
        ClientAuthentication::ClientSecretBasic(secret()),
        ClientAuthentication::ClientSecretPost(secret()),
        ClientAuthentication::None,
    ] {
        oauth2_options(&mut entry).client_auth = client_auth;
        engine().exchange(&entry, &flow(&entry), &Secret::new("c")).await.unwrap();
    }
    let asked = server.asked("/token");
    // a%3Ab+c:s%2B%25%C3%A9.
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
async fn tr_01_tr_12_what_is_no_token() {
    for (status, body, wanted) in [
        (200, r#"{"error": "bad_verification_code"}"#, ErrorKind::CallbackNotTrusted),
        (
            200,
            r#"{"error": "x", "access_token": "at", "token_type": "bearer"}"#,
            ErrorKind::BadProviderAnswer,
        ),
        (200, r#"{"error": {"message": "x"}}"#, ErrorKind::BadProviderAnswer),
        (200, r#"{"error": "incorrect_client_credentials"}"#, ErrorKind::Misconfigured),
        (400, r#"{"error": "invalid_grant"}"#, ErrorKind::CallbackNotTrusted),
        (401, r#"{"error": "invalid_client"}"#, ErrorKind::Misconfigured),
        (400, r#"{"error": "unauthorized_client"}"#, ErrorKind::Misconfigured),
        (401, "<html>", ErrorKind::Misconfigured),
        (400, r#"{"error": "invalid_scope"}"#, ErrorKind::Misconfigured),
        (400, r#"{"access_token": "at", "token_type": "bearer"}"#, ErrorKind::BadProviderAnswer),
        (500, "", ErrorKind::ProviderUnreachable),
        (503, r#"{"error": "temporarily_unavailable"}"#, ErrorKind::ProviderUnreachable),
    ] {
        let error = exchanged(status, body).await.0.expect_err(body);
        assert_eq!(error.kind(), wanted, "{status} {body} {error:?}");
    }
}

#[rocket::async_test]
async fn tr_06_a_form_is_one_where_it_is_said() {
    const OK: &str = "access_token=at&token_type=bearer&expires_in=60&scope=a%2Cb";
    const QUIRK: &str = "form_token_answer = true";
    let form = "content-type: application/x-www-form-urlencoded; charset=utf-8";
    let plain = "content-type: text/plain";
    for (more, header, ok) in
        [("", form, true), (QUIRK, form, true), (QUIRK, plain, true), (QUIRK, "x: y", true)]
    {
        let grant = exchanged_as(more, header, 200, OK).await.0;
        assert_eq!(grant.is_ok(), ok, "{more} {header}");
        assert_eq!(grant.unwrap().token.scope, ["a", "b"]);
    }
    for header in [plain, "content-type: application/json", "content-type: text/html", "x: y"] {
        assert_eq!(
            exchanged_as("", header, 200, OK).await.0.unwrap_err().kind(),
            ErrorKind::BadProviderAnswer
        );
    }
    for (body, wanted) in [
        ("error=bad_verification_code", ErrorKind::CallbackNotTrusted),
        ("access_token=a&access_token=b&token_type=bearer", ErrorKind::BadProviderAnswer),
        ("access_token=&token_type=bearer", ErrorKind::BadProviderAnswer),
        ("access_token=a b&token_type=bearer", ErrorKind::BadProviderAnswer),
        ("<html>a=b</html>", ErrorKind::BadProviderAnswer),
        ("{access_token=a&token_type=bearer", ErrorKind::BadProviderAnswer),
        ("", ErrorKind::BadProviderAnswer),
    ] {
        let error = exchanged_as(QUIRK, form, 200, body).await.0.expect_err(body);
        assert_eq!(error.kind(), wanted, "{body}");
    }
    // JSON is read as JSON, whatever its content type is.
    let json = r#"{"access_token": "at", "token_type": "bearer"}"#;
    for header in [form, plain, "x: y"] {
        assert!(exchanged_as("", header, 200, json).await.0.is_ok());
    }
}

#[rocket::async_test]
async fn tr_07_tr_18_malformed_answers() {
    let good = r#"{"access_token": "at", "token_type": "bearer"}"#;
    let utf_16: String = good.chars().flat_map(|c| [c, '\0']).collect();
    let deep = format!(
        "{{\"access_token\": \"at\", \"token_type\": \"bearer\", \"x\": {}{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    for (status, body) in [
        (200, ""),
        (204, ""),
        (200, "<html>a=b</html>"),
        (200, "null"),
        (200, "[]"),
        (200, &format!("[{good}]")),
        (200, &utf_16),
        (200, &good[..good.len() - 1]),
        (200, &format!("{good}x")),
        (200, &format!("{good}{good}")),
        (200, &good.replacen('{', r#"{"access_token": "at", "#, 1)),
        (200, &good.replacen('{', r#"{"\u0061ccess_token": "at", "#, 1)),
        (200, &deep),
        (200, "\u{1f}\u{8b}\u{8}\0\0"),
    ] {
        for header in ["content-type: application/json", "content-encoding: gzip", "content-encoding: br"] {
            let (grant, server) = exchanged_as("form_token_answer = true", header, status, body).await;
            let error = grant.expect_err(body);
            assert_eq!(error.kind(), ErrorKind::BadProviderAnswer, "{header} {status} {body} {error:?}");
            assert_eq!(server.asked("/token").len(), 1, "sent once");
        }
    }
}

#[rocket::async_test]
async fn tr_11_a_busy_provider_is_waited_for() {
    for (status, header, wanted) in [
        (429, "retry-after: 7", Some(7)),
        (503, "retry-after: 7", Some(7)),
        (503, "retry-after: 0", Some(1)),
        (503, "retry-after: 999999", Some(3600)),
        (503, "retry-after: Fri, 31 Dec 1999 23:59:59 GMT", Some(1)),
        (503, "retry-after: Fri, 31 Dec 2399 23:59:59 GMT", Some(3600)),
        (503, "retry-after: -1", None),
        (503, "retry-after: soon", None),
        (500, "x: y", None),
    ] {
        let error = exchanged_as("", header, status, "").await.0.unwrap_err();
        let waits = error.retry_after().map(|time| time.as_secs());
        assert_eq!((error.kind(), waits), (ErrorKind::ProviderUnreachable, wanted), "{header}");
    }
    let refused =
        exchanged_as("", "retry-after: 7", 400, r#"{"error": "invalid_grant"}"#).await.0.unwrap_err();
    assert_eq!(refused.retry_after(), None);
}

#[rocket::async_test]
async fn tr_10_redirects_are_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let (grant, server) = exchanged(status, "").await;
        assert_eq!(grant.unwrap_err().kind(), ErrorKind::BadProviderAnswer);
        assert!(server.asked("/elsewhere").is_empty());
    }
}

#[rocket::async_test]
async fn tr_08_an_endless_answer() {
    let (grant, _) = exchanged(200, &" ".repeat((1 << 20) + 1)).await;
    assert_eq!(grant.unwrap_err().kind(), ErrorKind::BadProviderAnswer);
}

#[rocket::async_test]
async fn lk_no_error_quotes_what_was_sent() {
    for said in ["the-code", "the-secret"] {
        let body = json!({"error": "invalid_request", "error_description": format!("what is `{said}`?")});
        let error = exchanged(400, &body.to_string()).await.0.unwrap_err();
        assert!(!format!("{error:?}").contains(said), "{error:?}");
    }
    // The secret is cut in the middle, or split by a control character, or is the error itself.
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

#[rocket::async_test]
async fn tr_03_a_provider_that_leaves_out_the_type() {
    let header = "content-type: application/json";
    for kind in ["", r#", "token_type": null"#, r#", "token_type": """#] {
        let body = format!(r#"{{"access_token": "at"{kind}}}"#);
        let error = exchanged_as("", header, 200, &body).await.0.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadProviderAnswer);
        let grant = exchanged_as("assume_bearer = true", header, 200, &body).await.0.unwrap();
        assert_eq!(grant.token.token_type, "bearer");
    }
    // A type that the provider does send is still checked.
    for kind in [r#""mac""#, "1"] {
        let body = format!(r#"{{"access_token": "at", "token_type": {kind}}}"#);
        assert!(exchanged_as("assume_bearer = true", header, 200, &body).await.0.is_err());
    }
}

/// The body of a 201 and 202, and after a byte order mark, with odd characters and with an unread field twice.
#[rocket::async_test]
async fn r4_r6_any_success_with_a_usable_body() {
    let good = r#"{"access_token": "at", "token_type": "bearer"}"#;
    for (status, body) in [
        (201, good.to_owned()),
        (202, good.to_owned()),
        (200, format!("\u{feff}{good}")),
        (200, good.replacen('{', r#"{"error": null, "bio": "I \ud83d", "#, 1)),
        (200, good.replacen('{', r#"{"x": {"y": 1, "y": 2}, "z": 1, "z": 2, "#, 1)),
    ] {
        let (grant, _) = exchanged(status, &body).await;
        assert!(grant.unwrap().token.access_token.matches("at"), "{status} {body}");
    }
}
