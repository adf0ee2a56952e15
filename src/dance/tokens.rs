//! A token by whose it is: Flask-Dance's `blueprint.token`.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use rocket::Request;

use super::{Dance, StorageBackend};
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::link::{AuthorizedLogin, Purpose, check_user, moved};
use crate::profile::Profile;
use crate::provider::Provider;
use crate::storage::{Account, AccountKey, Storage};
use crate::token::Token;
use crate::user::UserId;

/// One person's token at `P`, to read, to set and to delete: [`Dance::tokens`].
///
/// It is what stands in the storage, as it stands there: whoever calls the provider's API takes a
/// [`Client`](crate::Client), which refreshes it. Of several accounts it is the primary one's.
///
/// ```
/// # use rocket_dance::storage::MemoryStorage;
/// use rocket_dance::{Dance, Result, Token, provider::GitHub};
///
/// async fn move_in(dance: &Dance, user: i32) -> Result<()> {
///     let mine = dance.tokens(GitHub).of(&user);
///     mine.set(Token::new("gho_…")).await?;
///     assert!(mine.get().await?.is_some());
///     mine.delete().await?;
///     mine.delete().await                                   // of nothing: nothing
/// }
/// # rocket::async_test(async {
/// #     let figment = rocket::Config::figment()
/// #         .merge(("oauth.github.client_id", "a")).merge(("oauth.github.client_secret", "b"));
/// #     let rocket = rocket::custom(figment).attach(Dance::fairing().storage(MemoryStorage::new()));
/// #     let rocket = rocket.ignite().await.unwrap();
/// #     move_in(Dance::fetch(&rocket).unwrap(), 0).await.unwrap();
/// # });
/// ```
///
/// # Whose
///
/// `user_required` under `[default.dance]` in Rocket.toml is true when it is unset and users are known: with every storage
/// but `CookieStorage`. Then reading, setting and deleting without a user are errors. With `user_required = false` they
/// concern an account that has neither a user nor an identity: never a user's, and never a stranger's that a policy kept. A site's account is never a matter of this: see
/// [`Site`](crate::Site).
///
/// | Flask-Dance | here |
/// |---|---|
/// | `blueprint.token` | [`dance.tokens(GitHub)`](Dance::tokens)[`.of_request(request)`](Tokens::of_request)`.await?`[`.get()`](Tokens::get)`.await?` |
/// | `blueprint.token = token` | [`….set(token)`](Tokens::set): the row keeps its id, its rank and the app's own columns |
/// | `del blueprint.token` | [`….delete()`](Tokens::delete) |
/// | `storage.get(blueprint, user=user)`, `user_id=7` | [`dance.tokens(GitHub).of(&7)`](Tokens::of)`.get()`; 0 is a user like any other |
/// | `SQLAlchemyStorage(…, user=current_user)` | the app's [`Sessions`](crate::Sessions), [`CurrentUser`](crate::CurrentUser) when it has none of its own |
/// | `anon_user` | [`Sessions::current`](crate::Sessions::current) answers `None` |
/// | `user_required` | `user_required` under `[default.dance]` |
/// | `ValueError("Cannot get OAuth token without an associated user")` | [`ErrorKind::Misconfigured`], or [`ErrorKind::NotSignedIn`] of a request |
/// | `MultipleResultsFound` | can't happen: several accounts have an order, the first is the primary one |
#[must_use = "a handle does nothing by itself"]
pub struct Tokens<P> {
    dance: Dance,
    whose: Whose,
    provider: PhantomData<fn() -> P>,
}

#[derive(Clone)]
enum Whose {
    User(String),
    Nobody,
    /// The person's whom a request is from, in the storage as it is for that request.
    Visitor(Option<String>, Arc<dyn Storage>),
}

/// So often a token is set again that somebody else has set meanwhile.
const TRIES: usize = 5;

