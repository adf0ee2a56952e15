use super::*;
use crate::config::AUTHORIZATION_PARAMS;
use crate::flow::authorization_request::code_challenge;
use crate::flow::authorization_url::with_parameters;

async fn begun(entry: &Entry, extra: &[(&str, &str)]) -> (Flow, Vec<(String, String)>) {
    let mut flow = flow(entry);
    let extra = extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let url = Url::parse(&engine().begin(entry, &mut flow, &extra).await.unwrap()).unwrap();
    (flow, url.query_pairs().into_owned().collect())
}

fn get<'a>(query: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    query.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str()).collect()
}

fn at(urls: &str) -> Entry {
    entry(&format!(
        "provider = \"oauth2\"\nclient_secret = \"s\"\ntoken_url = \"https://op.example/token\"\n{urls}"
    ))
}

#[test]
fn pk_01_the_vector_of_rfc_7636() {
    let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_eq!(code_challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

#[rocket::async_test]
async fn the_parameters_follow_those_of_the_endpoint() {
    let texts = [("scope", "é a+b&c"), ("x", "%=#")];
    let encoded = "scope=%C3%A9%20a%2Bb%26c&x=%25%3D%23";
    for (endpoint, url) in [
        ("https://op.example", "https://op.example/?"),
        ("https://op.example/auth", "https://op.example/auth?"),
        ("https://op.example/auth?", "https://op.example/auth?"),
        ("https://op.example/auth?p=a+b%20c", "https://op.example/auth?p=a+b%20c&"),
        ("https://op.example/auth?p=a&", "https://op.example/auth?p=a&"),
    ] {
        let endpoint = Url::parse(endpoint).unwrap();
        assert_eq!(with_parameters(&endpoint, texts), format!("{url}{encoded}"));
        let with_fragment = Url::parse(&format!("{endpoint}#/begin")).unwrap();
        assert_eq!(with_parameters(&with_fragment, texts), format!("{url}{encoded}#/begin"));
        let read: Vec<_> =
            Url::parse(&format!("{url}{encoded}")).unwrap().query_pairs().into_owned().collect();
        assert!(read.ends_with(&texts.map(|(name, value)| (name.to_owned(), value.to_owned()))));
    }
}

#[rocket::async_test]
async fn pk_01_every_request_has_a_challenge_of_its_own_verifier() {
    let entry = at("authorization_url = \"https://op.example/auth?tenant=1\"\nscope = [\"a\", \"b\"]");
    let (flow, query) = begun(&entry, &[]).await;
    let challenge = encode_base64url(&sha256(flow.verifier().expose()));
    for (name, value) in [
        ("tenant", "1"),
        ("response_type", "code"),
        ("client_id", "me"),
        ("redirect_uri", &entry.redirect_uri),
        ("state", flow.state().expose()),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("scope", "a b"),
    ] {
        assert_eq!(get(&query, name), [value], "{name}");
    }
    assert!(get(&query, "nonce").is_empty());
}

#[test]
fn pk_02_a_verifier_is_fresh_and_long() {
    let entry = at("authorization_url = \"https://op.example/auth\"");
    let (one, two) = (flow(&entry), flow(&entry));
    assert!((43..=128).contains(&one.verifier().expose().len()));
    assert!(!one.verifier().matches(two.verifier().expose()) && !one.state().matches(two.state().expose()));
    assert!(!one.verifier().matches(one.state().expose()) && !one.nonce().matches(one.state().expose()));
}

#[rocket::async_test]
async fn pkce_off_and_another_separator() {
    let entry = at(
        "authorization_url = \"https://op.example/auth\"\npkce = false\nscope = [\"a\", \"b\"]\nscope_separator = \",\"",
    );
    let (_, query) = begun(&entry, &[]).await;
    assert!(get(&query, "code_challenge").is_empty() && get(&query, "code_challenge_method").is_empty());
    assert_eq!(get(&query, "scope"), ["a,b"]);
}

#[rocket::async_test]
async fn st_19_extra_parameters_never_override_the_protocols_own() {
    let entry = at(
        "authorization_url = \"https://op.example/auth\"\nscope = [\"a\"]\nauthorization_params = { prompt = \"login\" }",
    );
    let (_, before) = begun(&entry, &[]).await;
    let names = ["state", "nonce", "scope", "response_type", "response_mode", "client_secret", "request"];
    assert!(names.iter().all(|name| AUTHORIZATION_PARAMS.contains(name)));
    let evil: Vec<_> = AUTHORIZATION_PARAMS
        .iter()
        .map(|name| (*name, "evil"))
        .chain([("prompt", "none"), ("x", "y")])
        .collect();
    let (_, after) = begun(&entry, &evil).await;
    assert!(!after.iter().any(|(_, value)| value == "evil"));
    assert_eq!(before.len() + 1, after.len());
    assert_eq!((get(&after, "prompt"), get(&after, "x")), (vec!["none"], vec!["y"]));
}

#[rocket::async_test]
async fn pk_06_what_the_metadata_says_about_pkce() {
    let key = json!([]);
    for (methods, ok) in [(json!(["S256", "plain"]), true), (json!([]), true), (json!(["plain"]), false)] {
        let server = Server::openid(&key).await;
        let at = &server.url;
        server.answer(
            "/.well-known/openid-configuration",
            200,
            json!({"issuer": at, "authorization_endpoint": format!("{at}/auth"), "token_endpoint": format!("{at}/token"),
                   "code_challenge_methods_supported": methods}),
        );
        let entry = oidc_entry(&server, "");
        match engine().begin(&entry, &mut flow(&entry), &BTreeMap::new()).await {
            Ok(url) => assert!(ok && url.contains("code_challenge_method=S256")),
            Err(error) => assert!(!ok && error.kind() == ErrorKind::Misconfigured),
        }
        let off = oidc_entry(&server, "pkce = false");
        assert!(engine().begin(&off, &mut flow(&off), &BTreeMap::new()).await.is_ok());
    }
    let server = Server::openid(&key).await;
    let entry = oidc_entry(&server, "");
    let (flow, query) = begun(&entry, &[]).await;
    assert_eq!(
        (get(&query, "code_challenge_method"), get(&query, "nonce")),
        (vec!["S256"], vec![flow.nonce().expose()])
    );
}

#[rocket::async_test]
async fn a_flow_begins_only_if_its_code_can_be_exchanged() {
    let server = Server::openid(&json!([])).await;
    let at = &server.url;
    server.answer(
        "/.well-known/openid-configuration",
        200,
        json!({"issuer": at, "authorization_endpoint": format!("{at}/auth")}),
    );
    let entry = oidc_entry(&server, "");
    let error = engine().begin(&entry, &mut flow(&entry), &BTreeMap::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(format!("{error:?}").contains("token_url"), "{error:?}");
    let entry = oidc_entry(&server, &format!("token_url = \"{at}/token\""));
    assert!(engine().begin(&entry, &mut flow(&entry), &BTreeMap::new()).await.is_ok());
}

#[rocket::async_test]
async fn dj_08_a_provider_that_is_down_heals() {
    let server = Server::openid(&json!([])).await;
    let good = server.answers.lock().unwrap()["/.well-known/openid-configuration"].1.clone();
    let (entry, engine) = (oidc_entry(&server, ""), engine());
    for (status, body, kind) in [
        (503, "", ErrorKind::ProviderUnreachable),
        (404, "", ErrorKind::BadProviderAnswer),
        (302, "", ErrorKind::BadProviderAnswer),
        (200, "<html>", ErrorKind::BadProviderAnswer),
        (200, &good.replace(&server.url, "https://other.example"), ErrorKind::BadProviderAnswer),
    ] {
        server.answer("/.well-known/openid-configuration", status, body);
        let error = engine.begin(&entry, &mut flow(&entry), &BTreeMap::new()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status} {body}");
    }
    server.answer("/.well-known/openid-configuration", 200, good);
    assert!(engine.begin(&entry, &mut flow(&entry), &BTreeMap::new()).await.is_ok());
    // There is one fetch from now on, whatever the number of requests.
    let before = server.asked.lock().unwrap().len();
    for _ in 0..3 {
        engine.begin(&entry, &mut flow(&entry), &BTreeMap::new()).await.unwrap();
    }
    assert_eq!(server.asked.lock().unwrap().len(), before);
    assert!(server.asked("/elsewhere").is_empty());
}

#[rocket::async_test]
async fn dj_03_what_is_wrong_never_replaces_what_was_good() {
    let server = Server::openid(&json!([])).await;
    let good = server.answers.lock().unwrap()["/.well-known/openid-configuration"].1.clone();
    let (entry, engine) = (oidc_entry(&server, ""), engine());
    let path = |url: String| Url::parse(&url).unwrap().path().to_owned();
    let first = path(engine.begin(&entry, &mut flow(&entry), &BTreeMap::new()).await.unwrap());
    let evil = good.replace("/auth", "/evil");
    for (status, body) in [
        (200, evil.replace(&format!("\"issuer\":\"{}", server.url), "\"issuer\":\"https://evil.example")),
        (200, evil.replace("authorization_endpoint", "authorization_endpoint\": 7, \"x")),
        (200, evil.replace(&format!("{}/jwks", server.url), "http://evil.example/jwks")),
        (200, evil.replacen('{', "{\"issuer\": \"x\",", 1)),
        (200, "[]".to_owned()),
        (404, evil.clone()),
    ] {
        server.answer("/.well-known/openid-configuration", status, body);
        engine.clock.advance(3601);
        let next = engine.begin(&entry, &mut flow(&entry), &BTreeMap::new()).await.unwrap();
        assert_eq!(path(next), first);
    }
    // The old metadata is used for a limited time only.
    engine.clock.advance(86_401);
    assert!(engine.begin(&entry, &mut flow(&entry), &BTreeMap::new()).await.is_err());
    server.answer("/.well-known/openid-configuration", 200, evil);
    let next = engine.begin(&entry, &mut flow(&entry), &BTreeMap::new()).await.unwrap();
    assert_eq!(path(next), "/evil", "the provider chooses its endpoints");
}

#[rocket::async_test]
async fn dj_06_documents_that_are_none() {
    let huge = format!("{{\"x\": \"{}\"}}", "x".repeat(1 << 20));
    let bomb = "\u{1f}\u{8b}".to_owned() + &"\0".repeat(1000);
    let deep = "[".repeat(100_000);
    for body in ["", "<html>", "null", "7", &huge, &bomb, &deep, "\u{feff}{}", "{}{}", "{\"issuer\":"] {
        for encoding in ["identity", "gzip", "deflate", "br"] {
            let server = Server::openid(&json!([])).await;
            server.header("/.well-known/openid-configuration", &format!("content-encoding: {encoding}"));
            server.answer("/.well-known/openid-configuration", 200, body);
            let entry = oidc_entry(&server, "");
            let error = engine().begin(&entry, &mut flow(&entry), &BTreeMap::new()).await.unwrap_err();
            // What does not unpack looks like a broken connection.
            let wanted = if encoding == "identity" || error.kind() != ErrorKind::ProviderUnreachable {
                ErrorKind::BadProviderAnswer
            } else {
                ErrorKind::ProviderUnreachable
            };
            assert_eq!(error.kind(), wanted, "{encoding} {error:?}");
        }
    }
}

#[rocket::async_test]
async fn dj_07_an_issuer_with_a_path() {
    let server = Server::start().await;
    for path in ["/tenant", "/tenant/", "/a/b"] {
        let issuer = format!("{}{path}", server.url);
        let entry = entry(&format!("provider = \"oidc\"\nclient_secret = \"s\"\nissuer = \"{issuer}\""));
        let document = format!("{}/.well-known/openid-configuration", path.trim_end_matches('/'));
        server.answer(
            &document,
            200,
            json!({ "issuer": issuer, "authorization_endpoint": format!("{issuer}auth"),
                    "token_endpoint": format!("{issuer}token") }),
        );
        engine().begin(&entry, &mut flow(&entry), &BTreeMap::new()).await.unwrap();
        assert!(!server.asked(&document).is_empty(), "{path}");
    }
    // Two issuers with one address: the metadata of one is not used for the other.
    let engine = engine();
    for (path, ok) in [("/tenant/", true), ("/tenant", false)] {
        let entry =
            entry(&format!("provider = \"oidc\"\nclient_secret = \"s\"\nissuer = \"{}{path}\"", server.url));
        assert_eq!(engine.begin(&entry, &mut flow(&entry), &BTreeMap::new()).await.is_ok(), ok, "{path}");
    }
}

#[rocket::async_test]
async fn dj_04_redirects_lead_nowhere() {
    let signer = Signer::es();
    for path in ["/.well-known/openid-configuration", "/jwks", "/token", "/me"] {
        let is_needed = path != "/me";
        let server = Server::openid(&json!([signer.jwk("one")])).await;
        let (entry, engine) = (oidc_entry(&server, ""), engine());
        let flow = flow(&entry);
        server.answer("/token", 200, token_answer(&signer.id_token("one", &good_claims(&server, &flow))));
        server.answer("/me", 200, json!({"sub": "248289761001"}));
        for status in [301, 302, 303, 307, 308] {
            server.answer(path, status, "");
            let end = engine.exchange(&entry, &flow, &Secret::new("c")).await.err().map(|error| error.kind());
            assert_eq!(end, is_needed.then_some(ErrorKind::BadProviderAnswer), "{path} {status}");
        }
        assert!(server.asked("/elsewhere").is_empty(), "{path}");
    }
}

/// Its code is not sent to another provider, and not after its lifetime.
#[test]
fn b12_a_flow_is_for_its_entry_as_it_was_and_for_its_lifetime() {
    let at = |name: &str, issuer: &str| {
        let mut entry = entry(&format!("provider = \"oidc\"\nclient_secret = \"s\"\nissuer = \"{issuer}\""));
        entry.name = name.into();
        entry
    };
    let (one, other, moved) =
        (at("op", "https://op.example"), at("other", "https://op.example"), at("op", "https://evil.example"));
    let flow = Flow::new(&one, Purpose::SignIn, None, None, 1_000_000, 1800).unwrap();
    assert!(flow.is_for(&one) && !flow.is_for(&other) && !flow.is_for(&moved));
    // The process that receives the callback may have a clock that is behind.
    let times = [939, 940, 999, 1000, 2799, 2800];
    assert_eq!(times.map(|now| flow.is_valid(now)), [false, true, true, true, true, false]);
    assert_eq!(times.map(|now| flow.has_expired(now)), [false, false, false, false, false, true]);
    // No clock that is a minute behind accepts the callback again after its claim is forgotten.
    assert!(flow.claimed_until() >= 2800 + 60);

    let keys = KeyRing::new([[7; 32]]);
    let sealed = flow.seal(&keys, "a cookie").unwrap();
    let opened = Flow::unseal(&keys, "a cookie", &sealed).unwrap();
    assert!(opened.state().matches(flow.state().expose()) && opened.has_expired(2800));
    assert!(Flow::unseal(&keys, "another", &sealed).is_none());

    let (state, next) =
        (flow.state(), Flow::new(&one, Purpose::SignIn, None, None, 1_000_000, 1800).unwrap().state());
    assert!(!state.matches(next.expose()));
    assert_eq!(state_handle(state.expose()).len(), 16);
    assert_ne!(state_handle(state.expose()), state_handle(next.expose()));
}

/// An issuer that is not the address of its metadata, as with Azure B2C.
#[rocket::async_test]
async fn r11_metadata_and_keys_at_other_addresses() {
    let (signer, other) = (Signer::es(), Signer::es());
    let server = Server::openid(&json!([other.jwk("one")])).await;
    let at = &server.url;
    let document = |issuer: &str| {
        json!({
            "issuer": issuer, "authorization_endpoint": format!("{at}/auth"), "token_endpoint": format!("{at}/token"),
            "jwks_uri": format!("{at}/jwks"),
        })
    };
    server.answer("/b2c/doc", 200, document("https://login.example/tid/v2.0/"));
    server.answer("/keys", 200, json!({"keys": [signer.jwk("one")]}));
    let of = |issuer: &str, more: &str| {
        entry(&format!("provider = \"oidc\"\nclient_secret = \"s\"\nissuer = \"{issuer}\"\n{more}"))
    };
    let metadata = format!("metadata_url = \"{at}/b2c/doc\"");
    let finish = async |entry: &Entry| {
        let flow = flow(entry);
        let mut claims = good_claims(&server, &flow);
        claims["iss"] = json!(entry.issuer.as_ref().unwrap().url);
        server.answer("/token", 200, token_answer(&signer.id_token("one", &claims)));
        engine().exchange(entry, &flow, &Secret::new("c")).await
    };
    let keys = format!("{metadata}\njwks_url = \"{at}/keys\"");
    assert!(finish(&of("https://login.example/tid/v2.0/", &keys)).await.is_ok());
    assert!(server.asked("/.well-known/openid-configuration").is_empty());
    // The keys of the document are not the signer's.
    assert!(finish(&of("https://login.example/tid/v2.0/", &metadata)).await.is_err());
    // The issuer is still compared byte for byte, and the log names both.
    let error = finish(&of("https://login.example/tid/v2.0", &keys)).await.unwrap_err();
    let said = format!("{error:?}");
    assert!(
        said.contains("`https://login.example/tid/v2.0/`")
            && said.contains("`https://login.example/tid/v2.0`"),
        "{said}"
    );
    // With both endpoints and the keys, nothing is discovered.
    let all = format!(
        "authorization_url = \"{at}/auth\"\ntoken_url = \"{at}/token\"\njwks_url = \"{at}/keys\"\nuserinfo = \"none\""
    );
    let documents = server.asked("/b2c/doc").len();
    assert!(finish(&of("https://login.example", &all)).await.is_ok());
    assert_eq!(server.asked("/b2c/doc").len(), documents);
}
