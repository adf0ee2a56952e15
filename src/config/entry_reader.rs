//! Reads the entries.

use std::collections::BTreeMap;

use url::Url;

use super::additions::RequestAdditions;
use super::api_hosts::ApiHosts;
use super::callback_url;
use super::choose_preset;
use super::entry::{Entry, ProtocolOptions};
use super::environment::{self, Env};
use super::issuer::{self, Issuer};
use super::login_path;
use super::oauth1::OAuth1Options;
use super::oauth2::OAuth2Options;
use super::openid::OpenIdOptions;
use super::parameters::{self, Parameters};
use super::settings::Settings;
use super::table::{Reader, Table};
use super::targets::FlowTargets;
use super::urls::{is_host, is_loopback_host};
use super::userinfo::UserinfoOptions;
use crate::paths::{is_reserved, is_same_page};
use crate::provider::{ParameterKind, Preset, Protocol, UserinfoMethod};

/// The keys that decide whose keys sign the ID tokens of an entry.
const ISSUER_KEYS: [&str; 3] = ["issuer", "metadata_url", "jwks_url"];

/// Keys that make an entry's tokens, keys or users those of another server than the preset's.
const POINTS_ELSEWHERE: &[&str] = &[
    "issuer",
    "metadata_url",
    "jwks_url",
    "authorization_url",
    "auth_uri",
    "token_url",
    "token_uri",
    "userinfo_url",
    "api_base_url",
];

/// What entries are read with.
pub(super) struct EntryReader<'a> {
    pub(super) reader: &'a Reader<'a>,
    pub(super) presets: &'a BTreeMap<String, Preset>,
    pub(super) settings: &'a Settings,
    /// Whether base_url is right, so that other URLs can be compared with it.
    pub(super) is_base_known: bool,
    pub(super) env: Env<'a>,
}