impl Dance {
    /// The tokens at `P`, one person's at a time; until it is said whose, nobody's.
    pub fn tokens<P: Provider>(&self, provider: P) -> Tokens<P> {
        let _ = provider;
        Tokens { dance: self.clone(), whose: Whose::Nobody, provider: PhantomData }
    }
}

impl<P: Provider> Tokens<P> {
    /// `user`'s.
    pub fn of(self, user: &impl UserId) -> Self {
        Self { whose: Whose::User(user.to_string()), ..self }
    }

    /// Of the person whom `request` is from.
    ///
    /// # Errors
    /// When the app's [`Sessions`](crate::Sessions) can't say who that is.
    pub async fn of_request(self, request: &Request<'_>) -> Result<Self> {
        let user = self.dance.user(request).await?.map(str::to_owned);
        let storage = self.dance.storage(request);
        Ok(Self { whose: Whose::Visitor(user, storage), ..self })
    }

    /// The token; none where there is none.
    ///
    /// # Errors
    /// [`ErrorKind::ReconnectNeeded`] when there is one that can't be opened any more. [`ErrorKind::Misconfigured`] without a user
    /// where there must be one, [`ErrorKind::NotSignedIn`] when it is a request's that is nobody's.
    /// [`ErrorKind::UnknownProvider`] when there is no entry of `P`'s name; [`ErrorKind::StoreUnavailable`].
    pub async fn get(&self) -> Result<Option<Token>> {
        let (storage, key) = self.place()?;
        let entry = self.dance.entry(P::NAME)?;
        let client = match self.is_nobodys(&key) {
            true => {
                let context = self.dance.context.clone();
                let found = nobodys::<P>(&*storage).await?;
                found.map(|account| Client::open(entry.clone(), storage, context, account)).transpose()?
            }
            false => self.dance.open(entry, storage, &key).await?,
        };
        client.map(|client| client.token()).transpose()
    }

    /// Puts `token` in the place of the one that is there, and answers the account as it is now. All else stays: id,
    /// identity, profile, rank, the app's own columns; and the refresh token, where the new one brings none. Where there
    /// is no account yet it makes one without an identity, with which nobody can sign in. No policy is asked;
    /// [signals](crate::Signals) hear of it.
    ///
    /// # Errors
    /// As [`get`](Tokens::get); [`ErrorKind::Misconfigured`] also when the account was stored while the entry pointed to another
    /// server.
    pub async fn set(&self, token: Token) -> Result<Account> {
        let (storage, key) = self.place()?;
        let (dance, entry) = (&self.dance, self.dance.entry(P::NAME)?);
        for _ in 0..TRIES {
            let now = dance.clock().now();
            let found = match self.is_nobodys(&key) {
                true => nobodys::<P>(&*storage).await?,
                false => storage.get_uncached(&key).await?,
            };
            let Some(old) = found else {
                return self.create(&*storage, &key, token, now).await;
            };
            if old.issuer != entry.authority() {
                return Err(moved(P::NAME, &old.issuer, entry.authority()));
            }
            let account = old.with(&old.completed(&token, dance.keys()), now, dance.keys())?;
            if storage.renew(&old, &account).await? {
                dance.tell_stored(&account, false).await;
                return Ok(account);
            }
        }
        Err(Error::storage("the account is written by others again and again"))
    }

    async fn create(
        &self,
        storage: &dyn Storage,
        key: &AccountKey,
        token: Token,
        now: i64,
    ) -> Result<Account> {
        let AccountKey::Owner { entry, user } = key else { return Err(Error::app("not an owner's key")) };
        let login = AuthorizedLogin {
            entry: entry.clone(),
            issuer: self.dance.entry(entry)?.authority().to_owned(),
            purpose: Purpose::Connect,
            profile: Profile::default(),
            token,
            visitor: user.clone(),
            session: None,
            trusted_email: None,
            user_required: false,
            present: None,
            account: None,
            admitted: false,
            now,
            notes: Default::default(),
        };
        let new = Account::of(&login, user.as_deref(), None, self.dance.keys())?;
        storage.set(&new).await?;
        // Its id is the storage's to give.
        let stored = match self.is_nobodys(key) {
            true => nobodys::<P>(storage).await?,
            false => storage.get_uncached(key).await?,
        };
        let stored = stored.unwrap_or(new);
        self.dance.tell_stored(&stored, true).await;
        Ok(stored)
    }

