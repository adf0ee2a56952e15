mod oauth1;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rocket::Config;
use rocket::figment::providers::{Format, Toml};
use rocket::figment::value::{Dict, Map, Value};
use rocket::figment::{Error, Figment, Metadata, Profile, Provider};

use url::Url;

use super::faults::Faults;
use super::settings::CacheSettings;
use super::*;
use crate::local_path::LocalPath;
use crate::provider::{PRESETS, Protocol, ResponseMode, SignatureMethod, SigningAlgorithm};

/// Rocket's environment variables, without the environment.
struct RocketEnv(Dict);

impl Provider for RocketEnv {
    fn metadata(&self) -> Metadata {
        Metadata::named("`ROCKET_` environment variable(s)")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Global.collect(self.0.clone()))
    }
}

/// Reads a Rocket.toml whose `#!` lines say what else there is: `#! release`, `#! ROCKET_OAUTH={…}`,
/// `#! GITHUB_OAUTH_CLIENT_ID=…`, `#! file secret.txt=…`.
fn read_toml(toml: &str) -> Result<(Settings, BTreeMap<String, Entry>), String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Rocket.toml");
    fs::write(&file, toml).unwrap();
    let (mut profile, mut rocket, mut vars) = (Config::DEBUG_PROFILE, Dict::new(), BTreeMap::new());
    for line in toml.lines().filter_map(|line| line.strip_prefix("#! ")) {
        match line.split_once('=') {
            None => profile = Profile::new(line),
            Some((name, text)) => {
                if let Some(name) = name.strip_prefix("file ") {
                    fs::write(folder.path().join(name), text.replace("\\n", "\n")).unwrap();
                } else if let Some(name) = name.strip_prefix("ROCKET_") {
                    rocket.insert(name.to_ascii_lowercase(), text.parse::<Value>().unwrap());
                } else {
                    vars.insert(name.to_owned(), text.to_owned());
                }
            }
        }
    }
    let figment = Figment::from(Config::debug_default())
        .merge(Toml::file(&file).nested())
        .merge(RocketEnv(rocket))
        .select(profile);
    let presets = PRESETS.iter().map(|(name, preset)| ((*name).to_owned(), *preset)).collect();
    // Figment shows a path as it is or relative to where the test runs, whichever is shorter.
    let folder_name = format!("{}/", folder.path().file_name().unwrap().display());
    let in_folder = |faults: Faults| {
        let mut text = faults.to_string();
        while let Some(end) = text.find(&folder_name).map(|at| at + folder_name.len()) {
            let start = text[..end].rfind(['(', ' ', '`', '"']).map_or(0, |at| at + 1);
            text.replace_range(start..end, "");
        }
        text
    };
    read(&figment, &presets, &|name| vars.get(name).cloned()).map_err(in_folder)
}

fn settings(toml: &str) -> Settings {
    read_toml(toml).unwrap_or_else(|faults| panic!("{faults}")).0
}

fn read_entry(name: &str, toml: &str) -> Entry {
    let (_, mut entries) = read_toml(toml).unwrap_or_else(|faults| panic!("{faults}"));
    entries.remove(name).unwrap()
}

fn oauth2(entry: &Entry) -> &OAuth2Options {
    entry.oauth2().unwrap()
}

fn client_secret(entry: &Entry) -> &str {
    oauth2(entry).client_auth.secret().unwrap().expose()
}

/// A GitHub entry with `more` keys.
fn github(more: &str) -> Entry {
    read_entry(
        "github",
        &format!("[default.oauth.github]\nclient_id = \"id\"\nclient_secret = \"secret\"\n{more}"),
    )
}

const WRONG: &str = include_str!("tests/wrong.txt");

