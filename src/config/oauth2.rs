//! What only an OAuth 2 entry has.

use std::collections::BTreeSet;

use url::Url;

use super::client_auth::ClientAuthentication;
use super::parameters::Parameters;
use super::table::Table;
use crate::provider::{
    Preset, Protocol, ResponseMode, RevocationRequest, TokenPlacement, TokenRequestFormat,
};

/// Endpoints, client authentication and options of an OAuth 2 entry (RFC 6749). An OpenID Connect entry has them too.
#[derive(Clone)]
pub(crate) struct OAuth2Options {
    pub(crate) client_auth: ClientAuthentication,
    pub(crate) endpoints: EndpointUrls,
    /// The scope that authorization requests ask for.
    pub(crate) scope: Vec<String>,
    /// The scopes of the preset that `scope` replaces and does not contain.
    pub(crate) scope_left_out: Vec<String>,
    /// What is between two scopes in the request.
    pub(crate) scope_separator: String,
    /// Pairs of scopes: a granted one, and one that it includes.
    pub(crate) implied_scopes: &'static [(&'static str, &'static str)],
    /// Parameters of a request for further scopes, if the provider adds them to the granted ones.
    pub(crate) incremental_params: Option<&'static [(&'static str, &'static str)]>,
    /// Whether authorization requests are pushed (RFC 9126). Unset: if the provider requires it.
    pub(crate) par: Option<bool>,
    /// Whether a PKCE challenge is sent (RFC 7636).
    pub(crate) pkce: bool,
    pub(crate) response_mode: ResponseMode,
    /// Whether a callback with neither a code nor an error is the user's refusal.
    pub(crate) denial_has_no_code: bool,
    /// Whether the token answer is read as a form even if its Content-Type is another one.
    pub(crate) form_token_answer: bool,
    /// Whether a missing `token_type` means `bearer`.
    pub(crate) assume_bearer: bool,
    /// The accepted values of `token_type`, in lower case.
    pub(crate) token_types: Vec<String>,
    /// Where the object with the token is in the token answer. Empty: it is the answer itself.
    pub(crate) token_answer_path: &'static str,
    pub(crate) token_request_format: TokenRequestFormat,
    /// The provider's name for `client_id`.
    pub(crate) client_id_param: &'static str,
    /// The name of the parameter `client_secret`.
    pub(crate) client_secret_param: &'static str,
    /// Where API requests have the access token.
    pub(crate) token_placement: Placement,
    /// The query parameter of API requests with a proof of the client. Empty: there is none.
    pub(crate) token_proof_param: &'static str,
    pub(crate) revocation: RevocationRequest,
}

