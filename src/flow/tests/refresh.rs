use super::*;

fn old() -> Token {
    let mut token = Token::new("old").with_lifetime(0, 10).with_refresh_token("old-rt");
    token.scope = vec!["a".into(), "b".into()];
    token.extra.insert("team".into(), json!(1));
    token.extra.insert("plan".into(), json!("x"));
    token
}

/// The token of a refresh that succeeded.
fn renewed(outcome: Result<RefreshOutcome>) -> Result<Token> {
    match outcome? {
        RefreshOutcome::Renewed(token) => Ok(token),
        RefreshOutcome::Rotated { error, .. } => panic!("only the refresh token is new: {error:?}"),
    }
}

async fn refreshed(status: u16, body: Value) -> Result<Token> {
    renewed(outcome(status, body).await)
}

async fn outcome(status: u16, body: Value) -> Result<RefreshOutcome> {
    let server = Server::start().await;
    server.answer("/token", status, body);
    let next = engine().refresh(&oauth2_entry(&server, ""), &old(), None).await;
    let form = server.asked("/token")[0].form();
    assert_eq!((form["grant_type"].as_str(), form["refresh_token"].as_str()), ("refresh_token", "old-rt"));
    assert!(!form.contains_key("redirect_uri"));
    next
}

#[rocket::async_test]
async fn rf_01_what_the_answer_leaves_out_is_kept() {
    let next =
        refreshed(200, json!({"access_token": "new", "token_type": "bearer", "expires_in": 60, "plan": "y"}))
            .await
            .unwrap();
    assert!(next.access_token.matches("new") && next.refresh_token.unwrap().matches("old-rt"));
    assert_eq!(next.scope, ["a", "b"]);
    assert_eq!((&next.extra["team"], &next.extra["plan"]), (&json!(1), &json!("y")));
    assert_eq!(next.expires_at, Some(next.obtained_at + 60));
    assert!(next.obtained_at > 1_700_000_000);
}

#[rocket::async_test]
async fn rf_01_rf_04_what_it_says_replaces() {
    let body =
        json!({"access_token": "new", "token_type": "bearer", "refresh_token": "new-rt", "scope": "a"});
    let next = refreshed(200, body).await.unwrap();
    assert!(next.refresh_token.unwrap().matches("new-rt"));
    assert_eq!((next.scope, next.expires_at), (vec!["a".to_owned()], None));
}

#[rocket::async_test]
async fn r2_rf_03_only_a_dead_grant_is_dead() {
    let dead = ErrorKind::ReconnectNeeded;
    for (status, body, wanted) in [
        (400, json!({"error": "invalid_grant"}), dead),
        (200, json!({"error": "bad_refresh_token"}), dead),
        (400, json!({"status": 400, "message": "Invalid refresh token"}), dead),
        (400, json!({"error": "interaction_required", "suberror": "basic_action"}), dead),
        (401, json!({"errors": [{"errorType": "invalid_grant"}], "success": false}), dead),
        (200, json!({"ok": false, "error": "invalid_refresh_token"}), dead),
        (400, json!({"error": "invalid_request"}), dead),
        (401, json!(""), dead),
        (403, json!(""), dead),
        (400, json!("<html>no</html>"), dead),
        // The code decides, whatever the text and the status are.
        (400, json!({"error": "invalid_grant", "error_description": "idle timeout. Please try again"}), dead),
        (400, json!({"error": "invalid_refresh_token", "message": "Too many refresh tokens"}), dead),
        (404, json!({"error": "invalid_grant"}), dead),
        (422, json!({"error": "invalid_grant"}), dead),
        (500, json!({"error": "invalid_grant"}), dead),
        (401, json!({"message": "Client authentication failed"}), ErrorKind::Misconfigured),
        (401, json!({"error": "invalid_client"}), ErrorKind::Misconfigured),
        (400, json!({"errors": [{"errorType": "invalid_client"}]}), ErrorKind::Misconfigured),
        (403, json!({"status": 403, "message": "invalid client secret"}), ErrorKind::Misconfigured),
        (400, json!({"error": "unauthorized_client"}), ErrorKind::Misconfigured),
        (400, json!({"error": "invalid_scope"}), ErrorKind::Misconfigured),
        (400, json!({"error": "unsupported_grant_type"}), ErrorKind::Misconfigured),
        (403, json!({"message": "API rate limit exceeded"}), ErrorKind::ProviderUnreachable),
        (200, json!({"ok": false, "error": "ratelimited"}), ErrorKind::ProviderUnreachable),
        (400, json!({"error": "temporarily_unavailable"}), ErrorKind::ProviderUnreachable),
        (429, json!({"error": "invalid_grant"}), ErrorKind::ProviderUnreachable),
        (500, json!(""), ErrorKind::ProviderUnreachable),
        (404, json!(""), ErrorKind::BadProviderAnswer),
        (200, json!(""), ErrorKind::BadProviderAnswer),
    ] {
        assert_eq!(refreshed(status, body.clone()).await.unwrap_err().kind(), wanted, "{status} {body}");
    }
    let server = Server::start().await;
    let error = engine().refresh(&oauth2_entry(&server, ""), &Token::new("t"), None).await.unwrap_err();
    assert_eq!((error.kind(), server.asked("/token").len()), (ErrorKind::ReconnectNeeded, 0));
}

