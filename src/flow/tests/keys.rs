use super::*;
use crate::flow::document_cache::RefetchCause;
use crate::flow::key_set::KeySet;
use crate::provider::SigningAlgorithm;

async fn signs_in(engine: &Engine, server: &Server, signer: &Signer, header: Value) -> Result<Grant> {
    let entry = oidc_entry(server, "signing_algorithms = [\"ES256\", \"RS256\"]");
    let flow = flow(&entry);
    let (mut claims, now) = (good_claims(server, &flow), engine.clock.now());
    (claims["iat"], claims["exp"]) = (json!(now), json!(now + 300));
    let token = signer.token(&header.to_string(), &claims.to_string());
    server.answer("/token", 200, token_answer(&token)).answer("/me", 200, json!({"sub": "248289761001"}));
    engine.exchange(&entry, &flow, &Secret::new("c")).await
}

fn publish(server: &Server, keys: &[Value]) {
    server.answer("/jwks", 200, json!({ "keys": keys }));
}

fn fetches(server: &Server) -> usize {
    server.asked("/jwks").len()
}

/// Returns a token's header, with or without a `kid`.
fn header(named: bool, kid: &str) -> Value {
    if named { json!({"alg": "ES256", "kid": kid}) } else { json!({"alg": "ES256"}) }
}

#[rocket::async_test]
async fn dj_09_dj_10_keys_change_as_often_as_they_like() {
    for named in [true, false] {
        let signers: Vec<_> = (0..4).map(|_| Signer::es()).collect();
        let server = Server::openid(&json!([])).await;
        let engine = engine();
        // One change after the other, without a pause.
        for (fetched, signer) in (1..).zip(&signers) {
            publish(&server, &[signer.jwk("key")]);
            for _ in 0..2 {
                signs_in(&engine, &server, signer, header(named, "key")).await.unwrap();
                assert_eq!(fetches(&server), fetched, "fetched once for every change");
            }
        }
        // A key that is no longer in the set is no longer trusted.
        let error = signs_in(&engine, &server, &signers[0], header(named, "key")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadProviderAnswer);
    }
}

#[rocket::async_test]
async fn dj_11_a_flood_of_forged_tokens() {
    let (one, two, evil) = (Signer::es(), Signer::es(), Signer::es());
    for named in [true, false] {
        let server = Server::openid(&json!([one.jwk("one")])).await;
        let engine = engine();
        signs_in(&engine, &server, &one, header(named, "one")).await.unwrap();
        // A single forged token does not delay the next change of keys.
        signs_in(&engine, &server, &evil, header(named, "x")).await.unwrap_err();
        assert_eq!(fetches(&server), 2);
        engine.clock.advance(1);
        publish(&server, &[two.jwk("two")]);
        signs_in(&engine, &server, &two, header(named, "two")).await.unwrap();
        assert_eq!(fetches(&server), 3);
        // Many forged tokens cause fetches after 1, 2, 4, 8, 16, 32 and 60 seconds.
        for kid in 0..1000 {
            let error = signs_in(&engine, &server, &evil, header(named, &kid.to_string())).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadProviderAnswer);
            if kid % 100 == 0 {
                signs_in(&engine, &server, &two, header(named, "two")).await.unwrap();
                engine.clock.advance(1);
            }
        }
        assert!((4..=10).contains(&fetches(&server)), "{}", fetches(&server));
        // A minute later the next change is found, whatever happened before.
        engine.clock.advance(60);
        publish(&server, &[one.jwk("three")]);
        signs_in(&engine, &server, &one, header(named, "three")).await.unwrap();
    }
}

#[rocket::async_test]
async fn dj_09_one_fetch_for_all_who_wait() {
    let (one, two) = (Signer::es(), Signer::es());
    let server = Server::openid(&json!([one.jwk("one")])).await;
    let engine = engine();
    signs_in(&engine, &server, &one, header(true, "one")).await.unwrap();
    publish(&server, &[two.jwk("two")]);
    let url: Url = format!("{}/jwks", server.url).parse().unwrap();
    let known = engine.jwks.get(&url).await.unwrap();
    let all = futures::future::join_all(
        (0..20).map(|_| engine.jwks.renew(&url, &known, RefetchCause::ProviderAnswer)),
    )
    .await;
    assert!(all.into_iter().all(|set| !Arc::ptr_eq(&set.unwrap(), &known)));
    assert_eq!(fetches(&server), 2);
    // They share a failure as well. The server answers when all of them have asked.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = Server::at(format!("http://{}", listener.local_addr().unwrap()));
    other.answer("/jwks", 500, "");
    let url: Url = format!("{}/jwks", other.url).parse().unwrap();
    let all = futures::future::join_all((0..20).map(|_| engine.jwks.get(&url)));
    let (all, ()) = futures::future::join(all, async { other.serve(listener) }).await;
    assert!(all.into_iter().all(|set| set.unwrap_err().kind() == ErrorKind::ProviderUnreachable));
    assert_eq!(fetches(&other), 1);
}

