//! The token of one user at one provider, to read, set and delete: Flask-Dance's `blueprint.token`.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use rocket::Request;

use super::events::{report_removed, report_stored};
use super::off_request::delete_in;
use crate::client::Client;
use crate::dance::handle::Dance;
use crate::error::{Error, ErrorKind, Result};
use crate::link::{AuthorizedLogin, check_user_id, entry_moved};
use crate::profile::Profile;
use crate::provider::Provider;
use crate::storage::local::turn;
use crate::storage::{Account, AccountKey, Storage};
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
/// never the account of a user, and never a stranger's account that a policy has stored. An account of the site is not
/// available here: see [`Site`](crate::Site).
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
        let (storage, key) = self.location()?;
        let entry = self.dance.entry(P::NAME)?;
        let client = match self.has_no_user(&key) {
            true => {
                let context = self.dance.context().clone();
                let found = account_without_user::<P>(&*storage).await?;
                found.map(|account| Client::open(entry.clone(), storage, context, account)).transpose()?
            }
            false => self.dance.open_client(entry, storage, &key).await?,
        };
        client.map(|client| client.token()).transpose()
    }

    /// Sets the token, and returns the stored account.
    ///
    /// Everything else of the account stays: id, identity, profile, rank, the app's own columns, and the refresh token if
    /// the new token has none. If there is no account yet, it stores one without an identity, with which no user can sign
    /// in. The policy does not run; [signals](crate::Signals) get the event.
    ///
    /// An account without an identity becomes the user's account at the user's next sign-in or connect at `P`: in the same
    /// transaction it gets that identity, profile and token. It keeps its id, its rank, the app's own columns, and its refresh
    /// token if the new token has none. If the user has an account of that identity already, that one takes its place. A
    /// visitor who is signed out does not get it: only the app, or a verdict of the policy, says who the user is.
    ///
    /// # Errors
    /// As [`get`](Tokens::get). [`ErrorKind::Misconfigured`] also if the account was stored while the entry pointed to
    /// another server. [`ErrorKind::Refused`] if the user does not exist in the table that
    /// [`cascade_from`](crate::storage::DieselStorage::cascade_from) names.
    pub async fn set(&self, token: Token) -> Result<Account> {
        let (storage, key) = self.location()?;
        let (dance, entry) = (&self.dance, self.dance.entry(P::NAME)?);
        let token = token.cleaned();
        for _ in 0..MAX_ATTEMPTS {
            let now = dance.clock().now();
            let found = match self.has_no_user(&key) {
                true => account_without_user::<P>(&*storage).await?,
                false => storage.get_uncached(&key).await?,
            };
            let Some(old) = found else {
                match self.create(&*storage, &key, &token, now).await? {
                    Some(account) => return Ok(account),
                    None => continue,
                }
            };
            if old.issuer != entry.authority() {
                return Err(entry_moved(P::NAME, &old.issuer, entry.authority()));
            }
            let account = old.with(&old.completed(&token, dance.keys()), now, dance.keys())?;
            if storage.renew(&old, &account).await? {
                report_stored(dance, None, &account, false).await;
                return Ok(account);
            }
        }
        Err(Error::storage("other processes keep writing the account"))
    }

    /// Stores an account without an identity, which has `token`. `None` if there is an account in the meantime.
    async fn create(
        &self,
        storage: &dyn Storage,
        key: &AccountKey,
        token: &Token,
        now: i64,
    ) -> Result<Option<Account>> {
        let AccountKey::Owner { entry, user } = key else { return Err(Error::app("not an owner's key")) };
        let (name, issuer) = (entry.clone(), self.dance.entry(entry)?.authority().to_owned());
        let login =
            AuthorizedLogin::connecting(name, issuer, user.clone(), Profile::default(), token.clone(), now);
        let new = Account::of(&login, user.as_deref(), None, self.dance.keys())?;
        let stored = {
            // A dance of the user ends before, or it finds this account.
            let _turn = turn(&key.turn_name()).await;
            if !self.has_no_user(key) && storage.get_uncached(key).await?.is_some() {
                return Ok(None);
            }
            storage.set(&new).await?;
            storage.list(user.as_deref(), &[entry]).await?
        };
        // The storage has given it an id.
        let (nameless, named): (Vec<_>, Vec<_>) =
            stored.into_iter().partition(|account| account.provider_user_id.is_none());
        let stored = nameless.into_iter().next().unwrap_or(new);
        if user.is_some() && !named.is_empty() {
            // A dance in another process has stored an account at the same time: it gets the token.
            storage.unlink(user.as_deref(), entry, Some(stored.id), &[], None).await?;
            return Ok(None);
        }
        report_stored(&self.dance, None, &stored, true).await;
        Ok(Some(stored))
    }

    /// Deletes the token with its account; all accounts, if the user has several at `P`.
    ///
    /// It is no error if there is none. The method does not check whether the user can still sign in. The sessions that
    /// began with the account end in the same transaction.
    ///
    /// # Errors
    /// As [`get`](Tokens::get), but never [`ErrorKind::ReconnectNeeded`].
    pub async fn delete(&self) -> Result<()> {
        let (storage, key) = self.location()?;
        if !self.has_no_user(&key) {
            return delete_in(&self.dance, &storage, &key).await;
        }
        if let Some(account) = account_without_user::<P>(&*storage).await? {
            let removed = storage.unlink(None, P::NAME, Some(account.id), &[], None).await?;
            report_removed(&self.dance, None, &storage, removed).await;
        }
        Ok(())
    }

    /// Whether it is the token without a user. In a shared storage, an account without a user but with an identity is a
    /// stranger's, stored until that user comes back ([`Verdict::StoreWithoutUser`](crate::Verdict::StoreWithoutUser)).
    fn has_no_user(&self, key: &AccountKey) -> bool {
        !self.dance.is_stored_in_browsers() && matches!(key, AccountKey::Owner { user: None, .. })
    }

    /// The storage and the key of the token. It checks the owner first, so that a cache never answers a request that is
    /// not allowed.
    fn location(&self) -> Result<(Arc<dyn Storage>, AccountKey)> {
        self.dance.entry(P::NAME)?;
        let (user, storage) = match &self.owner {
            TokenOwner::User(user) => (Some(user), self.dance.shared_storage()?.clone()),
            TokenOwner::NoUser => (None, self.dance.shared_storage()?.clone()),
            TokenOwner::OfRequest(user, storage) => (user.as_ref(), storage.clone()),
        };
        match user {
            Some(user) => check_user_id(user)?,
            None if self.dance.is_site(P::NAME) => {
                return Err(Error::new(
                    ErrorKind::Misconfigured,
                    format!(
                        "The account of the entry `{}` belongs to the site: take the guard `Site`, and connect it by a sign-in.",
                        P::NAME
                    ),
                ));
            }
            None if self.dance.user_required() => return Err(self.user_required()),
            None => {}
        }
        Ok((storage, AccountKey::Owner { entry: P::NAME.into(), user: user.cloned() }))
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

/// The account at `P` that has neither a user nor an identity.
async fn account_without_user<P: Provider>(storage: &dyn Storage) -> Result<Option<Account>> {
    let kept = storage.list(None, &[P::NAME]).await?;
    Ok(kept.into_iter().find(|account| account.provider_user_id.is_none()))
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
