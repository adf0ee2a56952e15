//! `Dance`: the library's state in a launched app.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use rocket::{Phase, Request, Rocket};

use crate::base_path::BasePath;
use crate::client::{Client, ClientContext};
use crate::clock::Clock;
use crate::config::{Entry, Settings};
use crate::cookies;
use crate::error::{Error, ErrorKind, Responsible, Result};
use crate::flow::Engine;
use crate::page::Pages;
use crate::paths::{Path, Paths, is_same_page, with_parameter};
use crate::redirect_target::RedirectTarget;
use crate::secret::KeyRing;
use crate::session::{KeptSessions, SessionBackend};
use crate::signals::Receivers;
use crate::storage::{Account, AccountKey, BrowserStorage, CachedStorage, Storage, StorageBackend, UserType};

/// Prefix of the cookies in which `CookieStorage` keeps accounts; the entry's name follows.
pub(super) const ACCOUNT_COOKIE: &str = "rocket_dance_account";

/// Runs a guard of the app, and returns whether it succeeds: whether this user may connect the site's first account.
pub(super) type AdmitsRequest = for<'a> fn(&'a Request<'_>) -> BoxFuture<'a, bool>;

/// The library's handle in managed state: accounts and API clients, in a request and outside of one.
///
/// [`Dance::fairing`] returns the fairing that creates it. A handler takes the guards ([`OAuth`](crate::OAuth),
/// [`Accounts`](crate::Accounts)). A program without a server, for example a nightly job, takes the handle itself:
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
///             Err(error) => eprintln!("{:?}: {error}", client.account().user_id),  // for example a dead grant
///         }
///     }
///     Ok(())
/// }
/// ```
///
/// A clone is cheap: all clones share one state.
#[derive(Clone)]
pub struct Dance(Arc<State>);

/// What the launch has built.
pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) paths: Paths,
    pub(super) public_paths: Paths,
    pub(super) entries: BTreeMap<String, Arc<Entry>>,
    /// The entries whose account belongs to the site, each with the guard that admits the user who connects it first.
    pub(super) site_entries: BTreeMap<String, Option<AdmitsRequest>>,
    /// Whether every account needs a user.
    pub(super) user_required: bool,
    pub(super) user_type: Option<UserType>,
    pub(super) storage: StorageBackend,
    /// The cache in front of the shared storage; `None`: the cache is off.
    pub(super) cache: Option<Arc<CachedStorage>>,
    /// The keys for what browsers keep.
    pub(super) browser_keys: KeyRing,
    pub(super) sessions: SessionBackend,
    /// The sessions of accounts without a user.
    pub(super) kept_sessions: KeptSessions,
    pub(super) signals: Receivers,
    pub(super) context: Arc<ClientContext>,
    pub(super) pages: Pages,
}

impl Dance {
    pub(super) fn new(state: State) -> Self {
        Self(Arc::new(state))
    }

    /// Returns the handle that `rocket` manages: from ignite on, if [`Dance::fairing`] is attached.
    ///
    /// In a handler, take `&State<Dance>` instead.
    ///
    /// ```
    /// use rocket_dance::{Dance, storage::MemoryStorage};
    ///
    /// # rocket::async_test(async {
    /// # let figment = rocket::Config::figment().merge(("dance.token_keys", ["AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="]));
    /// # let build = || rocket::custom(figment);
    /// let rocket = build().attach(Dance::fairing().storage(MemoryStorage::default()));
    /// assert!(Dance::fetch(&rocket).is_none());
    /// let rocket = rocket.ignite().await.unwrap();
    /// assert!(Dance::fetch(&rocket).is_some());
    /// # });
    /// ```
    pub fn fetch<P: Phase>(rocket: &Rocket<P>) -> Option<&Self> {
        rocket.state::<Dance>()
    }

    /// Returns the handle of `request`'s app.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the fairing is not attached.
    pub(crate) fn of<'r>(request: &'r Request<'_>) -> Result<&'r Self> {
        request.rocket().state::<Dance>().ok_or_else(|| {
            Error::new(ErrorKind::Misconfigured, "This app is not set up completely.")
                .with_source("attach the fairing: rocket.attach(rocket_dance::Dance::fairing())")
        })
    }

    /// `[default.dance]` of Rocket.toml.
    pub(super) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The paths of our routes, under the prefix, as the app sees them.
    pub(crate) fn paths(&self) -> &Paths {
        &self.0.paths
    }