/// Each case of wrong.txt: a configuration, `---`, its messages. `BLESS=1` writes what is said now.
#[test]
fn each_kind_of_wrong_configuration_has_its_message() {
    let mut now = String::new();
    for case in WRONG.split("===\n").filter(|case| !case.trim().is_empty()) {
        let (toml, _) = case.split_once("---\n").unwrap();
        let said = read_toml(toml).err().unwrap_or_else(|| "nothing is wrong".to_owned());
        assert!(!said.contains("s3cr3t") && !said.contains("31337"), "a value in a message:\n{said}");
        now.push_str(&format!("{toml}---\n{said}\n===\n"));
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/tests/wrong.txt"), now).unwrap();
    } else {
        assert!(now == WRONG, "the messages are now:\n{now}");
        assert!(!now.contains("nothing is wrong"));
    }
}

#[test]
fn cb_13_one_fault_stops_everything_and_all_are_told() {
    let faults =
        read_toml("[default.dance]\nprefix = \"login\"\n[default.oauth.github]\n[default.oauth.google]\n")
            .unwrap_err();
    assert_eq!(faults.matches("is missing").count(), 4, "{faults}");
    assert!(faults.contains("default.dance.prefix (Rocket.toml)"), "{faults}");
}

#[test]
fn nothing_is_needed() {
    let (settings, entries) = read_toml("").unwrap();
    assert!(entries.is_empty());
    assert_eq!(settings.base_url.as_str(), "http://localhost:8000/");
    assert_eq!(
        (settings.prefix.as_str(), settings.after_login.as_str(), settings.after_logout.as_str()),
        ("/login", "/", "/")
    );
    assert_eq!(
        (settings.after_error.as_ref(), settings.user_required, settings.log_requests),
        (None, None, false)
    );
    assert_eq!(settings.cache, Some(CacheSettings { bytes: 67_108_864, ttl: 5 }));
    assert!(settings.token_keys.is_empty() && !settings.secure());
    assert_eq!(settings.cookie_name("a"), "a");
}

#[test]
fn every_setting_is_read() {
    let settings = settings(
        "[default.dance]\nbase_url = \"https://app.example:8443\"\nprefix = \"/my/auth/\"\nafter_login = \"/me?a=b\"\nafter_logout = \"/my/auth\"\n\
         after_error = \"/oops\"\ncache = { ttl = 9 }\nuser_required = false\nlog_requests = true\n\
         token_keys = [\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\", \"__________________________________________8\"]\n",
    );
    assert_eq!(settings.origin(), "https://app.example:8443");
    assert_eq!(
        (settings.prefix.as_str(), settings.after_login.as_str(), settings.after_logout.as_str()),
        ("/my/auth", "/me?a=b", "/my/auth")
    );
    assert_eq!(
        (settings.after_error.as_ref().map(LocalPath::as_str), settings.user_required, settings.log_requests),
        (Some("/oops"), Some(false), true)
    );
    assert_eq!(settings.cache, Some(CacheSettings { bytes: 67_108_864, ttl: 9 }));
    assert_eq!(settings.token_keys, [[1; 32], [255; 32]]);
    assert!(settings.secure());
    assert_eq!(settings.cookie_name("a"), "__Host-a");
    assert!(!format!("{settings:?}").contains("255"));
}

#[test]
fn a_key_of_zeros_is_no_key() {
    let zeros = "[default.dance]\ntoken_keys = [\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"]\n";
    assert!(read_toml(zeros).unwrap_err().contains("key number 1 is all zeros"));
}

#[test]
fn the_base_url_comes_from_one_place() {
    let origin = |toml: &str| settings(toml).origin();
    assert_eq!(origin("[default]\nport = 9000\n"), "http://localhost:9000");
    assert_eq!(origin("#! ROCKET_PORT=9001\n"), "http://localhost:9001");
    assert_eq!(
        origin("#! release\n[default.dance]\nbase_url = \"http://127.0.0.1:9\"\n"),
        "http://127.0.0.1:9"
    );
    assert_eq!(
        origin(
            "#! ROCKET_DANCE={base_url=\"https://b.example\"}\n[default.dance]\nbase_url = \"https://a.example\"\n"
        ),
        "https://b.example"
    );
    let two = "#! release\n[default.oauth.github]\nclient_id = \"a\"\nclient_secret = \"b\"\nredirect_uri = \"https://a.example/auth/github\"\n\
               [default.oauth.google]\nclient_id = \"a\"\nclient_secret = \"b\"\nredirect_uri = \"https://a.example/auth/google\"\n";
    assert_eq!(origin(two), "https://a.example");
    assert_eq!(read_entry("google", two).redirect_uri, "https://a.example/auth/google");
}

