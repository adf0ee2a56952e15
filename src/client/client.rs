//! The client of an account.

use std::fmt;
use std::sync::Arc;

use reqwest::Method;
use serde_json::Value;
use url::Url;

use super::api_request::ApiRequest;
use super::context::ClientContext;
use super::live_account::LiveAccount;
use super::refresh::{refresh_if_due, usable};
use crate::config::{ApiBase, Entry};
use crate::error::{Error, Result};
use crate::flow::{MAX_ANSWER, read_answer, with_body};
use crate::provider::UserinfoMethod;
use crate::secret::Secret;
use crate::storage::{Account, CachedAccount, Storage};
use crate::token::Token;

/// A client of a provider's API, on behalf of one account.
///
/// - **Paths** are relative to the entry's API base.
/// - **The token** goes with each request. It is refreshed when it is due, and once if the API answers 401, unless it was
///   refreshed within the last minute. It is never sent to another host than that of the API base and those of `api_hosts`.
/// - **OAuth 1**: each request is signed instead. The signature covers the query and a form, but neither JSON nor
///   multipart (RFC 5849 §3.4.1.3).
/// - **Clones** are cheap and share the token.
///
/// ```
/// use rocket_dance::{OAuth, Result, provider::GitHub};
/// use rocket::serde::json::{Json, Value};
///
/// #[rocket::post("/star")]
/// async fn star(github: OAuth<GitHub>) -> Result<Json<Value>> {
///     github.put("user/starred/rwf2/Rocket").send().await?;                 // the response as it is
///     let repositories = github
///         .get("user/starred")
///         .query(&[("per_page", "5")])
///         .json()                                                          // a status from 400 is an error
///         .await?;
///     Ok(Json(repositories))
/// }
/// ```
#[derive(Clone)]
pub struct Client(Arc<LiveAccount>);

impl Client {
    /// Creates a client of an account in the cache whose token was unsealed before.
    pub(crate) fn cached(
        entry: Arc<Entry>,
        storage: Arc<dyn Storage>,
        context: Arc<ClientContext>,
        cached: Arc<CachedAccount>,
    ) -> Self {
        Self(Arc::new(LiveAccount::cached(entry, storage, context, cached)))
    }

    /// Creates a client of `account`.
    ///
    /// # Errors
    /// [`ErrorKind::ReconnectNeeded`](crate::ErrorKind::ReconnectNeeded) if the entry points to another provider than the one
    /// that granted the token, or if no key opens it.
    pub(crate) fn open(
        entry: Arc<Entry>,
        storage: Arc<dyn Storage>,
        context: Arc<ClientContext>,
        account: Account,
    ) -> Result<Self> {
        Ok(Self(Arc::new(LiveAccount::open(entry, storage, context, account)?)))
    }

    /// Refreshes the token if that is due.
    pub(crate) async fn refresh_if_due(&self) -> Result<()> {
        refresh_if_due(&self.0).await
    }

    /// Returns the token as it was last read, without a refresh.
    ///
    /// # Errors
    /// As [`open`](Client::open).
    pub(crate) fn token(&self) -> Result<Token> {
        Ok(self.0.unsealed()?.token.clone())
    }

    /// Returns the account as it was last read.
    pub fn account(&self) -> Account {
        self.0.account()
    }

    /// Returns the entry's name.
    pub fn entry(&self) -> &str {
        &self.0.entry.name
    }

    /// Returns a usable access token, refreshed if that is due, for example for another SDK. Do not log it.
    ///
    /// # Errors
    /// - [`ErrorKind::ReconnectNeeded`](crate::ErrorKind::ReconnectNeeded) if the grant is no longer valid.
    /// - [`ErrorKind::NotConnected`](crate::ErrorKind::NotConnected) if the account was removed in the meantime.
    /// - [`ErrorKind::ProviderUnreachable`](crate::ErrorKind::ProviderUnreachable) or
    ///   [`ErrorKind::ProviderTimeout`](crate::ErrorKind::ProviderTimeout) if the token has expired and the provider cannot
    ///   refresh it at the moment.
    /// - [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable) if the storage cannot be reached.
    pub async fn access_token(&self) -> Result<Secret> {
        Ok(usable(&self.0).await?.token.access_token.clone())
    }

