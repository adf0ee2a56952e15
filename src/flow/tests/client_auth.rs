use super::*;
use crate::config::ClientAuthentication;
use crate::provider::{RequestAuthorization, RequestBody, RevocationRequest};
use crate::secret::SigningKey;

const ED25519: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIO7Pa6dkvyypoixLI+okCTrt3IUxpJ2hK9eVh3cIFPme\n-----END PRIVATE KEY-----\n";

fn rsa_pem() -> String {
    use base64::Engine as _;
    let der = include_bytes!("../../../tests/fixtures/rsa2048.pk8");
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

fn keyed(mut entry: Entry, pem: &str, id: Option<&str>, audience: Option<&str>) -> Entry {
    let (id, audience) = (id.map(str::to_owned), audience.map(str::to_owned));
    let key = config::PrivateKey { key: SigningKey::from_pem(pem).unwrap(), id, audience };
    oauth2_options(&mut entry).client_auth = ClientAuthentication::PrivateKeyJwt(key);
    entry
}

/// Returns the header and the claims of the assertion in a form.
fn opened(form: &BTreeMap<String, String>) -> (Value, Value) {
    let part = |part: &str| serde_json::from_slice(&decode_base64url(part).unwrap()).unwrap();
    let mut parts = form["client_assertion"].split('.');
    (part(parts.next().unwrap()), part(parts.next().unwrap()))
}

async fn openid(change: impl Fn(&mut Value)) -> Server {
    let server = Server::openid(&json!([])).await;
    let path = "/.well-known/openid-configuration";
    let mut metadata: Value = serde_json::from_str(&server.answers.lock().unwrap()[path].1).unwrap();
    change(&mut metadata);
    server.answer(path, 200, metadata);
    server
}

#[rocket::async_test]
async fn a_signed_assertion_at_every_endpoint() {
    let server = Server::start().await;
    server.answer("/token", 200, r#"{"access_token": "at", "token_type": "bearer", "refresh_token": "rt"}"#);
    server.answer("/me", 200, r#"{"id": 1}"#).answer(
        "/par",
        201,
        r#"{"request_uri": "urn:x", "expires_in": 60}"#,
    );
    server.answer("/revoke", 200, "");
    let more = format!("par = true\npar_url = \"{0}/par\"\nrevocation_url = \"{0}/revoke\"", server.url);
    let entry = keyed(oauth2_entry(&server, &more), ED25519, Some("key 1"), None);
    let (engine, mut flow) = (engine(), flow(&entry));
    engine.begin(&entry, &mut flow, &BTreeMap::new()).await.unwrap();
    let grant = engine.exchange(&entry, &flow, &Secret::new("c")).await.unwrap();
    engine.refresh(&entry, &grant.token, Some("1")).await.unwrap();
    engine.revoke(&entry, &grant.token).await.unwrap();

    let asked = [server.asked("/par"), server.asked("/token"), server.asked("/revoke")].concat();
    assert_eq!(asked.len(), 1 + 2 + 2);
    let (now, mut used) = (engine.clock.now(), Vec::new());
    for one in &asked {
        let form = one.form();
        assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        assert_eq!((one.header("authorization"), form.get("client_secret")), (None, None));
        assert_eq!(form["client_id"], "me");
        let (header, claims) = opened(&form);
        assert_eq!(header, json!({"alg": "EdDSA", "kid": "key 1", "typ": "JWT"}));
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("me"), &json!("me")));
        // Without an issuer, the audience is the token endpoint, also at the other endpoints.
        assert_eq!(claims["aud"], json!(format!("{}/token", server.url)));
        let time = |name: &str| claims[name].as_i64().unwrap();
        assert!((now..=now + 60).contains(&time("exp")) && time("iat") <= now && time("nbf") <= now);
        used.push(claims["jti"].as_str().unwrap().to_owned());
    }
    used.sort();
    used.dedup();
    assert_eq!(used.len(), asked.len(), "each assertion is used once");
}

