//! Entries and their presets.

use super::*;

#[test]
fn a_preset_lends_its_facts_and_the_entry_its_own() {
    let entry = github("");
    assert_eq!(entry.scope(), ["read:user", "user:email"]);
    assert_eq!(entry.userinfo.extra_urls[0].1.as_str(), "https://api.github.com/user/emails");
    assert_eq!((oauth2(&entry).pkce, entry.signs_in(), entry.clock_skew), (true, true, 60));
    assert!(matches!(oauth2(&entry).client_auth, ClientAuthentication::ClientSecretPost(_)));
    assert!(!format!("{entry:?}").contains("secret"));

    let entry = github(
        "scope = \"a, b c\"\nextra_scope = [\"d\", \"a\"]\nscope_separator = \",\"\nlogin = false\npkce = false\naccount = 583231\n\
         clock_skew = 5\ntoken_endpoint_auth_method = \"client_secret_basic\"\nallow_signup = false\n\
         authorization_params = { a = \"b\", prompt = \"x\" }\ntoken_params = { c = 1 }\nheaders = { X-A = \"b\" }\n\
         profile = { id = \"user.id\" }\ntitle = \"Work\"\nprompt = \"login\"\n",
    );
    assert_eq!(entry.scope(), ["a", "b", "c", "d"]);
    assert_eq!(
        (oauth2(&entry).scope_separator.as_str(), entry.signs_in(), oauth2(&entry).pkce, entry.clock_skew),
        (",", false, false, 5)
    );
    assert_eq!((entry.account.as_deref(), entry.title.as_str()), (Some("583231"), "Work"));
    assert!(matches!(oauth2(&entry).client_auth, ClientAuthentication::ClientSecretBasic(_)));
    let additions = &entry.additions;
    let params: Vec<_> =
        additions.authorization_params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(params, ["a=b", "allow_signup=false", "prompt=x"]);
    assert_eq!((additions.token_params["c"].as_str(), additions.headers["X-A"].as_str()), ("1", "b"));
    assert_eq!(
        (entry.userinfo.profile_paths["id"].as_str(), entry.userinfo.parameters["prompt"].as_str()),
        ("user.id", "x")
    );
}

#[test]
fn a_granted_scope_includes_what_the_preset_says() {
    let entry = github("");
    let missing = |granted: &[&str]| entry.missing_scopes(["repo", "public_repo", "user:email"], granted);
    assert_eq!(missing(&["repo", "user"]), [""; 0]);
    assert_eq!(missing(&["public_repo", "user"]), ["repo"]);
    assert_eq!(missing(&["REPO", "repository", ""]), ["repo", "public_repo", "user:email"]);
}

#[test]
fn how_an_id_token_is_checked_is_read() {
    let corp = |more: &str| {
        let toml = "[default.oauth.corp]\nprovider = \"oidc\"\nissuer = \"https://op.example\"\nclient_id = \"a\"\nclient_secret = \"b\"\n";
        read_entry("corp", &format!("{toml}{more}")).openid().unwrap().clone()
    };
    let (usual, own) = (corp(""), corp("signing_algorithms = [\"EdDSA\"]\ntrusted_audiences = [\"you\"]"));
    assert_eq!(usual.signing_algorithms, SigningAlgorithm::ALL);
    assert!(usual.trusted_audiences.is_empty());
    assert_eq!(own.signing_algorithms, [SigningAlgorithm::EdDSA]);
    assert_eq!(own.trusted_audiences, ["you"]);
}

#[test]
fn a_presets_own_keys_fill_its_urls_and_parameters() {
    let entry = read_entry(
        "work",
        "[default.oauth.work]\nprovider = \"gitlab\"\nclient_id = \"a\"\nclient_secret = \"b\"\nhostname = \"git.example:8443\"\n",
    );
    let token_url = oauth2(&entry).endpoints.token.as_ref().unwrap();
    assert_eq!(token_url.as_str(), "https://git.example:8443/oauth/token");
    let parameters = &entry.userinfo.parameters;
    assert_eq!((entry.title.as_str(), parameters["hostname"].as_str()), ("GitLab", "git.example:8443"));

    let google = "[default.oauth.google]\nclient_id = \"a\"\nclient_secret = \"b\"\noffline = true\nreprompt_consent = true\n\
                  reprompt_select_account = true\nhosted_domain = \"corp.example\"\nscope = \"email\"\n";
    let entry = read_entry("google", google);
    assert_eq!(entry.additions.authorization_params["access_type"], "offline");
    assert_eq!(entry.additions.authorization_params["prompt"], "consent select_account");
    assert_eq!(entry.userinfo.parameters["hosted_domain"], "corp.example");
    assert_eq!(entry.scope(), ["openid", "email"]);
    assert_eq!(entry.issuer.unwrap().url, "https://accounts.google.com");
}