#[rocket::async_test]
async fn r1_a_new_refresh_token_is_kept_whatever_else_is_wrong() {
    let full =
        json!({"access_token": "new", "token_type": "bearer", "refresh_token": "new-rt", "expires_in": 60});
    for (status, name, value) in [
        (200, "expires_in", json!("never")),
        (200, "expires_in", json!(9_223_372_036_854_775_u64)),
        (200, "scope", json!({})),
        (200, "token_type", json!(null)),
        (200, "error", json!(null)),
        (200, "id_token", json!(7)),
        (201, "x", json!(1)),
    ] {
        let mut body = full.clone();
        body[name] = value;
        let next = refreshed(status, body.clone()).await.unwrap();
        assert!(next.access_token.matches("new") && next.refresh_token.unwrap().matches("new-rt"), "{body}");
        assert!(next.is_refreshed && next.token_type == "bearer" || name == "token_type", "{body}");
    }
    for (name, value) in [
        ("access_token", json!(null)),
        ("access_token", json!("a b")),
        ("token_type", json!("DPoP")),
        ("error", json!("server_error")),
        ("error", json!({"message": "x"})),
    ] {
        let mut body = full.clone();
        body[name] = value;
        let RefreshOutcome::Rotated { token, error } = outcome(200, body.clone()).await.unwrap() else {
            panic!("{body}")
        };
        assert!(
            token.access_token.matches("old") && token.refresh_token.unwrap().matches("new-rt"),
            "{body}"
        );
        assert_eq!((&token.extra["team"], token.expires_at), (&json!(1), Some(10)), "{error:?}");
    }
    // The same refresh token is not a new one, and an error status brings none.
    let old_again = json!({"token_type": "bearer", "refresh_token": "old-rt"});
    assert_eq!(outcome(200, old_again).await.unwrap_err().kind(), ErrorKind::BadProviderAnswer);
    assert_eq!(outcome(400, full).await.unwrap_err().kind(), ErrorKind::ReconnectNeeded);
}

