//! The client: a provider's API on behalf of one account, with a token that is always fresh.

mod refresh;
mod request;
mod revoke;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use reqwest::Method;
use serde_json::Value;
use url::Url;

pub(crate) use self::refresh::Refreshes;
pub use self::request::ApiRequest;
pub(crate) use self::revoke::{RevocationReason, Revocations};
use crate::config::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{Engine, read_answer};
use crate::secret::{KeyRing, Secret};
use crate::storage::{Account, CachedAccount, Storage};
use crate::token::Token;

/// What a client reports, after the fact.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TokenEvent {
    Refreshed,
    GrantLost,
    RevocationFailed,
}

pub(crate) type TokenEventListener = dyn Fn(TokenEvent, Account) -> BoxFuture<'static, ()> + Send + Sync;

/// What all clients of a dance share.
pub(crate) struct ClientContext {
    pub(crate) engine: Engine,
    pub(crate) keys: KeyRing,
    pub(crate) report: Box<TokenEventListener>,
    pub(crate) refreshes: Refreshes,
    pub(crate) revocations: Revocations,
}

/// A provider's API on behalf of one account.
///
/// Paths are relative to the entry's API base; the access token goes along, is refreshed when it is due and once when
/// the provider answers 401, and never leaves for another host. With OAuth 1 each request is signed instead: its query
/// and its form, but neither JSON nor multipart (RFC 5849 §3.4.1.3). A clone is cheap and shares the token.
///
/// ```
/// use rocket_dance::{OAuth, Result, provider::GitHub};
/// use rocket::serde::json::{Json, Value};
///
/// #[rocket::post("/star")]
/// async fn star(github: OAuth<GitHub>) -> Result<Json<Value>> {
///     github.put("user/starred/rwf2/Rocket").send().await?;                 // the answer as it is
///     let repositories = github
///         .get("user/starred")
///         .query(&[("per_page", "5")])
///         .json()                                                          // a 4xx is an error
///         .await?;
///     Ok(Json(repositories))
/// }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    entry: Arc<Entry>,
    storage: Arc<dyn Storage>,
    context: Arc<ClientContext>,
    account: Mutex<State>,
}

/// An account on its way from the cache to a request.
enum State {
    /// As the cache has it. The token is opened when it is needed.
    Cached(Arc<CachedAccount>),
    Open(Arc<OpenAccount>),
}

/// An account with its token opened.
#[derive(Debug)]
pub(crate) struct OpenAccount {
    record: Account,
    token: Token,
}

impl OpenAccount {
    /// `record` with its token opened, if that is one of what the entry points to.
    ///
    /// # Errors
    /// [`ErrorKind::ReconnectNeeded`] otherwise.
    pub(crate) fn open(entry: &Entry, keys: &KeyRing, record: Account) -> Result<Self> {
        if record.issuer != entry.authority() {
            return Err(lost(entry).with_source(format!(
                "the account was stored when the entry pointed to `{}`; it points to `{}` now",
                record.issuer,
                entry.authority()
            )));
        }
        let token = record
            .open(keys)
            .map_err(|_| lost(entry).with_source("no key of `token_keys` opens the stored token"))?;
        Ok(Self { record, token })
    }
}

impl Client {
    pub(crate) fn new(
        entry: Arc<Entry>,
        storage: Arc<dyn Storage>,
        context: Arc<ClientContext>,
        account: Arc<OpenAccount>,
    ) -> Self {
        Self(Arc::new(Inner { entry, storage, context, account: Mutex::new(State::Open(account)) }))
    }

    /// A client of an account in the cache, whose token has been opened before.
    pub(crate) fn cached(
        entry: Arc<Entry>,
        storage: Arc<dyn Storage>,
        context: Arc<ClientContext>,
        held: Arc<CachedAccount>,
    ) -> Self {
        Self(Arc::new(Inner { entry, storage, context, account: Mutex::new(State::Cached(held)) }))
    }

