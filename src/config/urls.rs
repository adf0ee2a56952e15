//! URLs: which may be spoken to, and a preset's under an entry's.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::table::Table;
use super::tenants::TENANT;
use crate::provider::Preset;

/// Whether `host` (without a port) names this machine itself: `localhost`, a name under it, or a loopback address.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let name = host.strip_suffix('.').unwrap_or(&host);
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
    name == "localhost"
        || name.ends_with(".localhost")
        || address.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
        || address.parse().is_ok_and(|address: Ipv6Addr| address.is_loopback())
}

/// Whether nobody listens on the way to `url`: https, or http within this machine.
pub(crate) fn is_private(url: &Url) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && url.host_str().is_some_and(is_loopback_host)
}

/// `text` as a URL that may be spoken to: https, or http on a loopback host. The error never holds the text.
pub(super) fn web_url(text: &str) -> Result<Url, &'static str> {
    // The parser drops these without a word.
    if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err("must not have spaces or line breaks in it");
    }
    let url = Url::parse(text).map_err(|_| "is not a URL: it begins with https:// and a host")?;
    if !is_private(&url) {
        return Err(match url.scheme() {
            "http" => "must be an https URL: http is for loopback hosts (localhost, 127.0.0.1, [::1]) only",
            _ => "must be an https URL",
        });
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have a user name or a password in it");
    }
    if url.fragment().is_some() {
        return Err("must not have a `#` in it");
    }
    if matches!(url.host(), Some(Host::Domain(name)) if name.contains(['{', '}']))
        || url.path().contains("%7B")
    {
        return Err("has a `{…}` in it that no key fills");
    }
    Ok(url)
}

/// The preset's URLs and the entry's, with the preset's own keys filled in.
pub(super) struct Urls<'a> {
    pub(super) fills: &'a BTreeMap<&'static str, String>,
}

impl Urls<'_> {
    pub(super) fn fill(&self, text: &str) -> String {
        self.fills
            .iter()
            .fold(text.to_owned(), |text, (key, value)| text.replace(&format!("{{{key}}}"), value))
    }

    pub(super) fn read(
        &self,
        table: &mut Table<'_>,
        keys: [&str; 2],
        preset: Option<&str>,
        needed: bool,
    ) -> Option<Url> {
        let key = table.either(keys[0], keys[1]);
        let example = format!("{} = \"https://provider.example/…\"", keys[0]);
        if table.has(key) {
            let given = table.text(key)?;
            let url = web_url(&self.fill(&given.value));
            return url.map_err(|why| table.reader.fault(&given.place, why, &example)).ok();
        }
        let Some(preset) = preset else {
            if needed {
                table.fault(keys[0], "is missing", &example);
            }
            return None;
        };
        web_url(&self.fill(preset))
            .map_err(|why| table.fault(key, format!("the preset's {key} {why}"), &example))
            .ok()
    }

    /// An issuer is compared byte for byte (Core §3.1.3.7): it stays as it was written.
    pub(super) fn issuer(&self, table: &mut Table<'_>, preset: Option<&str>, needed: bool) -> Option<String> {
        const EXAMPLE: &str = "issuer = \"https://provider.example\"";
        let written = self.fill(table.peek("issuer").or(preset).unwrap_or_default());
        let was_set = table.has("issuer");
        let place = table.place_of("issuer");
        let url = self.read(table, ["issuer"; 2], preset, false);
        match url {
            Some(url) if url.query().is_some() => {
                table.reader.fault(&place, "must not have a query", EXAMPLE);
                None
            }
            Some(_) => Some(written),
            None => {
                if needed && !was_set && preset.is_none() {
                    table.fault("issuer", "is missing", EXAMPLE);
                }
                None
            }
        }
    }

    /// The issuer as metadata that speaks for many tenants writes it.
    pub(super) fn issuer_template(&self, table: &Table<'_>, preset: Option<&str>) -> String {
        let written = table.peek("issuer").or(preset).unwrap_or_default();
        self.fill(&written.replace("{tenant}", TENANT))
    }

    /// MX-10: what is discovered belongs to the issuer. An endpoint elsewhere, laid over it, would get codes, secrets and
    /// tokens that were meant for the issuer alone.
    pub(super) fn stay_with(&self, issuer: &str, table: &Table<'_>, keys: &[&str]) {
        let Ok(issuer) = Url::parse(issuer) else { return };
        for key in keys {
            let given = table.peek(key).and_then(|text| Url::parse(&self.fill(text)).ok());
            if given.is_some_and(|url| url.origin() != issuer.origin()) {
                let why = "is elsewhere than `issuer`, whose endpoints are found by discovery: remove it";
                table.fault(key, why, "");
            }
        }
    }

    /// The preset's further answers. Where the entry points elsewhere they move along, or stay away: the token must
    /// not go to the preset's own host.
    pub(super) fn more(
        &self,
        preset: &Preset,
        own: Option<(&Option<Url>, &Option<Url>)>,
    ) -> Vec<(String, Url)> {
        let moved = |url: String| {
            let Some((userinfo, api)) = own else { return Url::parse(&url).ok() };
            let bases = [(preset.userinfo_url, userinfo), (preset.api_base_url, api)];
            bases.into_iter().find_map(|(from, to)| {
                let rest = url.strip_prefix(self.fill(from?).trim_end_matches('/'))?;
                Url::parse(&format!("{}{rest}", to.as_ref()?.as_str().trim_end_matches('/'))).ok()
            })
        };
        preset
            .extra_userinfo_urls
            .iter()
            .filter_map(|(name, url)| Some(((*name).to_owned(), moved(self.fill(url))?)))
            .collect()
    }
}

pub(super) fn with_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}

/// Whether Rocket can mount a callback at `path` without a second meaning.
pub(super) fn mountable(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    path.strip_prefix('/').is_some_and(|rest| {
        rest.trim_end_matches('/').split('/').all(|part| !part.is_empty() && part.chars().all(plain))
    })
}

/// Whether `text` is a host, or host and port, that stays one inside a URL.
pub(super) fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (text, "1"),
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    port.parse::<u16>().is_ok_and(|number| number > 0 && !port.starts_with('+'))
        && address.map_or_else(
            || !host.is_empty() && host.chars().all(plain) && host.trim_matches('.') == host,
            |address| address.parse::<Ipv6Addr>().is_ok(),
        )
}