    /// The paths of our routes as browsers see them, for links and forms.
    pub(crate) fn public_paths(&self) -> &Paths {
        &self.0.public_paths
    }

    /// Returns `path`, a path of the app, as browsers see it: with the path of `base_url`, which the proxy strips.
    ///
    /// Use it for the links, forms and redirects of an app that runs below a path. If `base_url` has no path, it returns `path`
    /// unchanged.
    ///
    /// ```
    /// use rocket::{State, get, response::Redirect, uri};
    /// use rocket_dance::Dance;
    ///
    /// #[get("/inbox")]
    /// fn inbox() -> &'static str { "no messages" }
    ///
    /// #[get("/")]
    /// fn index(dance: &State<Dance>) -> Redirect {
    ///     // With base_url = "https://example.com/app" to `/app/inbox`.
    ///     Redirect::to(dance.public_path(uri!(inbox)))
    /// }
    /// ```
    pub fn public_path(&self, path: impl fmt::Display) -> String {
        self.base_path().public(&path.to_string())
    }

    /// The path of `base_url`, which a proxy strips.
    pub(crate) fn base_path(&self) -> &BasePath {
        &self.settings().base_path
    }

    /// All entries, by name.
    pub(crate) fn entries(&self) -> &BTreeMap<String, Arc<Entry>> {
        &self.0.entries
    }

    /// Whether every account needs a user: `user_required` of `[default.dance]`, or its default.
    pub(super) fn user_required(&self) -> bool {
        self.0.user_required
    }

    /// The type of the app's user ids, if policy or sessions name it.
    pub(crate) fn user_type(&self) -> Option<UserType> {
        self.0.user_type
    }

    /// The app's own sessions, or ours.
    pub(crate) fn sessions(&self) -> &SessionBackend {
        &self.0.sessions
    }

    /// The sessions of accounts without a user.
    pub(super) fn kept_sessions(&self) -> &KeptSessions {
        &self.0.kept_sessions
    }

    /// The signals that the app has attached.
    pub(super) fn signals(&self) -> &Receivers {
        &self.0.signals
    }

    /// Our pages.
    pub(super) fn pages(&self) -> &Pages {
        &self.0.pages
    }

    /// What the API clients of this app share.
    pub(crate) fn context(&self) -> &Arc<ClientContext> {
        &self.0.context
    }

    /// The protocols: begins and finishes flows.
    pub(super) fn engine(&self) -> &Engine {
        &self.0.context.engine
    }

    /// The clock of all expiries. Tests can advance it.
    pub(crate) fn clock(&self) -> &Clock {
        &self.0.context.engine.clock
    }

    /// The keys that seal what the storage keeps: tokens.
    pub(crate) fn keys(&self) -> &KeyRing {
        &self.0.context.keys
    }

    /// The keys that seal what browsers keep: cookies, forms, and what these point to. They are bound to base URL and
    /// prefix: another app, or a staging server with the same keys, opens none of it.
    pub(super) fn browser_keys(&self) -> &KeyRing {
        &self.0.browser_keys
    }

    /// Returns the entry called `name`.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownProvider`].
    pub(crate) fn entry(&self, name: &str) -> Result<&Arc<Entry>> {
        self.0
            .entries
            .get(name)
            .ok_or_else(|| Error::new(ErrorKind::UnknownProvider, "There is no such provider here."))
    }

    /// Returns the entry that the app's own code calls `name`. The cause of the error says what to add to the configuration.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownProvider`].
    pub(crate) fn required_entry(&self, name: &str) -> Result<&Arc<Entry>> {
        let with_cause = |error: Error| {
            let name = name.escape_debug();
            error.with_source(format!(
                "there is no entry `{name}` in the configuration: add [default.oauth.{name}]"
            ))
        };
        self.entry(name).map_err(with_cause)
    }

    /// The entries at which a visitor who is not signed in may begin.
    pub(super) fn entries_for_visitors(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.0.entries.values().filter(|entry| self.is_for_visitors(entry))
    }

    /// Whether a visitor who is not signed in may begin at `entry`: to sign in, or, if each browser keeps its own accounts, to
    /// have an account there. That account needs no identity, since no user follows from it.
    pub(crate) fn is_for_visitors(&self, entry: &Entry) -> bool {
        let is_kept = self.keeps_visitors_accounts() && entry.login_setting != Some(false);
        (entry.signs_in() || is_kept) && !self.is_site(&entry.name)
    }

