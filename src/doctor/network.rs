//! The way out of this machine: proxies, and certificate authorities.

use url::Url;

use crate::finding::Finding;
use crate::flow::{PROXY_VARIABLES, check_certificate_authorities};

const SUBJECT: &str = "network";
/// The variables that name a proxy for plain http. The first one that is set counts.
const HTTP: [&str; 2] = ["HTTP_PROXY", "http_proxy"];

/// The variables of the environment that have a value and are about proxies.
pub(super) fn variables() -> Vec<(&'static str, String)> {
    let names = PROXY_VARIABLES.into_iter().chain(HTTP).chain(["NO_PROXY", "no_proxy"]);
    let set = names.filter_map(|name| Some((name, std::env::var(name).ok()?)));
    set.filter(|(_, value)| !value.is_empty()).collect()
}

/// Judges the proxies in `variables`, and whether this machine has certificate authorities.
pub(super) fn check(variables: &[(&'static str, String)]) -> Vec<Finding> {
    let authorities = match check_certificate_authorities() {
        Ok(()) => Finding::ok(SUBJECT, "the system has certificate authorities"),
        Err(cause) => Finding::failure(
            SUBJECT,
            format!("no https server can be verified: {cause}"),
            "install the system's CA certificates (Debian: `apt-get install ca-certificates`); if SSL_CERT_FILE or \
             SSL_CERT_DIR is set, it must name them",
        ),
    };
    vec![authorities, proxy(variables)]
}

fn proxy(variables: &[(&'static str, String)]) -> Finding {
    let find =
        |names: &[&str]| names.iter().find_map(|name| variables.iter().find(|(known, _)| known == name));
    match (find(&PROXY_VARIABLES), find(&HTTP)) {
        (Some((name, url)), _) => {
            // A proxy without a scheme is a host.
            let url = match url.contains("://") {
                true => Url::parse(url),
                false => Url::parse(&format!("http://{url}")),
            };
            let url = url.ok();
            let host = url.as_ref().and_then(Url::host_str);
            match (host, find(&["NO_PROXY", "no_proxy"])) {
                (None, _) => Finding::failure(
                    SUBJECT,
                    format!("{name} is not a URL"),
                    format!("export {name}=http://proxy.example:3128"),
                ),
                (Some(host), None) => {
                    Finding::ok(SUBJECT, format!("https requests go through the proxy {host} ({name})"))
                }
                (Some(host), Some((excepted, _))) => Finding::ok(
                    SUBJECT,
                    format!(
                        "https requests go through the proxy {host} ({name}), except to the hosts in {excepted}"
                    ),
                ),
            }
        }
        (None, Some((name, _))) => Finding::warning(
            SUBJECT,
            format!(
                "{name} is set and HTTPS_PROXY is not: providers are https, and are requested without the proxy"
            ),
            "set HTTPS_PROXY to the same URL, if providers can be reached through the proxy only",
        ),
        (None, None) => Finding::ok(SUBJECT, "no proxy: HTTPS_PROXY and ALL_PROXY are not set"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::FindingLevel;

    fn judged(variables: &[(&'static str, &str)]) -> Finding {
        proxy(&variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect::<Vec<_>>())
    }

    #[test]
    fn a_proxy_is_named_without_its_password() {
        for url in ["http://me:hunter2@proxy.example:3128", "me:hunter2@proxy.example:3128"] {
            let finding = judged(&[("HTTPS_PROXY", url), ("NO_PROXY", "localhost")]);
            assert!(finding.level == FindingLevel::Ok && finding.text.contains("proxy.example"), "{finding}");
            assert!(finding.text.contains("NO_PROXY") && !finding.text.contains("hunter2"), "{finding}");
        }
        let wrong = judged(&[("ALL_PROXY", "http://hunter2 hunter2")]);
        assert!(wrong.level == FindingLevel::Failure && !wrong.to_string().contains("hunter2"), "{wrong}");
    }

    #[test]
    fn a_proxy_for_http_alone_has_no_effect() {
        let finding = judged(&[("HTTP_PROXY", "http://proxy.example:3128")]);
        assert!(finding.level == FindingLevel::Warning && finding.cure.unwrap().contains("HTTPS_PROXY"));
        assert_eq!(judged(&[]).level, FindingLevel::Ok);
    }
}
