//! The library's settings: `[default.dance]`.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use url::Url;

use super::database::DatabaseSettings;
use super::table::Table;
use super::targets::{self, FlowTargets, TargetRules};
use super::urls::{is_plain_path, loopback_origin, web_url};
use crate::base_path::BasePath;
use crate::cookies::CookieScope;
use crate::local_path::LocalPath;
use crate::paths::Paths;
use crate::redirect_target::RedirectTarget;
use crate::secret::{encode_base64url, sha256};

/// Base64 in either alphabet, with or without `=`.
const BASE64: [GeneralPurpose; 2] = {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [GeneralPurpose::new(&alphabet::STANDARD, CONFIG), GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG)]
};

/// Length of the tag in the names of cookies, in bytes: 8 characters.
const COOKIE_TAG_BYTES: usize = 6;

/// The settings of `[default.dance]`.
#[derive(Clone)]
pub(crate) struct Settings {
    /// Scheme, host, port and perhaps a path of the app as browsers see it.
    pub(crate) base_url: Url,
    /// The path of `base_url`.
    pub(crate) base_path: BasePath,
    /// Path of our routes, without a `/` at its end.
    pub(crate) prefix: String,
    /// What the names of our cookies end with.
    cookie_tag: String,
    /// Other origins of the same owner, as browsers write them.
    pub(crate) trusted_origins: Vec<String>,
    /// Where flows lead, if their entry does not say otherwise.
    pub(crate) targets: FlowTargets,
    pub(crate) after_logout: RedirectTarget,
    pub(crate) after_disconnect: Option<RedirectTarget>,
    /// Path of the app's own sign-in page.
    pub(crate) sign_in_page: Option<LocalPath>,
    /// The languages of the pages, the default first. Empty: all.
    pub(crate) languages: Vec<String>,
    /// The keys that seal: the first seals, all open.
    pub(crate) token_keys: Vec<[u8; 32]>,
    /// Unset: no cache.
    pub(crate) cache: Option<CacheSettings>,
    pub(crate) session: SessionSettings,
    /// Lifetime of a flow, in seconds.
    pub(crate) flow_ttl: i64,
    /// Unset: `true` when users are known.
    pub(crate) user_required: Option<bool>,
    /// Whether outcomes of flows have a flash message.
    pub(crate) flash: bool,
    pub(crate) log_requests: bool,
}

/// The settings of `[default.dance.cache]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CacheSettings {
    /// Maximum size, in bytes.
    pub(crate) bytes: u64,
    /// Lifetime of what is cached, in seconds.
    pub(crate) ttl: u64,
}

impl CacheSettings {
    /// The part of the bytes that is for opened session cookies.
    pub(crate) fn bytes_for_cookies(self) -> u64 {
        self.bytes / 16
    }

    /// The rest of the bytes, for accounts and sessions.
    pub(crate) fn bytes_for_storage(self) -> u64 {
        self.bytes - self.bytes_for_cookies()
    }
}

/// The settings of `[default.dance.session]`, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionSettings {
    /// Lifetime of a session without a request.
    pub(crate) idle: i64,
    /// Maximum lifetime of a session.
    pub(crate) age: i64,
    /// Whether the configuration sets `idle`.
    pub(crate) idle_is_set: bool,
}

impl SessionSettings {
    /// The interval in which the last use of a session is stored, in seconds.
    pub(crate) fn step(&self) -> i64 {
        (self.idle / 10).clamp(1, 3600)
    }
}

