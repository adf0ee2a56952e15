//! Extra parameters and headers of an entry's requests.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use serde_json::Value;

use super::parameters::Parameters;
use super::table::{Given, Table};
use crate::provider::{Preset, Protocol};

/// Parameters that an authorization request never takes from an entry or a signal (ST-19): the flow depends on them, a
/// request object would contain them, and another response mode would take the answer elsewhere.
pub(crate) const AUTHORIZATION_PARAMS: &[&str] = &[
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "redirect_uri",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "response_type",
    "response_mode",
    "request",
    "request_uri",
    "scope",
];

/// Parameters that a token request never takes from an entry.
pub(crate) const TOKEN_PARAMS: &[&str] = &[
    "grant_type",
    "code",
    "code_verifier",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "redirect_uri",
    "refresh_token",
];

/// The beginning of the names of OAuth 1's own parameters (RFC 5849 §3.1), which no request takes from an entry.
pub(crate) const OAUTH1_PARAMS: &str = "oauth_";

/// Parameters of a callback that are never kept: secrets, and what identifies the flow.
const CALLBACK_PARAMS: &[&str] =
    &["access_token", "code", "denied", "error", "id_token", "iss", "refresh_token", "state"];

/// Maximum number of parameters of the callback that an entry keeps.
const MAX_CALLBACK_PARAMS: usize = 16;

/// Headers that a request never takes from an entry.
const HEADERS: &[&str] =
    &["authorization", "connection", "content-length", "content-type", "cookie", "host", "transfer-encoding"];

/// What is added to the requests to the provider: the preset's, and over it the entry's.
#[derive(Clone)]
pub(crate) struct RequestAdditions {
    /// Parameters of authorization requests, those of the preset's own keys among them.
    pub(crate) authorization_params: BTreeMap<String, String>,
    /// Parameters of token requests; with OAuth 1 of the request for temporary credentials.
    pub(crate) token_params: BTreeMap<String, String>,
    /// Further parameters of refreshes.
    pub(crate) refresh_params: BTreeMap<String, String>,
    /// Headers of all requests.
    pub(crate) headers: BTreeMap<String, String>,
    /// Parameters of the callback that are kept.
    pub(crate) callback_params: Vec<String>,
}

impl RequestAdditions {
    pub(super) fn read(table: &mut Table<'_>, preset: &Preset, parameters: &Parameters) -> Self {
        let owned = |pairs: &[(&str, &str)]| filled(parameters, pairs);
        let mut authorization_params = owned(preset.authorization_params);
        authorization_params.extend(parameters.authorization_params.clone());
        let own = params(table, "authorization_params", AUTHORIZATION_PARAMS);
        authorization_params.extend(own.clone());
        if preset.protocol == Protocol::OpenIdConnect {
            check_requirements(table, &authorization_params, &own);
        }
        let mut token_params = owned(preset.token_params);
        token_params.extend(parameters.token_params.clone());
        token_params.extend(params(table, "token_params", TOKEN_PARAMS));
        let refresh_params = owned(preset.refresh_params);
        Self {
            authorization_params,
            token_params,
            refresh_params,
            headers: headers(table, owned(preset.headers)),
            callback_params: callback_params(table, preset),
        }
    }
}

fn filled(parameters: &Parameters, pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), parameters.fill_text(value))).collect()
}

/// Reports parameters that say what an ID token must contain, and can't be read: each sign-in would fail. Those of `own` are in
/// `authorization_params`; the others are keys of the preset.
fn check_requirements(table: &Table<'_>, params: &BTreeMap<String, String>, own: &BTreeMap<String, String>) {
    let is_wrong =
        |name: &str, is_right: fn(&str) -> bool| params.get(name).is_some_and(|text| !is_right(text));
    let fault = |name: &str, why: &str, example: &str| {
        let key = match own.contains_key(name) {
            true => format!("authorization_params.{name}"),
            false => name.to_owned(),
        };
        table.fault(&key, why, &format!("{name} = {example}"));
    };
    if is_wrong("max_age", |text| text.parse::<u32>().is_ok()) {
        fault("max_age", "must be a number of seconds", "\"3600\"");
    }
    if is_wrong("claims", |text| serde_json::from_str::<Value>(text).is_ok()) {
        fault("claims", "must be JSON", "'{\"id_token\": {}}'");
    }
}

fn params(table: &mut Table<'_>, key: &str, reserved: &[&str]) -> BTreeMap<String, String> {
    const RESERVED: &str = "is a parameter of the protocol, which an entry cannot override: remove it";
    let mut params = BTreeMap::new();
    for (name, given) in table.texts(key) {
        if reserved.contains(&name.as_str()) || name.starts_with(OAUTH1_PARAMS) {
            table.reader.fault(&given.place, RESERVED, "");
        } else if name.is_empty() {
            table.reader.fault(&given.place, "is a parameter without a name: remove it", "");
        } else {
            params.insert(name, given.value);
        }
    }
    params
}

/// The preset's parameters of the callback, and those of the entry.
fn callback_params(table: &mut Table<'_>, preset: &Preset) -> Vec<String> {
    let mut names: Vec<_> = preset.callback_params.iter().map(|&name| name.to_owned()).collect();
    let given = table.list("callback_params", |text| vec![text.to_owned()], "[\"…\"]");
    let Some(Given { value, place }) = given else { return names };
    let is_own = |name: &String| CALLBACK_PARAMS.contains(&name.as_str()) || name.starts_with(OAUTH1_PARAMS);
    if value.iter().any(is_own) {
        let why = "names a parameter of the protocol, which is not kept: remove it";
        table.reader.fault(&place, why, "");
    }
    if value.len() > MAX_CALLBACK_PARAMS {
        let why = format!("must be a list of at most {MAX_CALLBACK_PARAMS} names");
        table.reader.fault(&place, why, "callback_params = [\"…\"]");
    }
    names.extend(value);
    names
}

/// The entry's headers, over those of its preset.
fn headers(table: &mut Table<'_>, mut headers: BTreeMap<String, String>) -> BTreeMap<String, String> {
    const RESERVED: &str = "is a header of the protocol, which an entry cannot override: remove it";
    for (name, given) in table.texts("headers") {
        if HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            table.reader.fault(&given.place, RESERVED, "");
        } else if HeaderName::try_from(&name).is_err() || HeaderValue::try_from(&given.value).is_err() {
            table.reader.fault(&given.place, "is not a valid HTTP header", "X-Name = \"value\"");
        } else {
            headers.retain(|other, _| !other.eq_ignore_ascii_case(&name));
            headers.insert(name, given.value);
        }
    }
    headers
}
