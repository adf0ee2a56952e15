use super::*;

fn old() -> Token {
    let mut token = Token::new("old").with_lifetime(0, 10).with_refresh_token("old-rt");
    token.scope = vec!["a".into(), "b".into()];
    token.extra.insert("team".into(), json!(1));
    token.extra.insert("plan".into(), json!("x"));
    token
}

async fn refreshed(status: u16, body: Value) -> Result<Token> {
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
async fn rf_03_only_a_dead_grant_is_dead() {
    for (status, body, wanted) in [
        (400, json!({"error": "invalid_grant"}), ErrorKind::ReconnectNeeded),
        (200, json!({"error": "bad_refresh_token"}), ErrorKind::ReconnectNeeded),
        (401, json!({"error": "invalid_client"}), ErrorKind::Misconfigured),
        (400, json!({"error": "invalid_request"}), ErrorKind::BadProviderAnswer),
        (500, json!(""), ErrorKind::ProviderUnreachable),
        (200, json!(""), ErrorKind::BadProviderAnswer),
    ] {
        assert_eq!(refreshed(status, body).await.unwrap_err().kind(), wanted);
    }
    let server = Server::start().await;
    let error = engine().refresh(&oauth2_entry(&server, ""), &Token::new("t"), None).await.unwrap_err();
    assert_eq!((error.kind(), server.asked("/token").len()), (ErrorKind::ReconnectNeeded, 0));
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
        (json!({"iat": null}), false),
        (json!({"aud": "another"}), false),
        (json!({"exp": 1}), false),
    ] {
        let mut claims = first.clone();
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let id_token = signer.id_token("one", &claims);
        server.answer("/token", 200, token_answer(&id_token));
        match engine.refresh(&entry, &token, Some("248289761001")).await {
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
    let next = engine.refresh(&entry, &token, Some("248289761001")).await.unwrap();
    assert!(next.id_token.unwrap().matches(token.id_token.unwrap().expose()));
}
