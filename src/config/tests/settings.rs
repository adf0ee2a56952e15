//! The library's settings.

use super::*;

#[test]
fn every_setting_is_optional() {
    let (settings, entries) = read_toml("").unwrap();
    assert!(entries.is_empty());
    assert_eq!(settings.base_url.as_str(), "http://localhost:8000/");
    assert_eq!((settings.prefix.as_str(), settings.after_logout.to_string().as_str()), ("/login", "/"));
    assert_eq!((&settings.targets, &settings.after_disconnect), (&FlowTargets::default(), &None));
    assert!(settings.trusted_origins.is_empty() && settings.sign_in_page.is_none());
    assert_eq!((settings.user_required, settings.flash, settings.log_requests), (None, false, false));
    assert_eq!(settings.cache, Some(CacheSettings { bytes: 67_108_864, ttl: 5 }));
    assert!(settings.token_keys.is_empty() && !settings.secure());
    assert_eq!(settings.cookie_name("a"), "a_VuWjeEX0");
    assert_eq!(settings.flow_ttl, 1800);
}

#[test]
fn every_setting_is_read() {
    let settings = read_settings(
        "[default.dance]\nbase_url = \"https://app.example:8443\"\nprefix = \"/my/auth/\"\nafter_login = \"/me?a=b\"\nafter_logout = \"/my/auth\"\n\
         after_error = \"/oops\"\ncache = { ttl = 9 }\nuser_required = false\nflash = true\nlog_requests = true\n\
         token_keys = [\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\", \"__________________________________________8\"]\n",
    );
    assert_eq!(settings.base(), "https://app.example:8443");
    assert_eq!(
        (settings.prefix.as_str(), settings.after_logout.to_string().as_str()),
        ("/my/auth", "/my/auth")
    );
    assert_eq!(targets(&settings.targets), ["after_login = /me?a=b", "after_error = /oops"]);
    assert_eq!((settings.user_required, settings.flash, settings.log_requests), (Some(false), true, true));
    assert_eq!(settings.cache, Some(CacheSettings { bytes: 67_108_864, ttl: 9 }));
    assert_eq!(settings.token_keys, [[1; 32], [255; 32]]);
    assert!(settings.secure());
    assert_eq!(settings.cookie_name("a"), "__Host-a_bWuhlqh7");
    assert!(!format!("{settings:?}").contains("255"));
}

#[test]
fn b7_a_path_of_base_url_is_in_cookies_and_callbacks() {
    let of = |url: &str| {
        read_settings(&format!("[default.dance]\nbase_url = \"{url}\"\nafter_login = \"/app/me\"\n"))
    };
    let app = of("https://app.example/app/");
    assert_eq!(app.base(), "https://app.example/app");
    assert_eq!(app.cookie_scope().path, "/app");
    assert_eq!(targets(&app.targets), ["after_login = /me"]);
    let name = app.cookie_name("a");
    assert!(name.starts_with("__Secure-a_"), "{name}");
    assert_eq!(of("https://app.example/app").cookie_name("a"), name);
    for other in ["https://app.example/ap", "https://app.example/app/b", "https://app.example/App"] {
        assert_ne!(of(other).cookie_name("a"), name, "{other}");
    }
    let root = of("https://app.example/");
    assert!(root.cookie_name("a").starts_with("__Host-a_") && root.cookie_scope().path == "/");
    assert_eq!(root.base(), "https://app.example");
    assert_eq!(targets(&root.targets), ["after_login = /app/me"]);
    assert!(of("http://localhost:8000/app").cookie_name("a").starts_with("a_"));
    let entry = github("[default.dance]\nbase_url = \"https://app.example/app\"\n");
    assert_eq!(entry.redirect_uri, "https://app.example/app/login/github/authorized");
}

/// The targets that are set.
fn targets(targets: &FlowTargets) -> Vec<String> {
    targets.set().map(|(key, target)| format!("{key} = {target}")).collect()
}

#[test]
fn a10_targets_of_an_entry_and_of_other_origins() {
    let origins = "[default.dance]\nbase_url = \"https://app.example/app\"\n\
                   trusted_origins = [\"https://SPA.example\", \"http://localhost:5173/\", \"https://b\u{fc}cher.example:8443\"]\n\
                   after_disconnect = \"/app/me\"\nafter_logout = \"https://spa.example/bye?a=b\"\n";
    let settings = read_settings(origins);
    assert_eq!(
        settings.trusted_origins,
        ["https://spa.example", "http://localhost:5173", "https://xn--bcher-kva.example:8443"]
    );
    assert_eq!(settings.after_disconnect.unwrap().to_string(), "/me");
    assert_eq!(settings.after_logout.to_string(), "https://spa.example/bye?a=b");
    let entry = read_entry(
        "github",
        &format!(
            "{origins}[default.oauth.github]\nclient_id = \"a\"\nclient_secret = \"b\"\nlogin_path = \"/app/signin/github/\"\n\
             after_login = \"/a\"\nafter_connect = \"http://localhost:5173\"\nafter_denied = \"/login/accounts\"\nafter_error = \"/d\"\n"
        ),
    );
    assert_eq!(
        targets(&entry.targets),
        [
            "after_login = /a",
            "after_connect = http://localhost:5173/",
            "after_denied = /login/accounts",
            "after_error = /d"
        ]
    );
    assert_eq!(entry.login_path.as_deref(), Some("/signin/github"));
}

#[test]
fn b12_the_lifetime_of_a_flow_is_a_setting() {
    let ttl = |toml: &str| read_settings(&format!("[default.dance]\n{toml}\n")).flow_ttl;
    assert_eq!((ttl("flow = { ttl = 60 }"), ttl("flow = {}"), ttl("flow.ttl = 86400")), (60, 1800, 86_400));
}

#[test]
fn a_key_of_zeros_is_no_key() {
    let zeros = "[default.dance]\ntoken_keys = [\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"]\n";
    assert!(read_toml(zeros).unwrap_err().contains("key number 1 is all zeros"));
}

#[test]
fn the_base_url_comes_from_one_place() {
    let origin = |toml: &str| read_settings(toml).base();
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