// Without the token keys.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("base_url", &self.base_url.as_str())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads `[default.dance]`. `base_url` is read before it.
    pub(super) fn read(mut table: Table<'_>, base_url: Url) -> Self {
        let prefix = prefix(&mut table).unwrap_or_else(|| "/login".to_owned());
        let base_path = BasePath::of(&base_url);
        let trusted_origins = targets::trusted_origins(&mut table, &base_url);
        let rules = TargetRules { prefix: &prefix, base_path: &base_path, trusted_origins: &trusted_origins };
        let after_logout = targets::target(&mut table, "after_logout", rules);
        let settings = Self {
            targets: FlowTargets::read(&mut table, rules),
            after_logout: after_logout.unwrap_or_else(|| LocalPath::home().into()),
            after_disconnect: targets::target(&mut table, "after_disconnect", rules),
            sign_in_page: sign_in_page(&mut table, rules),
            languages: languages(&mut table),
            token_keys: token_keys(&mut table),
            cache: cache(&mut table),
            session: session(&mut table),
            flow_ttl: flow_ttl(&mut table),
            user_required: table.boolean("user_required"),
            flash: table.boolean("flash").unwrap_or(false),
            log_requests: table.boolean("log_requests").unwrap_or(false),
            trusted_origins,
            cookie_tag: cookie_tag(&place(&base_url, &prefix)),
            base_url,
            base_path,
            prefix,
        };
        // The storage reads it again.
        DatabaseSettings::read(&mut table);
        table.close();
        settings
    }

    /// What targets are checked with.
    pub(super) fn target_rules(&self) -> TargetRules<'_> {
        let Self { prefix, base_path, trusted_origins, .. } = self;
        TargetRules { prefix, base_path, trusted_origins }
    }

    /// Whether browsers use https. Cookies are Secure then.
    pub(crate) fn secure(&self) -> bool {
        self.base_url.scheme() == "https"
    }

    /// The name of the cookie `name`. The prefix `__Host-` keeps other hosts and http pages from setting it
    /// (RFC 6265bis §4.1.3.2); with a path, which that prefix excludes, `__Secure-` keeps http pages from it. The tag at its
    /// end keeps two apps on one host apart: browsers send a cookie to all ports.
    pub(crate) fn cookie_name(&self, name: &str) -> String {
        let prefix = match (self.secure(), self.base_path.as_str()) {
            (true, "") => "__Host-",
            (true, _) => "__Secure-",
            (false, _) => "",
        };
        [prefix, name, "_", &self.cookie_tag].concat()
    }

    /// The place of the app, as browsers see it: what one app seals for its browsers has no meaning at another place.
    pub(crate) fn place(&self) -> String {
        place(&self.base_url, &self.prefix)
    }

    /// The attributes that all cookies of the app share.
    pub(crate) fn cookie_scope(&self) -> CookieScope {
        // Without a slash at its end, so that the browser sends them to `/app` as well.
        let path = if self.base_path.as_str().is_empty() { "/" } else { self.base_path.as_str() };
        CookieScope { secure: self.secure(), path: path.to_owned() }
    }

    /// The app's address, without a `/` at its end. Paths are appended to it.
    pub(crate) fn base(&self) -> String {
        format!("{}{}", self.base_url.origin().ascii_serialization(), self.base_path.as_str())
    }
}

fn place(base_url: &Url, prefix: &str) -> String {
    format!("{base_url} {prefix}")
}

fn cookie_tag(place: &str) -> String {
    encode_base64url(&sha256(place)[..COOKIE_TAG_BYTES])
}

/// Reads `base_url`; `None` if it is not set.
///
/// # Errors
/// If it is wrong. The fault is reported.
pub(super) fn base_url(table: &mut Table<'_>) -> Result<Option<Url>, ()> {
    let was_set = table.has("base_url");
    let Some(given) = table.text("base_url") else { return if was_set { Err(()) } else { Ok(None) } };
    let checked = web_url(&given.value).and_then(|mut url| {
        let path = url.path().trim_end_matches('/').to_owned();
        match (path.is_empty() || is_plain_path(&path), url.query()) {
            (true, None) => {
                url.set_path(&path);
                Ok(url)
            }
            (false, None) => Err("must have a path of letters, digits, `-`, `_`, `.` and `~`, or none"),
            (_, Some(_)) => Err("must not have a query"),
        }
    });
    checked.map(Some).map_err(|why| {
        let right = loopback_origin(&given.value).unwrap_or_else(|| "https://app.example.com".to_owned());
        table.reader.fault(&given.place, why, &format!("base_url = \"{right}\""));
    })
}

fn prefix(table: &mut Table<'_>) -> Option<String> {
    let given = table.text("prefix")?;
    let prefix = given.value.strip_suffix('/').unwrap_or(&given.value);
    if is_plain_path(prefix) {
        return Some(prefix.to_owned());
    }
    let why = "must be a path such as `/login`, of letters, digits, `-`, `_`, `.` and `~`";
    table.reader.fault(&given.place, why, "prefix = \"/login\"");
    None
}