    /// The names of the entries that sign users in.
    pub(super) fn login_names(&self) -> Vec<&str> {
        let names = self.0.entries.values().filter(|entry| entry.signs_in() && !self.is_site(&entry.name));
        names.map(|entry| entry.name.as_str()).collect()
    }

    /// Whether the account of `entry` belongs to the site.
    pub(crate) fn is_site(&self, entry: &str) -> bool {
        self.0.site_entries.contains_key(entry)
    }

    /// Whether the user of `request` may connect the site's first account at `entry`.
    pub(super) async fn admits_site_account(&self, request: &Request<'_>, entry: &str) -> bool {
        match self.0.site_entries.get(entry) {
            Some(Some(admits)) => admits(request).await,
            _ => false,
        }
    }

    /// Whether each browser keeps its own accounts, in cookies.
    pub(crate) fn is_stored_in_browsers(&self) -> bool {
        matches!(self.0.storage, StorageBackend::Browser)
    }

    /// Whether each browser keeps the accounts of its visitor, without a user.
    pub(super) fn keeps_visitors_accounts(&self) -> bool {
        self.is_stored_in_browsers() && !self.user_required()
    }

    /// The storage for `request`.
    pub(crate) fn storage(&self, request: &Request<'_>) -> Arc<dyn Storage> {
        match &self.0.storage {
            StorageBackend::Shared(storage) => storage.clone(),
            StorageBackend::Browser => self.browser(request).clone(),
        }
    }

    /// The storage that all requests share.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] with `CookieStorage`.
    pub(super) fn shared_storage(&self) -> Result<&Arc<dyn Storage>> {
        self.0.storage.shared().ok_or_else(|| {
            Error::new(ErrorKind::Misconfigured, "Each browser keeps its own accounts.").with_source(
                "CookieStorage has no accounts outside of a request: attach a storage, for example \
                 `DieselStorage::database(\"…\")`",
            )
        })
    }

    /// The accounts in the cookies of `request`.
    pub(super) fn browser<'r>(&self, request: &'r Request<'_>) -> &'r Arc<BrowserStorage> {
        request.local_cache(|| {
            let prefix = format!("{}_", self.settings().cookie_name(ACCOUNT_COOKIE));
            let sent = cookies::containing(request, ACCOUNT_COOKIE);
            Arc::new(BrowserStorage::new(&prefix, sent, self.browser_keys().clone(), self.clock().now()))
        })
    }

    /// The user of `request`, read once per request.
    pub(crate) async fn user<'r>(&self, request: &'r Request<'_>) -> Result<Option<&'r str>> {
        self.read_user(request, self.0.sessions.current(request).boxed()).await
    }