    /// Deletes the token with its account; where a user has several at `P`, all of them. Whether the user can still sign
    /// in is the caller's business. Nothing there is no error.
    ///
    /// # Errors
    /// As [`get`](Tokens::get), but for [`ErrorKind::ReconnectNeeded`].
    pub async fn delete(&self) -> Result<()> {
        let (storage, key) = self.place()?;
        if !self.is_nobodys(&key) {
            return self.dance.delete_in(&storage, &key).await;
        }
        if let Some(account) = nobodys::<P>(&*storage).await? {
            let removed = storage.unlink(None, P::NAME, Some(account.id), &[]).await?;
            self.dance.removed(&storage, removed).await;
        }
        Ok(())
    }

    /// Whether it is nobody's token: in a storage that all share, the accounts without a user that have an identity are
    /// strangers', kept until they come back ([`Verdict::StoreWithoutUser`](crate::Verdict::StoreWithoutUser)).
    fn is_nobodys(&self, key: &AccountKey) -> bool {
        matches!(self.dance.store, StorageBackend::Shared(_))
            && matches!(key, AccountKey::Owner { user: None, .. })
    }

    /// Where the token is, checked before anything is asked: what a cache remembers answers nobody who may not ask.
    fn place(&self) -> Result<(Arc<dyn Storage>, AccountKey)> {
        self.dance.entry(P::NAME)?;
        let (user, storage) = match &self.whose {
            Whose::User(user) => (Some(user), self.dance.shared()?.clone()),
            Whose::Nobody => (None, self.dance.shared()?.clone()),
            Whose::Visitor(user, storage) => (user.as_ref(), storage.clone()),
        };
        match user {
            Some(user) => check_user(user)?,
            None if self.dance.is_site(P::NAME) => {
                return Err(Error::new(
                    ErrorKind::Misconfigured,
                    format!(
                        "The entry `{}` is the site's: the guard `Site` has its account, its dance connects it.",
                        P::NAME
                    ),
                ));
            }
            None if self.dance.user_required => return Err(self.nobodys()),
            None => {}
        }
        Ok((storage, AccountKey::Owner { entry: P::NAME.into(), user: user.cloned() }))
    }

    fn nobodys(&self) -> Error {
        const CURE: &str =
            "`user_required = false` under [default.dance] in Rocket.toml allows tokens without a user";
        match &self.whose {
            Whose::Visitor(..) => Error::new(ErrorKind::NotSignedIn, "Please sign in.").with_source(CURE),
            _ => Error::new(
                ErrorKind::Misconfigured,
                format!("Whose token at `{}`? Say it, `.of(&user)`; {CURE}.", P::NAME),
            ),
        }
        .with_entry(P::NAME)
    }
}

/// The account at `P` that has neither a user nor an identity.
async fn nobodys<P: Provider>(storage: &dyn Storage) -> Result<Option<Account>> {
    let kept = storage.list(None, &[P::NAME]).await?;
    Ok(kept.into_iter().find(|account| account.provider_user_id.is_none()))
}

impl<P: Provider> fmt::Debug for Tokens<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = match &self.whose {
            Whose::User(user) | Whose::Visitor(Some(user), _) => Some(user),
            Whose::Nobody | Whose::Visitor(None, _) => None,
        };
        f.debug_struct("Tokens").field("entry", &P::NAME).field("user", &user).finish_non_exhaustive()
    }
}
