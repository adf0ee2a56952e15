mod requirements;
mod tenants;

use proptest::prelude::*;

use super::*;
use crate::flow::id_token::IdTokenCheck;
use crate::flow::jwt::{Jwt, JwtKind};
use crate::provider::SigningAlgorithm;

/// A provider with one key, and a flow in progress there.
struct Stage {
    server: Server,
    signer: Signer,
    engine: Engine,
    entry: Entry,
    flow: Flow,
}

impl Stage {
    async fn new(signer: Signer) -> Self {
        let server = Server::openid(&json!([signer.jwk("one")])).await;
        server.answer("/me", 200, json!({"sub": "248289761001"}));
        let entry = oidc_entry(&server, "");
        let flow = flow(&entry);
        Self { engine: engine(), server, signer, entry, flow }
    }

    fn claims(&self) -> Value {
        good_claims(&self.server, &self.flow)
    }

    async fn finish(&self, id_token: &str) -> Result<Grant> {
        self.server.answer("/token", 200, token_answer(id_token));
        self.engine.exchange(&self.entry, &self.flow, &Secret::new("the-code")).await
    }

    /// Returns the error for an ID token with these changes to good claims; `null` removes a claim.
    async fn with(&self, changes: Value) -> Option<String> {
        let mut claims = self.claims();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        self.ends(&self.signer.id_token("one", &claims)).await
    }

    async fn ends(&self, id_token: &str) -> Option<String> {
        self.finish(id_token).await.err().map(|error| {
            assert_eq!(error.kind(), ErrorKind::BadProviderAnswer, "{error:?}");
            format!("{error:?}")
        })
    }

    async fn refused(&self, changes: Value, why: &str) {
        let end = self.with(changes.clone()).await;
        assert!(end.as_ref().is_some_and(|end| end.contains(why)), "{changes} {end:?}");
    }
}

#[rocket::async_test]
async fn id_01_every_algorithm_and_a_bad_signature() {
    for signer in Signer::all() {
        let stage = Stage::new(signer).await;
        let good = stage.signer.id_token("one", &stage.claims());
        let grant = stage.finish(&good).await.unwrap();
        assert_eq!(
            (grant.profile.id.as_deref(), grant.profile.name.as_deref()),
            (Some("248289761001"), Some("Jane"))
        );
        assert!(grant.token.id_token.unwrap().matches(&good));

        let (signed, signature) = good.rsplit_once('.').unwrap();
        let mut bytes = decode_base64url(signature).unwrap();
        bytes[10] ^= 1;
        assert!(
            stage
                .ends(&format!("{signed}.{}", encode_base64url(&bytes)))
                .await
                .unwrap()
                .contains("signed it")
        );
        let mut other = stage.claims();
        other["sub"] = json!("somebody-else");
        let forged = stage.signer.id_token("one", &other);
        let mixed = format!("{}.{signature}", forged.rsplit_once('.').unwrap().0);
        assert!(stage.ends(&mixed).await.unwrap().contains("signed it"));
        assert!(stage.ends(&format!("{signed}.")).await.is_some());
    }
}

