//! The token of one user at one provider, to read, set and delete: Flask-Dance's `blueprint.token`.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use rocket::Request;

use super::events::report_removed;
use super::off_request::delete_in;
use crate::client::Client;
use crate::dance::handle::Dance;
use crate::error::{Error, ErrorKind, Result};
use crate::link::{AuthorizedLogin, Purpose, account_taken, check_user_id, entry_moved};
use crate::profile::Profile;
use crate::provider::Provider;
use crate::signals::Event;
use crate::storage::local::turn;
use crate::storage::{Account, AccountKey, Storage, site_account_key};
use crate::token::Token;
use crate::user::UserId;

/// The token of one user at `P`, to read, set and delete: [`Dance::tokens`] returns it.
///
/// It is the token as the storage has it. To call the provider's API, take a [`Client`](crate::Client), which refreshes
/// the token. If the user has several accounts at `P`, it is the token of the primary one.
///
/// ```
/// # use rocket_dance::storage::MemoryStorage;
/// use rocket_dance::{Dance, Result, Token, provider::GitHub};
///
/// async fn replace_token(dance: &Dance, user: i32) -> Result<()> {
///     let tokens = dance.tokens(GitHub).of(&user);
///     tokens.set(Token::new("gho_…")).await?;
///     assert!(tokens.get().await?.is_some());
///     tokens.delete().await?;
///     tokens.delete().await                                 // no error: there is none
/// }
/// # rocket::async_test(async {
/// #     let figment = rocket::Config::figment()
/// #         .merge(("oauth.github.client_id", "a")).merge(("oauth.github.client_secret", "b"));
/// #     let rocket = rocket::custom(figment).attach(Dance::fairing().storage(MemoryStorage::new()));
/// #     let rocket = rocket.ignite().await.unwrap();
/// #     replace_token(Dance::fetch(&rocket).unwrap(), 0).await.unwrap();
/// # });
/// ```
///
/// # Tokens without a user
///
/// `user_required` under `[default.dance]` in Rocket.toml is `true` if it is unset and users are known, that is with every
/// storage but `CookieStorage`. Reading, setting and deleting without a user are then errors.
///
/// With `user_required = false` they concern the one account of the entry that has neither a user nor an identity. It is
/// never the account of a user, and never a stranger's account that a policy has stored.
///
/// At an entry whose account belongs to the site, they concern that account, whatever `user_required` is: the app can hand in the
/// token that the guard [`Site`](crate::Site) uses, for example one that the provider shows on a page for developers. With
/// `account = "583231"` it becomes the token of that account.
///
/// | Flask-Dance | here |
/// |---|---|
/// | `blueprint.token` | [`dance.tokens(GitHub)`](Dance::tokens)[`.of_request(request)`](Tokens::of_request)`.await?`[`.get()`](Tokens::get)`.await?` |
/// | `blueprint.token = token` | [`….set(token)`](Tokens::set): the row keeps its id, its rank and the app's own columns |
/// | `del blueprint.token` | [`….delete()`](Tokens::delete) |
/// | `storage.get(blueprint, user=user)`, `user_id=7` | [`dance.tokens(GitHub).of(&7)`](Tokens::of)`.get()`; 0 is a user like any other |
/// | `SQLAlchemyStorage(…, user=current_user)` | the app's [`Sessions`](crate::Sessions), or [`CurrentUser`](crate::CurrentUser) |
/// | `anon_user` | [`Sessions::current`](crate::Sessions::current) answers `None` |
/// | `user_required` | `user_required` under `[default.dance]` |
/// | `ValueError("Cannot get OAuth token without an associated user")` | [`ErrorKind::Misconfigured`]; for a request [`ErrorKind::NotSignedIn`] |
/// | `MultipleResultsFound` | can't happen: several accounts have an order, and the first one is the primary one |
#[must_use = "it reads and changes nothing until a method is called"]
pub struct Tokens<P> {
    dance: Dance,
    owner: TokenOwner,
    provider: PhantomData<fn() -> P>,
}

