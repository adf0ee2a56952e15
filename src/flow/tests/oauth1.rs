use super::*;
use crate::flow::signature::encode;

fn oauth1_entry(server: &Server, more: &str) -> Entry {
    let at = &server.url;
    entry(&format!(
        "provider = \"oauth1\"\nclient_secret = \"the-secret\"\nrequest_token_url = \"{at}/request\"\n\
         authorization_url = \"{at}/auth?a=b\"\naccess_token_url = \"{at}/token\"\nuserinfo_url = \"{at}/me\"\n\
         profile = {{ id = \"id\" }}\n{more}"
    ))
}

const TEMPORARY: &str = "oauth_token=tmp%2F1&oauth_token_secret=tmp+secret&oauth_callback_confirmed=true";
const TOKEN: &str = "oauth_token=tok&oauth_token_secret=sec&screen_name=ada";

async fn begun(entry: &Entry) -> Result<Flow> {
    let mut flow = flow(entry);
    engine().begin(entry, &mut flow, &BTreeMap::new()).await.map(|_| flow)
}

async fn not_begun(entry: &Entry) -> Error {
    begun(entry).await.err().unwrap()
}

async fn finished(entry: &Entry) -> Result<Grant> {
    let flow = begun(entry).await?;
    engine().exchange(entry, &flow, &Secret::new("the verifier")).await
}

/// Starts a server with good answers.
async fn good() -> Server {
    let server = Server::start().await;
    server.answer("/request", 200, TEMPORARY).answer("/token", 200, TOKEN).answer(
        "/me",
        200,
        json!({"id": 7}),
    );
    server
}