    /// The user of `request`, and their accounts at `entries` if the same look-up has found them.
    pub(super) async fn user_with_accounts<'r>(
        &self,
        request: &'r Request<'_>,
        entries: &[&str],
    ) -> Result<(Option<&'r str>, Option<Vec<Account>>)> {
        let mut found = None;
        let read = async {
            let Some((user, accounts)) = self.0.sessions.current_with_accounts(request, entries).await?
            else {
                return self.0.sessions.current(request).await;
            };
            found = Some(accounts);
            Ok(Some(user))
        };
        let user = self.read_user(request, read.boxed()).await?;
        Ok((user, found))
    }

    /// The same, read past the cache if this is the first read of the request: for routes that change something.
    pub(super) async fn user_uncached<'r>(&self, request: &'r Request<'_>) -> Result<Option<&'r str>> {
        self.read_user(request, self.0.sessions.current_uncached(request).boxed()).await
    }

    /// The user who finishes with `request` a flow that began at `began_at` (unix time, in seconds), read past the cache if
    /// this is the first read of the request.
    pub(super) async fn user_in_flow<'r>(
        &self,
        request: &'r Request<'_>,
        began_at: i64,
    ) -> Result<Option<&'r str>> {
        self.read_user(request, self.0.sessions.current_in_flow(request, began_at).boxed()).await
    }

    /// The user of `request`: what an earlier read has found, else what `read` returns.
    async fn read_user<'r>(
        &self,
        request: &'r Request<'_>,
        read: BoxFuture<'_, Result<Option<String>>>,
    ) -> Result<Option<&'r str>> {
        struct User(Result<Option<String>>);
        let user = request.local_cache_async(read.map(User)).await;
        match &user.0 {
            Ok(user) => Ok(user.as_deref()),
            Err(error) => Err(error.copy()),
        }
    }

    /// Returns an API client of the account under `key`; `None` if there is no such account.
    ///
    /// # Errors
    /// [`ErrorKind::ReconnectNeeded`] if the stored token can't be used any more; [`ErrorKind::StoreUnavailable`].
    pub(crate) async fn open_client(
        &self,
        entry: &Arc<Entry>,
        storage: Arc<dyn Storage>,
        key: &AccountKey,
    ) -> Result<Option<Client>> {
        let Some(cache) = &self.0.cache else {
            let Some(account) = storage.get(key).await? else { return Ok(None) };
            return Client::open(entry.clone(), storage, self.context().clone(), account).map(Some);
        };
        let Some(found) = cache.find(key).await? else { return Ok(None) };
        let (entry, context) = (entry.clone(), self.context().clone());
        if found.usable_until().is_some() {
            return Ok(Some(Client::cached(entry, storage, context, found)));
        }
        // Opened now: if that fails, the user can still be asked to connect again.
        let client = Client::open(entry, storage, context, found.account())?;
        found.opened(client.token()?.usable_until());
        Ok(Some(client))
    }

    /// Forgets what is cached of the storage.
    #[cfg(feature = "testing")]
    pub(super) fn forget_cached(&self) {
        if let Some(cache) = &self.0.cache {
            cache.forget_all();
        }
    }

    /// The path where a visitor signs in with `entry`, and continues to `next` afterwards. Without an entry, it is the page where
    /// visitors choose how they sign in: the app's own, if `sign_in_page` is set.
    pub(crate) fn login_path(&self, entry: Option<&str>, next: Option<&RedirectTarget>) -> String {
        let path = match (entry, &self.settings().sign_in_page) {
            (Some(entry), _) => self.paths().of_entry(Path::Begin, entry),
            (None, Some(page)) => page.to_string(),
            (None, None) => self.paths().to(Path::SignIn),
        };
        self.with_next(&path, next)
    }

    /// The same path as browsers see it.
    pub(crate) fn login_url(&self, entry: Option<&str>, next: Option<&RedirectTarget>) -> String {
        self.base_path().public(&self.login_path(entry, next))
    }

    /// The app's own sign-in page with `next`, as browsers see it; `None` if `sign_in_page` is not set.
    pub(super) fn sign_in_page(&self, next: Option<&RedirectTarget>) -> Option<String> {
        self.has_sign_in_page().then(|| self.login_url(None, next))
    }

    /// Whether the app has a sign-in page of its own: `sign_in_page`.
    pub(crate) fn has_sign_in_page(&self) -> bool {
        self.settings().sign_in_page.is_some()
    }

    /// Whether `path`, as the app sees it, is the app's own sign-in page.
    pub(crate) fn is_sign_in_page(&self, path: &str) -> bool {
        self.settings().sign_in_page.as_ref().is_some_and(|page| is_same_page(page.as_str(), path))
    }

    fn with_next(&self, path: &str, next: Option<&RedirectTarget>) -> String {
        match self.next_field(next) {
            Some(next) => with_parameter(path, "next", &next),
            None => path.to_owned(),
        }
    }

    /// Logs an error of a request, at the level that fits who must act. `flow` is the handle of the flow, so that the
    /// lines of one flow can be found. A verdict that does not fit is a fault of the app's policy, although a user is refused.
    pub(crate) fn log_error(&self, entry: &str, flow: Option<&str>, error: &Error) {
        let entry = self.name_for_log(entry);
        let flow = flow.map(|flow| format!(" flow {flow}:")).unwrap_or_default();
        match error.kind().responsible() {
            Responsible::User if error.reason() == Some("wrong_verdict") => {
                log::error!("oauth: `{entry}`:{flow} {error:?}");
            }
            Responsible::User => log::info!("oauth: `{entry}`:{flow} {error:?}"),
            Responsible::Provider => log::warn!("oauth: `{entry}`:{flow} {error:?}"),
            Responsible::Operator => log::error!("oauth: `{entry}`:{flow} {error:?}"),
        }
    }

    /// `name` if it is the name of an entry, else `-`: a visitor can write anything into a path, line breaks included.
    pub(super) fn name_for_log<'n>(&self, name: &'n str) -> &'n str {
        if self.entries().contains_key(name) { name } else { "-" }
    }
}

impl fmt::Debug for Dance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dance").field("entries", &self.entries().keys()).finish_non_exhaustive()
    }
}