#[rocket::async_test]
async fn id_02_id_03_id_04_id_05_algorithms_are_ours_to_say() {
    let stage = Stage::new(Signer::rs()).await;
    let claims = stage.claims().to_string();
    for alg in ["none", "None", "nOnE", "HS256", "hs256", "HS512", "rs256", "RS1", "ES256K", ""] {
        let token = stage.signer.token(&json!({"alg": alg, "kid": "one"}).to_string(), &claims);
        assert!(stage.ends(&token).await.unwrap().contains("algorithm"), "{alg}");
        let bare = format!("{}.", token.rsplit_once('.').unwrap().0);
        assert!(stage.ends(&bare).await.is_some());
    }
    for header in [r#"{"kid": "one"}"#, r#"{"alg": null}"#, r#"{"alg": ["RS256"]}"#] {
        assert!(stage.ends(&stage.signer.token(header, &claims)).await.is_some(), "{header}");
    }
    // The public key as an HMAC key, in the encodings that vulnerable libraries accepted.
    let n = stage.signer.jwk("one")["n"].as_str().unwrap().to_owned();
    for key in
        [n.as_bytes(), &decode_base64url(&n).unwrap(), stage.signer.jwk("one").to_string().as_bytes(), b""]
    {
        let signed = format!(
            "{}.{}",
            encode_base64url(br#"{"alg":"HS256","kid":"one"}"#),
            encode_base64url(claims.as_bytes())
        );
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key);
        let mac = encode_base64url(ring::hmac::sign(&key, signed.as_bytes()).as_ref());
        assert!(stage.ends(&format!("{signed}.{mac}")).await.unwrap().contains("algorithm"));
    }
    // PS256 by an RSA key is refused if the entry or the key names RS256.
    let ps = Signer::ps();
    assert!(stage.ends(&ps.id_token("one", &stage.claims())).await.unwrap().contains("signed it"));
    // The name of the same algorithm in RFC 9864.
    let ed = Stage::new(Signer::ed()).await;
    let token = ed.signer.token(r#"{"alg": "Ed25519", "kid": "one"}"#, &ed.claims().to_string());
    assert_eq!(ed.ends(&token).await, None);
    let mut narrow = Stage::new(Signer::ed()).await;
    openid_options(&mut narrow.entry).signing_algorithms = vec![SigningAlgorithm::RS256];
    let good = narrow.signer.id_token("one", &narrow.claims());
    assert!(narrow.ends(&good).await.unwrap().contains("algorithm"));
}

#[rocket::async_test]
async fn id_06_a_header_brings_no_keys() {
    let stage = Stage::new(Signer::es()).await;
    let claims = stage.claims().to_string();
    let (evil, at) = (Signer::es(), &stage.server.url);
    for extra in [
        json!({"jku": format!("{at}/evil")}),
        json!({"x5u": format!("{at}/evil")}),
        json!({"jwk": evil.jwk("one")}),
        json!({"x5c": ["MIIB"]}),
    ] {
        let mut header = json!({"alg": "ES256", "kid": "one"});
        header.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        assert!(stage.ends(&evil.token(&header.to_string(), &claims)).await.unwrap().contains("signed it"));
    }
    assert!(stage.server.asked("/evil").is_empty());
    let crit = stage.signer.token(r#"{"alg": "ES256", "kid": "one", "crit": ["exp"], "exp": 1}"#, &claims);
    assert!(stage.ends(&crit).await.unwrap().contains("extension"));
}

#[rocket::async_test]
async fn id_07_the_issuer() {
    let stage = Stage::new(Signer::es()).await;
    let at = &stage.server.url;
    for iss in [
        json!(null),
        json!(""),
        json!(format!("{at}/")),
        json!(at.to_uppercase()),
        json!([at]),
        json!("https://evil.example"),
    ] {
        stage.refused(json!({ "iss": iss }), "`iss`").await;
    }
}

#[rocket::async_test]
async fn id_08_the_subject() {
    let stage = Stage::new(Signer::es()).await;
    for sub in
        [json!(""), json!(7), json!([]), json!(true), json!("a".repeat(256)), json!("a\n"), json!(null)]
    {
        stage.refused(json!({ "sub": sub }), "`sub`").await;
    }
    let text = stage.claims().to_string().replace("\"248289761001\"", "null");
    assert!(
        stage
            .ends(&stage.signer.token(r#"{"alg":"ES256","kid":"one"}"#, &text))
            .await
            .unwrap()
            .contains("`sub`")
    );
}

#[rocket::async_test]
async fn id_09_id_10_the_audience() {
    let mut stage = Stage::new(Signer::es()).await;
    for aud in
        [json!(null), json!("you"), json!([]), json!(["you"]), json!(""), json!(["me", 7]), json!({"me": 1})]
    {
        stage.refused(json!({ "aud": aud }), "`aud`").await;
    }
    for azp in [json!(null), json!("me"), json!("you")] {
        stage.refused(json!({"aud": ["me", "you"], "azp": azp}), "`trusted_audiences`").await;
    }
    stage.refused(json!({"aud": ["me", 7], "azp": "me"}), "not this client").await;
    stage.refused(json!({"azp": "you"}), "`azp`").await;
    stage.refused(json!({"azp": ["me"]}), "not a text").await;
    for good in [json!({"aud": ["me"]}), json!({"aud": ["me", "me"], "azp": "me"}), json!({"azp": "me"})] {
        assert_eq!(stage.with(good).await, None);
    }
    openid_options(&mut stage.entry).trusted_audiences = vec!["you".into(), "they".into()];
    stage.refused(json!({"aud": ["me", "you"]}), "`azp`").await;
    stage.refused(json!({"aud": ["me", "you"], "azp": "you"}), "`azp`").await;
    stage.refused(json!({"aud": ["you"], "azp": "me"}), "`aud`").await;
    stage.refused(json!({"aud": ["me", "you", "others"], "azp": "me"}), "`trusted_audiences`").await;
    assert_eq!(stage.with(json!({"aud": ["me", "you", "they"], "azp": "me"})).await, None);
}

#[rocket::async_test]
async fn id_11_id_12_id_13_times() {
    let stage = Stage::new(Signer::es()).await;
    let now = Clock::default().now();
    let skew = stage.entry.clock_skew;
    for exp in [
        json!(null),
        json!(now - skew - 1),
        json!("9999999999"),
        json!(-1),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e300),
        json!([now]),
    ] {
        stage.refused(json!({ "exp": exp }), "").await;
    }
    for iat in [
        json!(null),
        json!(now + skew + 100),
        json!(now.to_string()),
        json!(-1),
        json!(u64::MAX),
        json!(now - 2 * 86_400),
    ] {
        stage.refused(json!({ "iat": iat }), "").await;
    }
    stage.refused(json!({"nbf": now + skew + 100}), "`nbf`").await;
    stage.refused(json!({"nbf": "now"}), "not a number").await;
    for good in [
        // R5: claims that were not requested, null and empty ones.
        json!({"auth_time": "now", "acr": 1}),
        json!({"nbf": null, "azp": null, "at_hash": null, "c_hash": "", "tid": null}),
        json!({"name": {}, "bio": [1]}),
        json!({"exp": now as f64 + 100.5}),
        json!({"exp": now - skew + 10}),
        json!({"iat": now + skew - 10}),
        json!({"nbf": now}),
    ] {
        assert_eq!(stage.with(good).await, None);
    }
}

/// The exact second at which each time is no longer accepted. The clock does not move.
#[test]
fn id_11_id_12_id_13_to_the_second() {
    const NOW: i64 = 1_700_000_000;
    let entry =
        entry("provider = \"oidc\"\nissuer = \"https://op.example\"\nclient_secret = \"s\"\nclock_skew = 60");
    let access_token = Secret::new("at");
    let check = IdTokenCheck {
        entry: &entry,
        clients: std::slice::from_ref(&entry.client_id),
        now: NOW,
        nonce: None,
        access_token: Some(&access_token),
        code: None,
        requirements: None,
    };
    let is_fine = |name: &str, value: Value| {
        let mut claims =
            json!({"iss": "https://op.example", "aud": "me", "sub": "1", "exp": NOW + 300, "iat": NOW});
        claims[name] = value;
        let Value::Object(claims) = claims else { unreachable!() };
        check.run(claims, SigningAlgorithm::RS256).is_ok()
    };
    for (name, good, bad) in [
        ("exp", json!(NOW - 59), json!(NOW - 60)),
        ("exp", json!(1e12), json!(1e12 + 1.0)),
        ("iat", json!(NOW + 60), json!(NOW + 61)),
        ("iat", json!(NOW - 60 - 86_400), json!(NOW - 61 - 86_400)),
        ("nbf", json!(NOW + 60), json!(NOW as f64 + 60.5)),
        ("nbf", json!(0), json!(-1)),
    ] {
        assert!(is_fine(name, good.clone()), "{name} {good}");
        assert!(!is_fine(name, bad.clone()), "{name} {bad}");
    }
}

#[rocket::async_test]
async fn id_14_the_nonce() {
    let stage = Stage::new(Signer::es()).await;
    let other_tab = flow(&stage.entry);
    for nonce in [
        json!(null),
        json!(""),
        json!("x"),
        json!(7),
        json!(other_tab.nonce().expose()),
        json!([stage.flow.nonce().expose()]),
    ] {
        stage.refused(json!({ "nonce": nonce, "nonce_supported": false }), "").await;
    }
    let twice = stage.claims().to_string().replacen('{', "{\"nonce\":\"x\",", 1);
    assert!(
        stage
            .ends(&stage.signer.token(r#"{"alg":"ES256","kid":"one"}"#, &twice))
            .await
            .unwrap()
            .contains("twice")
    );
}

#[rocket::async_test]
async fn id_15_no_id_token() {
    let stage = Stage::new(Signer::es()).await;
    stage.server.answer("/token", 200, r#"{"access_token": "at", "token_type": "bearer"}"#);
    let error = stage.engine.exchange(&stage.entry, &stage.flow, &Secret::new("c")).await.unwrap_err();
    assert!(format!("{error:?}").contains("id_token"));
    assert!(stage.server.asked("/me").is_empty());
}

#[rocket::async_test]
async fn id_16_hashes() {
    for signer in Signer::all() {
        let hash = match &signer.alg[2..] {
            "256" => &ring::digest::SHA256,
            "384" => &ring::digest::SHA384,
            _ => &ring::digest::SHA512,
        };
        let half = |text: &str| {
            let digest = ring::digest::digest(hash, text.as_bytes());
            encode_base64url(&digest.as_ref()[..digest.as_ref().len() / 2])
        };
        let stage = Stage::new(signer).await;
        assert_eq!(stage.with(json!({"at_hash": half("at"), "c_hash": half("the-code")})).await, None);
        stage.refused(json!({"at_hash": half("other")}), "hash").await;
        stage.refused(json!({"c_hash": half("other")}), "hash").await;
        stage.refused(json!({"at_hash": 1}), "not a text").await;
    }
}

#[rocket::async_test]
async fn id_22_other_shapes() {
    let stage = Stage::new(Signer::es()).await;
    let good = stage.signer.id_token("one", &stage.claims());
    let header = r#"{"alg":"ES256","kid":"one"}"#;
    let parts: Vec<&str> = good.split('.').collect();
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for token in [
        parts[0].to_owned(),
        parts[..2].join("."),
        format!("{good}.x"),
        format!("{good}.x.y"),
        format!("{good}="),
        format!(" {good}"),
        "..".to_owned(),
        "a".repeat(1 << 19),
        stage.signer.token(header, "[]"),
        stage.signer.token(header, "7"),
        stage.signer.token(header, &deep),
        stage.signer.token(header, ""),
        stage.signer.token(r#"{"alg":"ES256","alg":"ES256"}"#, &stage.claims().to_string()),
    ] {
        assert!(stage.ends(&token).await.is_some(), "{}", &token[..token.len().min(99)]);
    }
}

#[rocket::async_test]
async fn id_23_tokens_of_another_kind() {
    let stage = Stage::new(Signer::es()).await;
    let claims = stage.claims().to_string();
    let with = |typ: Value| {
        stage.signer.token(&json!({"alg": "ES256", "kid": "one", "typ": typ}).to_string(), &claims)
    };
    for typ in
        [json!("logout+jwt"), json!("at+jwt"), json!("application/at+jwt"), json!("secevent+jwt"), json!(1)]
    {
        assert!(stage.ends(&with(typ.clone())).await.is_some(), "{typ}");
    }
    for typ in ["JWT", "jwt"] {
        assert_eq!(stage.ends(&with(json!(typ))).await, None);
    }
}

proptest! {
    #[test]
    fn nothing_panics(token in "\\PC{0,64}|[a-zA-Z0-9_.-]{0,64}", header in "\\{(\"(alg|kid|typ)\":\"?(ES256|1|\\[\\])\"?,?){0,3}\\}", payload in "\\PC{0,32}") {
        let entry = entry("provider = \"github\"\nclient_secret = \"s\"");
        for token in [token.clone(), format!("{}.{}.{token}", encode_base64url(header.as_bytes()), encode_base64url(payload.as_bytes()))] {
            if let Ok(jwt) = Jwt::parse(&token, JwtKind::IdToken, &SigningAlgorithm::ALL) {
                let _ = jwt.claims(&entry);
            }
        }
    }
}
