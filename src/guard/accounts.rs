//! `Accounts`: the connected accounts of the user of a request, if there are any.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use rocket::{Ignite, Request, Rocket, Sentinel};
use serde::{Serialize, Serializer};

use super::oauth::{OAuth, require_scopes};
use super::outcome::impl_from_request;
use super::sentinel::must_abort_without_fairing;
use crate::client::Client;
use crate::dance::{Dance, Viewer, accounts_context};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Provider;
use crate::storage::{Account, Storage};

/// Gives the connected accounts of the user of a request. The guard succeeds without a user, too. It fails with 503 if
/// the storage can't be reached; `Result<Accounts, Error>` gives the handler the error.
///
/// It serializes, for templates:
///
/// | key | value |
/// |---|---|
/// | `entries` | a list with an object for each entry, see below; signed out, only the entries that sign users in |
/// | `csrf` | the CSRF token: the hidden field `csrf` of every form |
/// | `signed_in` | whether a user is signed in |
/// | `confirm_url` | the page of a new account that waits in this browser, for example for [its user](crate::Verdict::SignInFirst), or `null` |
/// | `accounts_url` | the page of the connected accounts |
/// | `logout_url` | the action of the form that signs out |
/// | `logout_everywhere_url` | the action of the form that signs out in all browsers; `null` if the storage keeps no sessions |
///
/// | key of an entry | value |
/// |---|---|
/// | `name`, `title` | the entry's name, and the provider's name for users |
/// | `mark` | the first `letter` of the title, and a color: `tone`, a number from 0 to 11 |
/// | `verb` | `Connect`, `Reconnect` or `Sign in with` |
/// | `action` | the action of the form that begins, with the optional field `next`; signed out also a link |
/// | `disconnect`, `make_primary` | the actions of the forms of an account, with the hidden field `account`, which is its `id`, and the optional field `next` |
/// | `accounts` | the accounts, the primary one first: `id`, `primary`, `provider_user_id`, `display_name`, `mark`, `email`, `image_url`, `profile_url`, and see below |
///
/// | further key of an account | value |
/// |---|---|
/// | `health` | `working`; `expired`: the next use renews it; `reconnect_needed`: the user must connect it again |
/// | `scopes` | the granted scopes |
/// | `connected`, `used` | when it was connected and last used: `text` for people, `iso` for machines |
///
/// ```
/// use rocket_dance::{Accounts, Result, provider::GitHub};
///
/// #[rocket::get("/")]
/// async fn index(accounts: Accounts) -> Result<String> {
///     match accounts.oauth(GitHub) {
///         Some(github) => github.get("zen").text().await,
///         None => Ok(format!("Sign in: {}", accounts.login_uri("github", "/"))),
///     }
/// }
/// ```
pub struct Accounts {
    dance: Dance,
    storage: Arc<dyn Storage>,
    accounts: BTreeMap<String, Vec<Account>>,
    viewer: Viewer,
}

impl Accounts {
    /// Returns the API client of the primary account at `P`; `None` if there is none, or its token can't be used any more.
    pub fn oauth<P: Provider>(&self, provider: P) -> Option<OAuth<P>> {
        let _ = provider;
        self.client(P::NAME).map(OAuth::new)
    }

    /// Returns the API client of the primary account at `entry`; `None` if there is none, or its token can't be used any
    /// more.
    pub fn client(&self, entry: &str) -> Option<Client> {
        self.require_client(entry).ok()
    }

    /// Returns the API client of the primary account at `entry`, or the error that says why there is none.
    ///
    /// ```
    /// use rocket_dance::{Accounts, Result};
    ///
    /// #[rocket::get("/email/<entry>")]
    /// async fn email(accounts: Accounts, entry: &str) -> Result<String> {
    ///     let client = accounts.require_client(entry)?;          // without an account: to the sign-in, and back
    ///     Ok(client.userinfo().await?["email"].to_string())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NotConnected`], without a user [`ErrorKind::NotSignedIn`], and [`ErrorKind::ReconnectNeeded`]; returned from a
    /// handler, all of them lead to the sign-in.
    /// [`ErrorKind::UnknownProvider`].
    pub fn require_client(&self, entry: &str) -> Result<Client> {
        let known = self.dance.required_entry(entry)?;
        match self.for_entry(entry).first() {
            Some(primary) => self.open(primary),
            None => {
                let kind = match self.viewer.is_signed_in {
                    true => ErrorKind::NotConnected,
                    false => ErrorKind::NotSignedIn,
                };
                Err(Error::new(kind, format!("{} is not connected.", known.title)).with_entry(entry))
            }
        }
    }