#[rocket::async_test]
async fn r1_an_answer_that_can_not_be_used_still_brings_its_refresh_token() {
    const FORM: &str = "content-type: application/x-www-form-urlencoded";
    const JSON: &str = "content-type: application/json";
    let answered = async |header: &str, body: &str| {
        let server = Server::start().await;
        server.answer("/token", 200, body).header("/token", header);
        engine().refresh(&oauth2_entry(&server, ""), &old(), None).await
    };
    for (header, body) in [
        (
            JSON,
            r#"{"access_token": "a", "token_type": "Bearer", "token_type": "bearer", "refresh_token": "new-rt"}"#,
        ),
        (
            JSON,
            r#"{"access_token": "a", "access_token": "a", "token_type": "Bearer", "refresh_token": "new-rt"}"#,
        ),
        (JSON, r#"{"error": null, "error": null, "access_token": "a", "refresh_token": "new-rt"}"#),
        (FORM, "access_token=a&token_type=x&token_type=y&refresh_token=new-rt"),
        ("content-type: text/plain", "access_token=a&token_type=bearer&refresh_token=new-rt"),
    ] {
        let Ok(RefreshOutcome::Rotated { token, .. }) = answered(header, body).await else {
            panic!("{body}")
        };
        assert!(
            token.refresh_token.unwrap().matches("new-rt") && token.access_token.matches("old"),
            "{body}"
        );
    }
    // What can be read is good.
    for (header, body) in [
        (
            JSON,
            "{\"access_token\": \"new\", \"token_type\": \"bearer\", \"refresh_token\": \"new-rt\", \"expires_in\": NaN}\0",
        ),
        (FORM, "access_token=new&token_type=bearer&scope=a b&refresh_token=new-rt"),
    ] {
        let next = renewed(answered(header, body).await).unwrap();
        assert!(next.access_token.matches("new") && next.refresh_token.unwrap().matches("new-rt"), "{body}");
    }
    // It is not known which of two refresh tokens counts.
    let two =
        r#"{"access_token": "a", "access_token": "b", "refresh_token": "new-rt", "refresh_token": "other"}"#;
    assert_eq!(answered(JSON, two).await.unwrap_err().kind(), ErrorKind::BadProviderAnswer);
}

#[rocket::async_test]
async fn r2_retry_after_is_an_outage_but_of_a_dead_grant() {
    for (error, wanted) in
        [("invalid_grant", ErrorKind::ReconnectNeeded), ("invalid_request", ErrorKind::ProviderUnreachable)]
    {
        let server = Server::start().await;
        server.answer("/token", 400, json!({ "error": error })).header("/token", "retry-after: 3");
        let refused = engine().refresh(&oauth2_entry(&server, ""), &old(), None).await.unwrap_err();
        assert_eq!(refused.kind(), wanted, "{error}");
    }
}

#[rocket::async_test]
async fn r1_metadata_and_keys_are_at_hand_before_the_refresh_token_is_spent() {
    let signer = Signer::es();
    let server = Server::openid(&json!([signer.jwk("one")])).await;
    let entry = oidc_entry(&server, "");
    server.answer(
        "/token",
        200,
        json!({"access_token": "new", "token_type": "bearer", "refresh_token": "new-rt"}),
    );
    for path in ["/jwks", "/.well-known/openid-configuration"] {
        server.answer(path, 503, "");
        let error = engine().refresh(&entry, &old(), Some("1")).await.unwrap_err();
        assert_eq!(
            (error.kind(), server.asked("/token").len()),
            (ErrorKind::ProviderUnreachable, 0),
            "{path}"
        );
    }
}

#[rocket::async_test]
async fn r1_an_id_token_that_does_not_verify_costs_no_refresh_token() {
    let signer = Signer::es();
    let server = Server::openid(&json!([signer.jwk("one")])).await;
    let entry = oidc_entry(&server, "");
    let (engine, flow) = (engine(), flow(&entry));
    let good = good_claims(&server, &flow);
    let mut token = old();
    token.id_token = Some(Secret::new(signer.id_token("one", &good)));
    let answer = |id_token: String| {
        let mut answer = token_answer(&id_token);
        answer["refresh_token"] = json!("new-rt");
        server.answer("/token", 200, answer);
    };
    // Keys that can't be fetched now, and an ID token that has expired, are left out.
    engine.refresh(&entry, &token, None).await.unwrap_err();
    let mut expired = good.clone();
    expired["exp"] = json!(1);
    for (keys, kid, claims) in [(200, "one", &expired), (503, "another", &good)] {
        if keys != 200 {
            server.answer("/jwks", keys, "");
        }
        answer(signer.id_token(kid, claims));
        let next = renewed(engine.refresh(&entry, &token, Some("248289761001")).await).unwrap();
        assert!(next.access_token.matches("at") && next.refresh_token.unwrap().matches("new-rt"), "{kid}");
        assert!(next.id_token.unwrap().matches(token.id_token.as_ref().unwrap().expose()), "{kid}");
    }
    // Another client's, another issuer's and a forged one are refused; the refresh token is kept.
    for (name, value) in
        [("aud", json!("another")), ("iss", json!("https://evil.example")), ("nonce", json!("x"))]
    {
        let mut claims = good.clone();
        claims[name] = value;
        answer(signer.id_token("one", &claims));
        let outcome = engine.refresh(&entry, &token, Some("248289761001")).await.unwrap();
        let RefreshOutcome::Rotated { token: kept, error } = outcome else { panic!("{name}") };
        assert_eq!(error.kind(), ErrorKind::BadProviderAnswer);
        assert!(kept.refresh_token.unwrap().matches("new-rt") && kept.access_token.matches("old"));
    }
    // An answer for another user is refused as a whole, whether its ID token verifies or not.
    let mut another = good.clone();
    another["sub"] = json!("another");
    for id_token in [signer.id_token("one", &another), Signer::es().id_token("one", &another)] {
        answer(id_token);
        let error = engine.refresh(&entry, &token, Some("248289761001")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadProviderAnswer);
    }
}

#[rocket::async_test]
async fn id_21_an_id_token_that_comes_along() {
    let signer = Signer::es();
    let server = Server::openid(&json!([signer.jwk("one")])).await;
    let entry = oidc_entry(&server, "signing_algorithms = [\"ES256\"]");
    let (engine, flow) = (engine(), flow(&entry));
    let first = good_claims(&server, &flow);
    let mut token = old();
    token.id_token = Some(Secret::new(signer.id_token("one", &first)));
    for (change, ok) in [
        (json!({}), true),
        (json!({"nonce": null}), true),
        (json!({"nonce": "another"}), false),
        (json!({"sub": "another"}), false),
        (json!({"iss": "https://evil.example"}), false),
        (json!({"aud": "another"}), false),
        (json!({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}), false),
    ] {
        let mut claims = first.clone();
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let id_token = signer.id_token("one", &claims);
        server.answer("/token", 200, token_answer(&id_token));
        match renewed(engine.refresh(&entry, &token, Some("248289761001")).await) {
            Ok(next) => assert!(ok && next.id_token.unwrap().matches(&id_token), "{change}"),
            Err(error) => assert!(!ok && error.kind() == ErrorKind::BadProviderAnswer, "{change} {error:?}"),
        }
    }
    // The old token has no ID token: the account still names the user.
    server.answer("/token", 200, token_answer(&signer.id_token("one", &first)));
    assert!(engine.refresh(&entry, &old(), Some("248289761001")).await.is_ok());
    let another = engine.refresh(&entry, &old(), Some("another")).await.unwrap_err();
    assert_eq!(another.kind(), ErrorKind::BadProviderAnswer);

    // Without a user in the account, the old ID token names the user and the issuer.
    for (name, value) in [("sub", "another"), ("iss", "https://before.example")] {
        let (mut claims, mut before) = (first.clone(), token.clone());
        claims[name] = json!(value);
        before.id_token = Some(Secret::new(signer.id_token("one", &claims)));
        let another = engine.refresh(&entry, &before, None).await.unwrap_err();
        assert_eq!(another.kind(), ErrorKind::BadProviderAnswer, "{name}");
    }
    assert!(engine.refresh(&entry, &token, None).await.is_ok());

    server.answer("/token", 200, json!({"access_token": "new", "token_type": "bearer"}));
    let next = renewed(engine.refresh(&entry, &token, Some("248289761001")).await).unwrap();
    assert!(next.id_token.unwrap().matches(token.id_token.unwrap().expose()));
}
