//! The endpoints of the provider, requested directly.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{CALLBACK, VERIFIER, authorization, claims, code, exchange, get, parameter, refresh, token};
use crate::provider::SigningAlgorithm;
use crate::secret::decode_base64url;
use crate::testing::authorization_response::http_client;
use crate::testing::{FakeProvider, FakeResponse, ProviderEndpoint};

#[rocket::async_test]
async fn a_sign_in_from_the_first_request_to_the_refresh() {
    let fake = FakeProvider::start().await;
    let callback = fake.authorize(&authorization(fake.issuer(), fake.client_id(), &[])).await;
    assert!(callback.starts_with(&format!("{CALLBACK}?")));
    assert_eq!(parameter(&callback, "state").as_deref(), Some("s&1"));
    assert_eq!(parameter(&callback, "iss").as_deref(), Some(fake.issuer()));

    let (status, first) = exchange(&fake, &parameter(&callback, "code").unwrap()).await;
    assert_eq!(
        (status, &first["token_type"], &first["expires_in"]),
        (StatusCode::OK, &json!("Bearer"), &json!(3600))
    );
    let id = claims(&first);
    assert_eq!((&id["iss"], &id["sub"]), (&json!(fake.issuer()), &json!("ada")));
    assert_eq!((&id["aud"], &id["nonce"]), (&json!(fake.client_id()), &json!("n-1")));

    let ada = json!({
        "sub": "ada", "id": "ada", "login": "ada", "name": "Ada", "preferred_username": "ada",
        "email": "ada@example.test", "email_verified": true,
    });
    for path in ["/userinfo", "/api/user", "/api/me"] {
        assert_eq!(get(&fake, path, &first).await, (StatusCode::OK, ada.clone()), "{path}");
    }
    let emails = json!([{"email": "ada@example.test", "primary": true, "verified": true}]);
    assert_eq!(get(&fake, "/api/user/emails", &first).await.1, emails);
    assert_eq!(get(&fake, "/api/a/b?c=d", &first).await.1["query"], json!([["c", "d"]]));

    let (status, second) = refresh(&fake, &first).await;
    assert_eq!(status, StatusCode::OK);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!((&claims(&second)["sub"], claims(&second).get("nonce")), (&json!("ada"), None));
    assert_eq!(get(&fake, "/userinfo", &second).await.0, StatusCode::OK);

    let seen = fake.last_request(ProviderEndpoint::Token);
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/token"));
    assert_eq!(
        (seen.form["grant_type"].as_str(), fake.request_count(ProviderEndpoint::Token)),
        ("refresh_token", 2)
    );
}