/// The user whose token it is.
#[derive(Clone)]
enum TokenOwner {
    User(String),
    NoUser,
    /// The user of a request, if one is signed in, with the storage for that request.
    OfRequest(Option<String>, Arc<dyn Storage>),
}

/// Which account of the entry has the token.
enum TokenPlace {
    /// The primary account of an owner.
    Primary(AccountKey),
    /// The account that has neither a user nor an identity.
    WithoutUser,
    /// The site's account.
    Site,
}

impl TokenPlace {
    fn user(&self) -> Option<&str> {
        match self {
            TokenPlace::Primary(key) => key.user(),
            TokenPlace::WithoutUser | TokenPlace::Site => None,
        }
    }
}

/// Maximum number of attempts to set a token that other processes set at the same time.
const MAX_ATTEMPTS: usize = 5;

impl Dance {
    /// Returns the handle on the tokens at `P`. Choose the user with [`of`](Tokens::of) or
    /// [`of_request`](Tokens::of_request); without a user, see [`Tokens`](Tokens#tokens-without-a-user).
    pub fn tokens<P: Provider>(&self, provider: P) -> Tokens<P> {
        let _ = provider;
        Tokens { dance: self.clone(), owner: TokenOwner::NoUser, provider: PhantomData }
    }
}

impl<P: Provider> Tokens<P> {
    /// Chooses the token of `user`.
    pub fn of(self, user: &impl UserId) -> Self {
        Self { owner: TokenOwner::User(user.to_string()), ..self }
    }

    /// Chooses the token of the user of `request`.
    ///
    /// # Errors
    /// If the user of the request can't be read, for example in an outage of the storage.
    pub async fn of_request(self, request: &Request<'_>) -> Result<Self> {
        let user = self.dance.user(request).await?.map(str::to_owned);
        let storage = self.dance.storage(request);
        Ok(Self { owner: TokenOwner::OfRequest(user, storage), ..self })
    }

    /// Returns the token; `None` if there is none.
    ///
    /// # Errors
    /// [`ErrorKind::ReconnectNeeded`] if the stored token can't be opened any more. Without a user, if one is required:
    /// [`ErrorKind::NotSignedIn`] for the user of a request, else [`ErrorKind::Misconfigured`].
    /// [`ErrorKind::UnknownProvider`] if there is no entry of `P`'s name; [`ErrorKind::StoreUnavailable`].
    pub async fn get(&self) -> Result<Option<Token>> {
        let (storage, place) = self.location()?;
        let entry = self.dance.required_entry(P::NAME)?;
        let client = match &place {
            TokenPlace::Primary(key) => self.dance.open_client(entry, storage, key).await?,
            TokenPlace::WithoutUser | TokenPlace::Site => {
                let context = self.dance.context().clone();
                let found = self.find(&*storage, &place).await?;
                found.map(|account| Client::open(entry.clone(), storage, context, account)).transpose()?
            }
        };
        client.map(|client| client.token()).transpose()
    }

