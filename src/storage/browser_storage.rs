//! `BrowserStorage`: the accounts in one browser's cookies.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use moka::sync::Cache;

use super::account_cookie;
use super::built_in::Sealed;
use super::local;
use super::{
    Account, AccountKey, BuiltIn, ClaimState, Coordination, KeyRing, Linked, Removed, Storage, plain,
};
use crate::cookies;
use crate::error::{Error, ErrorKind, Result};
use crate::link::{AuthorizedLogin, Purpose, Standing, Verdict, other_user_present};
use crate::lock::lock;

const PURPOSE: &str = "account cookie";

/// Lifetime of an account in a cookie, in seconds from its last token: two weeks.
pub(crate) const ACCOUNT_TTL: i64 = 14 * 24 * 60 * 60;

/// Refreshed accounts by their old sealed token, for one minute. Requests that were sent together have the same old cookie.
/// One of them refreshes; the others must not use the rotated refresh token again.
static SUCCESSORS: LazyLock<Cache<String, Account>> =
    LazyLock::new(|| Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(60)).build());

/// Maximum size of all accounts of a browser in the header of a request, in bytes. Other cookies need room beside them.
const MAX_ACCOUNTS: usize = 4096;

/// Size of the account cookies that one response sets, in bytes, up to which it has room for a redirect and for other cookies.
const MAX_WRITTEN: usize = cookies::MAX_RESPONSE - 700;

/// Maximum length of a cookie that browsers store, in bytes: name, value and attributes (RFC 6265 §6.1).
const MAX_COOKIE: usize = 4096;

/// The accounts of one browser during one request, read from its cookies and written back with the response.
pub(crate) struct BrowserStorage {
    prefix: String,
    keys: KeyRing,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Accounts by the name of their entry.
    accounts: BTreeMap<String, Account>,
    /// The size of the cookie of each entry, in bytes.
    sizes: BTreeMap<String, usize>,
    /// Cookies to write, by name. `None` removes the cookie.
    changes: BTreeMap<String, Option<String>>,
    /// Accounts that were removed to make room for others.
    dropped: Vec<Account>,
    /// The sizes of our account cookies that hold no account, by name, in bytes.
    unreadable: BTreeMap<String, usize>,
    /// The size of the account cookies of other apps on this host, in bytes.
    foreign: usize,
}

impl State {
    /// The size of all accounts but that of `entry`, in bytes.
    fn size_without(&self, entry: &str) -> usize {
        self.sizes.iter().filter(|(other, _)| *other != entry).map(|(_, size)| size).sum()
    }

    /// The size of all cookies to write but the one called `name`, in the header of the response, in bytes.
    fn written_without(&self, name: &str) -> usize {
        let others = self.changes.iter().filter(|(other, _)| *other != name);
        others.map(|(name, value)| cookies::response_size(name, value.as_deref().unwrap_or_default())).sum()
    }
}

