//! The fairing's work: at ignite, at liftoff, and around every request.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rocket::fairing::{Fairing, Info, Kind, Result as Ignited};
use rocket::http::uri::Origin;
use rocket::tokio::time::timeout;
use rocket::{Build, Data, Orbit, Request, Response, Rocket};
use url::Url;

use super::builder::{Admits, DanceFairing, Parts};
use super::callback::TakenQuery;
use super::{Dance, Inner, cookies, keys, route};
use crate::client::{ClientContext, Refreshes, Revocations, TokenEvent, TokenEventListener};
use crate::clock::Clock;
use crate::config::{self, Entry};
use crate::error::Error;
use crate::flow::Engine;
use crate::page::Pages;
use crate::provider::{PRESETS, Preset};
use crate::session::{CookieSessions, SessionBackend, SessionCommand};
use crate::signals::{Event, EventAccount, Receivers};
use crate::storage::{CachedStorage, CookieStorage, StorageBackend, UserType};

/// How long a process that is told to stop waits for revocations under way: within what Rocket leaves to requests.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Messages for the operator, each with its cure. All of them are told before the launch stops.
type Faults = Vec<String>;

#[rocket::async_trait]
impl Fairing for DanceFairing {
    fn info(&self) -> Info {
        let kind = Kind::Ignite | Kind::Liftoff | Kind::Request | Kind::Response | Kind::Shutdown;
        Info { name: "OAuth dance", kind: kind | Kind::Singleton }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> Ignited {
        let parts = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        match parts.build(&rocket).await {
            Ok(dance) => {
                let routes = route::routes(&dance.settings.prefix, &dance.callbacks);
                let rocket =
                    routes.into_iter().fold(rocket, |rocket, (base, routes)| rocket.mount(base, routes));
                Ok(rocket.manage(dance))
            }
            Err(faults) => {
                for fault in &faults {
                    log::error!("oauth: {fault}");
                }
                log::error!("oauth: the launch stops: {} to mend", faults.len());
                Err(rocket)
            }
        }
    }

    async fn on_liftoff(&self, rocket: &Rocket<Orbit>) {
        let Some(dance) = Dance::fetch(rocket) else { return };
        for entry in dance.entries.values() {
            log::info!("oauth: {}", entry.liftoff_line());
            if entry.logout {
                log::info!(
                    "oauth: {}: URL to register for the way back after signing out: {}; for back-channel logout: {}",
                    entry.name,
                    dance.landing(),
                    dance.backchannel(&entry.name)
                );
            }
            for key in entry.plain_urls() {
                log::warn!(
                    "oauth: {}: `{key}` is plain http, as is allowed on a loopback host only",
                    entry.name
                );
            }
        }
        let looking = dance.clone();
        rocket::tokio::spawn(async move { looking.look_for_lost_keys().await });
        if !dance.settings.secure() {
            log::warn!("oauth: the app itself is plain http on a loopback host: cookies are not Secure");
        }
        if !dance.settings.log_requests && log::max_level() > log::LevelFilter::Info {
            // At debug level Rocket prints whole requests and responses: cookies, codes, tokens.
            log::warn!(
                "oauth: the log is capped at info, since debug prints secrets: `log_requests = true` lifts that"
            );
            log::set_max_level(log::LevelFilter::Info);
        }
    }

    async fn on_shutdown(&self, rocket: &Rocket<Orbit>) {
        let Some(dance) = Dance::fetch(rocket) else { return };
        dance.context.revocations.hurry();
        if timeout(LAST_WORDS, dance.wait_for_revocations()).await.is_err() {
            log::warn!("oauth: the app ends before all tokens of removed accounts are revoked");
        }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        // LK-04: Rocket logs the request line, and a callback's holds the code and the state.
        let Some(dance) = request.rocket().state::<Dance>() else { return };
        let query = request.uri().query().filter(|_| dance.is_callback(request.uri()));
        if let Some(query) = query.map(|query| query.as_str().to_owned()) {
            request.local_cache(|| TakenQuery(query));
            if let Ok(path) = Origin::parse_owned(request.uri().path().to_string()) {
                request.set_uri(path);
            }
        }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let Some(dance) = request.rocket().state::<Dance>() else { return };
        if let Some(pass) = SessionCommand::take_from(response) {
            dance.let_pass(request, pass, response).await;
        }
        if matches!(dance.store, StorageBackend::Browser) {
            for cookie in dance.account_cookies(request) {
                response.adjoin_header(&cookie);
            }
        }
        // CK-11: a shared cache must not hand our cookies to others, whoever's page they came with.
        if response.headers().get("Set-Cookie").any(cookies::is_ours)
            && !response.headers().contains("Cache-Control")
        {
            response.set_raw_header("Cache-Control", "no-store");
        }
        // Rocket's Shield says SAMEORIGIN; it warns where a header is there before it.
        let policy = response.headers().get_one("Content-Security-Policy");
        if policy == Some(&dance.pages.content_security_policy) {
            response.set_raw_header("X-Frame-Options", "DENY");
        }
    }
}

impl Parts {
    async fn build(self, rocket: &Rocket<Build>) -> Result<Dance, Faults> {
        let figment = rocket.figment().clone();
        let debug = config::is_debug(&figment);
        let mut faults = Faults::new();
        let presets = self.presets(&mut faults);
        let env = |name: &str| std::env::var(name).ok();
        let (settings, entries) = match config::read(&figment, &presets, &env) {
            Ok(read) => read,
            Err(found) => {
                faults.extend(found.iter().map(str::to_owned));
                return Err(faults);
            }
        };
        self.check(&entries, &mut faults);
        let Parts { storage, sessions, signals, admins, .. } = self;
        let store = storage.unwrap_or_else(|| {
            if !debug {
                log::warn!("oauth: no storage is named: each browser keeps its own accounts, in cookies");
            }
            CookieStorage.into()
        });
        let site = site(&entries, &admins, &store.0, &mut faults);
        let clock = Clock::default();
        let (mut user_type, mut key_file) = (sessions.as_ref().and_then(|own| own.user_type()), None);
        if settings.session.idle_is_set && sessions.is_none() && !store.0.keeps_sessions() {
            faults.push(
                "`session.idle` of [default.dance] needs a storage that keeps sessions, and this one doesn't: leave it \
                 out, or use DieselStorage"
                    .to_owned(),
            );
        }
        if let StorageBackend::Shared(storage) = &store.0 {
            user_type = one_type(storage.user_type(), user_type, &mut faults);
            match storage.open(&figment).await {
                Ok(()) => key_file = storage.key_file(&figment),
                Err(error) => faults.push(launch_message(&error)),
            }
        }
        let keys = match keys::ring(&settings, &figment, debug, key_file) {
            Ok(keys) if faults.is_empty() => keys,
            Ok(_) => return Err(faults),
            Err(fault) => {
                faults.push(fault);
                return Err(faults);
            }
        };
        let user_required = settings.user_required.unwrap_or(!matches!(store.0, StorageBackend::Browser));
        let (store, cache) = match (store.0, settings.cache) {
            (StorageBackend::Shared(storage), Some(cache)) => {
                let cached = Arc::new(CachedStorage::new(storage, cache.bytes, cache.ttl));
                (StorageBackend::Shared(cached.clone()), Some(cached))
            }
            (place, _) => (place, None),
        };
        let sessions = match (sessions, &store) {
            (Some(own), _) => SessionBackend::App(own),
            (None, StorageBackend::Shared(storage)) => SessionBackend::Cookie(CookieSessions::new(
                &settings,
                clock.clone(),
                keys.clone(),
                Some(storage.clone()),
            )),
            (None, StorageBackend::Browser) => {
                SessionBackend::Cookie(CookieSessions::new(&settings, clock.clone(), keys.clone(), None))
            }
        };
        let ends = sessions.cookie_sessions().is_some_and(CookieSessions::are_stored);
        if let Some(entry) = entries.values().find(|entry| entry.logout && !ends) {
            return Err(vec![format!(
                "entry `{}`: `logout` needs a storage that keeps sessions, to know who came from where: leave it out, or \
                 use DieselStorage",
                entry.name
            )]);
        }
        let stops = |error| vec![launch_message(&error)];
        let entries: BTreeMap<_, _> =
            entries.into_iter().map(|(name, entry)| (name, Arc::new(entry))).collect();
        let engine = Engine::new(clock).map_err(stops)?;
        Ok(Dance(Arc::new(Inner {
            callbacks: entries.values().filter_map(|entry| own_callback(entry, &settings.prefix)).collect(),
            settings,
            site,
            user_required,
            user_type,
            store,
            cache,
            sessions,
            context: Arc::new(ClientContext {
                engine,
                keys,
                report: reporter(signals.clone()),
                refreshes: Refreshes::default(),
                revocations: Revocations::new(&entries),
            }),
            entries,
            signals,
            pages: Pages::new().map_err(stops)?,
        })))
    }

