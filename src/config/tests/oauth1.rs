use super::*;

const URLS: &str = "request_token_url = \"https://op.example/request\"\nauthorization_url = \"https://op.example/auth\"\n\
                    access_token_url = \"https://op.example/token\"\n";
const ANY: &str = "[default.oauth.any]\nprovider = \"oauth1\"\nclient_id = \"key\"\n";

fn oauth1(entry: &Entry) -> &OAuth1Options {
    match &entry.options {
        ProtocolOptions::OAuth1(options) => options,
        _ => panic!("`{}` is an OAuth 1 entry", entry.name),
    }
}

#[test]
fn a_generic_entry_needs_no_code() {
    let any = |more: &str| read_entry("any", &format!("{ANY}{URLS}client_secret = \"secret\"\n{more}"));
    let entry = any("userinfo_url = \"https://op.example/me\"");
    assert_eq!(
        (entry.protocol(), entry.client_id.as_str(), entry.signs_in()),
        (Protocol::OAuth1, "key", true)
    );
    assert_eq!(oauth1(&entry).request_token_url.as_str(), "https://op.example/request");
    assert_eq!(oauth1(&entry).access_token_url.as_str(), "https://op.example/token");
    assert!(oauth1(&entry).client_secret.as_ref().unwrap().matches("secret"));
    for method in ["HMAC-SHA1", "HMAC-SHA256", "PLAINTEXT"] {
        assert_eq!(oauth1(&any(&format!("signature_method = {method:?}"))).signature.method().name(), method);
    }
    assert_eq!(oauth1(&any("")).signature.method(), SignatureMethod::HmacSha1);
    let urls = URLS.replace("access_token_url", "token_url");
    let entry = read_entry("any", &format!("{ANY}{urls}client_secret = \"secret\""));
    assert_eq!(oauth1(&entry).access_token_url.as_str(), "https://op.example/token");
}

#[test]
fn o1_05_plaintext_goes_nowhere_in_the_open() {
    for (host, fine) in
        [("https://op.example", true), ("http://127.0.0.1:4", true), ("http://op.example", false)]
    {
        let urls = URLS.replace("https://op.example", host);
        let read = read_toml(&format!("{ANY}{urls}client_secret = \"x\"\nsignature_method = \"PLAINTEXT\""));
        assert_eq!(read.is_ok(), fine, "{host}");
    }
}

#[test]
fn the_names_of_flask_dance_in_the_environment() {
    let entry = read_entry(
        "twitter",
        "#! TWITTER_OAUTH_CLIENT_KEY=key\n#! TWITTER_OAUTH_CLIENT_SECRET=hush\n[default.oauth.twitter]\n",
    );
    assert_eq!(entry.client_id, "key");
    assert!(oauth1(&entry).client_secret.as_ref().unwrap().matches("hush"));
    assert_eq!(oauth1(&entry).request_token_url.as_str(), "https://api.x.com/oauth/request_token");
    // They are for OAuth 1 only.
    assert_eq!(github("#! GITHUB_OAUTH_CONSUMER_KEY=other").client_id, "id");
}

#[cfg(feature = "rsa-sha1")]
mod rsa {
    use super::*;

    const PEM: &str = include_str!("../../../tests/fixtures/oauth1_rsa.pem");
    const JIRA: &str = "[default.oauth.jira]\nbase_url = \"https://jira.example/tracker/\"\n";

    #[test]
    fn jira_with_its_key() {
        let file = format!("#! file key.pem={}", PEM.replace('\n', "\\n"));
        for toml in [
            format!("{JIRA}client_id = \"key\"\nrsa_key = '''{PEM}'''"),
            format!("{file}\n{JIRA}client_id = \"key\"\nrsa_key_file = \"key.pem\""),
            format!("#! JIRA_OAUTH_CONSUMER_KEY=key\n{JIRA}rsa_key = '''{PEM}'''"),
        ] {
            let entry = read_entry("jira", &toml);
            assert_eq!((entry.client_id.as_str(), oauth1(&entry).client_secret.is_none()), ("key", true));
            assert_eq!(oauth1(&entry).signature.method(), SignatureMethod::RsaSha1);
            let url = |url: &Option<Url>| url.as_ref().unwrap().to_string();
            assert_eq!(url(&entry.userinfo.url), "https://jira.example/tracker/rest/api/2/myself");
            assert_eq!(url(&api_base(&entry)), "https://jira.example/tracker/");
            assert!(!format!("{:?}", oauth1(&entry).signature).contains("MIIC"));
        }
    }

    #[test]
    fn a_key_or_where_it_is_from_the_environment() {
        // A variable of these tests is one line, which is not valid PEM.
        let faults = read_toml(&format!(
            "#! JIRA_OAUTH_RSA_KEY={}\n{JIRA}client_id = \"key\"\n",
            PEM.replace('\n', " ")
        ));
        let faults = faults.unwrap_err();
        assert!(
            faults.contains("default.oauth.jira.rsa_key (environment variable JIRA_OAUTH_RSA_KEY)"),
            "{faults}"
        );
        let entry = read_entry(
            "jira",
            &format!(
                "#! JIRA_OAUTH_RSA_KEY={}/tests/fixtures/oauth1_rsa.pem\n{JIRA}client_id = \"key\"\n",
                env!("CARGO_MANIFEST_DIR")
            ),
        );
        assert_eq!(oauth1(&entry).signature.method(), SignatureMethod::RsaSha1);
    }

    #[test]
    fn o1_12_a_bad_key_stops_the_launch() {
        let public = "-----BEGIN PUBLIC KEY-----\\nMFww\\n-----END PUBLIC KEY-----\\n";
        for (toml, wanted) in [
            ("", "default.oauth.jira.rsa_key (Rocket.toml): is missing: RSA-SHA1 signs with a private key"),
            (
                "rsa_key = \"hush\"",
                "default.oauth.jira.rsa_key (Rocket.toml): is not a private RSA key in PEM",
            ),
            ("rsa_key_file = \"none.pem\"", "default.oauth.jira.rsa_key_file (Rocket.toml): can't be read"),
            (&format!("rsa_key = \"{public}\""), "is not a private RSA key in PEM"),
            ("rsa_key = \"a\"\nrsa_key_file = \"b\"", "both mean the same"),
        ] {
            let faults = read_toml(&format!("{JIRA}client_id = \"key\"\n{toml}\n")).unwrap_err();
            assert!(faults.contains(wanted), "{faults}");
            assert!(faults.contains("rsa_key_file = \"path/to/a/") || toml.contains("\"b\""), "{faults}");
            assert!(!faults.contains("hush") && !faults.contains("MFww"), "{faults}");
        }
    }
}

#[cfg(not(feature = "rsa-sha1"))]
#[test]
fn without_its_feature_rsa_sha1_stops_the_launch() {
    let faults = read_toml(
        "[default.oauth.jira]\nbase_url = \"https://jira.example\"\nclient_id = \"key\"\nrsa_key_file = \"key.pem\"\n",
    )
    .unwrap_err();
    let wanted = "default.oauth.jira.signature_method (Rocket.toml): RSA-SHA1 needs OpenSSL, which is a feature of \
                  rocket_dance: add it to Cargo.toml\n    [dependencies]\n    rocket_dance = { version = \"…\", \
                  features = [\"rsa-sha1\"] }";
    assert_eq!(faults, wanted);
}
