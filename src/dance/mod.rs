//! The dance: a fairing that mounts the routes, and the handle that it manages.

mod accounts;
mod begin;
mod builder;
mod callback;
mod confirm;
mod cookies;
mod csrf;
mod disconnect;
mod form_post;
mod ignite;
mod keys;
mod logout;
mod off_request;
mod outcome;
mod pending;
mod primary;
mod provider_logout;
mod reply;
mod reseal;
mod route;
mod sign_in;
mod tokens;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures::FutureExt;
use rocket::{Phase, Request, Rocket};

pub use builder::DanceFairing;
pub use off_request::AccountClients;
pub(crate) use reply::{Reply, error_json, wants_json};
pub use reseal::{Reseal, ResealReport};
pub use tokens::Tokens;

use crate::client::{Client, ClientContext};
use crate::clock::Clock;
use crate::config::{Entry, Settings};
use crate::error::{Error, ErrorKind, Responsible, Result};
use crate::local_path::LocalPath;
use crate::page::Pages;
use crate::paths::Paths;
use crate::secret::KeyRing;
use crate::session::SessionBackend;
use crate::signals::Receivers;
use crate::storage::{AccountKey, BrowserStorage, CachedStorage, Storage, StorageBackend, UserType};

/// The handle on the dance, in managed state: accounts and clients, on a request and off it.
///
/// [`Dance::fairing`] attaches it. A handler takes the guards ([`OAuth`](crate::OAuth),
/// [`Accounts`](crate::Accounts)); a nightly job takes the handle itself, without a server:
///
/// ```no_run
/// use rocket_dance::{Dance, Result, provider::GitHub, storage::DieselStorage};
///
/// # fn build() -> rocket::Rocket<rocket::Build> {
/// #     rocket::build().attach(Dance::fairing().storage(DieselStorage::database("app").migrate()))
/// # }
/// #[rocket::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let rocket = build().ignite().await?;
///     let dance = Dance::fetch(&rocket).ok_or("attach Dance::fairing()")?;
///
///     let mut accounts = dance.each(GitHub);
///     while let Some(client) = accounts.next().await? {
///         match client.get("user/starred").query(&[("per_page", "1")]).text().await {
///             Ok(starred) => println!("{:?}: {starred}", client.account().user_id),
///             Err(error) => eprintln!("{:?}: {error}", client.account().user_id),      // a dead grant, a provider that is down
///         }
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Dance(Arc<Inner>);

/// What a dance holds: public only in name, for `Deref`.
#[allow(missing_debug_implementations)]
pub struct Inner {
    pub(crate) settings: Settings,
    /// Callbacks elsewhere than under the prefix: path and entry.
    pub(crate) callbacks: Vec<(String, String)>,
    pub(crate) entries: BTreeMap<String, Arc<Entry>>,
    pub(crate) site: BTreeMap<String, Option<builder::Admits>>,
    pub(crate) user_required: bool,
    pub(crate) user_type: Option<UserType>,
    pub(crate) store: StorageBackend,
    /// The cache within `store`, where there is one.
    pub(crate) cache: Option<Arc<CachedStorage>>,
    pub(crate) sessions: SessionBackend,
    pub(crate) signals: Receivers,
    pub(crate) context: Arc<ClientContext>,
    pub(crate) pages: Pages,
}

impl std::ops::Deref for Dance {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Dance {
    /// The fairing: attach it and `[default.oauth.<name>]` of Rocket.toml works.
    pub fn fairing() -> DanceFairing {
        DanceFairing::default()
    }

    /// The dance that `rocket` manages, from ignite on; none without the fairing.
    pub fn fetch<P: Phase>(rocket: &Rocket<P>) -> Option<&Self> {
        rocket.state::<Dance>()
    }

    pub(crate) fn of<'r>(request: &'r Request<'_>) -> Result<&'r Self> {
        request.rocket().state::<Dance>().ok_or_else(|| {
            Error::new(ErrorKind::Misconfigured, "This app is not set up completely.")
                .with_source("attach the fairing: rocket.attach(rocket_dance::Dance::fairing())")
        })
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.context.engine.clock
    }

    pub(crate) fn keys(&self) -> &KeyRing {
        &self.context.keys
    }

    /// The entry called `name`.
    pub(crate) fn entry(&self, name: &str) -> Result<&Arc<Entry>> {
        self.entries
            .get(name)
            .ok_or_else(|| Error::new(ErrorKind::UnknownProvider, "There is no such provider here."))
    }

    /// The names of the entries with which one can sign in.
    pub(crate) fn logins(&self) -> Vec<&str> {
        let logins = self.entries.values().filter(|entry| entry.login && !self.is_site(&entry.name));
        logins.map(|entry| entry.name.as_str()).collect()
    }

    pub(crate) fn is_site(&self, entry: &str) -> bool {
        self.site.contains_key(entry)
    }

    /// The path of one of our routes.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("{}{rest}", self.settings.prefix)
    }

    /// The storage as `request` sees it.
    pub(crate) fn storage(&self, request: &Request<'_>) -> Arc<dyn Storage> {
        match &self.store {
            StorageBackend::Shared(storage) => storage.clone(),
            StorageBackend::Browser => self.browser(request).clone(),
        }
    }

