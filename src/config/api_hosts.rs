//! Further hosts that may get the token.

use url::Url;

use super::table::Table;
use super::urls::{is_host, is_private};
use crate::provider::Preset;

/// The hosts to which API calls may send the token, in addition to that of the API base.
#[derive(Debug, Clone, Default)]
pub(crate) struct ApiHosts(Vec<String>);

impl ApiHosts {
    /// Reads `api_hosts`, which adds to those of the preset. If the entry points `elsewhere`, those of the preset are not
    /// used: the token is not the preset's.
    pub(super) fn read(table: &mut Table<'_>, preset: &Preset, elsewhere: bool) -> Self {
        let preset = preset.api_hosts.iter().filter(|_| !elsewhere).map(|&host| host.to_owned());
        let given = table.list("api_hosts", |text| vec![text.to_owned()], "[\"api.provider.example\"]");
        if let Some(given) = &given
            && !given.value.iter().all(|host| is_pattern(host))
        {
            let why = "must be a list of hosts, or host and port, without https:// and path. `*.` at the beginning stands \
                       for one label, before at least two others";
            table.reader.fault(&given.place, why, "api_hosts = [\"api.provider.example\"]");
        }
        let given = given.map(|given| given.value).unwrap_or_default();
        Self(preset.chain(given).map(|host| host.to_ascii_lowercase()).collect())
    }

    /// Whether a request to `url` may have the token.
    pub(crate) fn contains(&self, url: &Url) -> bool {
        let Some(host) = url.host_str().filter(|_| is_private(url)) else { return false };
        let host = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        self.0.iter().any(|pattern| match pattern.strip_prefix("*.") {
            Some(parent) => {
                host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent)
            }
            None => *pattern == host,
        })
    }
}

fn is_pattern(text: &str) -> bool {
    match text.strip_prefix("*.") {
        Some(parent) => {
            is_host(parent) && parent.contains('.') && !parent.contains(['[', ':']) && !is_address(parent)
        }
        None => is_host(text),
    }
}

/// Whether the last label is a number, as only that of an IP address is.
fn is_address(host: &str) -> bool {
    host.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r16_which_hosts_get_the_token() {
        let hosts = ApiHosts(vec!["*.googleapis.com".into(), "api.example:8443".into(), "[::1]:81".into()]);
        let contains = |url: &str| hosts.contains(&Url::parse(url).unwrap());
        for url in [
            "https://gmail.googleapis.com/gmail/v1",
            "https://GMAIL.googleapis.com:443/",
            "https://api.example:8443/x?y",
            "http://[::1]:81/",
        ] {
            assert!(contains(url), "{url}");
        }
        for url in [
            "http://gmail.googleapis.com/",
            "https://gmail.googleapis.com:8443/",
            "https://googleapis.com/",
            "https://a.b.googleapis.com/",
            "https://evilgoogleapis.com/",
            "https://gmail.googleapis.com.evil.example/",
            "https://gmail.googleapis.com@evil.example/",
            "https://api.example/",
            "http://api.example:8443/",
            "ftp://gmail.googleapis.com/",
        ] {
            assert!(!contains(url), "{url}");
        }
    }

    #[test]
    fn r16_what_names_a_host() {
        for good in ["a.example", "*.a.example", "localhost:81", "[::1]", "127.0.0.1:1"] {
            assert!(is_pattern(good), "{good}");
        }
        for bad in [
            "",
            "*",
            "*.",
            "*.com",
            "a.*.example",
            "**.a.example",
            "*.1.2",
            "https://a.example",
            "a/b",
            "*.a.b:1",
            "*a.example",
        ] {
            assert!(!is_pattern(bad), "{bad}");
        }
    }
}