    /// Returns the API client of the primary account at `entry` if the user has granted `scopes`; otherwise the error that leads the
    /// user to the provider, to consent to them, and back to the page. [`RequiredScopes`](crate::RequiredScopes) says how.
    ///
    /// ```
    /// use rocket_dance::{Accounts, Result};
    ///
    /// #[rocket::get("/repos")]
    /// async fn repos(accounts: Accounts) -> Result<String> {
    ///     accounts.require_scopes("github", &["repo"])?.get("user/repos").text().await
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::ScopeMissing`], and those of [`require_client`](Accounts::require_client).
    pub fn require_scopes(&self, entry: &str, scopes: &[&str]) -> Result<Client> {
        let client =
            self.require_client(entry).map_err(|error| error.with_missing_scopes(scopes.iter().copied()))?;
        require_scopes(&self.dance, &client, scopes)?;
        Ok(client)
    }

    /// Returns the API client of the account with this [id](Account::id). It must be an account of the user.
    ///
    /// # Errors
    /// [`ErrorKind::NotConnected`], [`ErrorKind::ReconnectNeeded`].
    pub fn client_by_id(&self, account_id: i64) -> Result<Client> {
        self.open(self.find(account_id)?)
    }

    /// Makes the account with this [id](Account::id) the primary one of its entry, from the next request on. It must be an
    /// account of the user.
    ///
    /// ```
    /// use rocket_dance::{Accounts, Result};
    ///
    /// #[rocket::post("/primary/<account_id>")]
    /// async fn choose(accounts: Accounts, account_id: i64) -> Result<String> {
    ///     accounts.make_primary(account_id).await?;
    ///     Ok(format!("account {account_id} is the primary one now"))
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NotConnected`], [`ErrorKind::StoreUnavailable`].
    pub async fn make_primary(&self, account_id: i64) -> Result<()> {
        let account = self.find(account_id)?;
        match &account.user_id {
            Some(_) => self.dance.make_primary(account).await,
            // A browser has one account per entry.
            None => Ok(()),
        }
    }

    fn find(&self, account_id: i64) -> Result<&Account> {
        self.iter()
            .find(|account| account.id == account_id)
            .ok_or_else(|| Error::new(ErrorKind::NotConnected, "This account is not connected."))
    }

    fn open(&self, account: &Account) -> Result<Client> {
        let entry = self.dance.entry(&account.entry)?.clone();
        Client::open(entry, self.storage.clone(), self.dance.context().clone(), account.clone())
    }

    /// Returns the accounts at `entry`, the primary one first; an empty slice if there are none.
    ///
    /// ```
    /// use rocket_dance::Accounts;
    ///
    /// #[rocket::get("/github")]
    /// fn names(accounts: Accounts) -> String {
    ///     let names = accounts.for_entry("github").iter().filter_map(|account| account.display_name.as_deref());
    ///     names.collect::<Vec<_>>().join(", ")
    /// }
    /// ```
    pub fn for_entry(&self, entry: &str) -> &[Account] {
        self.accounts.get(entry).map(Vec::as_slice).unwrap_or_default()
    }

    /// Iterates over all accounts, entry by entry.
    pub fn iter(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values().flatten()
    }

    /// Returns the CSRF token: the hidden field `csrf` of every form that posts to the library. It is for a page that is not made from
    /// the serialized accounts.
    ///
    /// ```
    /// use rocket::response::content::RawHtml;
    /// use rocket_dance::Accounts;
    ///
    /// #[rocket::get("/sign-out")]
    /// fn sign_out(accounts: Accounts) -> RawHtml<String> {
    ///     RawHtml(format!(
    ///         "<form method=post action=/login/logout/everywhere><input type=hidden name=csrf value={}>
    ///          <button>Sign out in all browsers</button></form>",
    ///         accounts.csrf(),
    ///     ))
    /// }
    /// ```
    pub fn csrf(&self) -> &str {
        &self.viewer.csrf
    }

    /// Returns the path where the visitor signs in with `entry`, or connects it, and continues to `next` afterwards: for a link or
    /// a redirect, with the path of `base_url`, if it has one.
    ///
    /// `next` is a path of the app, checked as a [`LocalPath`](crate::LocalPath). Any other text is ignored.
    pub fn login_uri(&self, entry: &str, next: &str) -> String {
        self.dance.login_url(Some(entry), self.dance.checked_next(Some(next)).as_ref())
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").field("entries", &self.accounts.keys()).finish_non_exhaustive()
    }
}

impl Serialize for Accounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        // Made now: it opens each token to know whether it can be used, and a handler that renders nothing needs none of it.
        accounts_context(&self.dance, &self.viewer, &self.accounts, &[]).serialize(serializer)
    }
}

async fn find(request: &Request<'_>) -> Result<Accounts> {
    let dance = Dance::of(request)?;
    let accounts = dance.accounts_by_entry(request).await?;
    let viewer = Viewer::of(dance, request).await?;
    Ok(Accounts { dance: dance.clone(), storage: dance.storage(request), accounts, viewer })
}

impl_from_request!([] Accounts, None, find);

impl Sentinel for Accounts {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        must_abort_without_fairing(rocket, "Accounts")
    }
}
