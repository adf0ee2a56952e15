//! The own keys of presets: what they fill, and that no value changes another part of a URL or a request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::json;

use super::*;
use crate::error::ErrorKind;
use crate::provider::{ParameterKind, Preset, ProfileInput, RefreshTokens};

const KINDS: Preset = Preset {
    title: "Kinds",
    authorization_url: Some("https://{host}/{segment}{optional}/authorize"),
    token_url: Some("https://{label}/{choice}/token"),
    userinfo_url: Some("{base_url}/me"),
    api_base_url: Some("https://{subdomain}{switch}.kinds.example/"),
    refresh_tokens: RefreshTokens::WithScope("offline_access"),
    headers: &[("X-Version", "v{text}; client={client_id}")],
    parameters: &[
        ("switch", ParameterKind::Switch("live", "test")),
        ("host", ParameterKind::Host("{switch}.kinds.example")),
        ("label", ParameterKind::HostUnder(".shops.example")),
        ("segment", ParameterKind::Segment("main")),
        ("optional", ParameterKind::OptionalSegment("/realms/", "master")),
        ("subdomain", ParameterKind::Subdomain),
        ("choice", ParameterKind::Choice(&["us", "eu"])),
        ("base_url", ParameterKind::BaseUrl("https://me.example")),
        ("text", ParameterKind::Text("1")),
        ("key", ParameterKind::Alias("client_id")),
        ("secure", ParameterKind::AlwaysTrue("it is always secure: remove it")),
    ],
    ..Preset::OAUTH2
};

/// An entry with the preset above and `more` keys.
fn read_kinds(more: &str) -> Result<Entry, String> {
    let toml = format!("[default.oauth.kinds]\nclient_secret = \"s\"\nlabel = \"acme\"\n{more}");
    let more = toml.replace(if more.contains("label") { "label = \"acme\"\n" } else { "\u{0}" }, "");
    let figment = Figment::from(Config::debug_default()).merge(Toml::string(&more).nested());
    let presets = [("kinds".to_owned(), KINDS)].into();
    let (_, mut entries) = read(&figment, &presets, &|_| None).whole().map_err(|faults| faults.join("\n"))?;
    Ok(entries.remove("kinds").unwrap())
}

fn urls(more: &str) -> [String; 4] {
    let entry =
        read_kinds(&format!("key = \"the-client\"\n{more}")).unwrap_or_else(|faults| panic!("{faults}"));
    let endpoints = &oauth2(&entry).endpoints;
    [
        endpoints.authorization.clone().unwrap(),
        endpoints.token.clone().unwrap(),
        entry.userinfo.url.clone().unwrap(),
        api_base(&entry).unwrap(),
    ]
    .map(|url| url.to_string())
}

#[test]
fn each_kind_fills_its_place() {
    assert_eq!(
        urls(""),
        [
            "https://live.kinds.example/main/realms/master/authorize",
            "https://acme.shops.example/us/token",
            "https://me.example/me",
            "https://live.kinds.example/"
        ]
    );
    assert_eq!(
        urls(
            "switch = true\nlabel = \"Acme-2.shops.example\"\nsegment = \"a.b~c\"\noptional = \"none\"\nsubdomain = \"acme\"\n\
             choice = \"eu\"\nbase_url = \"https://me.example/path/\"\nsecure = true"
        ),
        [
            "https://test.kinds.example/a.b~c/authorize",
            "https://acme-2.shops.example/eu/token",
            "https://me.example/path/me",
            "https://acme.test.kinds.example/"
        ]
    );
    let entry = read_kinds("key = \"the-client\"\ntext = 7\noffline = true").unwrap();
    assert_eq!(entry.client_id, "the-client");
    assert_eq!(entry.additions.headers["X-Version"], "v7; client=the-client");
    assert_eq!(entry.scope(), ["offline_access"]);
}

#[test]
fn mx_10_no_value_leaves_its_place_in_a_url() {
    let smuggled = [
        "a/b",
        "a?b",
        "a#b",
        "a@evil.example",
        "a:b@c",
        "a\\b",
        "a%2fb",
        "a b",
        "",
        "..",
        "ä",
        "a\nb",
        "{host}",
    ];
    for key in ["segment", "optional", "subdomain", "label", "host"] {
        for value in smuggled {
            let more = format!("client_id = \"c\"\n{key} = {value:?}");
            let faults = read_kinds(&more).err().unwrap_or_else(|| panic!("{key} = {value:?}"));
            assert!(faults.starts_with(&format!("default.oauth.kinds.{key}")), "{faults}");
        }
    }
    for (key, value) in [
        ("label", "acme.evil.example"),
        ("label", "acme.shops.example.evil.example"),
        ("label", "-acme"),
        ("choice", "US"),
        ("base_url", "http://me.example"),
        ("base_url", "https://me.example?x"),
        ("text", "1\\r\\nX-Admin: 1"),
    ] {
        let faults = read_kinds(&format!("client_id = \"c\"\n{key} = \"{value}\"")).err();
        let faults = faults.unwrap_or_else(|| panic!("{key} = {value}"));
        assert!(faults.starts_with(&format!("default.oauth.kinds.{key}")), "{faults}");
    }
    assert!(read_kinds("client_id = \"c\"\nsecure = false").unwrap_err().contains("always secure"));
    assert!(read_kinds("client_id = \"c\"\nkey = \"d\"").unwrap_err().contains("both mean the same"));
    assert!(read_kinds("").unwrap_err().contains("client_id"));
}