#[rocket::async_test]
async fn dj_13_keys_that_cant_be_had() {
    const HOUR: i64 = 3600;
    let (signer, next) = (Signer::es(), Signer::es());
    let server = Server::openid(&json!([signer.jwk("one")])).await;
    let engine = engine();
    let header = |kid| header(true, kid);
    let kind = |end: Result<Grant>| end.err().map(|error| error.kind());
    server.answer("/jwks", 503, "");
    let unreachable = Some(ErrorKind::ProviderUnreachable);
    assert_eq!(kind(signs_in(&engine, &server, &signer, header("one")).await), unreachable);
    // No keys are cached, so the next request fetches again at once.
    publish(&server, &[signer.jwk("one")]);
    signs_in(&engine, &server, &signer, header("one")).await.unwrap();

    // While the provider is down, known keys are used for a day after their time.
    for broken in [(500, "".to_owned()), (200, "<html>".to_owned()), (302, "".to_owned())] {
        server.answer("/jwks", broken.0, broken.1);
        engine.clock.advance(2 * HOUR);
        signs_in(&engine, &server, &signer, header("one")).await.unwrap();
        let before = fetches(&server);
        signs_in(&engine, &server, &signer, header("one")).await.unwrap();
        assert_eq!(fetches(&server), before, "not every sign-in waits for a fetch");
    }
    // An unknown key can't be fetched now. That is an outage, not a forged token.
    engine.clock.advance(61);
    assert!(kind(signs_in(&engine, &server, &next, header("two")).await).is_some_and(|kind| {
        [ErrorKind::ProviderUnreachable, ErrorKind::BadProviderAnswer].contains(&kind)
    }));
    server.answer("/jwks", 503, "");
    engine.clock.advance(61);
    assert_eq!(kind(signs_in(&engine, &server, &next, header("two")).await), unreachable);
    server.answer("/.well-known/openid-configuration", 503, "");
    engine.clock.advance(25 * HOUR);
    assert_eq!(kind(signs_in(&engine, &server, &signer, header("one")).await), unreachable);
}

#[rocket::async_test]
async fn dj_13_a_key_that_is_taken_back() {
    let (one, two) = (Signer::es(), Signer::es());
    let server = Server::openid(&json!([one.jwk("one"), two.jwk("two")])).await;
    let engine = engine();
    signs_in(&engine, &server, &one, header(true, "one")).await.unwrap();
    publish(&server, &[two.jwk("two")]);
    engine.clock.advance(3601);
    let error = signs_in(&engine, &server, &one, header(true, "one")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadProviderAnswer);
    signs_in(&engine, &server, &two, header(true, "two")).await.unwrap();
}

#[rocket::async_test]
async fn dj_14_how_long_a_document_is_believed() {
    for (said, seconds) in [
        ("x-nothing: 1", 3600),
        ("cache-control: max-age=600", 600),
        ("cache-control: public, MAX-AGE=\"600\" , must-revalidate", 600),
        ("cache-control: max-age=0", 60),
        ("cache-control: no-store", 60),
        ("cache-control: no-cache, max-age=600", 60),
        ("cache-control: max-age=31536000", 86_400),
        ("cache-control: max-age=-1", 3600),
        ("cache-control: max-age=x", 3600),
    ] {
        let signer = Signer::es();
        let server = Server::openid(&json!([signer.jwk("one")])).await;
        server.header("/jwks", said);
        let engine = engine();
        signs_in(&engine, &server, &signer, header(true, "one")).await.unwrap();
        // Some seconds are left for the test itself.
        engine.clock.advance(seconds - 20);
        signs_in(&engine, &server, &signer, header(true, "one")).await.unwrap();
        assert_eq!(fetches(&server), 1, "{said}");
        engine.clock.advance(20);
        signs_in(&engine, &server, &signer, header(true, "one")).await.unwrap();
        assert_eq!(fetches(&server), 2, "{said}");
    }
}

