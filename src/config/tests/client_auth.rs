//! Client authentication, and where secrets come from.

use super::*;

#[test]
fn every_key_of_client_authentication_is_read() {
    let pem = "-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VwBCIEIO7Pa6dkvyypoixLI+okCTrt3IUxpJ2hK9eVh3cIFPme\\n-----END PRIVATE KEY-----";
    for key in [
        format!("private_key = \"{}\"", pem.replace("\\n", "\n").replace('\n', "\\n")),
        "private_key_file = \"key.pem\"".to_owned(),
    ] {
        let toml = format!(
            "#! file key.pem={pem}\n[default.oauth.op]\nprovider = \"oidc\"\nissuer = \"https://op.example/t\"\nclient_id = \"me\"\n\
             token_endpoint_auth_method = \"private_key_jwt\"\n{key}\nprivate_key_id = \"1\"\nprivate_key_audience = \"https://a.example\"\n\
             response_mode = \"form_post\"\npar = true\npar_url = \"https://op.example/par\"\nrevocation_url = \"https://op.example/revoke\"\n"
        );
        let entry = read_entry("op", &toml);
        let options = oauth2(&entry);
        let ClientAuthentication::PrivateKeyJwt(private) = &options.client_auth else {
            panic!("{:?}", options.client_auth)
        };
        assert_eq!(private.key.algorithms(), ["EdDSA", "Ed25519"]);
        assert_eq!(
            (private.id.as_deref(), private.audience.as_deref()),
            (Some("1"), Some("https://a.example"))
        );
        assert_eq!((options.response_mode, options.par), (ResponseMode::FormPost, Some(true)));
        let url = |url: &Option<Url>| url.as_ref().unwrap().to_string();
        assert_eq!(url(&options.endpoints.pushed_request), "https://op.example/par");
        assert_eq!(url(&options.endpoints.revocation), "https://op.example/revoke");
        assert!(!format!("{entry:?} {:?}", options.client_auth).contains("MC4C"));
    }
    let entry = github("");
    assert_eq!((oauth2(&entry).response_mode, oauth2(&entry).par), (ResponseMode::Query, None));
}

#[test]
fn the_environment_wins_over_the_file_and_rocket_over_both() {
    let secret = |toml: &str| client_secret(&read_entry("git-hub", toml)).to_owned();
    let file =
        "[default.oauth.git-hub]\nprovider = \"github\"\nclient_id = \"a\"\nclient_secret = \"file\"\n";
    let named = "#! GIT_HUB_OAUTH_CLIENT_SECRET=00123\n";
    let rocket = "#! ROCKET_OAUTH={git-hub={client_secret=\"rocket\"}}\n";
    assert_eq!(secret(file), "file");
    assert_eq!(secret(&format!("{named}{file}")), "00123");
    assert_eq!(secret(&format!("{rocket}{file}")), "rocket");
    assert_eq!(secret(&format!("{rocket}{named}{file}")), "rocket");
    assert_eq!(secret(&format!("#! GIT_HUB_OAUTH_CLIENT_SECRET=\n{file}")), "file");
    let entries = read_toml(&format!("#! GOOGLE_OAUTH_CLIENT_ID=a\n#! GOOGLE_OAUTH_CLIENT_SECRET=b\n{file}"))
        .unwrap()
        .1;
    assert_eq!(entries.len(), 1, "a variable fills an entry, and does not create one");
}

#[test]
fn a_secret_may_stand_in_a_file_beside_rocket_toml() {
    let secret = |toml: &str| client_secret(&read_entry("github", toml)).to_owned();
    let entry = "[default.oauth.github]\nclient_id = \"a\"\nclient_secret_file = \"secret.txt\"\n";
    assert_eq!(secret(&format!("#! file secret.txt=hush\\n\n{entry}")), "hush");
    assert_eq!(
        secret(&format!("#! file secret.txt=hush\n#! GITHUB_OAUTH_CLIENT_SECRET=env\n{entry}")),
        "env"
    );
    assert_eq!(
        secret(&format!(
            "#! file secret.txt=hush\n#! ROCKET_OAUTH={{github={{client_secret=\"rocket\"}}}}\n{entry}"
        )),
        "rocket"
    );
}