#[test]
fn what_authorization_params_ask_for_is_checked_as_the_presets_own_key() {
    for keys in [
        "authorization_params = { hd = \"corp.example\" }",
        "hosted_domain = \"other.example\"\nauthorization_params = { hd = \"corp.example\" }",
    ] {
        let entry = format!("[default.oauth.google]\nclient_id = \"a\"\nclient_secret = \"b\"\n{keys}\n");
        let entry = read_entry("google", &entry);
        assert_eq!(entry.additions.authorization_params["hd"], "corp.example");
        assert_eq!(entry.userinfo.parameters["hosted_domain"], "corp.example");
    }
}

#[test]
fn the_generic_presets_need_no_code() {
    let oidc = read_entry(
        "my_corp",
        "[default.oauth.my_corp]\nprovider = \"oidc\"\nissuer = \"http://localhost:3000\"\nclient_id = \"a\"\ntoken_endpoint_auth_method = \"none\"\n",
    );
    let issuer = oidc.issuer.as_ref().unwrap();
    assert_eq!((oidc.title.as_str(), issuer.url.as_str()), ("My corp", "http://localhost:3000"));
    assert!(matches!(oauth2(&oidc).client_auth, ClientAuthentication::None) && oidc.signs_in());
    assert_eq!(oidc.plain_urls(), ["issuer"]);
    let oauth2 = read_entry(
        "a",
        "[default.oauth.a]\nprovider = \"oauth2\"\nclient_id = \"a\"\nclient_secret = \"b\"\nauth_uri = \"https://a.example/a\"\ntoken_uri = \"https://a.example/t\"\n",
    );
    assert!(!oauth2.signs_in(), "without a userinfo_url, no user can sign in");
}

#[test]
fn the_keys_of_rocket_oauth2_mean_what_they_meant() {
    let entry = read_entry(
        "chess",
        "[default.oauth.chess]\nprovider = { auth_uri = \"https://a.example/a\", token_uri = \"https://a.example/t\" }\n\
         client_id = \"a\"\nclient_secret = \"b\"\nredirect_uri = \"http://localhost:8000/auth/chess\"\n",
    );
    let endpoints = &oauth2(&entry).endpoints;
    assert_eq!(endpoints.authorization.as_ref().unwrap().as_str(), "https://a.example/a");
    assert_eq!(endpoints.token.as_ref().unwrap().as_str(), "https://a.example/t");
    assert_eq!(entry.redirect_uri, "http://localhost:8000/auth/chess");
    let entry = read_entry(
        "x",
        "[default.oauth.x]\nprovider = \"GitHub\"\nclient_id = \"a\"\nclient_secret = \"b\"\n",
    );
    assert_eq!(entry.title, "GitHub");
}

#[test]
fn al_05_al_10_whose_addresses_are_trusted() {
    let trusts = |name: &str, more: &str, address: &str| {
        let toml = format!("[default.oauth.{name}]\nclient_id = \"id\"\nclient_secret = \"secret\"\n{more}");
        let verified = crate::profile::Profile::default().with_email(Some(address.into()), true);
        let claimed = crate::profile::Profile::default().with_email(Some(address.into()), false);
        let entry = read_entry(name, &toml);
        assert_eq!(entry.trusted_email(&claimed), None, "{name} {more}");
        entry.trusted_email(&verified) == Some(address)
    };
    let oidc = "provider = \"oidc\"\nissuer = \"https://op.example\"\n";
    // A user who owned a mailbox once may not own it any more.
    assert!(!trusts("github", "", "ada@any.example") && !trusts("discord", "", "ada@any.example"));
    assert!(trusts("github", "trust_email = true", "ada@any.example"));
    assert!(!trusts("google", "trust_email = false", "ada@gmail.com"));
    // A Workspace's domain can have a new owner.
    assert!(trusts("google", "", "ada@gmail.com") && !trusts("google", "", "ada@dormant.example"));
    assert!(!trusts("corp", oidc, "ada@corp.example") && !trusts("gitlab", "", "ada@any.example"));
    assert!(trusts("corp", &format!("{oidc}trust_email = true"), "ada@corp.example"));
    let listed = format!("{oidc}trust_email = [\"corp.example\"]");
    assert!(trusts("corp", &listed, "ada@CORP.example"));
    for other in ["ada@sub.corp.example", "ada@evilcorp.example", "ada@corp.example@evil.example", "ada", "*"]
    {
        assert!(!trusts("corp", &listed, other), "{other}");
    }
    // The preset's trust does not extend to another server.
    for elsewhere in [
        "userinfo_url = \"https://git.example/user\"",
        "api_base_url = \"https://git.example/\"",
        "authorization_url = \"https://git.example/a\"",
        "token_url = \"https://git.example/t\"",
        "profile = { email = \"note\" }",
    ] {
        assert!(!trusts("github", elsewhere, "ada@any.example"), "{elsewhere}");
    }
}