#[rocket::async_test]
async fn a_whole_dance() {
    let server = good().await;
    let mut entry = oauth1_entry(
        &server,
        "authorization_params = { lang = \"fr\" }\ntoken_params = { x_auth_access_type = \"read\" }\n\
         headers = { X-Tenant = \"7\" }",
    );
    // Rocket.toml refuses such parameters; an app's own preset could have them.
    entry.additions.token_params.insert("oauth_callback".into(), "oob".into());
    let extra = [("screen_name", "ada"), ("oauth_token", "evil"), ("oauth_callback", "https://evil.example")];
    let extra = extra.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let mut flow = flow(&entry);
    let url = Url::parse(&engine().begin(&entry, &mut flow, &extra).await.unwrap()).unwrap();
    // ST-19 and O1-09: no secret, and no parameter that replaces one of the protocol.
    let query: Vec<_> = url.query_pairs().into_owned().collect();
    let wanted = [("a", "b"), ("oauth_token", "tmp/1"), ("lang", "fr"), ("screen_name", "ada")];
    assert_eq!(query, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(flow.state().matches("tmp/1"));

    let grant = engine().exchange(&entry, &flow, &Secret::new("v&1")).await.unwrap();
    assert_eq!(grant.profile.id.as_deref(), Some("7"));
    assert!(grant.token.access_token.matches("tok") && grant.token.token_secret.unwrap().matches("sec"));
    assert_eq!(
        (grant.token.token_type.as_str(), &grant.token.extra["screen_name"]),
        ("OAuth", &json!("ada"))
    );
    assert!(grant.token.expires_at.is_none() && grant.token.refresh_token.is_none());

    let asked = |path| server.asked(path).remove(0);
    let request = asked("/request");
    assert!(
        request.head.starts_with("POST ")
            && request.form() == BTreeMap::from([("x_auth_access_type".into(), "read".into())])
    );
    let callback = format!("oauth_callback=\"{}\"", encode(entry.redirect_uri.as_bytes()));
    assert!(request.header("authorization").unwrap().contains(&callback));
    assert_eq!(request.header("x-tenant"), Some("7"));
    let token = asked("/token");
    assert!(
        token.head.starts_with("POST ")
            && token.header("content-length") == Some("0")
            && token.body.is_empty()
    );
    for part in ["oauth_token=\"tmp%2F1\"", "oauth_verifier=\"v%261\"", "oauth_version=\"1.0\""] {
        assert!(token.header("authorization").unwrap().contains(part), "{part}");
    }
    assert!(asked("/me").header("authorization").unwrap().contains("oauth_token=\"tok\""));
}

#[rocket::async_test]
async fn o1_07_an_unconfirmed_callback() {
    let server = good().await;
    let entry = oauth1_entry(&server, "");
    for confirmed in
        ["", "&oauth_callback_confirmed=false", "&oauth_callback_confirmed=1", "&oauth_callback_confirmed="]
    {
        server.answer("/request", 200, format!("oauth_token=t&oauth_token_secret=s{confirmed}"));
        let error = not_begun(&entry).await;
        assert_eq!(error.kind(), ErrorKind::BadProviderAnswer, "{confirmed}");
        assert!(format!("{error:?}").contains("oauth_callback_confirmed"), "{error:?}");
    }
}

#[rocket::async_test]
async fn r14_a_confirmation_in_any_case() {
    let server = good().await;
    let entry = oauth1_entry(&server, "");
    for (status, confirmed) in [(200, "True"), (200, "TRUE"), (201, "true")] {
        let body = format!("oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed={confirmed}");
        server.answer("/request", status, body);
        engine().begin(&entry, &mut flow(&entry), &BTreeMap::new()).await.unwrap();
    }
}

#[rocket::async_test]
async fn o1_11_forms_of_any_type_and_nothing_else() {
    let server = good().await;
    let entry = oauth1_entry(&server, "");
    // The small server sends text/plain. A line break at the end is usual.
    server.answer("/token", 200, format!("{TOKEN}\n"));
    assert_eq!(finished(&entry).await.unwrap().token.extra["screen_name"], "ada");
    server.answer("/token", 200, "oauth_token=t&oauth_token_secret=");
    assert!(finished(&entry).await.unwrap().token.token_secret.unwrap().matches(""));
    let endless = format!("{TOKEN}&x={}", "x".repeat(1 << 20));
    for bad in [
        "",
        "oauth_token=t",
        "oauth_token_secret=s",
        "oauth_token=&oauth_token_secret=s",
        "oauth_token=t&oauth_token_secret=s&oauth_token=t",
        "oauth_token=%ff&oauth_token_secret=s",
        "oauth_token=%&oauth_token_secret=s",
        "{\"oauth_token\": \"t\", \"oauth_token_secret\": \"s\"}",
        "<html>oauth_token=t&oauth_token_secret=s</html>",
        &endless,
    ] {
        server.answer("/token", 200, bad);
        let error = finished(&entry).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadProviderAnswer, "{}", &bad[..bad.len().min(80)]);
        server.answer("/request", 200, bad.replace("s&oauth", "s&oauth_callback_confirmed=true&oauth"));
        assert_eq!(not_begun(&entry).await.kind(), ErrorKind::BadProviderAnswer);
        server.answer("/request", 200, TEMPORARY);
    }
    let long = |token: usize, secret: usize| {
        let (token, secret) = ("t".repeat(token), "s".repeat(secret));
        format!("oauth_token={token}&oauth_token_secret={secret}&oauth_callback_confirmed=true")
    };
    server.answer("/request", 200, long(1024, 1024));
    assert!(begun(&entry).await.is_ok());
    for long in [long(1025, 1), long(1, 1025)] {
        server.answer("/request", 200, long);
        assert_eq!(not_begun(&entry).await.kind(), ErrorKind::BadProviderAnswer);
    }
}

#[rocket::async_test]
async fn o1_10_no_redirect_is_followed() {
    let server = good().await;
    let entry = oauth1_entry(&server, "");
    for status in [301, 302, 303, 307, 308] {
        server.answer("/token", status, TOKEN);
        assert_eq!(finished(&entry).await.unwrap_err().kind(), ErrorKind::BadProviderAnswer, "{status}");
        server.answer("/request", status, TEMPORARY);
        assert_eq!(not_begun(&entry).await.kind(), ErrorKind::BadProviderAnswer, "{status}");
        server.answer("/request", 200, TEMPORARY);
    }
    assert!(server.asked("/elsewhere").is_empty());
}