    /// Sets the token, and returns the stored account.
    ///
    /// Everything else of the account stays: id, identity, profile, rank, the app's own columns, and, of a user's account with an
    /// identity, the refresh token if the new token has none. If there is no account yet, it stores one without an identity, with
    /// which no user can sign in. The policy does not run; [signals](crate::Signals) get the event.
    ///
    /// An account without an identity becomes the user's account at the user's next sign-in or connect at `P`: in the same
    /// transaction it gets that identity, profile and token. It keeps its id, its rank, the app's own columns, and its refresh
    /// token if the new token has none. If the user has an account of that identity already, that one takes its place. A
    /// visitor who is signed out does not get it: only the app, or a verdict of the policy, says who the user is.
    ///
    /// # Errors
    /// As [`get`](Tokens::get). [`ErrorKind::Misconfigured`] also if the account was stored while the entry pointed to
    /// another server. [`ErrorKind::Refused`] if the user does not exist in the table that
    /// [`cascade_from`](crate::storage::DieselStorage::cascade_from) names, or if the site's account is connected to a user.
    pub async fn set(&self, token: Token) -> Result<Account> {
        let (storage, place) = self.location()?;
        let (dance, entry) = (&self.dance, self.dance.required_entry(P::NAME)?);
        let token = token.cleaned();
        for _ in 0..MAX_ATTEMPTS {
            let now = dance.clock().now();
            let Some(old) = self.find(&*storage, &place).await? else {
                match self.create(&*storage, &place, &token, now).await? {
                    Some(account) => return Ok(account),
                    None => continue,
                }
            };
            if old.issuer != entry.authority() {
                return Err(entry_moved(P::NAME, &old.issuer, entry.authority()));
            }
            // Of the site, or without an identity, the two tokens may be of different people.
            let token = match (&place, &old.provider_user_id) {
                (TokenPlace::Primary(_), Some(_)) => old.completed(&token, dance.keys()),
                _ => token.clone(),
            };
            let account = old.with(&token, now, dance.keys())?;
            if storage.renew(&old, &account).await? {
                dance.signals().event(None, Event::AccountUpdated((&account).into())).await;
                return Ok(account);
            }
        }
        Err(Error::storage("other processes keep writing the account"))
    }

    /// Stores an account that has `token`: without an identity, unless it is the site's and its entry names one. `None` if there
    /// is an account in the meantime.
    async fn create(
        &self,
        storage: &dyn Storage,
        place: &TokenPlace,
        token: &Token,
        now: i64,
    ) -> Result<Option<Account>> {
        let entry = self.dance.required_entry(P::NAME)?;
        let (name, issuer) = (entry.name.clone(), entry.authority().to_owned());
        let user = place.user().map(str::to_owned);
        let mut profile = Profile::default();
        if let TokenPlace::Site = place {
            profile.id.clone_from(&entry.account);
        }
        let mut login = AuthorizedLogin::connecting(name, issuer, user, profile, token.clone(), now);
        if let TokenPlace::Site = place {
            login.purpose = Purpose::Site;
        }
        let new = Account::of(&login, place.user(), None, self.dance.keys())?;
        {
            // A dance of the user ends before, or it finds this account.
            let _turn = turn(&new.turn_name()).await;
            let others = match place {
                TokenPlace::WithoutUser => None,
                TokenPlace::Primary(key) => storage.get_uncached(key).await?,
                TokenPlace::Site => storage.get_uncached(&new.key()).await?,
            };
            match (place, others) {
                (TokenPlace::Primary(_), Some(_)) => return Ok(None),
                (_, Some(other)) if other.user_id.is_some() => return Err(account_taken()),
                _ => storage.set(&new).await?,
            }
        }
        // The storage has given it an id.
        let stored = match place {
            TokenPlace::Site | TokenPlace::WithoutUser => match self.find(storage, place).await? {
                // The site was connected at the same time: that account gets the token.
                Some(stored) if !stored.is_same_as(&new) => return Ok(None),
                stored => stored.unwrap_or(new),
            },
            TokenPlace::Primary(_) => {
                let stored = storage.list(place.user(), &[P::NAME]).await?;
                let (nameless, named): (Vec<_>, Vec<_>) =
                    stored.into_iter().partition(|account| account.provider_user_id.is_none());
                let stored = nameless.into_iter().next().unwrap_or(new);
                if !named.is_empty() {
                    // A dance in another process has stored an account at the same time: it gets the token.
                    storage.unlink(place.user(), P::NAME, Some(stored.id), &[], None).await?;
                    return Ok(None);
                }
                stored
            }
        };
        self.dance.signals().event(None, Event::AccountCreated((&stored).into())).await;
        Ok(Some(stored))
    }

