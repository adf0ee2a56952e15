//! Builds the handle at launch: reads the configuration, opens the storage, checks that all parts fit together.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rocket::figment::Figment;
use rocket::{Build, Rocket};
use url::Url;

use super::builder::{OwnProvider, Parts};
use super::examination::Examination;
use super::handle::{AdmitsRequest, Dance, State};
use super::key_source;
use super::test_setup;
use crate::client::{ClientContext, Refreshes, Revocations, TokenEvent, TokenEventListener};
use crate::clock::Clock;
use crate::config::{self, Entry, Faults, ReadConfig, Settings};
use crate::error::Error;
use crate::flow::Engine;
use crate::page::Pages;
use crate::paths::{OwnRoute, Path, Paths};
use crate::provider::{PRESETS, Preset};
use crate::secret::KeyRing;
use crate::session::{CookieSessions, ErasedSessions, KeptSessions, SessionBackend};
use crate::signals::{Event, EventAccount, Receivers};
use crate::storage::{AnyStorage, CachedStorage, StorageBackend, UserType};

/// Builds the `Dance` of `rocket` from what the app has attached. With an [`Examination`] in the managed state it opens no storage,
/// and also continues after faults.
///
/// # Errors
/// All faults that were found.
pub(super) async fn build(parts: Parts, rocket: &Rocket<Build>) -> Result<Dance, Faults> {
    let mut faults = Faults::new();
    let presets = presets(&parts.providers, &mut faults);
    let figment = &*test_setup::figment(rocket, &presets);
    let is_debug = config::is_debug(figment);
    let examination = rocket.state::<Examination>();
    let read = config::read(figment, &presets, &|name| std::env::var(name).ok());
    let is_whole = read.faults.is_empty();
    let ReadConfig { settings, entries, faults: found } = read;
    faults.extend(found);
    if is_whole {
        check_attached_names(&parts, &entries, &mut faults);
    }
    let Parts { storage, sessions, signals, site_account_admins, .. } = parts;
    let storage = storage.map_or_else(|| default_storage(is_debug), |AnyStorage(storage)| storage);
    let session_type = sessions.as_ref().and_then(|own| own.user_type());
    let storage = test_setup::storage(rocket, storage, session_type);
    if let Some(examination) = examination {
        examination.note(|examined| {
            examined.clock = test_setup::clock(rocket);
            examined.stand_ins = test_setup::stand_ins(rocket);
        });
        examine(examination, &settings, &entries, &storage, figment).await;
    }
    let (Some(settings), true) = (settings, is_whole) else { return Err(faults) };
    let site_entries = site_entries(&entries, &site_account_admins, &storage, &mut faults);
    check_idle_setting(&settings, sessions.is_some(), &storage, &mut faults);
    check_logout_entries(&entries, sessions.is_some(), &storage, &mut faults);
    let user_required = settings.user_required.unwrap_or(!matches!(storage, StorageBackend::Browser));
    if user_required || !matches!(storage, StorageBackend::Browser) {
        check_login_settings(&entries, &mut faults);
    }
    let policy_type = storage.shared().and_then(|storage| storage.user_type());
    let user_type = common_user_type(policy_type, session_type, &mut faults);
    let key_file = match examination {
        None => open_storage(&storage, figment, &mut faults).await,
        Some(_) => key_file(&storage, figment).filter(|file| file.exists()),
    };
    let keys = key_source::key_ring(&settings, figment, is_debug, key_file);
    let keys = keys.map_err(|fault| faults.push(fault)).ok();
    if let Some(examination) = examination {
        examination.note(|examined| examined.keys = keys.clone());
    }
    let pages = Pages::read(figment, &settings.languages).map_err(|found| faults.extend(found)).ok();
    let (Some((keys, _)), Some(pages), true) = (keys, pages, faults.is_empty()) else { return Err(faults) };
    let (storage, cache) = with_cache(storage, &settings);
    let clock = test_setup::clock(rocket);
    let browser_keys = keys.bound_to(&settings.place());
    let kept_sessions = match storage.shared() {
        Some(storage) if !user_required => {
            KeptSessions::new(entries.keys(), &settings, &clock, &browser_keys, storage)
        }
        _ => KeptSessions::default(),
    };
    let sessions = session_backend(sessions, &settings, &clock, &browser_keys, &storage, cache.as_ref());
    let entries: BTreeMap<_, _> = entries.into_iter().map(|(name, entry)| (name, Arc::new(entry))).collect();
    let fault = |error: Error| vec![error.for_operator()];
    let context = ClientContext {
        engine: Engine::new(clock, test_setup::stand_ins(rocket)).map_err(fault)?,
        keys,
        report: token_event_listener(signals.clone()),
        refreshes: Refreshes::default(),
        revocations: Revocations::new(&entries),
    };
    let own: Vec<OwnRoute> = entries.values().flat_map(|entry| own_routes(entry, &settings)).collect();
    let public_own = own.iter().map(|own| OwnRoute { at: settings.base_path.public(&own.at), ..own.clone() });
    Ok(Dance::new(State {
        public_paths: Paths::new(&settings.base_path.public(&settings.prefix)).with_own(public_own.collect()),
        paths: Paths::new(&settings.prefix).with_own(own),
        settings,
        site_entries,
        user_required,
        user_type,
        storage,
        cache,
        browser_keys,
        sessions,
        kept_sessions,
        context: Arc::new(context),
        entries,
        signals,
        pages,
    }))
}