    /// The presets that entries may name: ours, and the app's own over them.
    fn presets(&self, faults: &mut Faults) -> BTreeMap<String, Preset> {
        let mut presets: BTreeMap<String, Preset> =
            PRESETS.iter().map(|(name, preset)| ((*name).into(), *preset)).collect();
        let mut seen = BTreeMap::new();
        for (name, marker, preset) in &self.providers {
            if seen.insert(name, marker).is_some_and(|other| other != marker) {
                faults.push(format!("two providers are called `{name}`: give each a NAME of its own"));
            }
            presets.insert((*name).into(), *preset);
        }
        presets
    }

    /// What is attached for an entry must name one.
    fn check(&self, entries: &BTreeMap<String, Entry>, faults: &mut Faults) {
        let admins = self
            .admins
            .keys()
            .map(|name| (name.as_str(), format!(".site_account_admin::<Admin>(\"{name}\")")));
        let signals = self.signals.entries().map(|name| (name, format!(".signals_for(\"{name}\", …)")));
        let unknown = admins.chain(signals).filter(|(name, _)| !entries.contains_key(*name));
        faults.extend(unknown.map(|(name, call)| {
            format!("`{call}` names no entry: add it to Rocket.toml\n\n    [default.oauth.{name}]\n    client_id = \"…\"\n    client_secret = \"…\"\n")
        }));
    }
}

/// The entries that are the site's, each with who may connect its first account.
fn site(
    entries: &BTreeMap<String, Entry>,
    admins: &BTreeMap<String, Admits>,
    place: &StorageBackend,
    faults: &mut Faults,
) -> BTreeMap<String, Option<Admits>> {
    let site: BTreeMap<_, _> = entries
        .values()
        .filter(|entry| entry.account.is_some() || admins.contains_key(&entry.name))
        .map(|entry| (entry.name.clone(), admins.get(&entry.name).copied()))
        .collect();
    if matches!(place, StorageBackend::Browser) {
        faults.extend(site.keys().map(|name| {
            format!("entry `{name}` is the site's, but CookieStorage keeps accounts in browsers: name a storage, `DieselStorage::database(\"…\")` say")
        }));
    }
    site
}

/// The type of the app's user ids: policy and sessions must mean the same.
fn one_type(policy: Option<UserType>, session: Option<UserType>, faults: &mut Faults) -> Option<UserType> {
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

/// Tells `signals` what clients report.
fn reporter(signals: Receivers) -> Box<TokenEventListener> {
    Box::new(move |report, account| {
        let signals = signals.clone();
        let account = EventAccount::from(&account);
        let event = match report {
            TokenEvent::Refreshed => Event::TokenRefreshed(account),
            TokenEvent::GrantLost => Event::GrantLost(account),
            TokenEvent::RevocationFailed => Event::RevocationFailed(account),
        };
        Box::pin(async move { signals.event(event).await })
    })
}

fn launch_message(error: &Error) -> String {
    use std::error::Error as _;
    error.source().map_or_else(|| error.to_string(), |source| source.to_string())
}

impl Dance {
    /// Whether `uri` is routed to a callback, or to the landing after a sign-out: by its decoded segments, as Rocket's
    /// router sees it.
    fn is_callback(&self, uri: &Origin<'_>) -> bool {
        let segments: Vec<&str> = uri.path().segments().collect();
        let is = |path: &str| path.split('/').filter(|part| !part.is_empty()).eq(segments.iter().copied());
        let under_prefix = segments.len() >= 2
            && segments.last() == Some(&"authorized")
            && self
                .settings
                .prefix
                .split('/')
                .filter(|part| !part.is_empty())
                .eq(segments[..segments.len() - 2].iter().copied());
        under_prefix || is(&self.path("/logged-out")) || self.callbacks.iter().any(|(path, _)| is(path))
    }
}

/// Where `entry`'s callback is, if its `redirect_uri` puts it elsewhere than under the prefix: path and entry.
fn own_callback(entry: &Entry, prefix: &str) -> Option<(String, String)> {
    let path = Url::parse(&entry.redirect_uri).ok()?.path().to_owned();
    (path != format!("{prefix}/{}/authorized", entry.name)).then(|| (path, entry.name.clone()))
}