#[rocket::async_test]
async fn whom_an_assertion_is_for_and_how_it_is_signed() {
    for (listed, pem, wanted) in [
        (json!(null), rsa_pem(), "RS256"),
        (json!(["PS256", "ES256"]), rsa_pem(), "PS256"),
        (json!(["ES256"]), rsa_pem(), "RS256"),
        (json!(["Ed25519"]), ED25519.to_owned(), "Ed25519"),
    ] {
        // The metadata may name another provider's token endpoint: the assertion is valid for the issuer only.
        let server = openid(|metadata| {
            metadata["token_endpoint_auth_signing_alg_values_supported"] = listed.clone();
        })
        .await;
        server.answer("/token", 400, r#"{"error": "invalid_grant"}"#);
        for (audience, meant) in
            [(None, server.url.as_str()), (Some("https://a.example"), "https://a.example")]
        {
            let entry = keyed(oidc_entry(&server, ""), &pem, None, audience);
            engine().exchange(&entry, &flow(&entry), &Secret::new("c")).await.unwrap_err();
            let (header, claims) = opened(&server.asked("/token").last().unwrap().form());
            assert_eq!((header, &claims["aud"]), (json!({"alg": wanted, "typ": "JWT"}), &json!(meant)));
        }
    }
}

#[rocket::async_test]
async fn tr_13_client_authentication_at_the_other_endpoints() {
    let server = Server::start().await;
    server.answer("/revoke", 200, "");
    let more = format!("revocation_url = \"{}/revoke\"", server.url);
    let mut entry = oauth2_entry(&server, &more);
    entry.client_id = "a:b c".into();
    let secret = || Secret::new("s+%é");
    for client_auth in [
        ClientAuthentication::ClientSecretBasic(secret()),
        ClientAuthentication::ClientSecretPost(secret()),
        ClientAuthentication::None,
    ] {
        oauth2_options(&mut entry).client_auth = client_auth;
        engine().revoke(&entry, &Token::new("at")).await.unwrap();
    }
    let asked = server.asked("/revoke");
    // a%3Ab+c:s%2B%25%C3%A9, as at the token endpoint.
    assert_eq!(asked[0].header("authorization"), Some("Basic YSUzQWIrYzpzJTJCJTI1JUMzJUE5"));
    let said = |at: usize| {
        (asked[at].form().get("client_id").cloned(), asked[at].form().get("client_secret").cloned())
    };
    assert_eq!(said(0), (None, None));
    assert_eq!(said(1), (Some("a:b c".into()), Some("s+%é".into())));
    assert_eq!(said(2), (Some("a:b c".into()), None));
    assert_eq!((asked[1].header("authorization"), asked[2].header("authorization")), (None, None));
}

#[rocket::async_test]
async fn a_pushed_request_stands_for_the_whole_one() {
    for (required, keys, pushed) in
        [(false, "", 0), (true, "", 1), (false, "par = true", 1), (true, "par = false", 0)]
    {
        let server = openid(|metadata| {
            let at = metadata["issuer"].as_str().unwrap().to_owned();
            metadata["require_pushed_authorization_requests"] = json!(required);
            metadata["pushed_authorization_request_endpoint"] = json!(format!("{at}/par"));
        })
        .await;
        server.answer(
            "/par",
            201,
            r#"{"request_uri": "urn:ietf:params:oauth:request_uri:a b&c", "expires_in": 60}"#,
        );
        let entry = oidc_entry(&server, keys);
        let mut flow = flow(&entry);
        let begun = engine().begin(&entry, &mut flow, &BTreeMap::new()).await;
        if pushed == 0 {
            assert!(begun.unwrap().as_str().contains("state="));
            assert!(server.asked("/par").is_empty());
            continue;
        }
        // With a space it is not a URI, and a reader could cut it there.
        assert_eq!(begun.unwrap_err().kind(), ErrorKind::BadProviderAnswer);
        server.answer(
            "/par",
            201,
            r#"{"request_uri": "urn:ietf:params:oauth:request_uri:a&c", "expires_in": 60}"#,
        );
        let url = Url::parse(&engine().begin(&entry, &mut flow, &BTreeMap::new()).await.unwrap()).unwrap();
        let query: Vec<_> = url.query_pairs().into_owned().collect();
        let of = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            query,
            [of("client_id", "me"), of("request_uri", "urn:ietf:params:oauth:request_uri:a&c")]
        );
        let asked = server.asked("/par").pop().unwrap();
        let form = asked.form();
        assert_eq!(asked.header("authorization"), Some("Basic bWU6dGhlLXNlY3JldA=="));
        assert_eq!(
            (form["state"].as_str(), form["nonce"].as_str()),
            (flow.state().expose(), flow.nonce().expose())
        );
        assert_eq!((form["response_type"].as_str(), form["client_id"].as_str()), ("code", "me"));
        assert_eq!(
            (form["redirect_uri"].as_str(), form["code_challenge_method"].as_str()),
            (flow.redirect_uri.as_str(), "S256")
        );
        assert!(!form.contains_key("client_secret") && !form.contains_key("request_uri"));
    }
}

