//! Scopes that a page of the app needs, beyond those of the entry: the parameter `scope` of a request that begins a flow.

use crate::dance::handle::Dance;
use crate::error::Error;
use crate::paths::with_parameter;

/// The purpose for which parameters are tagged.
const PURPOSE: &str = "scope";

/// The value of the parameter for `scopes` at `entry`; `None` if there are none.
///
/// It has a tag of this app's: an attacker must not choose what a link of ours asks the user to consent to.
pub(crate) fn scope_field(dance: &Dance, entry: &str, scopes: &[String]) -> Option<String> {
    let scopes = Some(scopes.join(" ")).filter(|scopes| !scopes.is_empty())?;
    Some(format!("{}.{scopes}", dance.browser_keys().tag(PURPOSE, &[entry, &scopes])))
}

/// The scopes in the value `field` of the parameter. A value that this app has not made for `entry` is ignored.
pub(crate) fn read_scope_field(dance: &Dance, entry: &str, field: Option<&str>) -> Vec<String> {
    let Some((tag, scopes)) = field.and_then(|field| field.split_once('.')) else { return Vec::new() };
    match dance.browser_keys().verify_tag(tag, PURPOSE, &[entry, scopes]) {
        true => scopes.split(' ').map(str::to_owned).collect(),
        false => Vec::new(),
    }
}

/// `url`, where the user begins at `entry`, with the parameter for the scopes that `error` says are missing.
pub(crate) fn with_missing_scopes(dance: &Dance, url: String, entry: Option<&str>, error: &Error) -> String {
    match entry {
        Some(entry) => with_scopes(dance, url, entry, error.missing_scopes()),
        None => url,
    }
}

/// `url`, where the user begins at `entry`, with the parameter for `scopes`, if there are any.
pub(crate) fn with_scopes(dance: &Dance, url: String, entry: &str, scopes: &[String]) -> String {
    match scope_field(dance, entry, scopes) {
        Some(field) => with_parameter(&url, "scope", &field),
        None => url,
    }
}