    /// Returns the account that has the token, past the cache.
    async fn find(&self, storage: &dyn Storage, place: &TokenPlace) -> Result<Option<Account>> {
        match place {
            TokenPlace::Primary(key) => storage.get_uncached(key).await,
            // Another account without a user is a stranger's, stored until that user comes back: see
            // `Verdict::StoreWithoutUser`.
            TokenPlace::WithoutUser => storage.get_without_identity(None, P::NAME).await,
            TokenPlace::Site => {
                let key = site_account_key(self.dance.required_entry(P::NAME)?);
                Ok(storage.get_uncached(&key).await?.filter(Account::is_sites))
            }
        }
    }

    /// Deletes the token with its account; all accounts, if the user has several at `P`.
    ///
    /// It is no error if there is none. The method does not check whether the user can still sign in. The sessions that
    /// began with the account end in the same transaction.
    ///
    /// # Errors
    /// As [`get`](Tokens::get), but never [`ErrorKind::ReconnectNeeded`].
    pub async fn delete(&self) -> Result<()> {
        let (storage, place) = self.location()?;
        if let TokenPlace::Primary(key) = &place {
            return delete_in(&self.dance, &storage, key).await;
        }
        if let Some(account) = self.find(&*storage, &place).await? {
            let removed = storage.unlink(None, P::NAME, Some(account.id), &[], None).await?;
            report_removed(&self.dance, None, &storage, removed).await;
        }
        Ok(())
    }

    /// The storage and the place of the token. It checks the owner first, so that a cache never answers a request that is
    /// not allowed.
    fn location(&self) -> Result<(Arc<dyn Storage>, TokenPlace)> {
        self.dance.required_entry(P::NAME)?;
        let (user, storage) = match &self.owner {
            TokenOwner::User(user) => (Some(user), self.dance.shared_storage()?.clone()),
            TokenOwner::NoUser => (None, self.dance.shared_storage()?.clone()),
            TokenOwner::OfRequest(user, storage) => (user.as_ref(), storage.clone()),
        };
        let is_of_request = matches!(self.owner, TokenOwner::OfRequest(..));
        let place = match user {
            Some(user) => {
                check_user_id(user)?;
                TokenPlace::Primary(AccountKey::owner(P::NAME, user))
            }
            None if self.dance.is_site(P::NAME) && is_of_request => {
                return Err(Error::new(
                    ErrorKind::Misconfigured,
                    format!(
                        "The account of the entry `{}` belongs to the site, and not to a visitor: leave out `.of_request(…)`, or \
                         take the guard `Site`.",
                        P::NAME
                    ),
                ));
            }
            None if self.dance.is_site(P::NAME) => TokenPlace::Site,
            None if self.dance.user_required() => return Err(self.user_required()),
            None if self.dance.is_stored_in_browsers() => {
                TokenPlace::Primary(AccountKey::Owner { entry: P::NAME.into(), user: None })
            }
            None => TokenPlace::WithoutUser,
        };
        Ok((storage, place))
    }

    fn user_required(&self) -> Error {
        const FIX: &str =
            "`user_required = false` under [default.dance] in Rocket.toml allows tokens without a user";
        match &self.owner {
            TokenOwner::OfRequest(..) => {
                Error::new(ErrorKind::NotSignedIn, "Please sign in.").with_source(FIX)
            }
            _ => Error::new(
                ErrorKind::Misconfigured,
                format!("A token at `{}` needs a user: call `.of(&user)`; {FIX}.", P::NAME),
            ),
        }
        .with_entry(P::NAME)
    }
}

impl<P: Provider> fmt::Debug for Tokens<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = match &self.owner {
            TokenOwner::User(user) | TokenOwner::OfRequest(Some(user), _) => Some(user),
            TokenOwner::NoUser | TokenOwner::OfRequest(None, _) => None,
        };
        f.debug_struct("Tokens").field("entry", &P::NAME).field("user", &user).finish_non_exhaustive()
    }
}
