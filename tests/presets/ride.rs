//! The data of a ride: what a provider expects and what it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rocket::figment::Figment;
use rocket::figment::providers::{Format, Toml};
use serde::Deserialize;
use serde_json::Value;

/// A ride at a provider, as `rides/<preset>.toml` has it. The entry is called `preset`; the client is `the-client` with the
/// secret `the-secret`.
///
/// Expected values can be `<any>`, `<redirect_uri>`, `<verifier>`, `<basic>` (the Authorization header of
/// `client_secret_basic`), `<secret_jwt>` and `<oauth1>` (a signed Authorization header).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ride {
    /// The pages of the documentation that requests and answers are from.
    pub sources: Vec<String>,
    /// When they were checked: `2026-11-28`.
    pub checked: String,
    /// Further keys of the entry.
    #[serde(default)]
    pub entry: BTreeMap<String, Value>,
    /// Whether the user is signed in already and connects an account: at providers that do not identify the user.
    #[serde(default)]
    pub connect: bool,
    pub authorize: Authorize,
    /// Parameters of the callback beside code and state.
    #[serde(default)]
    pub callback: BTreeMap<String, String>,
    /// The claims of the ID token, in JSON; `iss`, and if they are missing `aud`, `exp`, `iat` and `nonce` are filled in.
    /// Answers contain the token as `<id_token>`.
    pub id_token: Option<IdToken>,
    /// Public documents, which can be fetched at any time: discovery and keys. A key set is `<jwks>`.
    #[serde(default)]
    pub document: Vec<Exchange>,
    /// The requests of the sign-in, in their order.
    #[serde(default)]
    pub sign_in: Vec<Exchange>,
    /// The profile of the answers.
    pub profile: Expected,
    /// The profile of a user who says as little as possible, with the answers `poor`.
    pub poor: Option<Expected>,
    /// Calls of the API. They, the refresh and the revocation follow the sign-in with rich answers.
    #[serde(default)]
    pub api: Vec<ApiCall>,
    /// The requests of a refresh, after the access token has expired.
    #[serde(default)]
    pub refresh: Vec<Exchange>,
    /// The requests after the account is removed.
    #[serde(default)]
    pub revoke: Vec<Exchange>,
    /// Which answers are used: `rich` or `poor`.
    #[serde(skip)]
    pub user: &'static str,
}

/// The authorization request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorize {
    pub url: String,
    /// All parameters beside `state`, `redirect_uri`, `response_type=code`, and those of PKCE and the nonce.
    pub params: BTreeMap<String, String>,
    /// Whether there is a PKCE challenge.
    pub pkce: bool,
    /// Whether the answer comes as a form.
    #[serde(default)]
    pub form_post: bool,
}

/// An ID token.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdToken {
    pub claims: String,
    pub poor: Option<String>,
    /// HS256 with the client secret, instead of RS256.
    #[serde(default)]
    pub hs256: bool,
}

/// A request that the provider expects, and its answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Method and URL. The order of the query's parameters does not matter.
    pub request: String,
    /// Headers that must be there. `authorization` must be there only if it is listed.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The form in the body.
    pub form: Option<BTreeMap<String, String>>,
    /// The JSON in the body.
    pub json: Option<String>,
    #[serde(default = "ok")]
    pub status: u16,
    #[serde(default = "json")]
    pub content_type: String,
    #[serde(default)]
    pub answer: String,
    /// The answer for a user who says as little as possible.
    pub poor: Option<String>,
}

/// A call of the API by a relative path, and the request that it makes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiCall {
    pub path: String,
    pub request: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// A profile. What is missing must be missing.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Expected {
    pub id: Option<String>,
    pub name: Option<String>,
    pub username: Option<String>,
    pub email: Option<String>,
    pub email_verified: bool,
    pub profile_url: Option<String>,
    pub image_url: Option<String>,
}

fn ok() -> u16 {
    200
}

fn json() -> String {
    "application/json".to_owned()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/presets/rides")
}

impl Ride {
    /// The presets that have a ride.
    pub fn names() -> BTreeSet<String> {
        let files = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
        files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    }

    /// The rides of a preset, with rich and with poor answers.
    pub fn read(preset: &str) -> Vec<Self> {
        let file = folder().join(format!("{preset}.toml"));
        if !file.exists() {
            return Vec::new();
        }
        let rich: Self =
            Figment::from(Toml::file(file)).extract().unwrap_or_else(|error| panic!("{preset}: {error}"));
        assert!(!rich.sources.is_empty() && rich.checked.len() == 10, "{preset}: sources and date");
        let mut poor = rich.clone();
        let mut rides = vec![Self { user: "rich", ..rich }];
        if let Some(profile) = poor.poor.take() {
            for exchange in &mut poor.sign_in {
                exchange.answer = exchange.poor.clone().unwrap_or_else(|| exchange.answer.clone());
            }
            if let Some(id_token) = &mut poor.id_token {
                id_token.claims = id_token.poor.clone().unwrap_or_else(|| id_token.claims.clone());
            }
            rides.push(Self { user: "poor", profile, ..poor });
        }
        rides
    }
}