#[test]
fn px_01_the_callback_follows_from_the_base_url_alone() {
    let entry = github("[default.dance]\nbase_url = \"https://app.example\"\nprefix = \"/auth\"\n");
    assert_eq!(entry.redirect_uri, "https://app.example/auth/github/authorized");
    assert_eq!(
        entry.liftoff_line(),
        "github (GitHub): scope read:user user:email; callback URL to register: https://app.example/auth/github/authorized"
    );
}

#[test]
fn loopback_hosts_are_told_from_lookalikes() {
    for host in
        ["localhost", "LOCALHOST", "localhost.", "a.localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"]
    {
        assert!(is_loopback_host(host), "{host}");
    }
    for host in [
        "",
        "localhost.example",
        "127.0.0.1.example",
        "notlocalhost",
        "128.0.0.1",
        "[::2]",
        "10.0.0.1",
        "0.0.0.0",
        "127.0.0.1:80",
    ] {
        assert!(!is_loopback_host(host), "{host}");
    }
}

#[test]
fn a_preset_lends_its_facts_and_the_entry_its_own() {
    let entry = github("");
    assert_eq!(entry.scope(), ["read:user", "user:email"]);
    assert_eq!(entry.userinfo.extra_urls[0].1.as_str(), "https://api.github.com/user/emails");
    assert_eq!((oauth2(&entry).pkce, entry.login, entry.clock_skew), (true, true, 60));
    assert!(matches!(oauth2(&entry).client_auth, ClientAuthentication::Post(_)));
    assert!(!format!("{entry:?}").contains("secret"));

    let entry = github(
        "scope = \"a, b c\"\nextra_scope = [\"d\", \"a\"]\nscope_separator = \",\"\nlogin = false\npkce = false\naccount = 583231\n\
         clock_skew = 5\ntoken_endpoint_auth_method = \"client_secret_basic\"\nallow_signup = false\n\
         authorization_params = { a = \"b\", prompt = \"x\" }\ntoken_params = { c = 1 }\nheaders = { X-A = \"b\" }\n\
         profile = { id = \"user.id\" }\ntitle = \"Work\"\nprompt = \"login\"\n",
    );
    assert_eq!(entry.scope(), ["a", "b", "c", "d"]);
    assert_eq!(
        (oauth2(&entry).scope_separator.as_str(), entry.login, oauth2(&entry).pkce, entry.clock_skew),
        (",", false, false, 5)
    );
    assert_eq!((entry.account.as_deref(), entry.title.as_str()), (Some("583231"), "Work"));
    assert!(matches!(oauth2(&entry).client_auth, ClientAuthentication::Basic(_)));
    let additions = &entry.additions;
    let params: Vec<_> =
        additions.authorization_params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(params, ["a=b", "allow_signup=false", "prompt=x"]);
    assert_eq!((additions.token_params["c"].as_str(), additions.headers["X-A"].as_str()), ("1", "b"));
    assert_eq!(
        (entry.userinfo.profile_paths["id"].as_str(), entry.userinfo.parameters["prompt"].as_str()),
        ("user.id", "login")
    );
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
fn a_token_never_goes_to_the_presets_host_from_an_entry_elsewhere() {
    let entry = github(
        "userinfo_url = \"https://ghe.example/api/v3/user\"\napi_base_url = \"https://ghe.example/api/v3\"\n",
    );
    assert_eq!(entry.userinfo.extra_urls[0].1.as_str(), "https://ghe.example/api/v3/user/emails");
    assert_eq!(entry.api_base_url.unwrap().as_str(), "https://ghe.example/api/v3/");
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
fn the_generic_presets_need_no_code() {
    let oidc = read_entry(
        "my_corp",
        "[default.oauth.my_corp]\nprovider = \"oidc\"\nissuer = \"http://localhost:3000\"\nclient_id = \"a\"\ntoken_endpoint_auth_method = \"none\"\n",
    );
    let issuer = oidc.issuer.as_ref().unwrap();
    assert_eq!((oidc.title.as_str(), issuer.url.as_str()), ("My corp", "http://localhost:3000"));
    assert!(matches!(oauth2(&oidc).client_auth, ClientAuthentication::None) && oidc.login);
    assert_eq!(oidc.plain_urls(), ["issuer"]);
    let oauth2 = read_entry(
        "a",
        "[default.oauth.a]\nprovider = \"oauth2\"\nclient_id = \"a\"\nclient_secret = \"b\"\nauth_uri = \"https://a.example/a\"\ntoken_uri = \"https://a.example/t\"\n",
    );
    assert!(!oauth2.login, "nobody can be told without a userinfo_url");
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
    assert_eq!(entries.len(), 1, "a variable fills an entry, it doesn't create one");
}

#[test]
fn a_secret_may_stand_in_a_file_beside_rocket_toml() {
    let secret = |toml: &str| client_secret(&read_entry("github", toml)).to_owned();
    let entry = "[default.oauth.github]\nclient_id = \"a\"\nclient_secret_file = \"secret.txt\"\n";
    assert_eq!(secret(&format!("#! file secret.txt=hush\\n\n{entry}")), "hush");
    assert_eq!(secret(&format!("#! file secret.txt=hush\\n\\n\n{entry}")), "hush\n");
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
    // Who has read a mailbox once may not read it any more.
    assert!(!trusts("github", "", "ada@any.example") && !trusts("discord", "", "ada@any.example"));
    assert!(trusts("github", "trust_email = true", "ada@any.example"));
    assert!(!trusts("google", "trust_email = false", "ada@gmail.com"));
    // A Workspace's domain may be somebody else's by now.
    assert!(trusts("google", "", "ada@gmail.com") && !trusts("google", "", "ada@dormant.example"));
    assert!(!trusts("corp", oidc, "ada@corp.example") && !trusts("gitlab", "", "ada@any.example"));
    assert!(trusts("corp", &format!("{oidc}trust_email = true"), "ada@corp.example"));
    let listed = format!("{oidc}trust_email = [\"corp.example\"]");
    assert!(trusts("corp", &listed, "ada@CORP.example"));
    for other in ["ada@sub.corp.example", "ada@evilcorp.example", "ada@corp.example@evil.example", "ada", "*"]
    {
        assert!(!trusts("corp", &listed, other), "{other}");
    }
    // Another server under a preset's name is not the one that the preset trusts.
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
fn a_presets_revocation_endpoint_stays_with_its_token_endpoint() {
    let of = |more: &str| {
        let toml = format!("[default.oauth.gitlab]\nclient_id = \"a\"\nclient_secret = \"b\"\n{more}");
        oauth2(&read_entry("gitlab", &toml)).endpoints.revocation.clone().map(String::from)
    };
    assert_eq!(of("").as_deref(), Some("https://gitlab.com/oauth/revoke"));
    assert_eq!(of("hostname = \"git.example\"").as_deref(), Some("https://git.example/oauth/revoke"));
    assert_eq!(of("token_url = \"https://git.example/token\""), None);
    let own = "token_url = \"https://git.example/token\"\nrevocation_url = \"https://git.example/r\"";
    assert_eq!(of(own).as_deref(), Some("https://git.example/r"));
}