#[test]
fn only_a_preset_can_accept_a_symmetric_signature() {
    for entry in ["provider = \"oidc\"\nissuer = \"https://op.example\"", "provider = \"line\""] {
        let toml = format!(
            "[default.oauth.a]\nclient_id = \"c\"\nclient_secret = \"s\"\n{entry}\nsigning_algorithms = [\"HS256\"]"
        );
        assert!(read_toml(&toml).err().unwrap().contains("signing_algorithms"));
    }
    let accepting: Vec<_> = PRESETS
        .iter()
        .filter(|(_, preset)| preset.signing_algorithms.contains(&SigningAlgorithm::HS256))
        .map(|(name, _)| *name)
        .collect();
    assert_eq!(accepting, ["line"]);
}

#[test]
fn an_api_base_in_a_token_answer_is_no_service_of_this_machine() {
    let base = |token_url: &str, answer: &str| {
        let entry = read_entry(
            "zoho",
            &format!(
                "[default.oauth.zoho]\nclient_id = \"c\"\nclient_secret = \"s\"\ntoken_url = \"{token_url}\""
            ),
        );
        let mut token = Token::new("t");
        token.extra.insert("api_domain".into(), answer.into());
        entry.api_base.unwrap().url(&token).map(|url| url.to_string())
    };
    let (remote, local) = ("https://accounts.zoho.com/token", "http://127.0.0.1:9/token");
    assert_eq!(base(remote, "https://www.zohoapis.eu").as_deref(), Some("https://www.zohoapis.eu/"));
    for answer in [
        "http://127.0.0.1:1",
        "https://localhost",
        "http://www.zohoapis.eu",
        "www.zohoapis.eu",
        "",
        "file:///etc",
    ] {
        assert_eq!(base(remote, answer), None, "{answer}");
    }
    assert_eq!(base(local, "http://127.0.0.1:1").as_deref(), Some("http://127.0.0.1:1/"));
}

#[test]
fn every_preset_is_read_with_its_own_keys() {
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let key = STANDARD.encode(key.as_ref());
    let mut toml = String::new();
    for (name, preset) in PRESETS {
        if ["oauth1", "oauth2", "oidc"].contains(name) || preset.signature_method == SignatureMethod::RsaSha1
        {
            continue;
        }
        toml += &format!("[default.oauth.{name}]\nclient_id = \"c\"\n");
        toml += &match preset.secret_jwt {
            Some(_) => {
                format!("private_key = \"-----BEGIN PRIVATE KEY-----\\n{key}\\n-----END PRIVATE KEY-----\"\n")
            }
            None => "client_secret = \"s\"\n".to_owned(),
        };
        for (key, kind) in preset.parameters {
            toml += &match kind {
                ParameterKind::Host("") => format!("{key} = \"host.example\"\n"),
                ParameterKind::BaseUrl("") => format!("{key} = \"https://base.example\"\n"),
                ParameterKind::Tenant(_) => format!("{key} = \"consumers\"\n"),
                ParameterKind::Segment("") | ParameterKind::Text("") | ParameterKind::HostUnder(_) => {
                    format!("{key} = \"name\"\n")
                }
                _ => String::new(),
            };
        }
        let can_refresh = !matches!(preset.refresh_tokens, RefreshTokens::Unknown | RefreshTokens::Never);
        if can_refresh {
            toml += "offline = true\n";
        }
    }
    let (_, entries) = read_toml(&toml).unwrap_or_else(|faults| panic!("{faults}"));
    assert!(entries.len() + 5 >= PRESETS.len());
}

#[test]
fn a_required_claim_is_required() {
    let of = |(name, preset): &'static (&str, Preset)| {
        preset.required_claims.iter().map(move |claim| (*name, preset, claim))
    };
    let required: Vec<_> = PRESETS.iter().flat_map(of).collect();
    assert!(!required.is_empty());
    for (name, preset, (key, claim)) in required {
        assert!(preset.parameters.iter().any(|(known, _)| known == key), "{name}: {key}");
        let parameters = BTreeMap::from([((*key).to_owned(), "wanted".to_owned())]);
        let read = |claims: serde_json::Value| preset.read_profile(ProfileInput::new(&claims, &parameters));
        for claims in [json!({ "sub": "1" }), json!({ "sub": "1", *claim: "other" })] {
            assert_eq!(read(claims).unwrap_err().kind(), ErrorKind::Refused, "{name}: {claim}");
        }
        assert_eq!(read(json!({ "sub": "1", *claim: "wanted" })).unwrap().id.as_deref(), Some("1"), "{name}");
    }
}
