//! The callback URL of an entry.

use std::borrow::Cow;

use rocket::Config;
use url::Url;

use super::settings::Settings;
use super::table::Table;
use super::urls::{is_loopback_host, is_plain_path, web_url};
use crate::paths::{Path, Paths};

/// The address of the app in examples, if base_url is wrong or missing.
const EXAMPLE_BASE: &str = "https://app.example.com";

/// `redirect_uri`, or the default callback URL. `is_base_known`: `base_url` is right, so that it can be compared with it.
pub(super) fn read(name: &str, table: &mut Table<'_>, settings: &Settings, is_base_known: bool) -> String {
    let paths = Paths::new(&settings.prefix);
    let default_path = paths.of_entry(Path::Callback, name);
    let default = format!("{}{default_path}", settings.base());
    let Some(given) = table.text("redirect_uri") else { return default };
    let is_free = |path: &str| is_mountable(path) && !paths.is_taken(path, Path::Callback);
    let is_loopback = |url: &Url| url.host_str().is_some_and(is_loopback_host);
    let mut is_public = false;
    let why = match web_url(&given.value) {
        Err(why) => why.to_owned(),
        // The browser sends the flow's cookie only to the host and the path of base_url.
        Ok(url) if is_base_known && local_path(&url, settings).is_none() => {
            is_public = !is_loopback(&url) && is_loopback(&settings.base_url);
            format!(
                "must begin with base_url, {}, so that the browser returns to the app where the sign-in began, and {}. Begin \
                 it with base_url, or set `base_url` of [default.dance] to the app's address as browsers see it",
                settings.base(),
                difference(&url, settings)
            )
        }
        Ok(url) if url.query().is_some() => "must not have a query: the provider adds one".to_owned(),
        Ok(url) if !is_mountable(&mount_path(&url, settings)) => {
            "must have a path of plain characters, and not `/`".to_owned()
        }
        Ok(url) if paths.is_taken(&mount_path(&url, settings), Path::Callback) => {
            "is the path of one of our own routes: choose another".to_owned()
        }
        Ok(_) => return given.value,
    };
    // The path is public, and it is registered at the provider: it stays.
    let path = path_of(&given.value, settings).filter(|path| is_free(path)).unwrap_or(default_path);
    let base = if is_base_known { settings.base() } else { EXAMPLE_BASE.to_owned() };
    let mut toml = format!("redirect_uri = \"{base}{path}\"");
    let is_debug = table.reader.figment().profile() == Config::DEBUG_PROFILE;
    if is_public && is_debug && given.place.key.starts_with("default.") {
        // The public address may be that of a release.
        toml = format!("[debug.oauth.{name}]\n{toml}");
    }
    table.reader.fault(&given.place, why, &toml);
    default
}

/// Which parts of `url` are not those of base_url, in words.
fn difference(url: &Url, settings: &Settings) -> String {
    let base = &settings.base_url;
    let parts = [
        ("scheme", url.scheme() != base.scheme()),
        ("host", url.host() != base.host()),
        ("port", url.port() != base.port()),
        ("path", settings.base_path.strip(url.path()).is_none()),
    ];
    let parts: Vec<&str> = parts.iter().filter(|(_, differs)| *differs).map(|(part, _)| *part).collect();
    match parts.as_slice() {
        [one] => format!("its {one} differs"),
        [others @ .., last] => format!("its {} and {last} differ", others.join(", ")),
        [] => "it differs".to_owned(),
    }
}

/// The path that a wrong redirect_uri names, without the path of base_url: of a URL, of `/auth/google`, or of
/// `localhost:8000/auth/google`.
fn path_of(given: &str, settings: &Settings) -> Option<String> {
    let path = match Url::parse(given) {
        _ if given.starts_with('/') => given.split(['?', '#']).next()?.to_owned(),
        Ok(url) if url.has_host() => url.path().to_owned(),
        _ => {
            let (host, _) = given.split_once('/')?;
            let url = Url::parse(&format!("http://{given}")).ok().filter(|_| host.contains(':'))?;
            url.path().to_owned()
        }
    };
    let local = settings.base_path.strip(&path).map(Cow::into_owned);
    Some(local.unwrap_or(path))
}

/// The path of the callback URL `url` as the app sees it, without a `/` at its end.
pub(super) fn path(url: &str, settings: &Settings) -> Option<String> {
    Some(mount_path(&Url::parse(url).ok()?, settings).trim_end_matches('/').to_owned())
}

/// The path of `url` as the app sees it. `None` if `url` is outside of the app.
fn local_path<'u>(url: &'u Url, settings: &Settings) -> Option<Cow<'u, str>> {
    let path = settings.base_path.strip(url.path())?;
    (url.origin() == settings.base_url.origin()).then_some(path)
}

/// The path at which Rocket mounts the callback `url`: without the path of `base_url`.
pub(crate) fn mount_path<'u>(url: &'u Url, settings: &Settings) -> Cow<'u, str> {
    local_path(url, settings).unwrap_or(url.path().into())
}

/// Whether Rocket can mount a route at `path`: no characters with a meaning of their own in a route.
pub(super) fn is_mountable(path: &str) -> bool {
    is_plain_path(path.trim_end_matches('/'))
}
