//! Targets of redirects: the keys `after_…` of `[default.dance]` and of an entry, and `trusted_origins`.

use url::Url;

use super::table::Table;
use super::urls::{is_own_origin, web_url};
use crate::base_path::BasePath;
use crate::local_path::LocalPath;
use crate::paths::Paths;
use crate::redirect_target::RedirectTarget;

/// Why a target has no fragment: [`LocalPath`] drops it.
const FRAGMENT: &str = "must not contain a `#`: a redirect of ours would lose what follows it";

/// What a target is checked with.
#[derive(Clone, Copy)]
pub(super) struct TargetRules<'a> {
    /// Path of our routes.
    pub(super) prefix: &'a str,
    pub(super) base_path: &'a BasePath,
    pub(super) trusted_origins: &'a [String],
}

/// Where a flow leads: the targets of an entry, or those that hold for all entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FlowTargets {
    pub(crate) after_login: Option<RedirectTarget>,
    pub(crate) after_connect: Option<RedirectTarget>,
    pub(crate) after_denied: Option<RedirectTarget>,
    pub(crate) after_error: Option<RedirectTarget>,
}

impl FlowTargets {
    pub(super) fn read(table: &mut Table<'_>, rules: TargetRules<'_>) -> Self {
        Self {
            after_login: target(table, "after_login", rules),
            after_connect: target(table, "after_connect", rules),
            after_denied: target(table, "after_denied", rules),
            after_error: target(table, "after_error", rules),
        }
    }

    /// The targets that are set, with their keys.
    pub(super) fn set(&self) -> impl Iterator<Item = (&'static str, &RedirectTarget)> {
        let keys = [
            ("after_login", &self.after_login),
            ("after_connect", &self.after_connect),
            ("after_denied", &self.after_denied),
            ("after_error", &self.after_error),
        ];
        keys.into_iter().filter_map(|(key, target)| target.as_ref().map(|target| (key, target)))
    }
}

/// The target `key`: our sign-in page or any page of the app, but no other route of ours, or a URL of a trusted origin.
pub(super) fn target(table: &mut Table<'_>, key: &str, rules: TargetRules<'_>) -> Option<RedirectTarget> {
    if !table.peek(key).is_some_and(|text| text.contains("://") && !text.starts_with('/')) {
        return local(table, key, rules).map(RedirectTarget::from);
    }
    let given = table.text(key)?;
    let why = match RedirectTarget::try_from(given.value.as_str()) {
        _ if given.value.contains('#') => FRAGMENT,
        Ok(target)
            if target
                .origin()
                .is_some_and(|origin| rules.trusted_origins.iter().any(|known| known == origin)) =>
        {
            return Some(target);
        }
        Ok(_) => {
            "is a URL of an origin that `trusted_origins` does not contain: add it there, or write a path of this app"
        }
        Err(_) => {
            "must be a path of this app, which begins with one `/`, or a URL of one of the `trusted_origins`"
        }
    };
    table.reader.fault(&given.place, why, &format!("{key} = \"/\""));
    None
}

/// The path `key` of this app.
pub(super) fn local(table: &mut Table<'_>, key: &str, rules: TargetRules<'_>) -> Option<LocalPath> {
    let given = table.text(key)?;
    let is_action = |path: &str| {
        Paths::new(rules.prefix).is_own_action(path) && path.trim_end_matches('/') != rules.prefix
    };
    let why = match rules.base_path.target(&given.value) {
        _ if given.value.contains('#') => FRAGMENT,
        // The value is not in the message: it may be a secret that was meant for another key.
        Err(_)
            if rules.base_path.target(&format!("/{}", given.value)).is_ok()
                && !given.value.starts_with('/') =>
        {
            let why = "must be a path of this app, which begins with one `/`: write a `/` in front of it";
            table.reader.fault(&given.place, why, &format!("{key} = \"/…\""));
            return None;
        }
        Err(_) => "must be a path of this app, which begins with one `/`",
        Ok(path) if is_action(path.as_str()) => "must not be a route that begins, finishes or ends a sign-in",
        Ok(path) => return Some(path),
    };
    table.reader.fault(&given.place, why, &format!("{key} = \"/\""));
    None
}

/// The origins of `trusted_origins`, as browsers write them.
pub(super) fn trusted_origins(table: &mut Table<'_>, base_url: &Url) -> Vec<String> {
    const EXAMPLE: &str = "[\"https://spa.example.com\"]";
    let Some(given) = table.list("trusted_origins", |text| vec![text.to_owned()], EXAMPLE) else {
        return vec![];
    };
    let mut origins = Vec::new();
    for text in &given.value {
        let why = match web_url(text) {
            Err(why) => why,
            Ok(url) if url.path() != "/" || url.query().is_some() => {
                "must be origins, without a path or a query: scheme, host and perhaps a port"
            }
            Ok(url) if is_own_origin(&url, base_url) => {
                "contains the origin of this app itself: remove it. Pages of this app are paths, for example `/inbox`"
            }
            Ok(url) => {
                origins.push(url.origin().ascii_serialization());
                continue;
            }
        };
        table.reader.fault(&given.place, why, &format!("trusted_origins = {EXAMPLE}"));
    }
    origins
}
