//! The extra parameters of an authorization request.

use std::collections::BTreeMap;

use crate::config::{AUTHORIZATION_PARAMS, Entry};

/// Returns the entry's `authorization_params`, replaced and completed by `extra`. Parameters that belong to the protocol
/// are left out.
pub(super) fn authorization_params(
    entry: &Entry,
    extra: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut params = entry.additions.authorization_params.clone();
    params.extend(extra.clone());
    params.retain(|name, _| !AUTHORIZATION_PARAMS.contains(&name.as_str()));
    params
}
