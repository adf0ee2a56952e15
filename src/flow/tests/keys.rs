use super::*;
use crate::flow::jwks::KeySet;
use crate::provider::Algorithm;

async fn signs_in(engine: &Engine, server: &Server, signer: &Signer, header: Value) -> Result<Grant> {
    let entry = oidc_entry(server, "signing_algorithms = [\"ES256\", \"RS256\"]");
    let flow = flow(&entry);
    let token = signer.token(&header.to_string(), &good_claims(server, &flow).to_string());
    server.answer("/token", 200, token_answer(&token)).answer("/me", 200, json!({"sub": "248289761001"}));
    engine.finish(&entry, &flow, &Secret::new("c")).await
}

#[rocket::async_test]
async fn dj_09_dj_10_dj_11_keys_change() {
    let (one, two, evil) = (Signer::es(), Signer::es(), Signer::es());
    for named in [true, false] {
        let server = Server::openid(&json!([one.jwk("one")])).await;
        let engine = engine();
        let header =
            |kid: &str| if named { json!({"alg": "ES256", "kid": kid}) } else { json!({"alg": "ES256"}) };
        signs_in(&engine, &server, &one, header("one")).await.unwrap();
        signs_in(&engine, &server, &one, header("one")).await.unwrap();
        assert_eq!(server.asked("/jwks").len(), 1);
        server.answer("/jwks", 200, json!({"keys": [two.jwk("two")]}));
        signs_in(&engine, &server, &two, header("two")).await.unwrap();
        assert_eq!(server.asked("/jwks").len(), 2);
        for kid in 0..20 {
            let error = signs_in(&engine, &server, &evil, header(&kid.to_string())).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ProviderAnswer);
        }
        // Gone from the set, gone from trust; and nothing was fetched for it.
        assert!(signs_in(&engine, &server, &one, header("one")).await.is_err());
        assert_eq!(server.asked("/jwks").len(), 2);
    }
}

#[rocket::async_test]
async fn dj_13_keys_that_cant_be_had() {
    let signer = Signer::es();
    let server = Server::openid(&json!([signer.jwk("one")])).await;
    let engine = engine();
    server.answer("/jwks", 503, "");
    let header = json!({"alg": "ES256", "kid": "one"});
    let error = signs_in(&engine, &server, &signer, header.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderUnreachable);
    server.answer("/jwks", 200, json!({"keys": [signer.jwk("one")]}));
    signs_in(&engine, &server, &signer, header).await.unwrap();
}

#[test]
fn dj_12_odd_keys() {
    let (signer, message) = (Signer::rs(), "hello");
    let signature = signer.sign(message);
    let verifies = |keys: Value, kid: Option<&str>| {
        let set = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
        set.verify(kid, Algorithm::RS256, message.as_bytes(), &signature)
    };
    let good = signer.jwk("one");
    let but = |name: &str, value: Value| {
        let mut key = good.clone();
        key[name] = value;
        key
    };
    assert!(verifies(json!([good]), Some("one")) && verifies(json!([good]), None));
    assert!(!verifies(json!([good]), Some("two")));
    let other = Signer::es().jwk("one");
    assert!(verifies(json!([{}, 7, {"kty": "oct", "k": "AA"}, other, good, good]), Some("one")));
    for odd in [
        but("use", json!("enc")),
        but("use", json!(7)),
        but("alg", json!("RS512")),
        but("alg", json!("PS256")),
        but("kty", json!("EC")),
        but("key_ops", json!(["encrypt"])),
        but("key_ops", json!("verify")),
        but("n", json!("!")),
        but("n", json!("")),
        but("e", json!("AA")),
        // 1024 bits.
        but("n", json!(encode(&[0xc1; 128]))),
    ] {
        assert!(!verifies(json!([odd]), None), "{odd}");
    }
    // With zeros in front, as some send it.
    let n = [vec![0], decode(good["n"].as_str().unwrap()).unwrap()].concat();
    assert!(verifies(json!([but("n", json!(encode(&n)))]), Some("one")));
    for body in ["", "[]", "{}", r#"{"keys": {}}"#] {
        assert!(KeySet::parse(body.as_bytes()).is_err());
    }
}