#[test]
fn dj_12_odd_keys() {
    let (signer, message) = (Signer::rs(), "hello");
    let signature = signer.sign(message);
    let verifies = |keys: Value, kid: Option<&str>| {
        let set = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
        set.verify(kid, None, SigningAlgorithm::RS256, message.as_bytes(), &signature)
    };
    let good = signer.jwk("one");
    let but = |name: &str, value: Value| {
        let mut key = good.clone();
        key[name] = value;
        key
    };
    assert!(verifies(json!([good]), Some("one")) && verifies(json!([good]), None));
    assert!(!verifies(json!([good]), Some("two")));
    // Two keys with the same `kid` are both tried. Without a `kid`, at most eight keys of the right type are tried.
    let wrong = but("n", json!(encode_base64url(&[0xc1; 256])));
    assert!(verifies(json!([wrong, good]), Some("one")) && verifies(json!([good, wrong]), Some("one")));
    let others = |count: u8| -> Vec<Value> {
        (0..count).map(|n| but("n", json!(encode_base64url(&[n | 0x80; 256])))).collect()
    };
    let mut many = others(7);
    many.push(good.clone());
    assert!(verifies(json!(many), None));
    let ec: Vec<Value> = (0..50).map(|n| Signer::es().jwk(&format!("ec{n}"))).chain([good.clone()]).collect();
    assert!(verifies(json!(ec), None), "those of another kind don't count");
    let other = Signer::es().jwk("one");
    assert!(verifies(json!([{}, 7, {"kty": "oct", "k": "AA"}, other, good, good]), Some("one")));
    for odd in [
        but("use", json!("enc")),
        but("alg", json!("RS512")),
        but("alg", json!("PS256")),
        but("kty", json!("EC")),
        but("key_ops", json!(["encrypt"])),
        but("n", json!("!")),
        but("n", json!("")),
        but("e", json!("AA")),
        // 1024 bits.
        but("n", json!(encode_base64url(&[0xc1; 128]))),
    ] {
        assert!(!verifies(json!([odd]), None), "{odd}");
    }
    // R5: what is null, empty or of the wrong type is absent.
    for (name, value) in [
        ("use", json!(null)),
        ("use", json!("")),
        ("use", json!(7)),
        ("alg", json!("")),
        ("alg", json!(null)),
        ("kid", json!(null)),
        ("key_ops", json!(null)),
        ("key_ops", json!("")),
    ] {
        assert!(verifies(json!([but(name, value.clone())]), None), "{name} {value}");
    }
    // With leading zeros, as some providers send them.
    let n = [vec![0], decode_base64url(good["n"].as_str().unwrap()).unwrap()].concat();
    assert!(verifies(json!([but("n", json!(encode_base64url(&n)))]), Some("one")));
    for body in ["", "[]", "{}", r#"{"keys": {}}"#] {
        assert!(KeySet::parse(body.as_bytes()).is_err());
    }
}

#[rocket::async_test]
async fn lo_03_made_up_logout_tokens_hold_up_no_sign_in() {
    let (one, two, evil) = (Signer::es(), Signer::es(), Signer::es());
    let server = Server::openid(&json!([one.jwk("one")])).await;
    let (engine, entry) = (engine(), oidc_entry(&server, "signing_algorithms = [\"ES256\"]"));
    signs_in(&engine, &server, &one, header(true, "one")).await.unwrap();
    for kid in 0..100 {
        let token = evil.token(&header(true, &kid.to_string()).to_string(), "{}");
        assert_eq!(
            engine.logout_token(&entry, &token).await.unwrap_err().kind(),
            ErrorKind::BadProviderAnswer
        );
    }
    // The fetches become rarer, however long the forged tokens arrive.
    let asked = fetches(&server);
    assert!((2..=9).contains(&asked), "{asked}");
    publish(&server, &[two.jwk("two")]);
    signs_in(&engine, &server, &two, header(true, "two")).await.unwrap();
    assert_eq!(fetches(&server), asked + 1);
}

#[rocket::async_test]
async fn r5_a_key_whose_numbers_are_written_otherwise() {
    let x_of = |signer: &Signer| decode_base64url(signer.jwk("one")["x"].as_str().unwrap()).unwrap();
    let signer = loop {
        let signer = Signer::es();
        if x_of(&signer)[0] == 0 {
            break signer;
        }
    };
    let x = x_of(&signer);
    for written in [
        encode_base64url(&x),
        encode_base64url(&x[1..]),
        encode_base64url(&[&[0], &x[..]].concat()),
        format!("{}==", encode_base64url(&x)),
    ] {
        let mut key = signer.jwk("one");
        key["x"] = json!(written);
        let server = Server::openid(&json!([key])).await;
        signs_in(&engine(), &server, &signer, header(true, "one")).await.expect(&written);
    }
    for written in ["", "=", "AA", &encode_base64url(&[1; 33])] {
        let mut key = signer.jwk("one");
        key["x"] = json!(written);
        let server = Server::openid(&json!([key])).await;
        signs_in(&engine(), &server, &signer, header(true, "one")).await.expect_err(written);
    }
}
