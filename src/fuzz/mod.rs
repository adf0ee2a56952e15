//! What strangers send, given to whatever reads it. A target says whether it was accepted; it must never panic, and be
//! done soon. `tests.rs` feeds it changes to what is good, `fuzz/` what cargo-fuzz finds.

#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};

use rocket::figment::Figment;
use rocket::figment::providers::{Format, Toml};
use serde_json::{Value, json};
use url::Url;

use crate::config::{self, Entry};
use crate::flow::fuzz::{self as flow, NOW};
use crate::local_path::LocalPath;
use crate::paths::Paths;
use crate::provider::{PRESETS, Protocol};
use crate::secret::KeyRing;
use crate::storage::BrowserStorage;
use crate::token::Token;

/// A reader of what strangers send.
#[derive(Debug)]
pub struct Target {
    /// What it reads.
    pub name: &'static str,
    /// Whether it accepts this.
    pub accepts: fn(&[u8]) -> bool,
    /// What it must accept: to begin with.
    pub good: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "callback", accepts: callback, good: callbacks },
    Target { name: "token_answer", accepts: token_answer, good: token_answers },
    Target { name: "oauth1_answer", accepts: flow::oauth1_answer, good: oauth1_answers },
    Target { name: "userinfo", accepts: userinfo, good: userinfos },
    Target { name: "discovery", accepts: |data| flow::discovery(entry("op"), data), good: metadata },
    Target { name: "jwks", accepts: flow::jwks, good: || vec![flow::published_keys()] },
    Target { name: "id_token", accepts: id_token, good: id_tokens },
    Target { name: "next", accepts: next, good: nexts },
    Target { name: "flow_cookie", accepts: flow_cookie, good: || sealed(&flow::flow(entry("op")), FLOW) },
    Target { name: "account_cookie", accepts: account_cookie, good: || sealed(&account(), ACCOUNT) },
    Target { name: "token", accepts: token, good: || sealed(&granted().to_plain(), TOKEN) },
];

/// The target of that name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

const TOML: &str = r#"
[default.dance]
base_url = "https://app.example"
[default.oauth.op]
provider = "oidc"
issuer = "https://op.example"
client_id = "me"
signing_algorithms = ["EdDSA", "RS256"]
trusted_audiences = ["other"]
[default.oauth.own]
provider = "oauth2"
client_id = "me"
authorization_url = "https://own.example/a"
token_url = "https://own.example/t"
profile = { id = "data.0.id", name = "data.0.name", email = "mail", email_verified = "checked", image_url = "image" }
[default.oauth.github]
client_id = "me"
[default.oauth.google]
client_id = "me"
[default.oauth.gitlab]
client_id = "me"
[default.oauth.discord]
client_id = "me"
"#;

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let figment = Figment::from(rocket::Config::debug_default()).merge(Toml::string(TOML).nested());
    let presets = PRESETS.iter().map(|(name, preset)| ((*name).to_owned(), *preset)).collect();
    let secret = |name: &str| name.ends_with("_CLIENT_SECRET").then(|| "a secret".to_owned());
    match config::read(&figment, &presets, &secret) {
        Ok((_, entries)) => entries.into_values().collect(),
        Err(faults) => panic!("{:?}", faults.iter().collect::<Vec<_>>()),
    }
});

fn entry(name: &str) -> &'static Entry {
    let entry = ENTRIES.iter().find(|entry| entry.name == name);
    entry.unwrap_or_else(|| panic!("`{name}` is among the entries"))
}

static BASE: LazyLock<Url> =
    LazyLock::new(|| Url::parse("https://app.example").unwrap_or_else(|error| panic!("{error}")));

static KEYS: LazyLock<Arc<KeyRing>> = LazyLock::new(|| Arc::new(KeyRing::new([[7; 32]])));

