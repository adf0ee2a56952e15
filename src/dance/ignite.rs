//! The fairing's work: at ignite, at liftoff, and around every request.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use rocket::fairing::{Fairing, Info, Kind, Result as Ignited};
use rocket::http::uri::Origin;
use rocket::{Build, Data, Orbit, Request, Response, Rocket};

use super::builder::{DanceFairing, Parts};
use super::callback::TakenQuery;
use super::{Dance, Inner, keys, route};
use url::Url;

use crate::client::{Report, Workshop};
use crate::clock::Clock;
use crate::config::{self, Entry};
use crate::error::Error;
use crate::flow::Engine;
use crate::page::Pages;
use crate::provider::{PRESETS, Preset};
use crate::session::PrivateCookie;
use crate::signals::Event;
use crate::storage::{Cached, CookieStorage, Place};

/// Messages for the operator, each with its cure. All of them are told before the launch stops.
type Faults = Vec<String>;

#[rocket::async_trait]
impl Fairing for DanceFairing {
    fn info(&self) -> Info {
        let kind = Kind::Ignite | Kind::Liftoff | Kind::Request | Kind::Response | Kind::Singleton;
        Info { name: "OAuth dance", kind }
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
            for key in entry.plain_urls() {
                log::warn!(
                    "oauth: {}: `{key}` is plain http, as is allowed on a loopback host only",
                    entry.name
                );
            }
        }
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

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        // LK-04: Rocket logs the request line, and a callback's holds the code and the state.
        let Some(dance) = request.rocket().state::<Dance>() else { return };
        if let Some(query) = request.uri().query().map(|query| query.as_str().to_owned())
            && dance.is_callback(request.uri())
        {
            request.local_cache(|| TakenQuery(query));
            if let Ok(path) = Origin::parse_owned(request.uri().path().to_string()) {
                request.set_uri(path);
            }
        }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let Some(dance) = request.rocket().state::<Dance>() else { return };
        if matches!(dance.store, Place::Browser) {
            for cookie in dance.account_cookies(request) {
                response.adjoin_header(&cookie);
            }
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
        let debug = figment.profile() != rocket::Config::RELEASE_PROFILE;
        let presets = self.presets()?;
        let env = |name: &str| std::env::var(name).ok();
        let (settings, entries) = config::read(&figment, &presets, &env)
            .map_err(|faults| faults.iter().map(str::to_owned).collect::<Faults>())?;
        let mut faults = self.check(&entries);
        let store = self.storage.unwrap_or_else(|| {
            if !debug {
                log::warn!("oauth: no storage is named: each browser keeps its own accounts, in cookies");
            }
            CookieStorage.into()
        });
        let (user_type, key_file) = match &store.0 {
            Place::Shared(storage) => {
                storage.open(&figment).await.map_err(|error| vec![launch_message(&error)])?;
                (storage.user_type(), storage.key_file(&figment))
            }
            Place::Browser => (None, None),
        };
        let clock = Clock::default();
        let sessions =
            self.sessions.unwrap_or_else(|| Box::new(PrivateCookie::new(settings.secure(), clock.clone())));
        if let (Some(policy), Some(session)) = (user_type, sessions.user_type())
            && policy != session
        {
            faults.push(format!(
                "the policy's user ids are `{}`, those of the sessions `{}`: make them one type",
                policy.name(),
                session.name()
            ));
        }
        let site: BTreeMap<_, _> = entries
            .values()
            .filter(|entry| entry.account.is_some() || self.admins.contains_key(&entry.name))
            .map(|entry| (entry.name.clone(), self.admins.get(&entry.name).copied()))
            .collect();
        if matches!(store.0, Place::Browser) {
            faults.extend(site.keys().map(|name| {
                format!("entry `{name}` is the site's, but CookieStorage keeps accounts in browsers: name a storage, `DieselStorage::database(\"…\")` say")
            }));
        }
        let keys = match keys::ring(&settings, &figment, debug, key_file) {
            Ok(keys) => keys,
            Err(fault) => return Err([faults, vec![fault]].concat()),
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        let user_required = settings.user_required.unwrap_or(!matches!(store.0, Place::Browser));
        let (store, cache) = match (store.0, settings.cache) {
            (Place::Shared(storage), Some(cache)) => {
                let cached = Arc::new(Cached::new(storage, cache.bytes, cache.ttl));
                (Place::Shared(cached.clone()), Some(cached))
            }
            (place, _) => (place, None),
        };
        let signals = self.signals.clone();
        let report = move |report,
                           record: crate::storage::Record|
              -> futures::future::BoxFuture<'static, ()> {
            let signals = signals.clone();
            Box::pin(async move {
                let (entry, provider_user_id, user) = (record.entry, record.provider_user_id, record.user_id);
                signals
                    .event(match report {
                        Report::Refreshed => Event::TokenRefreshed { entry, provider_user_id, user },
                        Report::GrantLost => Event::GrantLost { entry, provider_user_id, user },
                    })
                    .await;
            })
        };
        let workshop = Engine::new(clock).map(|engine| Workshop { engine, keys, report: Box::new(report) });
        let callbacks = entries.values().filter_map(|entry| own_callback(entry, &settings.prefix)).collect();
        Ok(Dance(Arc::new(Inner {
            callbacks,
            settings,
            entries: entries.into_iter().map(|(name, entry)| (name, Arc::new(entry))).collect(),
            site,
            user_required,
            user_type: user_type.or(sessions.user_type()),
            store,
            cache,
            sessions,
            signals: self.signals,
            workshop: Arc::new(workshop.map_err(|error| vec![launch_message(&error)])?),
            pages: Pages::new().map_err(|error| vec![launch_message(&error)])?,
        })))
    }

