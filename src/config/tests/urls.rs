//! URLs of entries.

use super::*;

#[test]
fn a_host_that_looks_like_loopback_is_not_loopback() {
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
fn px_01_the_callback_follows_from_the_base_url_alone() {
    let entry = github("[default.dance]\nbase_url = \"https://app.example\"\nprefix = \"/auth\"\n");
    assert_eq!(entry.redirect_uri, "https://app.example/auth/github/authorized");
    assert_eq!(
        entry.liftoff_line(),
        "github (GitHub): scope read:user user:email; callback URL to register: https://app.example/auth/github/authorized"
    );
}

#[test]
fn a_token_never_goes_to_the_presets_host_from_an_entry_elsewhere() {
    let entry = github(
        "userinfo_url = \"https://ghe.example/api/v3/user\"\napi_base_url = \"https://ghe.example/api/v3\"\n",
    );
    assert_eq!(entry.userinfo.extra_urls[0].1.as_str(), "https://ghe.example/api/v3/user/emails");
    assert_eq!(api_base(&entry).unwrap().as_str(), "https://ghe.example/api/v3/");
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
