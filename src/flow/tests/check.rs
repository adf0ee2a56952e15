use super::*;

const ISSUER: &str = "https://op.example";

async fn checked(entry: &Entry, query: &str) -> Option<ErrorKind> {
    engine()
        .check_callback(entry, &Callback::parse(entry, query).unwrap())
        .await
        .err()
        .map(|error| error.kind())
}

fn known() -> Entry {
    let mut entry = entry(
        "provider = \"oauth2\"\nclient_secret = \"s\"\nauthorization_url = \"https://op.example/auth\"\n\
         token_url = \"https://op.example/token\"",
    );
    entry.issuer = Some(config::Issuer { url: ISSUER.to_owned(), tenants: None });
    entry
}

#[rocket::async_test]
async fn mx_01_mx_02_mx_05_the_issuer_byte_for_byte() {
    let entry = known();
    assert_eq!(checked(&entry, "code=c&state=s&iss=https%3A%2F%2Fop.example").await, None);
    assert_eq!(checked(&entry, "code=c&state=s").await, None);
    for iss in [
        "https://op.example/",
        "https://OP.example",
        "https://op.example:443",
        "http://op.example",
        "https://evil.example",
        "https%253A%252F%252Fop.example",
        "",
    ] {
        assert_eq!(
            checked(&entry, &format!("code=c&state=s&iss={iss}")).await,
            Some(ErrorKind::CallbackNotTrusted),
            "{iss}"
        );
    }
}

#[rocket::async_test]
async fn mx_03_mx_04_a_promised_issuer_is_demanded_on_errors_too() {
    let server = Server::openid(&json!([])).await;
    let promise = {
        let text = &server.answers.lock().unwrap()["/.well-known/openid-configuration"].1;
        text.replacen('{', "{\"authorization_response_iss_parameter_supported\":true,", 1)
    };
    server.answer("/.well-known/openid-configuration", 200, promise);
    let entry = oidc_entry(&server, "");
    let iss = &server.url;
    for (query, wanted) in [
        ("code=c&state=s".into(), Some(ErrorKind::CallbackNotTrusted)),
        ("error=access_denied&state=s".into(), Some(ErrorKind::CallbackNotTrusted)),
        ("error=access_denied&state=s&iss=https://evil.example".into(), Some(ErrorKind::CallbackNotTrusted)),
        (format!("code=c&state=s&iss={iss}"), None),
        (format!("error=access_denied&state=s&iss={iss}"), Some(ErrorKind::AccessDenied)),
    ] {
        assert_eq!(checked(&entry, &query).await, wanted, "{query}");
    }
}

#[rocket::async_test]
async fn the_providers_own_no() {
    for (error, wanted) in [
        ("access_denied", ErrorKind::AccessDenied),
        ("temporarily_unavailable", ErrorKind::ProviderUnreachable),
        ("server_error", ErrorKind::ProviderUnreachable),
        ("invalid_scope", ErrorKind::BadProviderAnswer),
        // R8: the user's "no" in its other spellings, and what the provider needs the user for.
        ("ACCESS_DENIED", ErrorKind::AccessDenied),
        ("user_denied", ErrorKind::AccessDenied),
        ("user_cancelled_login", ErrorKind::AccessDenied),
        ("user_cancelled_authorize", ErrorKind::AccessDenied),
        ("canceled", ErrorKind::AccessDenied),
        ("login_required", ErrorKind::LoginRequired),
        ("consent_required", ErrorKind::ConsentRequired),
        ("interaction_required", ErrorKind::InteractionRequired),
        ("account_selection_required", ErrorKind::AccountSelectionRequired),
    ] {
        assert_eq!(checked(&known(), &format!("error={error}&state=s")).await, Some(wanted), "{error}");
    }
}

#[rocket::async_test]
async fn r8_r11_the_log_has_the_cure_and_both_issuers() {
    let entry = known();
    let cause = async |query: &str| {
        let callback = Callback::parse(&entry, query).unwrap();
        format!("{:?}", engine().check_callback(&entry, &callback).await.unwrap_err())
    };
    assert!(cause("error=redirect_uri_mismatch&state=s").await.contains(&entry.redirect_uri));
    assert!(cause("error=invalid_scope&state=s").await.contains("`scope`"));
    let other = cause("code=c&state=s&iss=https%3A%2F%2Fevil.example").await;
    let ours = &entry.issuer.as_ref().unwrap().url;
    assert!(other.contains("`https://evil.example`") && other.contains(&format!("`{ours}`")), "{other}");
}
