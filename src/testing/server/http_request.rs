//! [`HttpRequest`]: a request to the provider, read completely.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use rocket::Data;
use rocket::data::ToByteUnit;
use rocket::http::uri::Origin;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::provider::{PRESETS, Preset};

/// Maximum size of a request body, in KiB.
const MAX_BODY_KIB: u64 = 64;

/// A request to the provider, read completely.
#[derive(Debug, Default)]
pub(crate) struct HttpRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    /// The query as it was sent: OAuth 1.0a signs it.
    pub(crate) raw_query: String,
    pub(crate) form: Vec<(String, String)>,
    /// The headers, with names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    /// The presets of the app whose entries this provider stands in for, by name.
    pub(crate) own_presets: Arc<BTreeMap<String, Preset>>,
    /// The user whose token the request has, once that was checked: a signature of OAuth 1.0a is valid once.
    pub(super) user: OnceLock<Option<String>>,
}

impl HttpRequest {
    /// All presets: those of this crate, and those of the app.
    pub(super) fn presets(&self) -> impl Iterator<Item = &Preset> {
        PRESETS.iter().map(|(_, preset)| preset).chain(self.own_presets.values())
    }

    /// The preset that the entry with this URL has: `…/as/<preset>`.
    pub(super) fn preset(&self) -> Option<&Preset> {
        let (_, name) = self.path.split_once("/as/")?;
        let name = name.split('/').next()?;
        let known = || PRESETS.iter().find(|(known, _)| *known == name).map(|(_, preset)| preset);
        self.own_presets.get(name).or_else(known)
    }

    /// The client id in `pairs`, whatever a provider calls it.
    pub(super) fn client_id<'p>(
        &self,
        pairs: &'p [(String, String)],
    ) -> Result<Option<&'p str>, RepeatedParameter> {
        self.one_of(pairs, "client_id", |preset| preset.client_id_param)
    }

    /// The client secret in the form, whatever a provider calls it.
    pub(super) fn client_secret(&self) -> Result<Option<&str>, RepeatedParameter> {
        self.one_of(&self.form, "client_secret", |preset| preset.client_secret_param)
    }

    /// The value of the parameter `usual`, or of what a preset calls it.
    fn one_of<'p>(
        &self,
        pairs: &'p [(String, String)],
        usual: &str,
        name_of: fn(&Preset) -> &'static str,
    ) -> Result<Option<&'p str>, RepeatedParameter> {
        let mut names = self.presets().map(name_of);
        let name = names.find(|name| pairs.iter().any(|(known, _)| known == name));
        single(pairs, name.unwrap_or(usual))
    }

    /// Reads the parts of a request. The names of `headers` are in lower case.
    pub(crate) fn new(
        method: &str,
        path: &str,
        query: &str,
        headers: BTreeMap<String, String>,
        body: &[u8],
    ) -> Self {
        let content_type = headers.get("content-type").map(String::as_str).unwrap_or_default();
        let form = match content_type.split(';').next().unwrap_or_default().trim() {
            "application/x-www-form-urlencoded" => parse_pairs(body),
            "application/json" => texts(body),
            _ => Vec::new(),
        };
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: parse_pairs(query.as_bytes()),
            raw_query: query.to_owned(),
            form,
            headers,
            body: String::from_utf8_lossy(body).into_owned(),
            own_presets: Arc::default(),
            user: OnceLock::new(),
        }
    }

    pub(crate) async fn read(request: &rocket::Request<'_>, data: Data<'_>) -> std::io::Result<Self> {
        let body = data.open(MAX_BODY_KIB.kibibytes()).into_bytes().await?.into_inner();
        let query = match request.local_cache(|| HiddenQuery(None)) {
            HiddenQuery(Some(query)) => query.as_str(),
            HiddenQuery(None) => request.uri().query().map_or("", |query| query.as_str()),
        };
        let headers = request
            .headers()
            .iter()
            .map(|header| (header.name().as_str().to_ascii_lowercase(), header.value().to_owned()))
            .collect();
        Ok(Self::new(request.method().as_str(), request.uri().path().as_str(), query, headers, &body))
    }
}

/// The texts of a JSON object: some providers read token requests so.
fn texts(json: &[u8]) -> Vec<(String, String)> {
    let fields: Map<String, Value> = serde_json::from_slice(json).unwrap_or_default();
    let texts = fields.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
    texts.collect()
}

/// Decodes `application/x-www-form-urlencoded` text.
pub(crate) fn parse_pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).map(|(name, value)| (name.into(), value.into())).collect()
}

/// A parameter that must not be repeated is repeated (RFC 6749 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RepeatedParameter;

/// Returns the value of the parameter `name`. An empty value counts as absent (RFC 6749 §3.1).
pub(crate) fn single<'p>(
    pairs: &'p [(String, String)],
    name: &str,
) -> Result<Option<&'p str>, RepeatedParameter> {
    let mut values = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match (values.next(), values.next()) {
        (value, None) => Ok(value.filter(|value| !value.is_empty())),
        _ => Err(RepeatedParameter),
    }
}

/// The query that [`hide_query`] removed from a request's URI.
struct HiddenQuery(Option<String>);

/// Removes the query from the request's URI, because Rocket logs URIs and an authorization request contains a state.
/// [`HttpRequest::read`] still finds it.
pub(crate) fn hide_query(request: &mut rocket::Request<'_>) {
    if let Some(query) = request.uri().query().map(|query| query.to_string()) {
        request.local_cache(|| HiddenQuery(Some(query)));
        let path = request.uri().path().to_string();
        if let Ok(uri) = Origin::parse_owned(path) {
            request.set_uri(uri);
        }
    }
}