    /// The accounts that this request's browser keeps itself.
    pub(crate) fn browser<'r>(&self, request: &'r Request<'_>) -> &'r Arc<BrowserStorage> {
        request.local_cache(|| {
            let prefix = self.settings.cookie_name(cookies::ACCOUNT);
            let cookies = crate::cookies::with_prefix(request, &prefix);
            Arc::new(BrowserStorage::new(
                &prefix,
                cookies.into_iter(),
                Arc::new(self.keys().clone()),
                self.clock().now(),
            ))
        })
    }

    /// The user whom `request` is from, asked once per request.
    pub(crate) async fn user<'r>(&self, request: &'r Request<'_>) -> Result<Option<&'r str>> {
        self.whom(request, false).await
    }

    /// The same, and past the cache where nobody has asked before: asked first by whatever changes something.
    pub(crate) async fn user_now<'r>(&self, request: &'r Request<'_>) -> Result<Option<&'r str>> {
        self.whom(request, true).await
    }

    async fn whom<'r>(&self, request: &'r Request<'_>, fresh: bool) -> Result<Option<&'r str>> {
        struct User(Result<Option<String>>);
        let user = async {
            User(match fresh {
                true => self.sessions.current_uncached(request).await,
                false => self.sessions.current(request).await,
            })
        };
        let user = request.local_cache_async(user.boxed()).await;
        match &user.0 {
            Ok(user) => Ok(user.as_deref()),
            Err(error) => Err(error.copy()),
        }
    }

    /// The key of `request`'s account at `entry`; none when nobody is signed in and accounts have users.
    pub(crate) async fn owner(&self, request: &Request<'_>, entry: &str) -> Result<Option<AccountKey>> {
        let user = self.user(request).await?;
        Ok(self
            .may_own(user)
            .then(|| AccountKey::Owner { entry: entry.into(), user: user.map(str::to_owned) }))
    }

    /// Whether there may be accounts of `user`'s: somebody's, or a browser's own, which need nobody.
    pub(crate) fn may_own(&self, user: Option<&str>) -> bool {
        user.is_some() || matches!(self.store, StorageBackend::Browser)
    }

    /// A client of the account under `key`; none when there is no such account.
    pub(crate) async fn open(
        &self,
        entry: &Arc<Entry>,
        storage: Arc<dyn Storage>,
        key: &AccountKey,
    ) -> Result<Option<Client>> {
        let Some(cache) = &self.cache else {
            let Some(account) = storage.get(key).await? else { return Ok(None) };
            return Client::open(entry.clone(), storage, self.context.clone(), account).map(Some);
        };
        let Some(found) = cache.find(key).await? else { return Ok(None) };
        let (entry, context) = (entry.clone(), self.context.clone());
        if found.usable_until().is_some() {
            return Ok(Some(Client::cached(entry, storage, context, found)));
        }
        // A token that can't be opened is told of now, while the person can be asked to connect again.
        let client = Client::open(entry, storage, context, found.account())?;
        found.opened(client.token()?.usable_until());
        Ok(Some(client))
    }

    /// `next`, if one may go there afterwards: a path of the app's own by a browser's own rules, and none of our own
    /// routes.
    pub(crate) fn checked_next(&self, next: Option<&str>) -> Option<LocalPath> {
        LocalPath::try_from(next?).ok().filter(|path| self.may_go_to(path))
    }

    /// Whether `path` is none of our own routes that begin, finish or end a sign-in.
    pub(crate) fn may_go_to(&self, path: &LocalPath) -> bool {
        !Paths::new(&self.settings.prefix).is_own_action(path.as_str())
    }

    /// Tells the operator of an error, as loudly as it is theirs.
    /// `flow` tells one dance's lines from another's.
    pub(crate) fn log_error(&self, entry: &str, flow: Option<&str>, error: &Error) {
        let entry = self.known(entry);
        let flow = flow.map(|flow| format!(" flow {flow}:")).unwrap_or_default();
        match error.kind().responsible() {
            Responsible::User => log::info!("oauth: `{entry}`:{flow} {error:?}"),
            Responsible::Provider => log::warn!("oauth: `{entry}`:{flow} {error:?}"),
            Responsible::Operator => log::error!("oauth: `{entry}`:{flow} {error:?}"),
        }
    }

    /// `name`, if it is an entry's: what else stands in a path is anybody's to write, line breaks included.
    pub(crate) fn known<'n>(&self, name: &'n str) -> &'n str {
        if self.entries.contains_key(name) { name } else { "-" }
    }

    /// Where a person signs in with `entry`, and then goes on to `next`.
    pub(crate) fn login_path(&self, entry: Option<&str>, next: Option<&str>) -> String {
        let path = match entry {
            Some(entry) => self.path(&format!("/{entry}")),
            None => self.path(""),
        };
        match next {
            Some(next) => format!(
                "{path}?{}",
                url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish()
            ),
            None => path,
        }
    }
}

impl fmt::Debug for Dance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dance").field("entries", &self.entries.keys()).finish_non_exhaustive()
    }
}