    /// Returns the secret of an OAuth 1 access token, for example for another SDK. `None` with OAuth 2. Do not log it.
    ///
    /// # Errors
    /// As [`access_token`](Client::access_token).
    pub async fn token_secret(&self) -> Result<Option<Secret>> {
        Ok(usable(&self.0).await?.token.token_secret.clone())
    }

    /// Creates a GET request for `path`, relative to the API base. A leading `/` makes no difference.
    pub fn get(&self, path: &str) -> ApiRequest {
        self.request(Method::GET, path)
    }

    /// Creates a HEAD request, see [`get`](Client::get).
    pub fn head(&self, path: &str) -> ApiRequest {
        self.request(Method::HEAD, path)
    }

    /// Creates a POST request, see [`get`](Client::get).
    pub fn post(&self, path: &str) -> ApiRequest {
        self.request(Method::POST, path)
    }

    /// Creates a PUT request, see [`get`](Client::get).
    pub fn put(&self, path: &str) -> ApiRequest {
        self.request(Method::PUT, path)
    }

    /// Creates a PATCH request, see [`get`](Client::get).
    pub fn patch(&self, path: &str) -> ApiRequest {
        self.request(Method::PATCH, path)
    }

    /// Creates a DELETE request, see [`get`](Client::get).
    pub fn delete(&self, path: &str) -> ApiRequest {
        self.request(Method::DELETE, path)
    }

    /// Creates a request for `path`, relative to the API base. An absolute URL, which begins with `https://` or `http://`,
    /// must have the origin of the API base, or one of the entry's `api_hosts`; otherwise sending fails with
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured).
    pub fn request(&self, method: Method, path: &str) -> ApiRequest {
        ApiRequest::new(&self.0, method, self.resolve(path))
    }

    /// Requests the entry's userinfo URL and returns what the provider says about the user now.
    ///
    /// # Errors
    /// As [`ApiRequest::json`]. [`ErrorKind::BadProviderAnswer`](crate::ErrorKind::BadProviderAnswer) also if the answer is
    /// about another user than the account's. [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the entry has
    /// no userinfo URL.
    pub async fn userinfo(&self) -> Result<Value> {
        let (entry, engine) = (&self.0.entry, &self.0.context.engine);
        let userinfo = async {
            let url = engine.userinfo_url(entry).await?;
            let token = &usable(&self.0).await?.token;
            let request = match entry.userinfo.method {
                UserinfoMethod::Post => ApiRequest::new(&self.0, Method::POST, Ok(url))
                    .map(|request| with_body(entry, token, request, entry.userinfo.body)),
                UserinfoMethod::Get | UserinfoMethod::None => ApiRequest::new(&self.0, Method::GET, Ok(url)),
            };
            let answer = read_answer(request.send_checked().await?, MAX_ANSWER).await?;
            engine.read_userinfo(entry, &answer, token, self.account().provider_user_id.as_deref()).await
        };
        userinfo.await.map_err(|error| error.with_entry(&entry.name))
    }

    /// Resolves `path` against the API base.
    fn resolve(&self, path: &str) -> Result<Url> {
        let entry = &self.0.entry;
        let unusable = |error| Error::app(format!("the client can't call this path: {error}"));
        let base = match &entry.api_base {
            Some(ApiBase::Fixed(url)) => Some(url.clone()),
            Some(in_token) => in_token.url(&self.0.unsealed()?.token),
            None => None,
        };
        if !is_absolute(path) {
            let base = entry.need(base.as_ref(), "api_base_url")?;
            return base.join(&format!("./{}", path.trim_start_matches('/'))).map_err(unusable);
        }
        let url = Url::parse(path).map_err(unusable)?;
        let base = base.map(|base| base.origin());
        if base.as_ref() == Some(&url.origin()) || entry.api_hosts.contains(&url) {
            return Ok(url);
        }
        // No other host may get the provider's token.
        Err(entry.misconfigured(format!(
            "the client calls {} and the hosts of `api_hosts`, and the request is for another host. To allow it: \
             [default.oauth.{}] api_hosts = [\"…\"]",
            base.map(|base| base.ascii_serialization()).unwrap_or_default(),
            entry.name
        )))
    }
}

/// Whether `path` is an absolute URL. `people:list` is a path.
fn is_absolute(path: &str) -> bool {
    let scheme = path.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| ["http", "https"].contains(&&*scheme))
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("entry", &self.0.entry.name)
            .field("user_id", &self.account().user_id)
            .finish_non_exhaustive()
    }
}
