//! A preset's own keys ([`Preset::parameters`]), and the URLs that they fill.

use std::collections::BTreeMap;

use url::Url;

use super::table::Table;
use super::tenants;
use super::urls::{is_host, placeholder, web_url};
use crate::provider::{ParameterKind, Preset};

/// The values of a preset's own keys in one entry.
#[derive(Default)]
pub(super) struct Parameters {
    /// The values as the entry gives them, for the preset's profile function.
    pub(super) values: BTreeMap<String, String>,
    /// The parameters of the authorization request that they add.
    pub(super) authorization_params: BTreeMap<String, String>,
    /// The key that holds a tenant, if the preset has one.
    pub(super) tenant_key: Option<&'static str>,
    /// The replacement of each `{key}` in URLs.
    url_values: BTreeMap<&'static str, String>,
}

impl Parameters {
    pub(super) fn read(table: &mut Table<'_>, preset: &Preset) -> Self {
        let mut parameters = Self::default();
        for (key, kind) in preset.parameters {
            if let Some(value) = parameters.value(table, key, *kind) {
                parameters.values.insert((*key).to_owned(), value);
            }
        }
        parameters
    }

    fn value(&mut self, table: &mut Table<'_>, key: &'static str, kind: ParameterKind) -> Option<String> {
        match kind {
            ParameterKind::Host(default) => {
                let host = host(table, key, default).unwrap_or_else(|| default.to_owned());
                self.url_values.insert(key, host.clone());
                Some(host)
            }
            ParameterKind::Tenant => {
                self.tenant_key = Some(key);
                let tenant = tenants::tenant(table, key);
                // A missing tenant is one fault, and not another fault for each URL.
                self.url_values.insert(key, tenant.clone().unwrap_or_else(|| "common".to_owned()));
                tenant
            }
            ParameterKind::BaseUrl => {
                // Likewise: one fault, whatever the preset's URLs are.
                let url = base_url(table, key).unwrap_or_else(|| without_slash(&placeholder()));
                self.url_values.insert(key, url.clone());
                Some(url)
            }
            ParameterKind::AuthorizationParam(name) => table.scalar(key).map(|given| {
                self.add_authorization_param(name, &given.value);
                given.value
            }),
            ParameterKind::AuthorizationFlag(name, value) => table.boolean(key).map(|is_on| {
                if is_on {
                    self.add_authorization_param(name, value);
                }
                is_on.to_string()
            }),
        }
    }

    /// Values of one parameter are joined by a space.
    fn add_authorization_param(&mut self, name: &str, value: &str) {
        let values = self.authorization_params.entry(name.to_owned()).or_default();
        if !values.is_empty() {
            values.push(' ');
        }
        values.push_str(value);
    }

    /// `text` with each `{key}` replaced by its value.
    pub(super) fn fill(&self, text: &str) -> String {
        let replace =
            |text: String, (key, value): (&&str, &String)| text.replace(&format!("{{{key}}}"), value);
        self.url_values.iter().fold(text.to_owned(), replace)
    }

    /// The URL under the first of `keys` or its alias, else the preset's. `is_required`: there must be one.
    pub(super) fn url(
        &self,
        table: &mut Table<'_>,
        keys: [&str; 2],
        preset: Option<&str>,
        is_required: bool,
    ) -> Option<Url> {
        let key = table.either(keys[0], keys[1]);
        let example = format!("{} = \"https://provider.example/…\"", keys[0]);
        if table.has(key) {
            let given = table.text(key)?;
            let url = web_url(&self.fill(&given.value));
            return url.map_err(|why| table.reader.fault(&given.place, why, &example)).ok();
        }
        let Some(preset) = preset else {
            if is_required {
                table.fault(keys[0], "is missing", &example);
            }
            return None;
        };
        web_url(&self.fill(preset))
            .map_err(|why| table.fault(key, format!("the preset's {key} {why}"), &example))
            .ok()
    }
}

fn host(table: &mut Table<'_>, key: &str, default: &str) -> Option<String> {
    let given = table.text(key)?;
    if is_host(&given.value) {
        return Some(given.value);
    }
    let why = "must be a plain host, or host and port, without https:// and path";
    table.reader.fault(&given.place, why, &format!("{key} = \"{default}\""));
    None
}

fn base_url(table: &mut Table<'_>, key: &str) -> Option<String> {
    let example = format!("{key} = \"https://provider.example\"");
    if !table.has(key) {
        table.fault(key, "is missing: it is the provider's address", &example);
    }
    let given = table.text(key)?;
    let url = web_url(&given.value).and_then(|url| match url.query() {
        None => Ok(without_slash(&url)),
        Some(_) => Err("must not have a query"),
    });
    url.map_err(|why| table.reader.fault(&given.place, why, &example)).ok()
}

fn without_slash(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}