/// What a sealed text is for, and where it belongs.
type Place = (&'static str, &'static [&'static str]);

const FLOW: Place = ("flow", &["rocket_dance_flow_x"]);
const ACCOUNT: Place = ("account cookie", &["account_github"]);
const TOKEN: Place = ("account", &["github", "=583231", "=7", "token"]);

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

fn callback(data: &[u8]) -> bool {
    let Some(query) = text(data) else { return false };
    [Protocol::OAuth2, Protocol::OAuth1].map(|protocol| flow::callback(protocol, query)).contains(&true)
}

fn token_answer(data: &[u8]) -> bool {
    flow::token_answer(entry("op"), "application/json", data)
        || flow::token_answer(entry("own"), "application/x-www-form-urlencoded", data)
}

/// A person to somebody; all are asked.
fn userinfo(data: &[u8]) -> bool {
    ENTRIES.iter().filter(|entry| flow::userinfo(entry, data)).count() > 0
}

/// Header and claims in two lines, signed as they should be; or a token as it comes.
fn id_token(data: &[u8]) -> bool {
    let token = match data.iter().position(|byte| *byte == b'\n') {
        Some(at) => flow::sign(&data[..at], &data[at + 1..]),
        None => String::from_utf8_lossy(data).into_owned(),
    };
    flow::id_token(entry("op"), &token)
}

/// A path, accepted: then it leads nowhere but to the app, and is accepted again as it is.
fn next(data: &[u8]) -> bool {
    let Some(path) = text(data).and_then(|next| LocalPath::try_from(next).ok()) else { return false };
    let there = BASE.join(path.as_str()).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    assert_eq!(there.origin(), BASE.origin(), "{path:?}");
    assert_eq!(LocalPath::try_from(path.as_str()).ok().as_ref(), Some(&path));
    assert!(path.as_str().bytes().all(|byte| byte.is_ascii_graphic()), "{path:?}");
    !Paths::new("/login").is_own_action(path.as_str())
}

/// Behind a `0`, a sealed text as it comes; otherwise what is sealed in it, behind a byte.
fn seal(data: &[u8], (purpose, place): Place) -> Option<String> {
    match data.split_first()? {
        (b'0', sealed) => text(sealed).map(str::to_owned),
        (_, plain) => KEYS.seal(purpose, place, plain).ok(),
    }
}

/// `plain` in both ways that [`seal`] reads.
fn sealed(plain: &[u8], (purpose, place): Place) -> Vec<Vec<u8>> {
    let sealed = KEYS.seal(purpose, place, plain).unwrap_or_default();
    vec![[b"0", sealed.as_bytes()].concat(), [b"1", plain].concat()]
}

fn flow_cookie(data: &[u8]) -> bool {
    seal(data, FLOW).is_some_and(|sealed| flow::flow_cookie(entry("op"), &KEYS, FLOW.1[0], &sealed))
}

fn account_cookie(data: &[u8]) -> bool {
    let Some(sealed) = seal(data, ACCOUNT) else { return false };
    let browser = BrowserStorage::new("account_", [(ACCOUNT.1[0], &*sealed)].into_iter(), KEYS.clone(), NOW);
    browser.clear();
    // What was opened is there to be removed.
    !browser.changes().is_empty()
}

fn token(data: &[u8]) -> bool {
    let Some(sealed) = seal(data, TOKEN) else { return false };
    let plain = KEYS.open(TOKEN.0, TOKEN.1, &sealed);
    let Some(token) = plain.ok().and_then(|plain| Token::from_plain(&plain)) else { return false };
    token.usable_until() <= token.expires_at.unwrap_or(i64::MAX)
        && (token.expires_at().is_none() || token.is_expired(i64::MAX))
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn documents(documents: &[Value]) -> Vec<Vec<u8>> {
    documents.iter().map(|document| document.to_string().into_bytes()).collect()
}

fn callbacks() -> Vec<Vec<u8>> {
    texts(&[
        "code=a%2Fb+c&state=s&iss=https%3A%2F%2Fop.example",
        "error=access_denied&error_description=no%20thanks&state=s",
        "oauth_token=a%2Fb&oauth_verifier=v",
        "denied=a%2Fb",
    ])
}

fn token_answers() -> Vec<Vec<u8>> {
    let json = documents(&[
        json!({
            "access_token": "at", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "rt",
            "scope": "openid email", "id_token": "a.b.c", "more": { "deep": [1, 2.5, null] },
        }),
        json!({ "access_token": "at", "token_type": "bearer", "expires_in": "3600", "scope": ["a", "b"] }),
    ]);
    [json, texts(&["access_token=at&token_type=bearer&scope=repo%2Cgist"])].concat()
}

fn oauth1_answers() -> Vec<Vec<u8>> {
    texts(&[
        "oauth_token=a%2Fb&oauth_token_secret=s+s&oauth_callback_confirmed=true",
        "oauth_token=t&oauth_token_secret=&user_id=38895958&screen_name=ada",
    ])
}

fn userinfos() -> Vec<Vec<u8>> {
    documents(&[
        json!({ "sub": "1", "name": "Ada", "email": "ada@example.com", "email_verified": true, "picture": "https://x" }),
        json!({ "id": 583_231, "login": "ada", "avatar_url": "https://x", "html_url": "https://y",
                "emails": [{ "email": "ada@example.com", "primary": true, "verified": true }] }),
        json!({ "id": "80351110224678912", "username": "ada", "avatar": "a_83", "discriminator": "0", "verified": true }),
        json!({ "data": [{ "id": 7, "name": "Ada" }], "mail": "a@b.c", "checked": true, "image": "https://x" }),
    ])
}

fn metadata() -> Vec<Vec<u8>> {
    documents(&[json!({
        "issuer": "https://op.example", "authorization_endpoint": "https://op.example/a",
        "token_endpoint": "https://op.example/t", "userinfo_endpoint": "https://op.example/me",
        "jwks_uri": "https://op.example/jwks", "code_challenge_methods_supported": ["S256", "plain"],
        "authorization_response_iss_parameter_supported": true,
    })])
}

fn id_tokens() -> Vec<Vec<u8>> {
    let parts = documents(&[
        json!({ "alg": "EdDSA", "kid": flow::KID, "typ": "JWT" }),
        json!({
            "iss": "https://op.example", "sub": "1", "aud": ["me", "other"], "azp": "me", "nonce": "nonce",
            "exp": NOW + 300, "iat": NOW, "nbf": NOW, "auth_time": NOW, "acr": "1",
        }),
    ]);
    vec![parts.join(&b'\n'), flow::sign(&parts[0], &parts[1]).into_bytes()]
}

fn nexts() -> Vec<Vec<u8>> {
    texts(&["/", "/a/b?c=d%20e&f=/g", "/%C3%A9/..%2Fx?y=%252F", "/.well-known/x;y=1"])
}

fn account() -> Vec<u8> {
    let record = json!({
        "id": 1, "entry": "github", "issuer": "https://github.com", "provider_user_id": "583231", "user_id": "7",
        "token": "sealed", "token_type": "bearer", "scope": "repo", "expires_at": NOW + 3600, "display_name": "Ada",
        "email": "ada@example.com", "email_verified": true, "profile_url": null, "image_url": null,
        "userinfo": "{}", "rank": 0, "created_at": NOW, "updated_at": NOW, "version": 1,
    });
    record.to_string().into_bytes()
}

fn granted() -> Token {
    Token::new("access").with_refresh_token("refresh").with_lifetime(NOW, 3600)
}
