//! `[default.dance]`.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use url::Url;

use super::table::Table;
use super::urls::web_url;
use super::{CacheSettings, SessionSettings, Settings};
use crate::local_path::LocalPath;
use crate::paths::Paths;

/// Base64 as people paste it: either alphabet, with or without `=`.
const BASE64: [GeneralPurpose; 2] = {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [GeneralPurpose::new(&alphabet::STANDARD, CONFIG), GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG)]
};

impl Settings {
    /// What `[default.dance]` says, at this `base_url`.
    pub(super) fn read(mut table: Table<'_>, base_url: Url) -> Self {
        let prefix = prefix(&mut table).unwrap_or_else(|| "/login".to_owned());
        let mut path = |key: &str| local(&mut table, key, &prefix);
        let after_login = path("after_login").unwrap_or_else(LocalPath::home);
        let after_logout = path("after_logout").unwrap_or_else(LocalPath::home);
        let after_error = path("after_error");
        let sign_in_page = path("sign_in_page");
        let settings = Self {
            after_login,
            after_logout,
            after_error,
            sign_in_page,
            token_keys: token_keys(&mut table),
            cache: cache(&mut table),
            session: session(&mut table),
            user_required: table.boolean("user_required"),
            log_requests: table.boolean("log_requests").unwrap_or(false),
            base_url,
            prefix,
        };
        table.close();
        settings
    }

    /// Whether browsers come by https: cookies are Secure then.
    pub(crate) fn secure(&self) -> bool {
        self.base_url.scheme() == "https"
    }

    /// `name` as a cookie's: with `__Host-`, no other host and no http page can plant it (RFC 6265bis §4.1.3.2).
    pub(crate) fn cookie_name(&self, name: &str) -> String {
        if self.secure() { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// The app's address without a `/` at its end: what paths are appended to.
    pub(crate) fn origin(&self) -> String {
        self.base_url.origin().ascii_serialization()
    }
}

/// `base_url`, as far as it is set and right. `Err`: it is wrong, and said so.
pub(super) fn base_url(table: &mut Table<'_>) -> Result<Option<Url>, ()> {
    let was_set = table.has("base_url");
    let Some(given) = table.text("base_url") else { return if was_set { Err(()) } else { Ok(None) } };
    let checked = web_url(&given.value).and_then(|url| match (url.path(), url.query()) {
        ("/", None) => Ok(url),
        _ => Err("must be scheme, host and port only: a path belongs into `prefix`"),
    });
    checked
        .map(Some)
        .map_err(|why| table.reader.fault(&given.place, why, "base_url = \"https://app.example.com\""))
}

fn prefix(table: &mut Table<'_>) -> Option<String> {
    let given = table.text("prefix")?;
    let prefix = given.value.strip_suffix('/').unwrap_or(&given.value);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let segment = |segment: &str| {
        !segment.is_empty() && segment.chars().all(plain) && !segment.trim_matches('.').is_empty()
    };
    match prefix.strip_prefix('/') {
        Some(rest) if rest.split('/').all(segment) => Some(prefix.to_owned()),
        _ => {
            let why = "must be a path of plain letters, digits, `-`, `_`, `.` and `~` that begins with `/` and isn't `/` itself";
            table.reader.fault(&given.place, why, "prefix = \"/login\"");
            None
        }
    }
}

/// A page to go to, on this app. The sign-in page is fine, what begins, ends or finishes a dance is not.
fn local(table: &mut Table<'_>, key: &str, prefix: &str) -> Option<LocalPath> {
    let given = table.text(key)?;
    let is_action =
        |path: &str| Paths::new(prefix).is_own_action(path) && path.trim_end_matches('/') != prefix;
    let why = match LocalPath::try_from(given.value.as_str()) {
        Err(_) => "must be a path on this app that begins with one `/`",
        Ok(path) if is_action(path.as_str()) => "must not be a route that begins, finishes or ends a sign-in",
        Ok(path) => return Some(path),
    };
    table.reader.fault(&given.place, why, &format!("{key} = \"/\""));
    None
}

fn token_keys(table: &mut Table<'_>) -> Vec<[u8; 32]> {
    const EXAMPLE: &str = "token_keys = [\"…\"]    # each: openssl rand -base64 32";
    let Some(given) = table.list("token_keys", |text| vec![text.to_owned()], "[\"…\"]") else {
        return vec![];
    };
    if given.value.is_empty() {
        table.reader.fault(&given.place, "is an empty list: leave it out, or give a key", EXAMPLE);
    }
    let mut keys = Vec::new();
    for (number, text) in given.value.iter().enumerate() {
        let bytes = BASE64.iter().find_map(|base64| base64.decode(text.trim()).ok());
        match bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) {
            Some(key) if key == [0; 32] => table.reader.fault(
                &given.place,
                format!("key number {} is all zeros, which everybody knows", number + 1),
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
        let why = "has an `idle` that is longer than its `age`, and would never come to pass";
        table.reader.fault(&place, why, "session = { idle = 604800, age = 1209600 }");
    }
    session
}
