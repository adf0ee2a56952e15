//! What all targets share: entries, keys, and the places of sealed texts.

use std::sync::{Arc, LazyLock};

use rocket::figment::Figment;
use rocket::figment::providers::{Format, Toml};
use url::Url;

use crate::config::{self, Entry};
use crate::provider::PRESETS;
use crate::secret::KeyRing;

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
[default.oauth.twitter]
client_id = "me"
"#;

pub(super) static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let figment = Figment::from(rocket::Config::debug_default()).merge(Toml::string(TOML).nested());
    let presets = PRESETS.iter().map(|(name, preset)| ((*name).to_owned(), *preset)).collect();
    let secret = |name: &str| name.ends_with("_CLIENT_SECRET").then(|| "a secret".to_owned());
    match config::read(&figment, &presets, &secret).whole() {
        Ok((_, entries)) => entries.into_values().collect(),
        Err(faults) => panic!("{:?}", faults.iter().collect::<Vec<_>>()),
    }
});

/// Returns the entry with this name.
pub(super) fn entry(name: &str) -> &'static Entry {
    let entry = ENTRIES.iter().find(|entry| entry.name == name);
    entry.unwrap_or_else(|| panic!("`{name}` is among the entries"))
}

pub(super) static BASE_URL: LazyLock<Url> =
    LazyLock::new(|| Url::parse("https://app.example").unwrap_or_else(|error| panic!("{error}")));

pub(super) static KEYS: LazyLock<Arc<KeyRing>> = LazyLock::new(|| Arc::new(KeyRing::new([[7; 32]])));

/// What a text is sealed for, and the place to which the seal binds it.
pub(super) type SealedPlace = (&'static str, &'static [&'static str]);

pub(super) const FLOW_COOKIE: SealedPlace = ("flow", &["rocket_dance_flow_x"]);
pub(super) const ACCOUNT_COOKIE: SealedPlace = ("account cookie", &["account_github"]);
pub(super) const STORED_TOKEN: SealedPlace = ("account", &["github", "=583231", "=7", "token"]);

/// Returns the sealed text of an input: after a `0`, the input is a sealed text itself; after any other byte, the rest is
/// sealed here. In this way the fuzzer reaches the parsers behind the seal.
pub(super) fn sealed_text(data: &[u8], (purpose, place): SealedPlace) -> Option<String> {
    match data.split_first()? {
        (b'0', sealed) => std::str::from_utf8(sealed).ok().map(str::to_owned),
        (_, plain) => KEYS.seal(purpose, place, plain).ok(),
    }
}

/// Returns both inputs for which [`sealed_text`] returns `plain`, sealed.
pub(super) fn seal_sample(plain: &[u8], (purpose, place): SealedPlace) -> Vec<Vec<u8>> {
    let sealed = KEYS.seal(purpose, place, plain).unwrap_or_default();
    vec![[b"0", sealed.as_bytes()].concat(), [b"1", plain].concat()]
}
