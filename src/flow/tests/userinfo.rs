use super::*;

async fn profile(entry: &Entry, server: &Server) -> Result<Profile> {
    server.answer("/token", 200, r#"{"access_token": "at", "token_type": "bearer"}"#);
    engine().exchange(entry, &flow(entry), &Secret::new("c")).await.map(|grant| grant.profile)
}

#[rocket::async_test]
async fn id_18_id_20_the_userinfo_is_the_id_tokens() {
    let signer = Signer::es();
    let server = Server::openid(&json!([signer.jwk("one")])).await;
    let entry = oidc_entry(
        &server,
        "signing_algorithms = [\"ES256\"]\nprofile = { id = \"email\", name = \"nick\" }",
    );
    let (engine, flow) = (engine(), flow(&entry));
    server.answer("/token", 200, token_answer(&signer.id_token("one", &good_claims(&server, &flow))));
    for (status, body, wanted) in [
        (200, json!({"sub": "another"}), Some(ErrorKind::BadProviderAnswer)),
        (200, json!({"name": "x"}), Some(ErrorKind::BadProviderAnswer)),
        (200, json!({"sub": 248289761001u64}), Some(ErrorKind::BadProviderAnswer)),
        (201, json!({"sub": "248289761001", "nick": "jd", "name": "J", "email": "a@b.c"}), None),
        (200, json!({"sub": "248289761001", "nick": "jd", "name": "J", "email": "a@b.c"}), None),
    ] {
        server.answer("/me", status, &body);
        let grant = engine.exchange(&entry, &flow, &Secret::new("c")).await;
        assert_eq!(grant.as_ref().err().map(Error::kind), wanted, "{body}");
        if let Ok(Grant { profile, .. }) = grant {
            // ID-20: `profile = { … }` may change the name, never the subject.
            assert_eq!((profile.id.as_deref(), profile.name.as_deref()), (Some("248289761001"), Some("jd")));
            assert_eq!((&profile.userinfo["name"], &profile.userinfo["aud"]), (&json!("J"), &json!("me")));
        }
    }
}

#[rocket::async_test]
async fn r10_the_id_token_suffices_without_the_userinfo() {
    let signer = Signer::es();
    let server = Server::openid(&json!([signer.jwk("one")])).await;
    for (more, method) in [("", "GET"), ("userinfo = \"post\"", "POST")] {
        let entry = oidc_entry(&server, more);
        let (engine, flow) = (engine(), flow(&entry));
        server.answer("/token", 200, token_answer(&signer.id_token("one", &good_claims(&server, &flow))));
        for (status, body) in [
            (200, json!(["sub"])),
            (200, json!("eyJ.a.jwt")),
            (204, json!("")),
            (401, json!({})),
            (403, json!({})),
            (302, json!({})),
            (503, json!({})),
        ] {
            server.answer("/me", status, &body);
            let profile = engine.exchange(&entry, &flow, &Secret::new("c")).await.unwrap().profile;
            assert_eq!(
                (profile.id.as_deref(), profile.name.as_deref()),
                (Some("248289761001"), Some("Jane"))
            );
        }
        server.answer("/me", 200, json!({"sub": "248289761001", "name": "J"}));
        let profile = engine.exchange(&entry, &flow, &Secret::new("c")).await.unwrap().profile;
        assert_eq!(profile.name.as_deref(), Some("J"), "{method}");
        let last = server.asked("/me").pop().unwrap();
        assert!(
            last.head.starts_with(method) && last.header("authorization") == Some("Bearer at"),
            "{}",
            last.head
        );
        assert_eq!(last.header("content-length"), (method == "POST").then_some("0"));
    }
    let entry = oidc_entry(&server, "userinfo = \"none\"");
    let (calls, flow) = (server.asked("/me").len(), flow(&entry));
    server.answer("/token", 200, token_answer(&signer.id_token("one", &good_claims(&server, &flow))));
    let profile = engine().exchange(&entry, &flow, &Secret::new("c")).await.unwrap().profile;
    assert_eq!((profile.name.as_deref(), server.asked("/me").len()), (Some("Jane"), calls));
    // Without an ID token, nothing else says who the user is.
    let plain = oauth2_entry(&server, "");
    for (status, kind) in [(403, ErrorKind::BadProviderAnswer), (503, ErrorKind::ProviderUnreachable)] {
        server.answer("/me", status, "");
        assert_eq!(super::userinfo::profile(&plain, &server).await.unwrap_err().kind(), kind);
    }
}

#[rocket::async_test]
async fn tr_16_tr_17_ids_paths_and_further_answers() {
    let server = Server::start().await;
    let mut entry = oauth2_entry(&server, "");
    entry.userinfo.profile_paths =
        [("id", "data.id"), ("email", "mails.0.at"), ("email_verified", "mails.0.ok")]
            .map(|(name, path)| (name.to_owned(), path.to_owned()))
            .into();
    entry.userinfo.extra_urls = vec![("mails".into(), format!("{}/mails", server.url).parse().unwrap())];
    server.answer("/me", 200, json!({"data": {"id": 7}, "name": "N"}));
    server.answer("/mails", 403, "");
    let found = profile(&entry, &server).await.unwrap();
    assert_eq!(
        (found.id.as_deref(), found.claimed_email(), found.name.as_deref()),
        (Some("7"), None, Some("N"))
    );
    server.answer("/mails", 200, json!([{"at": "a@b.c", "ok": true}]));
    assert_eq!(profile(&entry, &server).await.unwrap().email(), Some("a@b.c"));
    server.answer("/mails", 200, json!([{"at": "a@b.c", "ok": "true"}]));
    assert_eq!(profile(&entry, &server).await.unwrap().email(), None);
    for wrong in [
        json!({}),
        json!({"data": {"id": 1.0}}),
        json!({"data": {"id": null}}),
        json!("x"),
        json!({"error": "x"}),
    ] {
        server.answer("/me", 200, &wrong);
        assert_eq!(
            profile(&entry, &server).await.unwrap_err().kind(),
            ErrorKind::BadProviderAnswer,
            "{wrong}"
        );
    }
    entry.userinfo.url = None;
    assert_eq!(profile(&entry, &server).await.unwrap().id, None);
    assert_eq!(engine().userinfo_url(&entry).await.unwrap_err().kind(), ErrorKind::Misconfigured);
}

#[rocket::async_test]
async fn id_19_a_signed_userinfo_is_verified_as_an_id_token_is() {
    let (signer, other) = (Signer::es(), Signer::es());
    let server = Server::openid(&json!([signer.jwk("one")])).await;
    let entry = oidc_entry(&server, "signing_algorithms = [\"ES256\"]");
    let (engine, flow) = (engine(), flow(&entry));
    server.answer("/token", 200, token_answer(&signer.id_token("one", &good_claims(&server, &flow))));
    let now = Clock::default().now();
    let good = json!({"iss": server.url, "aud": "me", "sub": "248289761001", "name": "Jane", "from": "userinfo", "iat": now, "exp": now + 60});
    let but = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        signer.id_token("one", &claims)
    };
    let signed = |header: &str| signer.token(header, &good.to_string());
    // The userinfo of another user, or of none, is refused. For any other reason it is only left out: the ID token has said
    // who the user is (R10).
    for sub in [json!("another"), json!(null)] {
        server.answer("/me", 200, but("sub", sub)).header("/me", "content-type: application/jwt");
        let error = engine.exchange(&entry, &flow, &Secret::new("c")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadProviderAnswer);
    }
    for (answer, ok) in [
        (but("x", json!(1)), true),
        (but("aud", json!(["me"])), true),
        (but("exp", json!(null)), true),
        (format!("{}\n", but("x", json!(1))), true),
        (but("iss", json!(null)), true),
        (but("aud", json!(null)), true),
        (but("iss", json!("https://evil.example")), false),
        (but("aud", json!("another")), false),
        (but("azp", json!("another")), false),
        (but("exp", json!(now - 1000)), false),
        (but("exp", json!("soon")), false),
        (but("iat", json!(now + 1000)), false),
        (other.id_token("one", &good), false),
        (Signer::rs().id_token("one", &good), false),
        (signed(r#"{"alg": "none"}"#), false),
        (signed(r#"{"alg": "ES256", "kid": "one", "typ": "at+jwt"}"#), false),
        (signed(r#"{"alg": "ES256", "kid": "one"}"#) + ".x.y", false),
        (good.to_string(), false),
        ("\u{0}".to_owned(), false),
    ] {
        server.answer("/me", 200, &answer).header("/me", "content-type: Application/JWT; charset=utf-8");
        let Grant { profile, .. } = engine.exchange(&entry, &flow, &Secret::new("c")).await.unwrap();
        assert_eq!((profile.id.as_deref(), profile.name.as_deref()), (Some("248289761001"), Some("Jane")));
        assert_eq!(profile.userinfo.get("from") == Some(&json!("userinfo")), ok, "{answer}");
        // These claims are those of the ID token, not of the userinfo.
        assert_ne!(profile.userinfo.get("exp"), Some(&json!(now + 60)));
    }
    // A JWT sent as JSON, JSON sent as a JWT, and a JWT of a provider without keys.
    server.answer("/me", 200, but("x", json!(1))).header("/me", "content-type: application/json");
    let grant = engine.exchange(&entry, &flow, &Secret::new("c")).await.unwrap();
    assert_eq!(grant.profile.userinfo.get("from"), None, "it is not verified, so it is not read");
    let plain = oauth2_entry(&server, "");
    server.header("/me", "content-type: application/jwt");
    assert_eq!(profile(&plain, &server).await.unwrap_err().kind(), ErrorKind::BadProviderAnswer);
}

/// An answer that has the whole URL of a further answer: it must be on the host of the userinfo.
#[rocket::async_test]
async fn an_answer_names_no_other_host_for_further_answers() {
    let (server, other) = (Server::start().await, Server::start().await);
    let mut entry = oauth2_entry(&server, "");
    entry.userinfo.profile_paths =
        [("id", "id"), ("name", "more.name")].map(|(name, path)| (name.to_owned(), path.to_owned())).into();
    entry.userinfo.extra_urls = vec![("more".into(), "{resource_url}".into())];
    for server in [&server, &other] {
        server.answer("/more", 200, json!({"name": "N"}));
    }
    for (at, name) in [(&server.url, Some("N")), (&other.url, None)] {
        server.answer("/me", 200, json!({"id": 7, "resource_url": format!("{at}/more")}));
        assert_eq!(profile(&entry, &server).await.unwrap().name.as_deref(), name, "{at}");
    }
    assert_eq!(
        (server.asked("/more").len(), other.asked("/more").len()),
        (1, 0),
        "no other host gets the token"
    );
    // A host that the preset names is another matter.
    entry.userinfo.extra_urls = vec![("more".into(), format!("{}/more", other.url))];
    assert_eq!(profile(&entry, &server).await.unwrap().name.as_deref(), Some("N"));
}
