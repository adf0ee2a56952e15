//! The issuer of an entry.

use url::Url;

use super::parameters::Parameters;
use super::table::Table;
use super::tenants::{self, AdmittedTenants};
use crate::provider::Preset;

const EXAMPLE: &str = "issuer = \"https://provider.example\"";

/// An issuer (OpenID Connect Core §2), and which tenants it speaks for, if it speaks for several.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Issuer {
    /// The URL as it is written. An issuer is compared byte for byte (Core §3.1.3.7).
    pub(crate) url: String,
    pub(crate) tenants: Option<AdmittedTenants>,
}

impl Issuer {
    /// The `issuer` field of its metadata: the URL, byte for byte; or a template, if it speaks for several tenants.
    pub(crate) fn in_metadata(&self) -> &str {
        self.tenants.as_ref().map_or(&self.url, AdmittedTenants::template)
    }

    /// Whether `iss` is the issuer of a token whose claims name `tenant`.
    pub(crate) fn matches(&self, iss: &str, tenant: Option<&str>) -> bool {
        match &self.tenants {
            Some(tenants) => tenant.is_some_and(|tenant| tenants.admit(iss, tenant)),
            None => self.url == iss,
        }
    }

    /// The claim that has the tenant's id, if the issuer speaks for several tenants.
    pub(crate) fn tenant_claim(&self) -> Option<&'static str> {
        self.tenants.as_ref().map(AdmittedTenants::claim)
    }

    /// Whether a key that names `key_issuer` may sign tokens of `issuer`. It matters only if the issuer speaks for several
    /// tenants.
    pub(crate) fn may_sign(&self, key_issuer: &str, issuer: &str) -> bool {
        self.tenants.as_ref().is_none_or(|tenants| tenants.may_sign(key_issuer, issuer))
    }

    /// Whether `iss` can be the issuer of an authorization answer (RFC 9207), which names no tenant.
    pub(crate) fn matches_callback(&self, iss: &str) -> bool {
        match &self.tenants {
            Some(tenants) => tenants.could_be(iss),
            None => self.url == iss,
        }
    }
}

/// Reads `issuer`, and the preset's `tenants` if it has that key. `is_required`: the protocol is OpenID Connect.
pub(super) fn read(
    table: &mut Table<'_>,
    preset: &Preset,
    parameters: &Parameters,
    is_required: bool,
) -> Option<Issuer> {
    let written = table.peek("issuer").or(preset.issuer).unwrap_or_default().to_owned();
    let url = url(table, preset.issuer, parameters, &parameters.fill(&written), is_required);
    let tenants = parameters.tenant_key.and_then(|(key, provider)| {
        let tenant = parameters.values.get(key).map(String::as_str);
        let template = parameters.fill(&written.replace(&format!("{{{key}}}"), provider.placeholder));
        tenants::read(table, provider, tenant, template)
    });
    Some(Issuer { url: url?, tenants })
}

fn url(
    table: &mut Table<'_>,
    preset: Option<&str>,
    parameters: &Parameters,
    filled: &str,
    is_required: bool,
) -> Option<String> {
    let was_set = table.has("issuer");
    let place = table.place_of("issuer");
    let url = parameters.url(table, ["issuer"; 2], preset, false);
    match url {
        Some(url) if url.query().is_some() => {
            table.reader.fault(&place, "must not have a query", EXAMPLE);
            None
        }
        Some(_) => Some(filled.to_owned()),
        None => {
            if is_required && !was_set && preset.is_none() {
                table.fault("issuer", "is missing", EXAMPLE);
            }
            None
        }
    }
}

/// Rejects endpoints of an OpenID Connect entry that are on another origin than its issuer and its discovery document
/// (MX-10): they would receive codes, secrets and tokens that are meant for the issuer alone. An entry that sets all
/// endpoints and the keys itself uses no discovery.
pub(super) fn check_endpoints(table: &Table<'_>, preset: &Preset, parameters: &Parameters) {
    const ENDPOINTS: &[&str] = &[
        "authorization_url",
        "auth_uri",
        "token_url",
        "token_uri",
        "refresh_url",
        "par_url",
        "revocation_url",
    ];
    let parse = |text: &str| Url::parse(&parameters.fill(text)).ok();
    let Some(issuer) = table.peek("issuer").or(preset.issuer).and_then(parse) else { return };
    let has = |keys: &[&str]| keys.iter().any(|key| table.has(key));
    if has(&["jwks_url"]) && has(&["authorization_url", "auth_uri"]) && has(&["token_url", "token_uri"]) {
        return;
    }
    let metadata = table.peek("metadata_url").and_then(parse);
    let origins = [Some(&issuer), metadata.as_ref()].map(|url| url.map(Url::origin));
    for key in ENDPOINTS {
        let given = table.peek(key).and_then(parse);
        if given.is_some_and(|url| !origins.contains(&Some(url.origin()))) {
            let why =
                "is not on the host and port of `issuer`, whose endpoints are found by discovery: remove it";
            table.fault(key, why, "");
        }
    }
}