#[rocket::async_test]
async fn reuse_kills_the_family() {
    let fake = FakeProvider::start().await;
    let (_, first) = exchange(&fake, &code(&fake, &[]).await).await;
    let (_, other) = exchange(&fake, &code(&fake, &[]).await).await;
    let (_, second) = refresh(&fake, &first).await;
    let (status, answer) = refresh(&fake, &first).await;
    assert_eq!((status, &answer["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
    assert_eq!(refresh(&fake, &second).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(get(&fake, "/userinfo", &second).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(refresh(&fake, &other).await.0, StatusCode::OK);

    let once = code(&fake, &[]).await;
    let (_, tokens) = exchange(&fake, &once).await;
    assert_eq!(exchange(&fake, &once).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(get(&fake, "/userinfo", &tokens).await.0, StatusCode::UNAUTHORIZED);
}

#[rocket::async_test]
async fn a_code_is_for_its_verifier_its_redirect_uri_and_its_client() {
    let fake = FakeProvider::start().await;
    let code = code(&fake, &[]).await;
    for (name, value) in [
        ("code_verifier", "wrong"),
        ("code_verifier", ""),
        ("redirect_uri", "http://localhost:8000/login/op/authorized/"),
        ("code", "v1.a.b"),
        ("client_id", "public client"),
    ] {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        fields.retain(|(field, _)| *field != name);
        fields.push((name, value));
        let (status, answer) = token(&fake, &fields).await;
        assert_eq!(
            (status, &answer["error"]),
            (StatusCode::BAD_REQUEST, &json!("invalid_grant")),
            "{name}={value}"
        );
    }
    fake.advance_clock(61);
    assert_eq!(exchange(&fake, &code).await.0, StatusCode::BAD_REQUEST);

    // A verifier where no challenge was sent is a downgrade.
    let plain = self::code(&fake, &[("code_challenge", ""), ("code_challenge_method", "")]).await;
    assert_eq!(exchange(&fake, &plain).await.1["error"], "invalid_grant");
}

#[rocket::async_test]
async fn the_client_authenticates_by_exactly_one_method() {
    let fake = FakeProvider::start().await;
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let (id, secret) = (encoded(fake.client_id()), encoded(fake.client_secret()));
    for (id, secret, body_secret, status) in [
        (id.as_str(), secret.as_str(), None, 200),
        (&id, "wrong", None, 401),
        (&id, fake.client_secret(), None, 401),
        ("unknown", &secret, None, 401),
        (&id, &secret, Some(fake.client_secret()), 400),
    ] {
        let code = code(&fake, &[]).await;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        form.extend(body_secret.map(|secret| ("client_secret", secret)));
        let request = http_client().post(format!("{}/token", fake.issuer())).basic_auth(id, Some(secret));
        assert_eq!(request.form(&form).send().await.unwrap().status(), status, "{id} {secret}");
    }
    let public = fake.authorize(&authorization(fake.issuer(), "public client", &[])).await;
    let public = parameter(&public, "code").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", public.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("client_id", "public client"),
    ];
    assert_eq!(token(&fake, &fields).await.0, StatusCode::OK);
}

#[rocket::async_test]
async fn what_is_wrong_with_an_authorization_request() {
    let fake = FakeProvider::start().await;
    let at = |id: &str, changes: &[(&str, &str)]| authorization(fake.issuer(), id, changes);
    for url in [
        at("unknown", &[]),
        at(fake.client_id(), &[("redirect_uri", "javascript:alert(1)")]),
        at(fake.client_id(), &[("redirect_uri", "http://localhost/#a")]),
        at(fake.client_id(), &[]) + "&redirect_uri=http://evil.test/",
    ] {
        let answer = http_client().get(&url).send().await.unwrap();
        assert_eq!(
            (answer.status(), answer.headers().get("location")),
            (StatusCode::BAD_REQUEST, None),
            "{url}"
        );
    }
    for (url, error) in [
        (at(fake.client_id(), &[("response_type", "token")]), "unsupported_response_type"),
        (at(fake.client_id(), &[("code_challenge_method", "plain")]), "invalid_request"),
        (at("public client", &[("code_challenge", ""), ("code_challenge_method", "")]), "invalid_request"),
        (at(fake.client_id(), &[]) + "&state=2", "invalid_request"),
    ] {
        let callback = fake.authorize(&url).await;
        assert_eq!(parameter(&callback, "error").as_deref(), Some(error), "{url}");
        assert_eq!(
            (parameter(&callback, "code"), parameter(&callback, "iss").as_deref()),
            (None, Some(fake.issuer()))
        );
    }
    fake.deny_next_authorization();
    let denied = fake.authorize(&at(fake.client_id(), &[])).await;
    assert_eq!(parameter(&denied, "error").as_deref(), Some("access_denied"));
    code(&fake, &[]).await;
}

#[rocket::async_test]
async fn tokens_expire_and_are_revoked_on_request() {
    let fake = FakeProvider::start().await;
    let (_, first) = exchange(&fake, &code(&fake, &[]).await).await;
    fake.expire_access_tokens();
    assert_eq!(get(&fake, "/userinfo", &first).await.0, StatusCode::UNAUTHORIZED);
    fake.set_access_token_ttl(5);
    let (_, second) = refresh(&fake, &first).await;
    assert_eq!(
        (get(&fake, "/userinfo", &second).await.0, &second["expires_in"]),
        (StatusCode::OK, &json!(5))
    );
    fake.advance_clock(5);
    assert_eq!(get(&fake, "/userinfo", &second).await.0, StatusCode::UNAUTHORIZED);
    fake.revoke_tokens("ada");
    assert_eq!(refresh(&fake, &second).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(exchange(&fake, &code(&fake, &[]).await).await.0, StatusCode::OK);
}

#[rocket::async_test]
async fn it_misbehaves_on_request() {
    let fake = FakeProvider::start().await;
    fake.set_user("grace")
        .set_userinfo(json!({"sub": "eve"}))
        .edit_claims(|claims| claims["aud"] = json!("else"));
    fake.respond_once(ProviderEndpoint::Token, FakeResponse::status(500).header("Retry-After", "7"));
    fake.respond_once(
        ProviderEndpoint::Token,
        FakeResponse::edit(|answer| answer["expires_in"] = json!("60")),
    );
    let ask = || http_client().post(format!("{}/token", fake.issuer())).send();
    let answer = ask().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (500, "7"));
    let (_, odd) = exchange(&fake, &code(&fake, &[]).await).await;
    assert_eq!((&odd["expires_in"], &claims(&odd)["aud"]), (&json!("60"), &json!("else")));
    assert_eq!(
        (&claims(&odd)["sub"], get(&fake, "/userinfo", &odd).await.1),
        (&json!("grace"), json!({"sub": "eve"}))
    );

    fake.reset_behavior()
        .respond_always(ProviderEndpoint::Userinfo, FakeResponse::redirect("http://evil.test/"));
    for _ in 0..2 {
        let answer = http_client().get(format!("{}/userinfo", fake.issuer())).send().await.unwrap();
        assert_eq!(answer.headers()["location"], "http://evil.test/");
    }
    fake.reset_behavior().edit_id_token(|token| format!("{token}x"));
    let (_, honest) = exchange(&fake, &code(&fake, &[]).await).await;
    assert_eq!((&claims(&honest)["aud"], &honest["expires_in"]), (&json!(fake.client_id()), &json!(3600)));
    assert!(honest["id_token"].as_str().unwrap().ends_with('x'));

    fake.respond_once(ProviderEndpoint::Jwks, FakeResponse::hang());
    let jwks = format!("{}/jwks", fake.issuer());
    let hung = http_client().get(&jwks).timeout(Duration::from_millis(100)).send().await;
    assert!(hung.unwrap_err().is_timeout());
    assert_eq!(fake.request_count(ProviderEndpoint::Jwks), 1);
}

#[rocket::async_test]
async fn id_tokens_verify_with_the_published_key() {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm};

    let fake = FakeProvider::start().await;
    let mut kids = Vec::new();
    for algorithm in [SigningAlgorithm::EdDSA, SigningAlgorithm::ES256, SigningAlgorithm::EdDSA] {
        let (_, answer) = exchange(&fake, &code(&fake, &[]).await).await;
        let jwks: Value =
            http_client().get(format!("{}/jwks", fake.issuer())).send().await.unwrap().json().await.unwrap();
        let key = &jwks["keys"][0];
        let part = |name: &str| decode_base64url(key[name].as_str().unwrap()).unwrap();
        let (verification, public): (&'static dyn VerificationAlgorithm, _) =
            match key["alg"].as_str().unwrap() {
                "EdDSA" => (&ED25519, part("x")),
                "ES256" => (&ECDSA_P256_SHA256_FIXED, [vec![4], part("x"), part("y")].concat()),
                other => panic!("{other}"),
            };
        let (signed, signature) = answer["id_token"].as_str().unwrap().rsplit_once('.').unwrap();
        let verified = UnparsedPublicKey::new(verification, public)
            .verify(signed.as_bytes(), &decode_base64url(signature).unwrap());
        assert!(verified.is_ok());
        let header: Value =
            serde_json::from_slice(&decode_base64url(signed.split('.').next().unwrap()).unwrap()).unwrap();
        assert_eq!((&header["kid"], &header["alg"]), (&key["kid"], &key["alg"]));
        kids.push(key["kid"].to_string());
        fake.rotate_keys(if algorithm == SigningAlgorithm::EdDSA {
            SigningAlgorithm::ES256
        } else {
            SigningAlgorithm::EdDSA
        });
    }
    kids.sort();
    kids.dedup();
    assert_eq!(kids.len(), 3);
}

#[rocket::async_test]
async fn it_is_gone_when_dropped() {
    let fake = FakeProvider::start().await;
    let url = format!("{}/jwks", fake.issuer());
    assert!(http_client().get(&url).send().await.is_ok());
    drop(fake);
    assert!(http_client().get(&url).send().await.is_err());
}