#[rocket::async_test]
async fn refusals_say_who_must_act() {
    let server = good().await;
    let entry = oauth1_entry(&server, "");
    for (path, status, body, kind) in [
        ("/request", 401, "", ErrorKind::Misconfigured),
        ("/request", 401, "oauth_problem=consumer_key_unknown", ErrorKind::Misconfigured),
        ("/request", 401, "oauth_problem=token_rejected", ErrorKind::Misconfigured),
        ("/request", 400, "{\"errors\": []}", ErrorKind::Misconfigured),
        ("/request", 503, "", ErrorKind::ProviderUnreachable),
        ("/request", 429, "", ErrorKind::ProviderUnreachable),
        ("/request", 204, "", ErrorKind::BadProviderAnswer),
        ("/token", 401, "", ErrorKind::CallbackNotTrusted),
        ("/token", 401, "oauth_problem=token_rejected", ErrorKind::CallbackNotTrusted),
        ("/token", 401, "oauth_problem=signature_invalid", ErrorKind::Misconfigured),
        ("/token", 500, "", ErrorKind::ProviderUnreachable),
    ] {
        server.answer("/request", 200, TEMPORARY).answer("/token", 200, TOKEN).answer(path, status, body);
        let error = finished(&entry).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{path} {status} {body}: {error:?}");
    }
    // What the answer quotes is not in the error.
    server.answer("/request", 401, "oauth_problem=the-secret%26&x=the-secret");
    assert!(!format!("{:?}", not_begun(&entry).await).contains("the-secret"));
}

#[rocket::async_test]
async fn o1_06_a_clock_that_is_wrong() {
    let server = good().await;
    let entry = oauth1_entry(&server, "");
    server.answer("/request", 401, "oauth_problem=timestamp_refused");
    let error = not_begun(&entry).await;
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(
        format!("{error:?}").contains("`timestamp_refused`; correct the clock of this machine"),
        "{error:?}"
    );
    // An answer without a problem, but with a date.
    for (path, said) in [("/request", "request"), ("/token", "token")] {
        let server = good().await;
        let entry = oauth1_entry(&server, "");
        server.answer(path, 401, "").header(path, "date: Sat, 21 Nov 2020 14:36:00 GMT");
        let error = finished(&entry).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{said}");
        let said = format!("{error:?}");
        assert!(said.contains("s ahead of the provider's: correct it") && !said.contains("is -"), "{said}");
    }
    // If the date shows no difference, the verifier is refused.
    let server = good().await;
    let entry = oauth1_entry(&server, "");
    let date = time::OffsetDateTime::now_utc().format(&time::format_description::well_known::Rfc2822);
    server.answer("/token", 401, "").header("/token", &format!("date: {}", date.unwrap()));
    let error = finished(&entry).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CallbackNotTrusted, "{error:?}");
}

#[rocket::async_test]
async fn without_a_userinfo_there_is_no_identity() {
    let server = good().await;
    let mut entry = oauth1_entry(&server, "");
    entry.userinfo.url = None;
    assert_eq!(finished(&entry).await.unwrap().profile.id, None);
}

#[rocket::async_test]
async fn a_flow_of_another_protocol() {
    let server = good().await;
    let entry = oauth1_entry(&server, "");
    let error = engine().exchange(&entry, &flow(&entry), &Secret::new("v")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CallbackNotTrusted);
    assert!(server.asked("/token").is_empty());
}

#[rocket::async_test]
async fn there_is_nothing_to_refresh_with() {
    let server = good().await;
    let entry = oauth1_entry(&server, "");
    let error = engine().refresh(&entry, &Token::oauth1("t", "s"), Some("7")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReconnectNeeded);
    let mut request = engine().http.client.get(format!("{}/me", server.url)).build().unwrap();
    let error = engine().authorize_request(&entry, &mut request, &Token::new("bearer")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReconnectNeeded);
    assert!(request.headers().get("authorization").is_none());
}

#[rocket::async_test]
async fn r14_the_realm_is_sent_and_not_signed() {
    let server = good().await;
    let entry = oauth1_entry(&server, "realm = \"https://op.example/a b\"");
    engine().begin(&entry, &mut flow(&entry), &BTreeMap::new()).await.unwrap();
    let asked = &server.asked("/request")[0];
    let header = asked.header("authorization").unwrap();
    assert!(header.starts_with("OAuth realm=\"https://op.example/a b\", oauth_consumer_key="), "{header}");
    finished(&entry).await.unwrap();
}