/// The app's own sign-in page. A page below our prefix can't be it: `GET /login` redirects there.
fn sign_in_page(table: &mut Table<'_>, rules: TargetRules<'_>) -> Option<LocalPath> {
    let place = table.place_of("sign_in_page");
    let page = targets::local(table, "sign_in_page", rules)?;
    if Paths::new(rules.prefix).is_below_prefix(page.as_str()) {
        let why = "must not be below `prefix`, whose sign-in page redirects to it: choose another path, or another `prefix`";
        table.reader.fault(&place, why, "sign_in_page = \"/signin\"");
    }
    Some(page)
}

fn languages(table: &mut Table<'_>) -> Vec<String> {
    const EXAMPLE: &str = "languages = [\"en\", \"de\"]";
    let Some(given) = table.list("languages", |text| vec![text.to_owned()], "[\"en\"]") else {
        return vec![];
    };
    if given.value.is_empty() {
        table.reader.fault(&given.place, "is an empty list: remove it, or add a language", EXAMPLE);
    }
    given.value
}

fn token_keys(table: &mut Table<'_>) -> Vec<[u8; 32]> {
    const EXAMPLE: &str = "token_keys = [\"…\"]    # each: openssl rand -base64 32";
    let Some(given) = table.list("token_keys", |text| vec![text.to_owned()], "[\"…\"]") else {
        return vec![];
    };
    if given.value.is_empty() {
        table.reader.fault(&given.place, "is an empty list: remove it, or add a key", EXAMPLE);
    }
    let mut keys = Vec::new();
    for (number, text) in given.value.iter().enumerate() {
        let bytes = BASE64.iter().find_map(|base64| base64.decode(text.trim()).ok());
        match bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) {
            Some(key) if key == [0; 32] => table.reader.fault(
                &given.place,
                format!("key number {} is all zeros, which anyone can guess", number + 1),
                EXAMPLE,
            ),
            Some(key) => keys.push(key),
            None => {
                table.reader.fault(
                    &given.place,
                    format!("key number {} is not 32 bytes in base64", number + 1),
                    EXAMPLE,
                );
            }
        }
    }
    keys
}

fn cache(table: &mut Table<'_>) -> Option<CacheSettings> {
    let mut cache = CacheSettings { bytes: 64 << 20, ttl: 5 };
    if table.is_table("cache") {
        let mut inner = table.table("cache")?;
        if let Some(bytes) = inner.integer("bytes", 1..=i128::from(u32::MAX), cache.bytes) {
            cache.bytes = bytes.try_into().unwrap_or(cache.bytes);
        }
        if let Some(ttl) = inner.integer("ttl", 1..=86_400, cache.ttl) {
            cache.ttl = ttl.try_into().unwrap_or(cache.ttl);
        }
        inner.close();
    } else if table.has("cache") && table.peek_bool("cache").is_none() {
        table.fault("cache", "must be a table, or false", "cache = { bytes = 67108864, ttl = 5 }");
        table.forget("cache");
    } else if table.boolean("cache") == Some(false) {
        return None;
    }
    Some(cache)
}

const DAY: i64 = 24 * 60 * 60;

/// Reads `flow = { ttl = … }`.
fn flow_ttl(table: &mut Table<'_>) -> i64 {
    const DEFAULT: i64 = 1800;
    let Some(mut inner) = table.table("flow") else { return DEFAULT };
    let ttl = inner.integer("ttl", 1..=i128::from(DAY), DEFAULT.unsigned_abs());
    inner.close();
    ttl.and_then(|ttl| i64::try_from(ttl).ok()).unwrap_or(DEFAULT)
}

fn session(table: &mut Table<'_>) -> SessionSettings {
    let mut session = SessionSettings { idle: 7 * DAY, age: 14 * DAY, idle_is_set: false };
    let place = table.place_of("session");
    let Some(mut inner) = table.table("session") else { return session };
    let mut seconds = |key: &str, example: u64| {
        let seconds = inner.integer(key, 60..=i128::from(3650 * DAY), example)?;
        i64::try_from(seconds).ok()
    };
    let (idle, age) = (seconds("idle", 604_800), seconds("age", 1_209_600));
    inner.close();
    session.age = age.unwrap_or(session.age.max(idle.unwrap_or_default()));
    session.idle_is_set = idle.is_some();
    session.idle = idle.unwrap_or(session.idle.min(session.age));
    if session.idle > session.age {
        let why = "has an `idle` that is longer than its `age`, and has no effect: make it shorter";
        table.reader.fault(&place, why, "session = { idle = 604800, age = 1209600 }");
    }
    session
}
