//! An entry's keys that aren't URLs, one function each.

use std::collections::{BTreeMap, BTreeSet};

use http::{HeaderName, HeaderValue};

use super::table::Table;
use super::tenants::tenant;
use super::urls::{is_host, web_url};
use crate::provider::{ParameterKind, Preset, Protocol, ResponseMode, SigningAlgorithm};

/// ST-19: what extra parameters never say at the authorization endpoint, an entry's as little as a signal's. The dance
/// hangs on it; a request object would say all of it, and another response mode takes the answer elsewhere.
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
/// What they never say at the token endpoint.
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
/// What all parameters of OAuth 1 itself begin with (RFC 5849 §3.1).
pub(crate) const OAUTH1_PARAMS: &str = "oauth_";
const HEADERS: &[&str] =
    &["authorization", "connection", "content-length", "content-type", "cookie", "host", "transfer-encoding"];

/// What a profile is made of.
const CLAIMS: &[&str] = &["id", "name", "username", "email", "email_verified", "profile_url", "image_url"];

pub(super) fn owned(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(super) fn required(table: &mut Table<'_>, key: &str) -> Option<String> {
    if !table.has(key) {
        table.fault(key, "is missing", &format!("{key} = \"…\""));
    }
    table.text(key).map(|given| given.value)
}

/// One of the preset's own keys.
pub(super) fn parameter(
    table: &mut Table<'_>,
    key: &'static str,
    effect: ParameterKind,
    fills: &mut BTreeMap<&'static str, String>,
    parameters: &mut BTreeMap<String, String>,
    extra: &mut BTreeMap<String, Vec<String>>,
) {
    let value = match effect {
        ParameterKind::UrlPart(default) => {
            let given = table.text(key).filter(|given| {
                let good = is_host(&given.value);
                if !good {
                    let why = "must be a plain host, or host and port, without https:// and path";
                    table.reader.fault(&given.place, why, &format!("{key} = \"{default}\""));
                }
                good
            });
            let value = given.map_or_else(|| default.to_owned(), |given| given.value);
            fills.insert(key, value.clone());
            Some(value)
        }
        ParameterKind::Tenant => {
            let tenant = tenant(table, key);
            // One fault for a tenant that isn't there, not another for each URL.
            fills.insert(key, tenant.clone().unwrap_or_else(|| "common".to_owned()));
            tenant
        }
        ParameterKind::BaseUrl => {
            let example = format!("{key} = \"https://provider.example\"");
            if !table.has(key) {
                table.fault(key, "is missing: it is the provider's address", &example);
            }
            let url = table.text(key).and_then(|given| match web_url(&given.value) {
                Ok(url) if url.query().is_none() => Some(url.as_str().trim_end_matches('/').to_owned()),
                Ok(_) => {
                    table.reader.fault(&given.place, "must not have a query", &example);
                    None
                }
                Err(why) => {
                    table.reader.fault(&given.place, why, &example);
                    None
                }
            });
            // Told once: the preset's URLs are whole, whatever it is.
            let value = url.unwrap_or_else(|| "https://provider.example".to_owned());
            fills.insert(key, value.clone());
            Some(value)
        }
        ParameterKind::AuthorizationParam(name) => table.scalar(key).map(|given| {
            extra.entry(name.to_owned()).or_default().push(given.value.clone());
            given.value
        }),
        ParameterKind::AuthorizationFlag(name, value) => table.boolean(key).map(|on| {
            if on {
                extra.entry(name.to_owned()).or_default().push(value.to_owned());
            }
            on.to_string()
        }),
    };
    parameters.extend(value.map(|value| (key.to_owned(), value)));
}

pub(super) fn extra_params(table: &mut Table<'_>, key: &str, protocol: &[&str]) -> Vec<(String, String)> {
    let given = table.texts(key);
    let mut params = Vec::new();
    for (name, given) in given {
        if protocol.contains(&name.as_str()) || name.starts_with(OAUTH1_PARAMS) {
            table.reader.fault(
                &given.place,
                "is a parameter of the dance itself, which extra ones don't override: remove it",
                "",
            );
        } else {
            params.push((name, given.value));
        }
    }
    params
}

pub(super) fn headers(table: &mut Table<'_>, preset: &Preset) -> BTreeMap<String, String> {
    let mut headers = owned(preset.headers);
    for (name, given) in table.texts("headers") {
        let lower = name.to_ascii_lowercase();
        if HEADERS.contains(&lower.as_str()) {
            table.reader.fault(
                &given.place,
                "is a header of the dance itself, which extra ones don't override: remove it",
                "",
            );
        } else if HeaderName::try_from(&name).is_err() || HeaderValue::try_from(&given.value).is_err() {
            table.reader.fault(&given.place, "is not a header that HTTP can carry", "X-Name = \"value\"");
        } else {
            headers.retain(|other, _| !other.eq_ignore_ascii_case(&name));
            headers.insert(name, given.value);
        }
    }
    headers
}

pub(super) fn profile_paths(table: &mut Table<'_>) -> BTreeMap<String, String> {
    let Some(mut inner) = table.table("profile") else { return BTreeMap::new() };
    let paths = CLAIMS
        .iter()
        .filter_map(|claim| inner.text(claim).map(|given| ((*claim).to_owned(), given.value)))
        .collect();
    inner.close();
    paths
}

pub(super) fn title(table: &mut Table<'_>, preset: &Preset, name: &str) -> String {
    if let Some(given) = table.text("title") {
        return given.value;
    }
    if !preset.title.is_empty() {
        return preset.title.to_owned();
    }
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

pub(super) fn scope(table: &mut Table<'_>, preset: &Preset) -> Vec<String> {
    let split =
        |text: &str| text.split([' ', ',']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let mut read = |key: &str| {
        let given = table.list(key, split, "[\"…\"]")?;
        // RFC 6749 §3.3: visible ASCII without `"` and `\`.
        let token = |scope: &String| {
            !scope.is_empty() && scope.bytes().all(|b| (0x21..=0x7e).contains(&b) && !b"\"\\".contains(&b))
        };
        if !given.value.iter().all(token) {
            table.reader.fault(
                &given.place,
                "each scope is one word: no spaces, quotes or backslashes in it",
                &format!("{key} = [\"…\", \"…\"]"),
            );
        }
        Some(given.value)
    };
    let mut scope =
        read("scope").unwrap_or_else(|| preset.scope.iter().map(|&scope| scope.to_owned()).collect());
    scope.extend(read("extra_scope").unwrap_or_default());
    // Without it the request is plain OAuth 2, and no ID token comes (Core §3.1.2.1).
    if preset.protocol == Protocol::OpenIdConnect {
        scope.insert(0, "openid".to_owned());
    }
    let mut seen = BTreeSet::new();
    scope.retain(|scope| seen.insert(scope.clone()));
    scope
}

pub(super) fn scope_separator(table: &mut Table<'_>) -> Option<String> {
    // A separator may be a space, which other texts may not be.
    match table.peek("scope_separator") {
        Some(separator @ (" " | "," | ", " | ";" | "+" | "|")) => {
            let separator = separator.to_owned();
            table.forget("scope_separator");
            Some(separator)
        }
        Some(_) => {
            table.fault("scope_separator", "must be a space or a comma", "scope_separator = \" \"");
            table.forget("scope_separator");
            None
        }
        None => table.text("scope_separator").map(|given| given.value),
    }
}

pub(super) fn login(table: &mut Table<'_>, has_identity: bool) -> bool {
    let place = table.place_of("login");
    let given = table.boolean("login");
    if given == Some(true) && !has_identity {
        let why = "nobody can sign in without a userinfo_url: it says who somebody is";
        table.reader.fault(&place, why, "userinfo_url = \"https://provider.example/…\"");
    }
    given.unwrap_or(has_identity)
}

/// Whether authorization requests are pushed. `has_url`: it is known where to, or will be.
pub(super) fn par(table: &mut Table<'_>, has_url: bool) -> Option<bool> {
    let place = table.place_of("par");
    let given = table.boolean("par");
    if given == Some(true) && !has_url {
        let why = "needs to know where authorization requests are pushed to";
        table.reader.fault(&place, why, "par_url = \"https://provider.example/…\"");
    }
    given
}

pub(super) fn response_mode(table: &mut Table<'_>) -> Option<ResponseMode> {
    let given = table.text("response_mode")?;
    match given.value.as_str() {
        "query" => Some(ResponseMode::Query),
        "form_post" => Some(ResponseMode::FormPost),
        _ => {
            let why = "must be query or form_post";
            table.reader.fault(&given.place, why, "response_mode = \"form_post\"");
            None
        }
    }
}

/// Whether signing out here signs out at the provider, too; `possible`: it may have a page for that.
pub(super) fn logout(table: &mut Table<'_>, possible: bool) -> bool {
    let place = table.place_of("logout");
    let wanted = table.boolean("logout").unwrap_or(false);
    if wanted && !possible {
        let why = "needs to know where one signs out there: only OpenID providers say so themselves";
        table.reader.fault(&place, why, "end_session_url = \"https://provider.example/…\"");
    }
    wanted
}

pub(super) fn account(table: &mut Table<'_>) -> Option<String> {
    let given = table.scalar("account")?;
    if given.value.len() > 255 || given.value.chars().any(char::is_control) {
        table.reader.fault(
            &given.place,
            "must be the account's id at the provider, 1 to 255 bytes",
            "account = \"583231\"",
        );
    }
    Some(given.value)
}

/// The domains whose verified addresses are trusted.
pub(super) fn trust_email(table: &mut Table<'_>, preset: &Preset) -> Vec<String> {
    const ELSEWHERE: &[&str] = &[
        "profile",
        "hostname",
        "issuer",
        "authorization_url",
        "auth_uri",
        "token_url",
        "token_uri",
        "userinfo_url",
        "api_base_url",
    ];
    if let Some(all) = table.peek_bool("trust_email") {
        table.forget("trust_email");
        return if all { vec!["*".to_owned()] } else { vec![] };
    }
    let Some(given) = table.list("trust_email", |text| vec![text.to_owned()], "[\"corp.example\"]") else {
        // What the preset says holds for its own servers.
        let elsewhere = ELSEWHERE.iter().any(|key| table.has(key));
        return if elsewhere { vec![] } else { preset.trust_email.iter().map(|&name| name.into()).collect() };
    };
    if !given.value.iter().all(|domain| is_host(domain) && !domain.contains(':')) {
        let why = "must be true, false, or a list of domains as they stand in addresses";
        table.reader.fault(&given.place, why, "trust_email = [\"corp.example\"]");
    }
    given.value
}

pub(super) fn algorithms(table: &mut Table<'_>) -> Vec<SigningAlgorithm> {
    const EXAMPLE: &str = "[\"RS256\"]";
    let all = || SigningAlgorithm::ALL.to_vec();
    let Some(given) = table.list("signing_algorithms", |text| vec![text.to_owned()], EXAMPLE) else {
        return all();
    };
    let found: Option<Vec<SigningAlgorithm>> = given
        .value
        .iter()
        .map(|name| SigningAlgorithm::ALL.into_iter().find(|algorithm| algorithm.is(name)))
        .collect();
    match found {
        Some(found) if !found.is_empty() => found,
        _ => {
            let names = SigningAlgorithm::ALL.map(SigningAlgorithm::name).join(", ");
            let why = format!("must be some of {names}");
            table.reader.fault(&given.place, why, &format!("signing_algorithms = {EXAMPLE}"));
            all()
        }
    }
}