/// The presets that entries may name: ours, and the app's own, which win.
fn presets(providers: &[OwnProvider], faults: &mut Faults) -> BTreeMap<String, Preset> {
    let mut presets: BTreeMap<String, Preset> =
        PRESETS.iter().map(|(name, preset)| ((*name).into(), *preset)).collect();
    let mut seen = BTreeMap::new();
    for OwnProvider { name, marker, preset } in providers {
        if seen.insert(name, marker).is_some_and(|other| other != marker) {
            faults.push(format!("two providers are called `{name}`: give each a NAME of its own"));
        }
        presets.insert((*name).into(), *preset);
    }
    presets
}

/// Signals and guards that are attached for an entry must name one that exists.
fn check_attached_names(parts: &Parts, entries: &BTreeMap<String, Entry>, faults: &mut Faults) {
    let admins = parts
        .site_account_admins
        .keys()
        .map(|name| (name.as_str(), format!(".site_account_admin::<Admin>(\"{name}\")")));
    let signals = parts.signals.entries().map(|name| (name, format!(".signals_for(\"{name}\", …)")));
    let unknown = admins.chain(signals).filter(|(name, _)| !entries.contains_key(*name));
    faults.extend(unknown.map(|(name, call)| {
        format!(
            "`{call}` names no entry: add it to Rocket.toml\n\n    [default.oauth.{name}]\n    client_id = \"…\"\n    \
             client_secret = \"…\"\n"
        )
    }));
}

fn default_storage(is_debug: bool) -> StorageBackend {
    if !is_debug {
        log::warn!("oauth: no storage is attached: each browser keeps its own accounts, in cookies");
    }
    StorageBackend::Browser
}

/// The entries whose account belongs to the site, each with the guard that admits the user who connects it first.
fn site_entries(
    entries: &BTreeMap<String, Entry>,
    admins: &BTreeMap<String, AdmitsRequest>,
    storage: &StorageBackend,
    faults: &mut Faults,
) -> BTreeMap<String, Option<AdmitsRequest>> {
    let site: BTreeMap<_, _> = entries
        .values()
        .filter(|entry| entry.account.is_some() || admins.contains_key(&entry.name))
        .map(|entry| (entry.name.clone(), admins.get(&entry.name).copied()))
        .collect();
    if matches!(storage, StorageBackend::Browser) {
        faults.extend(site.keys().map(|name| {
            format!(
                "the account of the entry `{name}` belongs to the site, but CookieStorage keeps accounts in browsers: \
                 attach a storage, for example `DieselStorage::database(\"…\")`"
            )
        }));
    }
    site
}

/// An entry that is to sign users in must say who they are.
fn check_login_settings(entries: &BTreeMap<String, Entry>, faults: &mut Faults) {
    let is_wrong = |entry: &&Entry| entry.login_setting == Some(true) && !entry.has_identity;
    faults.extend(entries.values().filter(is_wrong).map(|entry| {
        format!(
            "entry `{}`: `login = true` needs a userinfo_url, from which the user's id is read: remove `login`, or write\n\n    \
             [default.oauth.{0}]\n    userinfo_url = \"https://provider.example/…\"\n",
            entry.name
        )
    }));
}

fn check_idle_setting(
    settings: &Settings,
    has_own_sessions: bool,
    storage: &StorageBackend,
    faults: &mut Faults,
) {
    if settings.session.idle_is_set && !has_own_sessions && !storage.keeps_sessions() {
        faults.push(
            "`session.idle` of [default.dance] needs a storage that keeps sessions, and this one does not: remove the \
             key, or use DieselStorage"
                .to_owned(),
        );
    }
}