impl EntryReader<'_> {
    /// The entry `name`, or none if it has no preset.
    pub(super) fn read(&self, name: &str, mut table: Table<'_>) -> Option<Entry> {
        self.check_name(name, &table);
        environment::credentials(name, &mut table, self.env);
        let preset = choose_preset::read(name, &mut table, self.presets)?;
        parameters::rename_aliases(&mut table, &preset);
        if preset.protocol == Protocol::OAuth1 {
            environment::oauth1_credentials(name, &mut table, self.env);
        }
        let client_id = client_id(&mut table);
        // Before the URLs: it depends on which of them the entry sets itself.
        let is_elsewhere = POINTS_ELSEWHERE.iter().any(|key| table.has(key));
        let trust_email = trust_email(&mut table, &preset);
        let has_own_issuer = !ISSUER_KEYS.iter().any(|key| table.has(key));
        let is_openid = preset.protocol == Protocol::OpenIdConnect;
        let may_end_sessions = is_openid || table.has("end_session_url");
        let redirect_uri = callback_url::read(name, &mut table, self.settings, self.is_base_known);
        let known = [("client_id", client_id.as_str()), ("redirect_uri", redirect_uri.as_str())];
        let parameters = Parameters::read(&mut table, &preset, known);
        if is_openid {
            issuer::check_endpoints(&table, &preset, &parameters);
        }
        let openid = OpenIdOptions::read(&mut table, &preset, &parameters);
        let options = match preset.protocol {
            Protocol::OAuth1 => {
                ProtocolOptions::OAuth1(OAuth1Options::read(&mut table, &preset, &parameters))
            }
            Protocol::OAuth2 => {
                ProtocolOptions::OAuth2(OAuth2Options::read(&mut table, &preset, &parameters))
            }
            Protocol::OpenIdConnect => {
                let options = OAuth2Options::read(&mut table, &preset, &parameters);
                ProtocolOptions::OpenIdConnect(options, Box::new(openid))
            }
        };
        let issuer = issuer::read(&mut table, &preset, &parameters, is_openid);
        let issuer_url = issuer.as_ref().and_then(|issuer| Url::parse(&issuer.url).ok());
        let token_endpoint = match &options {
            ProtocolOptions::OAuth2(options) => options.endpoints.token.as_ref(),
            ProtocolOptions::OpenIdConnect(options, _) => {
                options.endpoints.token.as_ref().or(issuer_url.as_ref())
            }
            ProtocolOptions::OAuth1(_) => None,
        };
        let (userinfo, api_base) = UserinfoOptions::read(&mut table, &preset, &parameters, token_endpoint);
        let has_userinfo = userinfo.url.is_some() && userinfo.method != UserinfoMethod::None;
        let has_identity = is_openid || has_userinfo || userinfo.is_id_in_token();
        let mut entry = Entry {
            name: name.to_owned(),
            title: title(&mut table, &preset, name),
            redirect_uri,
            login_path: login_path::read(name, &mut table, self.settings),
            targets: FlowTargets::read(&mut table, self.settings.target_rules()),
            login_setting: table.boolean("login"),
            has_identity,
            account: account(&mut table),
            trust_email,
            domain_claim: domain_claim(&preset, has_own_issuer, issuer.as_ref()),
            client_id,
            issuer,
            options,
            userinfo,
            additions: RequestAdditions::read(&mut table, &preset, &parameters),
            api_base,
            api_hosts: ApiHosts::read(&mut table, &preset, is_elsewhere),
            notice: preset.notice,
            end_session_url: parameters.url(&mut table, ["end_session_url"; 2], None, false),
            logout: logout(&mut table, may_end_sessions),
            clock_skew: clock_skew(&mut table),
        };
        entry.userinfo.parameters.extend(parameters::sent(&preset, &entry.additions.authorization_params));
        let name = if preset.title.is_empty() { "this preset" } else { preset.title };
        table.refuse(
            |key| self.is_preset_key(key),
            &format!("{name} has no such key, other presets have it: remove it"),
        );
        table.close();
        Some(entry)
    }

    /// Whether entries of some preset have `key`, and those of others do not.
    fn is_preset_key(&self, key: &str) -> bool {
        key == "offline"
            || self.presets.values().any(|preset| preset.parameters.iter().any(|(known, _)| *known == key))
    }

    fn check_name(&self, name: &str, table: &Table<'_>) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
        let why = if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            "an entry's name has 1 to 64 of the characters a-z, 0-9, `_` and `-`"
        } else if is_reserved(name) {
            "that name is a word of our own paths: choose another one, and name the preset"
        } else {
            return;
        };
        self.reader.fault(&table.place, why, "[default.oauth.my_name]\nprovider = \"…\"");
    }

    /// Reports an entry's callback or begin at a path that something else has: a route of another entry, a target, or the app's
    /// own sign-in page.
    fn check_paths(&self, oauth: &Table<'_>, entries: &BTreeMap<String, Entry>) {
        let mut pages: Vec<(String, String)> = Vec::new();
        let Settings { targets, after_logout, after_disconnect, sign_in_page, .. } = self.settings;
        let more = [("after_logout", Some(after_logout)), ("after_disconnect", after_disconnect.as_ref())];
        let more = more.into_iter().filter_map(|(key, target)| Some((key, target?)));
        for (key, target) in
            targets.set().chain(more).chain(entries.values().flat_map(|entry| entry.targets.set()))
        {
            if target.origin().is_none() {
                pages.push((target.path().to_string(), format!("the target `{key}`")));
            }
        }
        pages.extend(sign_in_page.iter().map(|page| (page.to_string(), "`sign_in_page`".to_owned())));
        for (name, entry) in entries {
            let own = [
                ("redirect_uri", callback_url::path(&entry.redirect_uri, self.settings), "callback URL"),
                ("login_path", entry.login_path.clone(), "login_path"),
            ];
            for (key, path, what) in own {
                let Some(path) = path else { continue };
                if let Some((_, other)) = pages.iter().find(|(page, _)| is_same_page(page, &path)) {
                    let toml = format!("[default.oauth.{name}]\n{key} = \"…\"");
                    oauth.fault(&format!("{name}.{key}"), format!("is {other}, too"), &toml);
                }
                pages.push((path, format!("the {what} of `{name}`")));
            }
        }
    }

    /// Reports entries that share a path or an environment variable.
    pub(super) fn check_clashes(&self, oauth: &Table<'_>, entries: &BTreeMap<String, Entry>) {
        self.check_paths(oauth, entries);
        let mut prefixes: BTreeMap<String, &str> = BTreeMap::new();
        for name in entries.keys() {
            let prefix = environment::prefix(name);
            if let Some(other) = prefixes.insert(prefix.clone(), name)
                && environment::is_set(name, self.env)
            {
                let why = format!("{prefix}… in the environment is for `{other}`, too: rename one of them");
                oauth.fault(name, why, "");
            }
        }
    }
}

