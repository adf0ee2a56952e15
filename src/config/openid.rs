//! What only an OpenID Connect entry has.

use super::parameters::Parameters;
use super::table::Table;
use crate::provider::{Preset, SigningAlgorithm};

/// How an entry's ID tokens are checked (OpenID Connect Core §3.1.3.7).
#[derive(Clone)]
pub(crate) struct OpenIdOptions {
    /// The accepted signature algorithms.
    pub(crate) signing_algorithms: Vec<SigningAlgorithm>,
    /// The audiences that an ID token may name beside the client.
    pub(crate) trusted_audiences: Vec<String>,
}

impl OpenIdOptions {
    pub(super) fn read(table: &mut Table<'_>, preset: &Preset, parameters: &Parameters) -> Self {
        let mut trusted_audiences = table
            .list("trusted_audiences", |text| vec![text.to_owned()], "[\"…\"]")
            .map(|given| given.value)
            .unwrap_or_default();
        trusted_audiences.extend(parameters.trusted_audiences.clone());
        let signing_algorithms =
            signing_algorithms(table).unwrap_or_else(|| preset.signing_algorithms.to_vec());
        Self { signing_algorithms, trusted_audiences }
    }
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