#[rocket::async_test]
async fn a_push_that_is_refused() {
    let server = Server::start().await;
    let at = &server.url;
    let entry = oauth2_entry(&server, &format!("par = true\npar_url = \"{at}/par\""));
    for (status, body, wanted) in [
        (401, r#"{"error": "invalid_client"}"#, ErrorKind::Misconfigured),
        (401, "", ErrorKind::Misconfigured),
        (400, r#"{"error": "unauthorized_client"}"#, ErrorKind::Misconfigured),
        (400, r#"{"error": "invalid_redirect_uri"}"#, ErrorKind::Misconfigured),
        (400, r#"{"error": "invalid_request"}"#, ErrorKind::BadProviderAnswer),
        (405, "", ErrorKind::BadProviderAnswer),
        (413, "<html>", ErrorKind::BadProviderAnswer),
        (429, "", ErrorKind::ProviderUnreachable),
        (503, "", ErrorKind::ProviderUnreachable),
        (302, "", ErrorKind::BadProviderAnswer),
        (201, "", ErrorKind::BadProviderAnswer),
        (201, "{}", ErrorKind::BadProviderAnswer),
        (201, r#"{"request_uri": ""}"#, ErrorKind::BadProviderAnswer),
        (201, r#"{"request_uri": 7}"#, ErrorKind::BadProviderAnswer),
        (201, r#"{"request_uri": "urn:a\nb"}"#, ErrorKind::BadProviderAnswer),
        (201, &format!(r#"{{"request_uri": "urn:{}"}}"#, "a".repeat(2048)), ErrorKind::BadProviderAnswer),
        (204, r#"{"request_uri": "urn:x"}"#, ErrorKind::BadProviderAnswer),
    ] {
        server.answer("/par", status, body);
        let error = engine().begin(&entry, &mut flow(&entry), &BTreeMap::new()).await.unwrap_err();
        assert_eq!(error.kind(), wanted, "{status} {body}: {error:?}");
        assert!(!format!("{error:?}").contains("the-secret"));
    }
    let mut nowhere = entry;
    oauth2_options(&mut nowhere).endpoints.pushed_request = None;
    let error = engine().begin(&nowhere, &mut flow(&nowhere), &BTreeMap::new()).await.unwrap_err();
    assert!(format!("{error:?}").contains("`par_url` is needed"), "{error:?}");
}

#[rocket::async_test]
async fn rf_06_the_refresh_token_first() {
    let server = Server::start().await;
    let entry = oauth2_entry(&server, &format!("revocation_url = \"{}/revoke\"", server.url));
    let token = Token::new("at-1").with_refresh_token("rt-1");
    let revoked = async |status, body: &str, token: &Token| {
        server.answer("/revoke", status, body);
        let before = server.asked("/revoke").len();
        let kind = engine().revoke(&entry, token).await.err().map(|error| error.kind());
        let asked = server.asked("/revoke").split_off(before);
        let asked = asked.iter().map(|asked| asked.form());
        (kind, asked.map(|form| format!("{} {}", form["token_type_hint"], form["token"])).collect::<Vec<_>>())
    };
    let both = vec!["refresh_token rt-1".to_owned(), "access_token at-1".to_owned()];
    assert_eq!(revoked(200, "", &token).await, (None, both.clone()));
    assert_eq!(revoked(200, "<html>", &token).await, (None, both.clone()));
    // Google's answer for a token that is invalid already.
    assert_eq!(revoked(400, r#"{"error": "invalid_token"}"#, &token).await, (None, both.clone()));
    // R4: any success, and a provider that revokes tokens of one type only.
    assert_eq!(revoked(204, "", &token).await, (None, both.clone()));
    let unsupported = r#"{"error": "unsupported_token_type"}"#;
    assert_eq!(revoked(400, unsupported, &token).await, (None, both.clone()));
    for (status, body, wanted) in [
        (503, "", ErrorKind::ProviderUnreachable),
        (401, r#"{"error": "invalid_client"}"#, ErrorKind::Misconfigured),
        (302, "", ErrorKind::BadProviderAnswer),
        (404, "", ErrorKind::BadProviderAnswer),
    ] {
        assert_eq!(revoked(status, body, &token).await, (Some(wanted), both.clone()), "{status} {body}");
    }
    let alone = Token::new("at-1");
    assert_eq!(revoked(200, "", &alone).await, (None, both[1..].to_vec()));
    let quoted = r#"{"error": "invalid_request", "error_description": "at-1-is-quoted"}"#;
    let quoting = Token::new("at-1-is-quoted");
    server.answer("/revoke", 400, quoted);
    let error = engine().revoke(&entry, &quoting).await.unwrap_err();
    assert!(!format!("{error:?}").contains("at-1"), "{error:?}");
}

#[rocket::async_test]
async fn r13_the_method_that_the_metadata_accepts() {
    let signer = Signer::es();
    for (methods, more, in_form) in [
        (json!(["client_secret_post"]), "", true),
        (json!(["private_key_jwt", "client_secret_post"]), "", true),
        (json!(["client_secret_basic", "client_secret_post"]), "", false),
        (json!(["client_secret_post"]), "token_endpoint_auth_method = \"client_secret_basic\"", false),
        (json!(["client_secret_basic"]), "token_endpoint_auth_method = \"client_secret_post\"", true),
        (json!(null), "", false),
        (json!([]), "", false),
    ] {
        let server = Server::openid(&json!([signer.jwk("one")])).await;
        let path = "/.well-known/openid-configuration";
        let document = server.answers.lock().unwrap()[path].1.clone();
        let mut document: Value = serde_json::from_str(&document).unwrap();
        document["token_endpoint_auth_methods_supported"] = methods.clone();
        server.answer(path, 200, document).answer("/token", 400, json!({"error": "invalid_grant"}));
        let entry = oidc_entry(&server, more);
        engine().exchange(&entry, &flow(&entry), &Secret::new("c")).await.unwrap_err();
        let asked = &server.asked("/token")[0];
        assert_eq!(asked.form().contains_key("client_secret"), in_form, "{methods} {more}");
        assert_eq!(asked.header("authorization").is_none(), in_form, "{methods} {more}");
    }
}

#[rocket::async_test]
async fn rf_06_one_request_that_ends_the_grant() {
    const BODY: RequestBody = RequestBody::Json(r#"{"a":"{access_token}","r":"{refresh_token}"}"#);
    let server = Server::start().await;
    let mut entry = oauth2_entry(&server, &format!("revocation_url = \"{}/revoke\"", server.url));
    let token = Token::new("at\"-1").with_refresh_token("rt-1");
    let mut revoked = async |request, status| {
        oauth2_options(&mut entry).revocation = request;
        server.answer("/revoke", status, "");
        let before = server.asked("/revoke").len();
        let end = engine().revoke(&entry, &token).await;
        assert_eq!(server.asked("/revoke").len(), before + 1);
        end.err().map(|error| error.kind())
    };
    let delete = RevocationRequest::Delete(RequestAuthorization::Client, BODY);
    assert_eq!(revoked(delete, 204).await, None);
    let asked = server.asked("/revoke").pop().unwrap();
    assert!(asked.head.starts_with("DELETE "), "{}", asked.head);
    assert_eq!(asked.header("authorization"), Some("Basic bWU6dGhlLXNlY3JldA=="));
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(body, json!({"a": "at\"-1", "r": "rt-1"}));
    // What is to be deleted does not exist.
    assert_eq!(revoked(delete, 404).await, None);
    // The client is wrong, or the provider is down.
    assert_eq!(revoked(delete, 401).await, Some(ErrorKind::BadProviderAnswer));
    assert_eq!(revoked(delete, 503).await, Some(ErrorKind::ProviderUnreachable));

    let post = RevocationRequest::Post(RequestAuthorization::AccessToken, RequestBody::Empty);
    assert_eq!(revoked(post, 200).await, None);
    let asked = server.asked("/revoke").pop().unwrap();
    assert_eq!((asked.header("authorization"), asked.body.as_str()), (Some("Bearer at\"-1"), ""));
    // The token is invalid already.
    assert_eq!(revoked(post, 401).await, None);
    assert_eq!(revoked(post, 404).await, Some(ErrorKind::BadProviderAnswer));
}