impl BrowserStorage {
    /// Reads the accounts in the `sent` account cookies (name, value). The names of ours begin with `prefix`; the others are those
    /// of other apps on this host, which only take room.
    pub(crate) fn new<'c>(
        prefix: &str,
        sent: impl Iterator<Item = (&'c str, &'c str)>,
        keys: KeyRing,
        now: i64,
    ) -> Self {
        let open = |name: &str, sealed: &str| {
            let entry = name.strip_prefix(prefix)?;
            let plain = keys.open(PURPOSE, &[name], sealed).ok()?;
            let account = account_cookie::unpack(&plain)?;
            // A copied cookie ignores Max-Age, so the age is checked here as well.
            let is_current = now < account.updated_at.saturating_add(ACCOUNT_TTL);
            (is_current && account.entry == entry).then_some(account)
        };
        // Of several cookies with one name, nothing says which is ours.
        let mut by_name: BTreeMap<&str, (Option<&str>, usize)> = BTreeMap::new();
        for (name, sealed) in sent {
            let (known, size) = by_name.entry(name).or_insert((Some(sealed), 0));
            *known = known.filter(|known| *known == sealed);
            *size += cookies::size(name, sealed);
        }
        let mut state = State::default();
        for (name, (sealed, size)) in by_name {
            if !name.starts_with(prefix) {
                state.foreign += size;
            } else if let Some(account) = sealed.and_then(|sealed| open(name, sealed)) {
                state.sizes.insert(account.entry.clone(), size);
                state.accounts.insert(account.entry.clone(), account);
            } else {
                state.unreadable.insert(name.to_owned(), size);
            }
        }
        Self { prefix: prefix.to_owned(), keys, state: Mutex::new(state) }
    }

    /// Returns the cookies to write (name and value; no value removes the cookie). The next call returns only later changes.
    pub(crate) fn changes(&self) -> Vec<(String, Option<String>)> {
        std::mem::take(&mut lock(&self.state).changes).into_iter().collect()
    }

    /// Returns the accounts that were removed to make room for others. The next call returns only later ones.
    pub(crate) fn dropped(&self) -> Vec<Account> {
        std::mem::take(&mut lock(&self.state).dropped)
    }

    /// The size of all accounts in the header of the browser's next request, in bytes, those of other apps included.
    pub(crate) fn size(&self) -> usize {
        let state = lock(&self.state);
        state.foreign + state.sizes.values().sum::<usize>()
    }

    /// The size of the cookies to write, in the header of the response, in bytes.
    pub(crate) fn response_size(&self) -> usize {
        lock(&self.state).written_without("")
    }

    /// Our account cookies that hold no account, for example since their key was removed: name, and size in bytes.
    pub(crate) fn unreadable(&self) -> Vec<(String, usize)> {
        lock(&self.state).unreadable.clone().into_iter().collect()
    }

    /// Removes all accounts that this browser stores, also those of other users.
    pub(crate) fn clear(&self) {
        let mut state = lock(&self.state);
        for entry in std::mem::take(&mut state.accounts).into_keys() {
            self.remove(&mut state, &entry);
        }
        let unreadable = std::mem::take(&mut state.unreadable);
        state.changes.extend(unreadable.into_keys().map(|name| (name, None)));
    }

    /// Removes the account of `entry`, and its cookie.
    fn remove(&self, state: &mut State, entry: &str) -> Option<Account> {
        state.sizes.remove(entry);
        state.changes.insert(self.name(entry), None);
        state.accounts.remove(entry)
    }

    /// Removes the oldest accounts until one of `size` bytes fits beside the others.
    fn make_room(&self, state: &mut State, entry: &str, size: usize) {
        while state.size_without(entry) + size + state.foreign > MAX_ACCOUNTS {
            let others = state.accounts.values().filter(|account| account.entry != entry);
            let Some(oldest) = others.min_by_key(|account| account.updated_at) else { return };
            let oldest = oldest.entry.clone();
            let dropped = self.remove(state, &oldest);
            state.dropped.extend(dropped);
        }
    }

    /// Stores a token without an identity for the visitor of this browser.
    async fn link_token(&self, login: &AuthorizedLogin, keys: &KeyRing) -> Result<Linked> {
        login.check()?;
        if login.present.is_some() {
            return Err(other_user_present());
        }
        let previous = self.get(&AccountKey::Owner { entry: login.entry.clone(), user: None }).await?;
        let account = Account::of(login, None, previous.as_ref(), keys)?;
        self.set(&account).await?;
        Ok(Linked::without_user(account, previous))
    }

    fn name(&self, entry: &str) -> String {
        format!("{}{entry}", self.prefix)
    }

    /// Returns `account` as the value of its cookie, if it fits into one.
    fn seal(&self, account: &Account) -> Result<Option<String>> {
        let name = self.name(&account.entry);
        let sealed = self.keys.seal(PURPOSE, &[&name], &account_cookie::pack(account)?)?;
        Ok((cookies::response_size(&name, &sealed) <= MAX_COOKIE).then_some(sealed))
    }
}

/// The error of an account that cannot be stored in a cookie.
fn no_cookie(why: String) -> Error {
    Error::new(
        ErrorKind::Misconfigured,
        "This app could not keep the account. Please tell the people who run this site.",
    )
    .with_source(why)
}