/// Where API requests have the access token.
#[derive(Debug, Clone)]
pub(crate) enum Placement {
    /// In the header `Authorization`, after this word.
    Authorization(String),
    Header(&'static str),
    Query(&'static str),
}

/// The endpoints. OpenID Connect discovers those that are not set.
#[derive(Clone)]
pub(crate) struct EndpointUrls {
    pub(crate) authorization: Option<Url>,
    pub(crate) token: Option<Url>,
    /// Where refresh tokens are exchanged, if not at the token endpoint.
    pub(crate) refresh: Option<Url>,
    /// RFC 7009.
    pub(crate) revocation: Option<Url>,
    /// The endpoint of pushed authorization requests (RFC 9126).
    pub(crate) pushed_request: Option<Url>,
}

impl OAuth2Options {
    pub(super) fn read(table: &mut Table<'_>, preset: &Preset, parameters: &Parameters) -> Self {
        let is_discovered = preset.protocol == Protocol::OpenIdConnect;
        let client_auth = ClientAuthentication::read(table, preset, parameters);
        let endpoints = EndpointUrls::read(table, preset, parameters, is_discovered);
        let scope = scope(table, preset, parameters);
        Self {
            par: par(table, is_discovered || endpoints.pushed_request.is_some()),
            response_mode: response_mode(table).unwrap_or(preset.response_mode),
            denial_has_no_code: preset.denial_has_no_code,
            scope_left_out: scope_left_out(preset, parameters, &scope),
            scope,
            scope_separator: scope_separator(table).unwrap_or_else(|| preset.scope_separator.to_owned()),
            implied_scopes: preset.implied_scopes,
            incremental_params: preset.incremental_params,
            pkce: table.boolean("pkce").unwrap_or(preset.pkce),
            form_token_answer: table.boolean("form_token_answer").unwrap_or(preset.form_token_answer),
            assume_bearer: table.boolean("assume_bearer").unwrap_or(preset.assume_bearer),
            token_types: token_types(table, preset),
            token_answer_path: preset.token_answer_path,
            token_request_format: preset.token_request_format,
            client_id_param: preset.client_id_param,
            client_secret_param: preset.client_secret_param,
            token_placement: placement(table, preset),
            token_proof_param: preset.token_proof_param,
            revocation: preset.revocation,
            client_auth,
            endpoints,
        }
    }
}

impl EndpointUrls {
    fn read(table: &mut Table<'_>, preset: &Preset, parameters: &Parameters, is_discovered: bool) -> Self {
        // An entry that gets its tokens elsewhere must not send them to the preset's other endpoints.
        let is_elsewhere = table.has("token_url") || table.has("token_uri");
        let revocation = preset.revocation_url.filter(|_| !is_elsewhere);
        let refresh = preset.refresh_url.filter(|_| !is_elsewhere);
        let mut url = |keys, preset, is_required| parameters.url(table, keys, preset, is_required);
        Self {
            authorization: url(["authorization_url", "auth_uri"], preset.authorization_url, !is_discovered),
            token: url(["token_url", "token_uri"], preset.token_url, !is_discovered),
            refresh: url(["refresh_url"; 2], refresh, false),
            revocation: url(["revocation_url"; 2], revocation, false),
            pushed_request: url(["par_url"; 2], None, false),
        }
    }
}

/// `has_url`: the endpoint of pushed requests is known, or will be discovered.
fn par(table: &mut Table<'_>, has_url: bool) -> Option<bool> {
    let place = table.place_of("par");
    let given = table.boolean("par");
    if given == Some(true) && !has_url {
        let why = "needs the endpoint that authorization requests are pushed to";
        table.reader.fault(&place, why, "par_url = \"https://provider.example/…\"");
    }
    given
}

fn response_mode(table: &mut Table<'_>) -> Option<ResponseMode> {
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

/// The word before the token in `Authorization`: `token_scheme`, else the preset's placement of the token.
fn placement(table: &mut Table<'_>, preset: &Preset) -> Placement {
    let Some(given) = table.text("token_scheme") else {
        return match preset.token_placement {
            TokenPlacement::Authorization(scheme) => Placement::Authorization(scheme.to_owned()),
            TokenPlacement::Header(name) => Placement::Header(name),
            TokenPlacement::Query(name) => Placement::Query(name),
        };
    };
    if !given.value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        table.reader.fault(&given.place, "must be one word", "token_scheme = \"Bearer\"");
    }
    Placement::Authorization(given.value)
}

fn token_types(table: &mut Table<'_>, preset: &Preset) -> Vec<String> {
    const EXAMPLE: &str = "[\"bearer\"]";
    match table.list("token_types", |text| vec![text.to_owned()], EXAMPLE) {
        Some(given) => {
            if given.value.is_empty() {
                let why = "must name at least one type: without one, no token is accepted";
                table.reader.fault(&given.place, why, &format!("token_types = {EXAMPLE}"));
            }
            given.value.iter().map(|word| word.to_ascii_lowercase()).collect()
        }
        None => preset.token_types.iter().map(|&word| word.to_owned()).collect(),
    }
}

fn scope(table: &mut Table<'_>, preset: &Preset, parameters: &Parameters) -> Vec<String> {
    let mut scope = scopes(table, "scope")
        .unwrap_or_else(|| preset.scope.iter().map(|scope| parameters.fill_text(scope)).collect());
    scope.extend(parameters.scope.iter().map(|&scope| scope.to_owned()));
    scope.extend(scopes(table, "extra_scope").unwrap_or_default());
    // Without `openid` the request is plain OAuth 2, and the answer has no ID token (Core §3.1.2.1).
    if preset.protocol == Protocol::OpenIdConnect {
        scope.insert(0, "openid".to_owned());
    }
    let mut seen = BTreeSet::new();
    scope.retain(|scope| seen.insert(scope.clone()));
    scope
}

/// The scopes of the preset that `scope` neither has nor includes.
fn scope_left_out(preset: &Preset, parameters: &Parameters, scope: &[String]) -> Vec<String> {
    let is_included = |wanted: &str| {
        let implied =
            |(granted, included): &(&str, &str)| *included == wanted && scope.iter().any(|s| s == granted);
        scope.iter().any(|scope| scope == wanted) || preset.implied_scopes.iter().any(implied)
    };
    let wanted = preset.scope.iter().map(|scope| parameters.fill_text(scope));
    wanted.filter(|wanted| !is_included(wanted)).collect()
}

fn scopes(table: &mut Table<'_>, key: &str) -> Option<Vec<String>> {
    let split =
        |text: &str| text.split([' ', ',']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let given = table.list(key, split, "[\"…\"]")?;
    // RFC 6749 §3.3: visible ASCII without `"` and `\`.
    let is_scope = |scope: &String| {
        !scope.is_empty() && scope.bytes().all(|b| (0x21..=0x7e).contains(&b) && !b"\"\\".contains(&b))
    };
    if !given.value.iter().all(is_scope) {
        let why = "each scope is one word: no spaces, quotes or backslashes in it";
        table.reader.fault(&given.place, why, &format!("{key} = [\"…\", \"…\"]"));
    }
    Some(given.value)
}

fn scope_separator(table: &mut Table<'_>) -> Option<String> {
    const KEY: &str = "scope_separator";
    // Read without `text`, which rejects a space.
    let Some(separator) = table.peek(KEY).map(str::to_owned) else {
        return table.text(KEY).map(|given| given.value);
    };
    let is_separator = [" ", ",", ", ", ";", "+", "|"].contains(&separator.as_str());
    if !is_separator {
        table.fault(KEY, "must be a space or a comma", "scope_separator = \" \"");
    }
    table.forget(KEY);
    is_separator.then_some(separator)
}