    /// A client of `record`.
    ///
    /// # Errors
    /// As [`OpenAccount::open`].
    pub(crate) fn open(
        entry: Arc<Entry>,
        storage: Arc<dyn Storage>,
        context: Arc<ClientContext>,
        record: Account,
    ) -> Result<Self> {
        let account = OpenAccount::open(&entry, &context.keys, record)?;
        Ok(Self::new(entry, storage, context, Arc::new(account)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account as it was last read, its token opened.
    fn account_now(&self) -> Result<Arc<OpenAccount>> {
        let mut state = self.state();
        let record = match &*state {
            State::Open(account) => return Ok(account.clone()),
            State::Cached(held) => held.account(),
        };
        let account = Arc::new(OpenAccount::open(&self.0.entry, &self.0.context.keys, record)?);
        *state = State::Open(account.clone());
        Ok(account)
    }

    /// Until when the token can be used as it is, where nobody has to open it to know.
    fn usable_until(&self) -> Option<i64> {
        match &*self.state() {
            State::Open(account) => Some(account.token.usable_until()),
            State::Cached(held) => held.usable_until(),
        }
    }

    /// The account, as it was last read.
    pub fn account(&self) -> Account {
        match &*self.state() {
            State::Open(account) => account.record.clone(),
            State::Cached(held) => held.account(),
        }
    }

    /// Its token, as it was last read.
    ///
    /// # Errors
    /// As [`OpenAccount::open`].
    pub(crate) fn token(&self) -> Result<Token> {
        Ok(self.account_now()?.token.clone())
    }

    /// The entry's name.
    pub fn entry(&self) -> &str {
        &self.0.entry.name
    }

    /// The access token, fresh: for another SDK. Handle with care.
    ///
    /// # Errors
    /// [`ErrorKind::ReconnectNeeded`] when the grant is dead, [`ErrorKind::ProviderUnreachable`] and
    /// [`ErrorKind::ProviderTimeout`] when the provider can't refresh an expired token now, [`ErrorKind::StoreUnavailable`].
    pub async fn access_token(&self) -> Result<Secret> {
        Ok(self.ready().await?.token.access_token.clone())
    }

    /// The secret of an OAuth 1 access token, for another SDK; none with OAuth 2. Handle with care.
    ///
    /// # Errors
    /// As [`access_token`](Client::access_token).
    pub async fn token_secret(&self) -> Result<Option<Secret>> {
        Ok(self.ready().await?.token.token_secret.clone())
    }

    /// A GET request for `path`, relative to the API base; a leading `/` makes no difference.
    pub fn get(&self, path: &str) -> ApiRequest {
        self.request(Method::GET, path)
    }

    /// A HEAD request.
    pub fn head(&self, path: &str) -> ApiRequest {
        self.request(Method::HEAD, path)
    }

    /// A POST request.
    pub fn post(&self, path: &str) -> ApiRequest {
        self.request(Method::POST, path)
    }

    /// A PUT request.
    pub fn put(&self, path: &str) -> ApiRequest {
        self.request(Method::PUT, path)
    }

    /// A PATCH request.
    pub fn patch(&self, path: &str) -> ApiRequest {
        self.request(Method::PATCH, path)
    }

    /// A DELETE request.
    pub fn delete(&self, path: &str) -> ApiRequest {
        self.request(Method::DELETE, path)
    }

    /// A request for `path`, relative to the API base. A whole URL must be of the API's own host.
    pub fn request(&self, method: Method, path: &str) -> ApiRequest {
        ApiRequest::new(self, method, self.resolve(path))
    }

    /// What the provider says about the person now: a GET of the userinfo URL.
    ///
    /// # Errors
    /// As [`ApiRequest::json`]; [`ErrorKind::BadProviderAnswer`] too where it is about another person than the account's;
    /// [`ErrorKind::Misconfigured`] where the entry has no userinfo URL.
    pub async fn userinfo(&self) -> Result<Value> {
        let (entry, engine) = (&self.0.entry, &self.0.context.engine);
        let url = engine.userinfo_url(entry).await?;
        let answer = read_answer(ApiRequest::new(self, Method::GET, Ok(url)).checked().await?).await?;
        engine.read_userinfo(entry, &answer, self.account().provider_user_id.as_deref()).await
    }

    fn resolve(&self, path: &str) -> Result<Url> {
        let base = self.0.entry.need(self.0.entry.api_base_url.as_ref(), "api_base_url")?;
        let url = match Url::parse(path) {
            Ok(url) => url,
            Err(_) => base
                .join(&format!("./{}", path.trim_start_matches('/')))
                .map_err(|error| Error::app(format!("the client can't call this path: {error}")))?,
        };
        if url.origin() == base.origin() {
            Ok(url)
        } else {
            // The token is the provider's: no other host may see it.
            Err(self.0.entry.misconfigured(format!(
                "the client calls only {}: a URL of another host was asked for",
                base.origin().ascii_serialization()
            )))
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("entry", &self.0.entry.name)
            .field("user_id", &self.account().user_id)
            .finish_non_exhaustive()
    }
}

fn lost(entry: &Entry) -> Error {
    Error::new(ErrorKind::ReconnectNeeded, format!("Please connect {} again.", entry.title))
        .with_entry(&entry.name)
}
