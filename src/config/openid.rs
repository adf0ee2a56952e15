//! What only an OpenID Connect entry has.

use url::Url;

use super::parameters::Parameters;
use super::table::Table;
use crate::provider::{Preset, Protocol, SigningAlgorithm};

/// How an entry's ID tokens are checked (OpenID Connect Core §3.1.3.7).
#[derive(Clone)]
pub(crate) struct OpenIdOptions {
    /// The accepted signature algorithms.
    pub(crate) signing_algorithms: Vec<SigningAlgorithm>,
    /// The audiences that an ID token may name beside the client.
    pub(crate) trusted_audiences: Vec<String>,
    /// The clients whose ID tokens a device may bring. Empty: none.
    pub(crate) native_client_ids: Vec<String>,
    /// The discovery document, if it is not at the issuer's well-known address.
    pub(crate) metadata_url: Option<Url>,
    /// The key set, if it is not the one of the discovery document.
    pub(crate) jwks_url: Option<Url>,
}

impl OpenIdOptions {
    pub(super) fn read(table: &mut Table<'_>, preset: &Preset, parameters: &Parameters) -> Self {
        let mut trusted_audiences = table
            .list("trusted_audiences", |text| vec![text.to_owned()], "[\"…\"]")
            .map(|given| given.value)
            .unwrap_or_default();
        trusted_audiences.extend(parameters.trusted_audiences.clone());
        let native_client_ids = native_client_ids(table, preset);
        let signing_algorithms =
            signing_algorithms(table).unwrap_or_else(|| preset.signing_algorithms.to_vec());
        // The preset's documents are those of the preset's issuer.
        let (has_issuer, has_metadata) = (table.has("issuer"), table.has("metadata_url"));
        let metadata_url = preset.metadata_url.filter(|_| !has_issuer);
        let jwks_url = preset.jwks_url.filter(|_| !has_issuer && !has_metadata);
        Self {
            signing_algorithms,
            trusted_audiences,
            native_client_ids,
            metadata_url: parameters.url(table, ["metadata_url"; 2], metadata_url, false),
            jwks_url: parameters.url(table, ["jwks_url"; 2], jwks_url, false),
        }
    }
}

/// The clients of devices, which need ID tokens.
fn native_client_ids(table: &mut Table<'_>, preset: &Preset) -> Vec<String> {
    let Some(given) = table.list("native_client_ids", |text| vec![text.to_owned()], "[\"…\"]") else {
        return Vec::new();
    };
    if preset.protocol != Protocol::OpenIdConnect {
        let why = "needs ID tokens, which only OpenID Connect has: remove it";
        table.reader.fault(&given.place, why, "provider = \"oidc\"");
    }
    given.value
}

fn signing_algorithms(table: &mut Table<'_>) -> Option<Vec<SigningAlgorithm>> {
    const EXAMPLE: &str = "[\"RS256\"]";
    let given = table.list("signing_algorithms", |text| vec![text.to_owned()], EXAMPLE)?;
    let named = |name: &String| SigningAlgorithm::ALL.into_iter().find(|algorithm| algorithm.is(name));
    let found: Option<Vec<_>> = given.value.iter().map(named).collect();
    let found = found.filter(|found| !found.is_empty());
    if found.is_none() {
        let names = SigningAlgorithm::ALL.map(SigningAlgorithm::name).join(", ");
        let why = format!("must be a list of some of {names}");
        table.reader.fault(&given.place, why, &format!("signing_algorithms = {EXAMPLE}"));
    }
    found
}