/// The client id. A missing one is a fault.
fn client_id(table: &mut Table<'_>) -> String {
    if !table.has("client_id") {
        table.fault("client_id", "is missing", "client_id = \"…\"");
    }
    table.text("client_id").map(|given| given.value).unwrap_or_default()
}

/// `title`, else the preset's, else the entry's name in words.
fn title(table: &mut Table<'_>, preset: &Preset, name: &str) -> String {
    if let Some(given) = table.any_text("title") {
        return given.value;
    }
    if !preset.title.is_empty() {
        return preset.title.to_owned();
    }
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn account(table: &mut Table<'_>) -> Option<String> {
    let given = table.scalar("account")?;
    if given.value.len() > 255 || given.value.chars().any(char::is_control) {
        let why = "must be the account's id at the provider, 1 to 255 bytes";
        table.reader.fault(&given.place, why, "account = \"583231\"");
    }
    Some(given.value)
}

/// The domains of `trust_email`, else those of the preset, which hold for the preset's own servers only.
fn trust_email(table: &mut Table<'_>, preset: &Preset) -> Vec<String> {
    if let Some(all) = table.peek_bool("trust_email") {
        table.forget("trust_email");
        return if all { vec!["*".to_owned()] } else { vec![] };
    }
    let Some(given) = table.list("trust_email", |text| vec![text.to_owned()], "[\"corp.example\"]") else {
        let is_url = |kind| matches!(kind, ParameterKind::Host(_) | ParameterKind::BaseUrl(_));
        let own_keys = preset.parameters.iter().filter(|(_, kind)| is_url(*kind)).map(|(key, _)| key);
        let is_elsewhere =
            POINTS_ELSEWHERE.iter().chain(&["profile"]).chain(own_keys).any(|key| table.has(key));
        let trusted = preset.trust_email.iter().filter(|_| !is_elsewhere);
        return trusted.map(|&domain| domain.to_owned()).collect();
    };
    if !given.value.iter().all(|domain| is_host(domain) && !domain.contains(':')) {
        let why = "must be true, false, or a list of the domains of addresses";
        table.reader.fault(&given.place, why, "trust_email = [\"corp.example\"]");
    }
    given.value
}

/// The preset's claim, which its own issuer proves, or a stand-in for it on a loopback host.
fn domain_claim(preset: &Preset, has_own_issuer: bool, issuer: Option<&Issuer>) -> Option<&'static str> {
    let host = issuer.and_then(|issuer| Url::parse(&issuer.url).ok()?.host_str().map(str::to_owned));
    let is_proven = has_own_issuer || host.is_some_and(|host| is_loopback_host(&host));
    (is_proven && !preset.domain_claim.is_empty()).then_some(preset.domain_claim)
}

/// `can_sign_out`: the provider has a page that signs the user out, or may have one that is discovered.
fn logout(table: &mut Table<'_>, can_sign_out: bool) -> bool {
    let place = table.place_of("logout");
    let is_wanted = table.boolean("logout").unwrap_or(false);
    if is_wanted && !can_sign_out {
        let why = "needs the provider's sign-out page, which only OpenID Connect discovers";
        table.reader.fault(&place, why, "end_session_url = \"https://provider.example/…\"");
    }
    is_wanted
}

/// Seconds.
fn clock_skew(table: &mut Table<'_>) -> i64 {
    const DEFAULT: i64 = 60;
    let given = table.integer("clock_skew", 0..=600, DEFAULT.unsigned_abs());
    given.and_then(|skew| skew.try_into().ok()).unwrap_or(DEFAULT)
}
