//! `Accounts`: whatever is connected.

use std::collections::BTreeMap;

use rocket::Request;
use rocket::request::{FromRequest, Outcome};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::challenge::failed;
use super::oauth::OAuth;
use crate::client::Client;
use crate::dance::Dance;
use crate::error::{Error, ErrorKind, Result};
use crate::local_path::LocalPath;
use crate::provider::Provider;
use crate::storage::{Account, Storage};

/// The accounts of whoever the request is from: "may have". Always there, nobody signed in included; 503 when the store
/// is down.
///
/// It serialises for templates:
///
/// | key | |
/// |---|---|
/// | `entries` | each with its `name`, `title`, `verb` ("Connect", "Reconnect", "Sign in with"), `action`, `disconnect` and `make_primary` (where its forms post to; signed out, `action` takes a GET) and `accounts`, the primary one first: `id`, `primary`, `provider_user_id`, `display_name`, `email`, `image_url`, `profile_url`. Signed out, those with which one can sign in |
/// | `csrf` | the hidden field that every posted form sends along |
/// | `signed_in` | whether somebody is |
/// | `confirm_url` | where an account that [waits for its user](crate::Verdict::SignInFirst) is confirmed; `null` when none does |
/// | `accounts_url` | the page of the connected accounts |
/// | `logout_url` | where the form that signs out posts to |
/// | `logout_everywhere_url` | the same for all browsers; null where the storage keeps no sessions |
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
    storage: std::sync::Arc<dyn Storage>,
    accounts: BTreeMap<String, Vec<Account>>,
    context: Value,
}

impl Accounts {
    /// The client of the primary account at `P`; none when there is none, or its token can't be used any more.
    pub fn oauth<P: Provider>(&self, provider: P) -> Option<OAuth<P>> {
        let _ = provider;
        self.client(P::NAME).map(OAuth::new)
    }

    /// The client of the primary account at `entry`; none when there is none, or its token can't be used any more.
    pub fn client(&self, entry: &str) -> Option<Client> {
        self.require(entry).ok()
    }

    /// The client of the primary account at `entry`.
    ///
    /// # Errors
    /// [`ErrorKind::NotConnected`], [`ErrorKind::ReconnectNeeded`]; returned from a handler both lead to the sign-in.
    /// [`ErrorKind::UnknownProvider`].
    pub fn require(&self, entry: &str) -> Result<Client> {
        let known = self.dance.entry(entry)?;
        match self.at(entry).first() {
            Some(primary) => self.open(primary),
            None => Err(Error::new(ErrorKind::NotConnected, format!("{} is not connected.", known.title))
                .with_entry(entry)),
        }
    }

    /// The client of the account with this [id](Account::id), of several the one that was chosen. Somebody else's is none.
    ///
    /// # Errors
    /// [`ErrorKind::NotConnected`], [`ErrorKind::ReconnectNeeded`].
    pub fn choose(&self, account_id: i64) -> Result<Client> {
        self.open(self.own(account_id)?)
    }

    /// Makes the account with this [id](Account::id) the primary one of its entry, from the next request on. Somebody
    /// else's is none.
    ///
    /// # Errors
    /// [`ErrorKind::NotConnected`], [`ErrorKind::StoreUnavailable`].
    pub async fn make_primary(&self, account_id: i64) -> Result<()> {
        let account = self.own(account_id)?;
        match &account.user_id {
            Some(_) => self.dance.make_primary(account).await,
            // A browser's own: one per entry.
            None => Ok(()),
        }
    }

    fn own(&self, account_id: i64) -> Result<&Account> {
        self.iter()
            .find(|account| account.id == account_id)
            .ok_or_else(|| Error::new(ErrorKind::NotConnected, "This account is not connected."))
    }

    fn open(&self, account: &Account) -> Result<Client> {
        let entry = self.dance.entry(&account.entry)?.clone();
        Client::open(entry, self.storage.clone(), self.dance.context.clone(), account.clone())
    }

    /// The accounts at `entry`, the primary one first.
    pub fn at(&self, entry: &str) -> &[Account] {
        self.accounts.get(entry).map(Vec::as_slice).unwrap_or_default()
    }

    /// All accounts.
    pub fn iter(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values().flatten()
    }

    /// Where to sign in with, or connect, `entry`, and then go on to `next`, a path of the app.
    pub fn login_uri(&self, entry: &str, next: &str) -> String {
        self.dance
            .login_path(Some(entry), self.dance.checked_next(Some(next)).as_ref().map(LocalPath::as_str))
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").field("entries", &self.accounts.keys()).finish_non_exhaustive()
    }
}

impl Serialize for Accounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.context.serialize(serializer)
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Accounts {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Error> {
        let found = async {
            let dance = Dance::of(request)?;
            let accounts = dance.connected(request).await?;
            let context = dance.accounts_context(request, &accounts).await?;
            Ok(Self { dance: dance.clone(), storage: dance.storage(request), accounts, context })
        };
        found.await.map_or_else(|error| failed(request, None, error), Outcome::Success)
    }
}

impl rocket::Sentinel for Accounts {
    fn abort(rocket: &rocket::Rocket<rocket::Ignite>) -> bool {
        let missing = Dance::fetch(rocket).is_none();
        if missing {
            log::error!(
                "oauth: a route has the guard `Accounts`: attach the fairing, `.attach(rocket_dance::Dance::fairing())`"
            );
        }
        missing
    }
}
