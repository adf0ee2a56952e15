//! `[default.oauth.<name>]`, laid over its preset.

use std::collections::BTreeMap;

use url::Url;

use super::faults::meant;
use super::table::{Reader, Table};
use super::tenants::tenants;
use super::urls::{Urls, mountable, web_url, with_slash};
use super::{Entry, Settings, Signature, credentials, keys, oauth1};
use crate::paths::{Path, Paths, is_reserved};
use crate::provider::{ParameterKind, Preset, Protocol, ResponseMode};

/// What an entry is read against.
pub(super) struct Context<'a> {
    pub(super) reader: &'a Reader<'a>,
    pub(super) presets: &'a BTreeMap<String, Preset>,
    pub(super) settings: &'a Settings,
    /// Whether the base_url is right, so that others can be measured by it.
    pub(super) base_known: bool,
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
}

impl Context<'_> {
    /// The entry `name`, or none when its faults leave nothing to build one from.
    pub(super) fn entry(&self, name: &str, mut table: Table<'_>) -> Option<Entry> {
        self.check_name(name, &table);
        self.environment(name, &mut table);
        let preset = self.preset(name, &mut table)?;
        let oidc = preset.protocol == Protocol::OpenIdConnect;
        let is_oauth1 = preset.protocol == Protocol::OAuth1;
        if is_oauth1 {
            oauth1::environment(&variable(name), &mut table, self.env);
        }

        let auth = credentials::auth_method(&mut table).unwrap_or(preset.token_endpoint_auth_method);
        let client_id = keys::required(&mut table, "client_id");
        let (signature, client_secret) = match is_oauth1 {
            true => oauth1::signature(&mut table, &preset),
            false => (Signature::HmacSha1, credentials::client_secret(&mut table, auth)),
        };
        let private_key = if is_oauth1 { None } else { credentials::private_key(&mut table, auth) };

        let trust_email = keys::trust_email(&mut table, &preset);

        let mut fills = BTreeMap::new();
        let mut parameters = BTreeMap::new();
        let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, effect) in preset.parameters {
            keys::parameter(&mut table, key, *effect, &mut fills, &mut parameters, &mut extra);
        }
        let urls = Urls { fills: &fills };
        if oidc && let Some(issuer) = table.peek("issuer").or(preset.issuer) {
            let endpoints =
                ["authorization_url", "auth_uri", "token_url", "token_uri", "par_url", "revocation_url"];
            urls.stay_with(&urls.fill(issuer), &table, &endpoints);
        }
        let authorization_url =
            urls.read(&mut table, ["authorization_url", "auth_uri"], preset.authorization_url, !oidc);
        // Where the entry gets its tokens elsewhere, the preset's own endpoint is no place for them to end.
        let own_tokens = table.has("token_url") || table.has("token_uri");
        let names = if is_oauth1 { ["access_token_url", "token_url"] } else { ["token_url", "token_uri"] };
        let token_url = urls.read(&mut table, names, preset.token_url, !oidc);
        let request_token_url = is_oauth1
            .then(|| urls.read(&mut table, ["request_token_url"; 2], preset.request_token_url, true))
            .flatten();
        let (mut revocation_url, mut par_url, mut par) = (None, None, None);
        let mut response_mode = ResponseMode::Query;
        if !is_oauth1 {
            let preset_url = preset.revocation_url.filter(|_| !own_tokens);
            revocation_url = urls.read(&mut table, ["revocation_url"; 2], preset_url, false);
            par_url = urls.read(&mut table, ["par_url"; 2], None, false);
            par = keys::par(&mut table, oidc || par_url.is_some());
            response_mode = keys::response_mode(&mut table).unwrap_or(preset.response_mode);
        }
        let own_userinfo = table.has("userinfo_url") || table.has("api_base_url");
        let userinfo_url = urls.read(&mut table, ["userinfo_url"; 2], preset.userinfo_url, false);
        let api_base_url =
            urls.read(&mut table, ["api_base_url"; 2], preset.api_base_url, false).map(with_slash);
        let may_end_sessions = oidc || table.has("end_session_url");
        let end_session_url = urls.read(&mut table, ["end_session_url"; 2], None, false);
        let template = urls.issuer_template(&table, preset.issuer);
        let issuer = urls.issuer(&mut table, preset.issuer, oidc);
        let is_tenant = |(_, effect): &&(&str, ParameterKind)| *effect == ParameterKind::Tenant;
        let tenants =
            preset.parameters.iter().find(is_tenant).and_then(|(key, _)| match parameters.get(*key) {
                Some(tenant) => tenants(&mut table, tenant, template),
                None => {
                    table.forget("tenants");
                    None
                }
            });
        let more = urls.more(&preset, own_userinfo.then_some((&userinfo_url, &api_base_url)));

        // A preset's own parameters last, the entry's over them.
        let mut authorization_params = keys::owned(preset.authorization_params);
        authorization_params.extend(extra.into_iter().map(|(name, values)| (name, values.join(" "))));
        authorization_params.extend(keys::extra_params(
            &mut table,
            "authorization_params",
            keys::AUTHORIZATION_PARAMS,
        ));
        let mut token_params = keys::owned(preset.token_params);
        token_params.extend(keys::extra_params(&mut table, "token_params", keys::TOKEN_PARAMS));

        if is_oauth1 && (table.has("scope") || table.has("extra_scope")) {
            let key = if table.has("scope") { "scope" } else { "extra_scope" };
            let why = "OAuth 1 knows no scope: remove it. What the provider takes instead is a parameter of \
                       token_params or authorization_params";
            table.fault(key, why, "token_params = { … = \"…\" }");
        }
        let has_identity = oidc || userinfo_url.is_some();
        let entry = Entry {
            name: name.to_owned(),
            title: keys::title(&mut table, &preset, name),
            protocol: preset.protocol,
            client_id: client_id.unwrap_or_default(),
            client_secret,
            scope: keys::scope(&mut table, &preset),
            scope_separator: keys::scope_separator(&mut table)
                .unwrap_or_else(|| preset.scope_separator.to_owned()),
            redirect_uri: self.redirect_uri(name, &mut table),
            login: keys::login(&mut table, has_identity),
            account: keys::account(&mut table),
            trust_email,
            issuer,
            tenants,
            authorization_url,
            token_url,
            request_token_url,
            signature,
            revocation_url,
            par,
            par_url,
            response_mode,
            userinfo_url,
            logout: keys::logout(&mut table, may_end_sessions),
            end_session_url,
            api_base_url,
            auth,
            private_key,
            pkce: table.boolean("pkce").unwrap_or(preset.pkce),
            signing_algorithms: keys::algorithms(&mut table),
            trusted_audiences: table
                .list("trusted_audiences", |text| vec![text.to_owned()], "[\"…\"]")
                .map(|given| given.value)
                .unwrap_or_default(),
            clock_skew: table
                .integer("clock_skew", 0..=600, 60)
                .and_then(|skew| skew.try_into().ok())
                .unwrap_or(60),
            authorization_params,
            token_params,
            form_token_answer: table.boolean("form_token_answer").unwrap_or(preset.form_token_answer),
            assume_bearer: table.boolean("assume_bearer").unwrap_or(preset.assume_bearer),
            headers: keys::headers(&mut table, &preset),
            profile_paths: keys::profile_paths(&mut table),
            parameters,
            extra_userinfo_urls: more,
            preset,
        };
        table.close();
        Some(entry)
    }

    fn check_name(&self, name: &str, table: &Table<'_>) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
        let why = if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            "an entry's name has 1 to 64 of the characters a-z, 0-9, `_` and `-`"
        } else if is_reserved(name) {
            "that name is a word of our own paths: choose another, and name the preset"
        } else {
            return;
        };
        self.reader.fault(&table.place, why, "[default.oauth.my_name]\nprovider = \"…\"");
    }

    /// `GITHUB_OAUTH_CLIENT_ID` and `GITHUB_OAUTH_CLIENT_SECRET`.
    fn environment(&self, name: &str, table: &mut Table<'_>) {
        let name = variable(name);
        for (key, other, suffix) in
            [("client_id", "client_id", "ID"), ("client_secret", "client_secret_file", "SECRET")]
        {
            let variable = format!("{name}_OAUTH_CLIENT_{suffix}");
            if let Some(text) = (self.env)(&variable).filter(|text| !text.is_empty()) {
                table.lay_over(key, other, &variable, text);
            }
        }
    }

    fn preset(&self, name: &str, table: &mut Table<'_>) -> Option<Preset> {
        // As in rocket_oauth2: a provider that is its two URLs.
        if table.is_table("provider") {
            let mut provider = table.table("provider")?;
            for key in ["auth_uri", "token_uri", "authorization_url", "token_url"] {
                table.lift(&mut provider, key);
            }
            provider.close();
            return Some(Preset::OAUTH2);
        }
        let was_given = table.has("provider");
        let given = table.text("provider");
        if was_given && given.is_none() {
            return None;
        }
        let wanted = given.as_ref().map_or(name, |given| given.value.as_str());
        // rocket_oauth2 writes them in capitals: "GitHub".
        if let Some(preset) =
            self.presets.get(wanted).or_else(|| self.presets.get(&wanted.to_ascii_lowercase()))
        {
            return Some(*preset);
        }
        let all_urls = (table.has("authorization_url") || table.has("auth_uri"))
            && (table.has("token_url") || table.has("token_uri"));
        if !was_given && all_urls {
            return Some(Preset::OAUTH2);
        }
        let names = || self.presets.keys().map(String::as_str);
        let place = given.as_ref().map_or_else(|| table.place_of("provider"), |given| given.place.clone());
        let why = if was_given {
            "there is no such preset"
        } else {
            "is not set, and there is no preset of the entry's name"
        };
        let all =
            names().collect::<Vec<_>>().join(", ") + ", and an app's own: `Dance::fairing().provider(P)`";
        match meant(wanted, names()) {
            Some(name) => self.reader.fault(
                &place,
                format!("{why}; did you mean `{name}`? The presets are {all}"),
                &format!("provider = \"{name}\""),
            ),
            None => self.reader.fault(&place, format!("{why}. The presets are {all}"), "provider = \"oidc\""),
        }
        None
    }

    fn redirect_uri(&self, name: &str, table: &mut Table<'_>) -> String {
        let paths = Paths::new(&self.settings.prefix);
        let default = format!("{}{}", self.settings.origin(), paths.of_entry(Path::Callback, name));
        let Some(given) = table.text("redirect_uri") else { return default };
        let why = match web_url(&given.value) {
            Err(why) => why,
            // The flow's cookie lives on base_url's host, and comes back nowhere else.
            Ok(url) if self.base_known && url.origin() != self.settings.base_url.origin() => {
                "must begin with base_url: the browser comes back where it began"
            }
            Ok(url) if url.query().is_some() => "must not have a query: the provider adds one",
            Ok(url) if !mountable(url.path()) => "must have a path of plain characters, and not `/`",
            Ok(url) if paths.is_taken(url.path()) => "is the path of one of our own routes: choose another",
            Ok(_) => return given.value,
        };
        self.reader.fault(&given.place, why, &format!("redirect_uri = \"{default}\""));
        default
    }

    /// Two entries can't share a callback, or a variable of the environment.
    pub(super) fn clashes(&self, oauth: &Table<'_>, entries: &BTreeMap<String, Entry>) {
        let mut paths: BTreeMap<String, &str> = BTreeMap::new();
        let mut variables: BTreeMap<String, &str> = BTreeMap::new();
        for (name, entry) in entries {
            if let Some(path) =
                Url::parse(&entry.redirect_uri).ok().map(|url| url.path().trim_end_matches('/').to_owned())
                && let Some(other) = paths.insert(path, name)
            {
                let toml = format!("[default.oauth.{name}]\nredirect_uri = \"…\"");
                oauth.fault(
                    &format!("{name}.redirect_uri"),
                    format!("is the callback of `{other}` too"),
                    &toml,
                );
            }
            let variable = variable(name);
            let is_set = ["CLIENT_ID", "CLIENT_SECRET", "CLIENT_KEY", "CONSUMER_KEY", "RSA_KEY"]
                .iter()
                .any(|end| (self.env)(&format!("{variable}_OAUTH_{end}")).is_some());
            if let Some(other) = variables.insert(variable.clone(), name)
                && is_set
            {
                let why = format!(
                    "{variable}_OAUTH_… in the environment would be for `{other}` too: rename one of them"
                );
                oauth.fault(name, why, "");
            }
        }
    }
}

/// What an entry's variables of the environment begin with.
fn variable(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}