    /// The presets that entries may name: ours, and the app's own over them.
    fn presets(&self) -> Result<BTreeMap<String, Preset>, Faults> {
        let mut presets: BTreeMap<String, Preset> =
            PRESETS.iter().map(|(name, preset)| ((*name).into(), *preset)).collect();
        let mut seen = BTreeMap::new();
        for (name, marker, preset) in &self.providers {
            if seen.insert(name, marker).is_some_and(|other| other != marker) {
                return Err(vec![format!("two providers are called `{name}`: give each a NAME of its own")]);
            }
            presets.insert((*name).into(), *preset);
        }
        Ok(presets)
    }

    fn check(&self, entries: &BTreeMap<String, Entry>) -> Faults {
        let unknown = |name: &&str| !entries.contains_key(*name);
        let admins = self.admins.keys().map(String::as_str).filter(unknown).map(|name| ("site_admin", name));
        let signals = self.signals.entries().filter(unknown).map(|name| ("signals_for", name));
        admins
            .chain(signals)
            .map(|(method, name)| {
                format!("`.{method}(…, \"{name}\")` names no entry: add it to Rocket.toml\n\n    [default.oauth.{name}]\n    client_id = \"…\"\n    client_secret = \"…\"\n")
            })
            .collect()
    }
}

fn launch_message(error: &Error) -> String {
    use std::error::Error as _;
    error.source().map_or_else(|| error.to_string(), |source| source.to_string())
}

impl Dance {
    /// Whether `uri` is routed to a callback: by its decoded segments, as Rocket's router sees it.
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
        under_prefix || self.callbacks.iter().any(|(path, _)| is(path))
    }
}

/// Where `entry`'s callback is, if its `redirect_uri` puts it elsewhere than under the prefix: path and entry.
fn own_callback(entry: &Entry, prefix: &str) -> Option<(String, String)> {
    let path = Url::parse(&entry.redirect_uri).ok()?.path().to_owned();
    (path != format!("{prefix}/{}/authorized", entry.name)).then(|| (path, entry.name.clone()))
}
