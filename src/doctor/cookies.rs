//! The cookies, as browsers will see them.

use crate::config::{Settings, is_loopback_host};
use crate::finding::Finding;

const SUBJECT: &str = "cookies";

/// Judges the names and attributes of the cookies that `settings` lead to.
pub(super) fn check(settings: &Settings, is_stored_in_browsers: bool) -> Vec<Finding> {
    let name = settings.cookie_name("rocket_dance_session");
    let path = settings.cookie_scope().path;
    let is_local = settings.base_url.host_str().is_some_and(is_loopback_host);
    let mut findings = vec![match (settings.secure(), is_local) {
        (true, _) => Finding::ok(SUBJECT, format!("`{name}`, Secure, for the path `{path}`")),
        (false, true) => Finding::ok(
            SUBJECT,
            format!("`{name}`, not Secure: base_url is http on this machine, which only suits development"),
        ),
        (false, false) => Finding::failure(
            SUBJECT,
            format!("`{name}` is not Secure: base_url is http, and everyone on the way can read it"),
            "[release.dance]\nbase_url = \"https://app.example.com\"",
        ),
    }];
    if is_stored_in_browsers {
        findings.push(Finding::warning(
            SUBJECT,
            "no storage is attached: each browser keeps its own accounts, in up to 4,096 bytes of cookies",
            "attach a storage: Dance::fairing().storage(DieselStorage::database(\"app\").migrate()). With CookieStorage, \
             nginx may need `proxy_buffer_size 8k`",
        ));
    }
    findings
}