#[rocket::async_trait]
impl Storage for BrowserStorage {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        // `is_under` compares the owner: the browser may store an account of another user.
        Ok(lock(&self.state).accounts.get(key.entry()).filter(|account| account.is_under(key)).cloned())
    }

    async fn get_uncached(&self, key: &AccountKey) -> Result<Option<Account>> {
        let mut found = self.get(key).await?;
        while let Some(next) = found.as_ref().and_then(|account| SUCCESSORS.get(&account.token)) {
            self.set(&next).await?;
            found = Some(next);
        }
        Ok(found)
    }

    async fn set(&self, account: &Account) -> Result<()> {
        let mut account = account.clone();
        let name = self.name(&account.entry);
        let mut state = lock(&self.state);
        let (others, written) =
            (state.size_without(&account.entry) + state.foreign, state.written_without(&name));
        let fits_response = |sealed: &str| written + cookies::response_size(&name, sealed) <= MAX_WRITTEN;
        let fits =
            |sealed: &String| others + cookies::size(&name, sealed) <= MAX_ACCOUNTS && fits_response(sealed);
        let mut sealed = self.seal(&account)?;
        if !sealed.as_ref().is_some_and(fits) {
            // Only the userinfo can be requested again.
            account.userinfo = "null".into();
            sealed = self.seal(&account)?;
        }
        let Some(sealed) = sealed else {
            return Err(no_cookie(format!(
                "the token of entry `{}` is too large for a cookie ({MAX_COOKIE} bytes): use DieselStorage instead of \
                 CookieStorage",
                account.entry
            )));
        };
        if !fits_response(&sealed) {
            log::warn!(
                "oauth: `{}`: the account cookies of a response have more than {MAX_WRITTEN} bytes. A default nginx rejects it: \
                 raise `proxy_buffer_size`, or use DieselStorage",
                account.entry
            );
        }
        let size = cookies::size(&name, &sealed);
        self.make_room(&mut state, &account.entry, size);
        state.sizes.insert(account.entry.clone(), size);
        state.unreadable.remove(&name);
        state.changes.insert(name, Some(sealed));
        state.accounts.insert(account.entry.clone(), account);
        Ok(())
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        let mut state = lock(&self.state);
        if state.accounts.get(key.entry()).is_some_and(|account| account.is_under(key)) {
            self.remove(&mut state, key.entry());
        }
        Ok(())
    }

    fn coordination(&self) -> Option<&dyn Coordination> {
        Some(self)
    }

    fn built_in(&self) -> Option<&dyn BuiltIn> {
        Some(self)
    }
}

/// The requests of one browser are coordinated within this process.
#[rocket::async_trait]
impl Coordination for BrowserStorage {
    async fn claim(&self, id: &str, now: i64, until: i64) -> Result<ClaimState> {
        Ok(local::claim(id, now, until))
    }

    async fn settle(&self, id: &str, outcome: &str) -> Result<()> {
        local::settle(id, outcome);
        Ok(())
    }

    async fn settled(&self, id: &str) -> Result<ClaimState> {
        Ok(local::settled(id))
    }

    async fn lease(&self, _: &Account, _: i64, _: i64) -> Result<bool> {
        Ok(true)
    }

    async fn release(&self, _: &Account) -> Result<()> {
        Ok(())
    }

    async fn renew(&self, account: &Account, renewed: &Account) -> Result<bool> {
        if self.get(&account.key()).await?.is_none_or(|stored| stored.token != account.token) {
            return Ok(false);
        }
        self.set(renewed).await?;
        SUCCESSORS.insert(account.token.clone(), renewed.clone());
        Ok(true)
    }

    async fn reseal(&self, account: &Account, sealed: &str) -> Result<bool> {
        plain::reseal(self, account, sealed).await
    }
}

impl Sealed for BrowserStorage {}

#[rocket::async_trait]
impl BuiltIn for BrowserStorage {
    /// Stores the login. The accounts belong to the browser, so a visitor's account is stored if no user is required.
    async fn link(&self, login: &AuthorizedLogin, keys: &KeyRing) -> Result<Linked> {
        if login.purpose == Purpose::Site {
            return Err(no_cookie(
                "the site's account can't be stored in a visitor's cookie: use DieselStorage".into(),
            ));
        }
        // The cookie never signs a user in: a copy of it would sign in until it expires, even after signing out.
        let visitor = login.visitor();
        lock(&self.state)
            .accounts
            .retain(|entry, account| *entry != login.entry || account.user_id.as_deref() == visitor);
        if login.profile.id.is_none() && visitor.is_none() && !login.user_required {
            return self.link_token(login, keys).await;
        }
        plain::link_by(self, login, keys, |asked| match asked.standing {
            Standing::Stranger if !login.user_required => Ok(Verdict::StoreWithoutUser),
            _ => Ok(asked.default_verdict()),
        })
        .await
    }

    async fn unlink(
        &self,
        user: Option<&str>,
        entry: &str,
        account_id: Option<i64>,
        _: &[&str],
        keep: Option<&str>,
    ) -> Result<Removed> {
        plain::unlink(self, user, entry, account_id, keep).await
    }

    async fn remove(&self, key: &AccountKey) -> Result<Removed> {
        plain::remove(self, key).await
    }
}