/// Leaves in `examination` what was read, and what the storage finds.
async fn examine(
    examination: &Examination,
    settings: &Option<Settings>,
    entries: &BTreeMap<String, Entry>,
    storage: &StorageBackend,
    figment: &Figment,
) {
    let found = match storage.shared() {
        Some(storage) => storage.examine(figment).await,
        None => Vec::new(),
    };
    examination.note(|examined| {
        examined.has_run = true;
        examined.settings = settings.clone();
        examined.entries = entries.clone();
        examined.is_stored_in_browsers = storage.shared().is_none();
        examined.storage = found;
    });
}

/// Opens the storage. Returns the key file beside its data, for debug builds.
async fn open_storage(storage: &StorageBackend, figment: &Figment, faults: &mut Faults) -> Option<PathBuf> {
    match storage.shared()?.open(figment).await {
        Ok(()) => key_file(storage, figment),
        Err(error) => {
            faults.push(error.for_operator());
            None
        }
    }
}

fn key_file(storage: &StorageBackend, figment: &Figment) -> Option<PathBuf> {
    storage.shared()?.key_file(figment)
}

/// The type of the app's user ids, which policy and sessions must share.
fn common_user_type(
    policy: Option<UserType>,
    session: Option<UserType>,
    faults: &mut Faults,
) -> Option<UserType> {
    if let (Some(policy), Some(session)) = (policy, session)
        && policy != session
    {
        faults.push(format!(
            "the policy's user ids are `{}`, those of the sessions `{}`: make them one type",
            policy.name(),
            session.name()
        ));
    }
    policy.or(session)
}

/// Puts the cache in front of a shared storage, unless it is off.
fn with_cache(storage: StorageBackend, settings: &Settings) -> (StorageBackend, Option<Arc<CachedStorage>>) {
    match (storage, settings.cache) {
        (StorageBackend::Shared(storage), Some(cache)) => {
            let cached = Arc::new(CachedStorage::new(storage, cache.bytes_for_storage(), cache.ttl));
            (StorageBackend::Shared(cached.clone()), Some(cached))
        }
        (storage, _) => (storage, None),
    }
}

fn session_backend(
    own: Option<Box<dyn ErasedSessions>>,
    settings: &Settings,
    clock: &Clock,
    keys: &KeyRing,
    storage: &StorageBackend,
    cache: Option<&Arc<CachedStorage>>,
) -> SessionBackend {
    match own {
        Some(own) => SessionBackend::App(own),
        None => {
            let storage = storage.shared().cloned();
            let (clock, keys, cache) = (clock.clone(), keys.clone(), cache.cloned());
            SessionBackend::Cookie(CookieSessions::new(settings, clock, keys, storage, cache))
        }
    }
}

fn check_logout_entries(
    entries: &BTreeMap<String, Entry>,
    has_own_sessions: bool,
    storage: &StorageBackend,
    faults: &mut Faults,
) {
    if has_own_sessions || !storage.keeps_sessions() {
        faults.extend(entries.values().filter(|entry| entry.logout).map(|entry| {
            format!(
                "entry `{}`: `logout` needs a storage that keeps sessions, since a session must know its provider: remove \
                 the key, or use DieselStorage",
                entry.name
            )
        }));
    }
}

/// Reports to `signals` what happens to tokens.
fn token_event_listener(signals: Receivers) -> Box<TokenEventListener> {
    Box::new(move |event, account| {
        let signals = signals.clone();
        let account = EventAccount::from(&account);
        let event = match event {
            TokenEvent::Refreshed => Event::TokenRefreshed(account),
            TokenEvent::GrantLost => Event::GrantLost(account),
            TokenEvent::RevocationFailed => Event::RevocationFailed(account),
        };
        Box::pin(async move { signals.event(None, event).await })
    })
}

/// The begin and the callback of `entry`, if they are at other paths than those under the prefix.
fn own_routes(entry: &Entry, settings: &Settings) -> Vec<OwnRoute> {
    let callback = Url::parse(&entry.redirect_uri).ok();
    let callback = callback.map(|url| config::mount_path(&url, settings).into_owned());
    let callback =
        callback.filter(|at| *at != Paths::new(&settings.prefix).of_entry(Path::Callback, &entry.name));
    [(Path::Begin, entry.login_path.clone()), (Path::Callback, callback)]
        .into_iter()
        .filter_map(|(path, at)| Some(OwnRoute { path, entry: entry.name.clone(), at: at? }))
        .collect()
}
