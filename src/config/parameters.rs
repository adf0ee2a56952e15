//! A preset's own keys ([`Preset::parameters`]), and the texts that they fill.

use std::collections::BTreeMap;

use url::Url;

use super::parameter_values::{base_url, choice, host, host_under, segment, switch, word, words};
use super::table::Table;
use super::tenants;
use super::urls::web_url;
use crate::placeholders;
use crate::provider::{ParameterKind, Preset, RefreshTokens, Tenants};

/// The values of a preset's own keys in one entry.
#[derive(Default)]
pub(super) struct Parameters {
    /// The values as the entry gives them, for the preset's profile function.
    pub(super) values: BTreeMap<String, String>,
    /// The parameters of the authorization request that they add.
    pub(super) authorization_params: BTreeMap<String, String>,
    /// The parameters of token requests that they add.
    pub(super) token_params: BTreeMap<String, String>,
    /// The scope that they add.
    pub(super) scope: Vec<&'static str>,
    /// The audiences that they add.
    pub(super) trusted_audiences: Vec<String>,
    /// The key that holds a tenant, if the preset has one, and how the provider names tenants.
    pub(super) tenant_key: Option<(&'static str, &'static Tenants)>,
    /// The replacement of each `{key}` in URLs.
    url_values: BTreeMap<&'static str, String>,
    /// The further replacements in headers and parameters, where any text can stand.
    text_values: BTreeMap<&'static str, String>,
}

/// Moves the values of other names for our own keys to these.
pub(super) fn rename_aliases(table: &mut Table<'_>, preset: &Preset) {
    for (key, kind) in preset.parameters {
        if let ParameterKind::Alias(of) = kind {
            table.rename(key, of);
        }
    }
}

/// The values of a preset's own keys in `sent`, the parameters of authorization requests: what is requested in either way is
/// checked.
pub(super) fn sent(
    preset: &Preset,
    sent: &BTreeMap<String, String>,
) -> impl Iterator<Item = (String, String)> {
    preset.parameters.iter().filter_map(|(key, kind)| match kind {
        ParameterKind::AuthorizationParam(name) => Some(((*key).to_owned(), sent.get(*name)?.clone())),
        _ => None,
    })
}

impl Parameters {
    /// Reads the keys of `preset`. `known` are the texts that need no key.
    pub(super) fn read(table: &mut Table<'_>, preset: &Preset, known: [(&'static str, &str); 2]) -> Self {
        let mut parameters = Self::default();
        parameters.text_values.extend(known.map(|(key, value)| (key, value.to_owned())));
        for (key, kind) in preset.parameters {
            if let Some(value) = parameters.value(table, key, *kind) {
                parameters.values.insert((*key).to_owned(), value);
            }
        }
        parameters.read_offline(table, preset.refresh_tokens);
        parameters
    }

    fn value(&mut self, table: &mut Table<'_>, key: &'static str, kind: ParameterKind) -> Option<String> {
        match kind {
            ParameterKind::Host(default) => {
                let default = self.fill(default);
                self.url_value(key, host(table, key, &default))
            }
            ParameterKind::HostUnder(suffix) => self.url_value(key, host_under(table, key, suffix)),
            ParameterKind::Segment(default) => self.url_value(key, segment(table, key, default)),
            ParameterKind::OptionalSegment(before, default) => {
                let given = segment(table, key, default);
                let path = if given == "none" { String::new() } else { format!("{before}{given}") };
                self.url_values.insert(key, path);
                Some(given)
            }
            ParameterKind::Subdomain => {
                let label = table.has(key).then(|| segment(table, key, ""));
                table.forget(key);
                self.url_values
                    .insert(key, label.as_ref().map(|label| format!("{label}.")).unwrap_or_default());
                label
            }
            ParameterKind::Choice(texts) => self.url_value(key, choice(table, key, texts)),
            ParameterKind::Switch(off, on) => {
                let is_on = switch(table, key);
                self.url_values.insert(key, if is_on { on } else { off }.to_owned());
                Some(is_on.to_string())
            }
            ParameterKind::Tenant(provider) => {
                self.tenant_key = Some((key, provider));
                let tenant = tenants::tenant(table, key, provider);
                // A missing tenant is one fault, and not another fault for each URL.
                self.url_values.insert(key, tenant.clone().unwrap_or_else(|| provider.all.to_owned()));
                tenant
            }
            ParameterKind::BaseUrl(default) => self.url_value(key, base_url(table, key, default)),
            ParameterKind::Text(default) => {
                let text = word(table, key, default)?;
                self.text_values.insert(key, text.clone());
                Some(text)
            }
            ParameterKind::AuthorizationParam(name) => {
                let given = table.scalar(key)?;
                self.add_authorization_param(name, &given.value);
                Some(given.value)
            }
            ParameterKind::AuthorizationFlag(name, value) => {
                let is_on = table.boolean(key)?;
                if is_on {
                    self.add_authorization_param(name, value);
                }
                Some(is_on.to_string())
            }
            ParameterKind::TrustedAudience => {
                let audiences = words(table, key)?;
                self.trusted_audiences.extend(audiences.clone());
                Some(audiences.join(" "))
            }
            ParameterKind::AlwaysTrue(why) => {
                let place = table.place_of(key);
                if table.boolean(key) == Some(false) {
                    table.reader.fault(&place, why, "");
                }
                None
            }
            // It was renamed.
            ParameterKind::Alias(_) => None,
        }
    }

    fn url_value(&mut self, key: &'static str, value: String) -> Option<String> {
        self.url_values.insert(key, value.clone());
        Some(value)
    }

    /// Reads `offline`, which a provider that grants refresh tokens has.
    fn read_offline(&mut self, table: &mut Table<'_>, refresh_tokens: RefreshTokens) {
        if matches!(refresh_tokens, RefreshTokens::Unknown | RefreshTokens::Never)
            || table.boolean("offline") != Some(true)
        {
            return;
        }
        match refresh_tokens {
            RefreshTokens::WithScope(scope) => self.scope.push(scope),
            RefreshTokens::WithParam(name, value) => self.add_authorization_param(name, value),
            RefreshTokens::WithTokenParam(name, value) => {
                self.token_params.insert(name.to_owned(), value.to_owned());
            }
            RefreshTokens::Unknown | RefreshTokens::Never | RefreshTokens::Always => {}
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

    /// `text`, of a URL, with each `{key}` replaced by its value; any text is percent-encoded. Other placeholders stay.
    pub(super) fn fill(&self, text: &str) -> String {
        let text_value = |name: &str| self.text_values.get(name).map(|value| placeholders::encode(value));
        let value = |name: &str| self.url_values.get(name).cloned().or_else(|| text_value(name));
        placeholders::fill(text, |name| value(name).or_else(|| Some(format!("{{{name}}}"))))
            .unwrap_or_default()
    }

    /// As [`fill`](Self::fill), for a header or a parameter.
    pub(super) fn fill_text(&self, text: &str) -> String {
        let value = |name: &str| self.text_values.get(name).or(self.url_values.get(name)).cloned();
        placeholders::fill(text, |name| value(name).or_else(|| Some(format!("{{{name}}}"))))
            .unwrap_or_default()
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
