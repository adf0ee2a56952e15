//! Linking and conditional writes on a storage without transactions. They are atomic within this process: callers of the same
//! account take turns.

use std::collections::BTreeSet;

use super::local::{Turn, turn};
use super::refusals::session_has_ended;
use super::{
    Account, AccountKey, KeyRing, Linked, Removed, Session, SessionSelection, SessionStart, SessionStorage,
    Storage, same_account,
};
use crate::error::Result;
use crate::link::{AuthorizedLogin, Decision, Found, Login, Purpose, Verdict, decide};

/// Stores a finished login. Without a policy it is connected to the user who is signed in.
pub(super) async fn link<S: Storage + ?Sized>(
    storage: &S,
    login: &AuthorizedLogin,
    keys: &KeyRing,
) -> Result<Linked> {
    link_by(storage, login, keys, |asked| Ok(asked.default_verdict())).await
}

/// Stores a finished login as `ask` decides.
pub(crate) async fn link_by<S: Storage + ?Sized>(
    storage: &S,
    login: &AuthorizedLogin,
    keys: &KeyRing,
    ask: impl FnOnce(Login<String>) -> Result<Verdict<String>> + Send,
) -> Result<Linked> {
    login.check()?;
    // In the account's turn: a removal of the account comes either before the session is checked, or after the account is
    // stored. In the owner's turn, too: two accounts of one owner may replace each other.
    let owner = login.visitor().map(|user| AccountKey::owner(&login.entry, user));
    let _turns = turns_of(AccountKey::of(login).iter().chain(&owner).map(AccountKey::turn_name)).await;
    if let (Some(session), Some(visitor), Some(sessions)) =
        (&login.session, login.visitor(), storage.sessions())
        && sessions.session_uncached(session).await?.is_none_or(|session| session.user_id != visitor)
    {
        return Err(session_has_ended());
    }
    let found = match AccountKey::of(login) {
        Some(key @ AccountKey::Identity { .. }) => storage.get(&key).await?,
        // Only an account without an identity: the token may belong to another person than an account with one does.
        Some(AccountKey::Owner { entry, user }) => {
            let accounts = storage.list(user.as_deref(), &[&entry]).await?;
            accounts.into_iter().find(|account| account.provider_user_id.is_none())
        }
        None => None,
    };
    let site = match login.purpose {
        Purpose::Site => storage.get(&AccountKey::Owner { entry: login.entry.clone(), user: None }).await?,
        _ => None,
    };
    let Decision { user, merged, new, .. } = decide(login, &Found::of(found.as_ref(), site.as_ref()), ask)?;
    let mut others = storage.list(user.as_deref(), &[&login.entry]).await?;
    // A token that the app has stored for this user, or for the site, becomes this account: see `Tokens::set`.
    let is_owners = |account: &&Account| user.is_some() || account.is_sites();
    let nameless = match (&login.profile.id, &user, login.purpose) {
        (Some(_), Some(_), _) | (Some(_), None, Purpose::Site) => {
            others.iter().filter(is_owners).find(|account| account.provider_user_id.is_none()).cloned()
        }
        _ => None,
    };
    let previous = found.or(nameless.clone());
    let mut account = Account::of(login, user.as_deref(), previous.as_ref(), keys)?;
    if account.is_new_to_its_user(previous.as_ref()) {
        account.rank = Account::rank_after(others.iter().map(|account| account.rank));
    }
    if let Some(nameless) = nameless {
        account.rank = account.rank.min(nameless.rank);
    }
    storage.set(&account).await?;
    others.retain(|other| other.key() != account.key());
    let (replaced, ended) = remove_replaced(storage, &account, others, login.session.as_deref()).await?;
    let (merged_user, moved) = (None, Vec::new());
    Ok(Linked { account, previous, user, signed_up: new, merged, merged_user, moved, replaced, ended })
}

/// Removes those of its owner's `others` that `account`, which is stored now, has replaced: the account without an identity whose
/// place it has taken, and in a storage that stores one account per owner and entry all of them. The owner would not see a
/// replaced account any more, but it would still sign the owner in. Returns the replaced accounts with an identity, and the
/// sessions that began with them and have ended; the session with the id `keep` continues.
async fn remove_replaced<S: Storage + ?Sized>(
    storage: &S,
    account: &Account,
    others: Vec<Account>,
    keep: Option<&str>,
) -> Result<(Vec<Account>, Vec<Session>)> {
    if others.is_empty() {
        return Ok((others, Vec::new()));
    }
    let stored = storage.list(account.user_id.as_deref(), &[&account.entry]).await?;
    // The storages of this crate do so themselves.
    if account.provider_user_id.is_some() && account.user_id.is_some() && storage.built_in().is_none() {
        let (nameless, named): (Vec<_>, Vec<_>) =
            stored.iter().cloned().partition(|stored| stored.provider_user_id.is_none());
        delete(storage, &nameless, &named).await?;
    }
    let is_replaced = |other: &Account| {
        other.provider_user_id.is_some() && stored.iter().all(|stored| stored.key() != other.key())
    };
    let replaced: Vec<Account> = others.into_iter().filter(is_replaced).collect();
    let ended = end_sessions(storage, &replaced, keep).await?;
    delete(storage, &replaced, &[]).await?;
    Ok((replaced, ended))
}

/// Removes the account with the id `account_id`, or all, of `user` at `entry`, and ends the sessions that began with them, except
/// the session with the id `keep`.
pub(super) async fn unlink<S: Storage + ?Sized>(
    storage: &S,
    user: Option<&str>,
    entry: &str,
    account_id: Option<i64>,
    keep: Option<&str>,
) -> Result<Removed> {
    let is_removed = |account: &Account| account_id.is_none_or(|id| account.id == id);
    let accounts = storage.list(user, &[entry]).await?;
    let owner = AccountKey::Owner { entry: entry.to_owned(), user: user.map(str::to_owned) };
    let removed = accounts.iter().filter(|account| is_removed(account));
    let _turns = turns_of(removed.map(Account::turn_name).chain([owner.turn_name()])).await;
    // Again, since they may have changed before their turn.
    let accounts = storage.list(user, &[entry]).await?;
    let (removed, kept): (Vec<_>, Vec<_>) = accounts.into_iter().partition(is_removed);
    let mut sessions = end_sessions(storage, &removed, keep).await?;
    delete(storage, &removed, &kept).await?;
    sessions.extend(end_sessions(storage, &removed, keep).await?);
    Ok(Removed { accounts: removed, sessions })
}

/// Deletes the accounts `removed`. Their owner keeps the accounts `kept`.
async fn delete<S: Storage + ?Sized>(storage: &S, removed: &[Account], kept: &[Account]) -> Result<()> {
    for account in removed {
        storage.delete(&account.key()).await?;
    }
    // An account without an identity has only the owner's key: deleting it deletes the owner's other accounts, too.
    if removed.iter().any(|removed| removed.provider_user_id.is_none()) {
        for account in kept {
            storage.set(account).await?;
        }
    }
    Ok(())
}

/// Removes the accounts under `key`, and ends the sessions that began with them.
pub(super) async fn remove<S: Storage + ?Sized>(storage: &S, key: &AccountKey) -> Result<Removed> {
    let _turns =
        turns_of(under(storage, key).await?.iter().map(Account::turn_name).chain([key.turn_name()])).await;
    let accounts = under(storage, key).await?;
    let mut sessions = end_sessions(storage, &accounts, None).await?;
    storage.delete(key).await?;
    sessions.extend(end_sessions(storage, &accounts, None).await?);
    Ok(Removed { accounts, sessions })
}

async fn under<S: Storage + ?Sized>(storage: &S, key: &AccountKey) -> Result<Vec<Account>> {
    match key {
        AccountKey::Owner { entry, user } => storage.list(user.as_deref(), &[entry]).await,
        AccountKey::Identity { .. } => Ok(storage.get_uncached(key).await?.into_iter().collect()),
    }
}

/// Takes the turns of these `names`, always in the same order, so that two callers cannot wait for each other.
pub(super) async fn turns_of(names: impl IntoIterator<Item = String>) -> Vec<Turn> {
    let mut turns = Vec::new();
    for name in names.into_iter().collect::<BTreeSet<_>>() {
        turns.push(turn(&name).await);
    }
    turns
}

/// Ends the sessions that began with `accounts`. A removal does so before it deletes the accounts: if that fails, the accounts
/// are still there, and the removal can be repeated. It does so again afterwards, because a session may have begun in the
/// meantime.
async fn end_sessions<S: Storage + ?Sized>(
    storage: &S,
    accounts: &[Account],
    except: Option<&str>,
) -> Result<Vec<Session>> {
    let mut ended = Vec::new();
    if let Some(sessions) = storage.sessions() {
        for selection in accounts.iter().filter_map(|account| SessionSelection::began_with(account, except)) {
            ended.extend(sessions.end_sessions(&selection).await?);
        }
    }
    Ok(ended)
}

/// Begins `session`, and ends it again if the account that it comes from was removed in the meantime.
pub(super) async fn begin_session<S: Storage + ?Sized>(
    storage: &S,
    sessions: &dyn SessionStorage,
    session: &Session,
    before: Option<&str>,
    now: i64,
) -> Result<SessionStart> {
    if !has_account(storage, session).await? {
        return Ok(SessionStart::AccountGone);
    }
    let start = sessions.begin_session(session, before, now).await?;
    if start != SessionStart::Begun || has_account(storage, session).await? {
        return Ok(start);
    }
    sessions.end_sessions(&SessionSelection::Id(session.id.clone())).await?;
    Ok(SessionStart::AccountGone)
}

/// Returns whether the account exists that `session` comes from, and belongs to its user.
async fn has_account<S: Storage + ?Sized>(storage: &S, session: &Session) -> Result<bool> {
    let (Some(entry), Some(identity)) = (&session.entry, &session.provider_user_id) else { return Ok(true) };
    let account = storage.get_uncached(&AccountKey::identity(entry, identity)).await?;
    Ok(account.is_some_and(|account| account.user_id.as_deref() == session.user()))
}

/// See [`Coordination::renew`](super::Coordination::renew).
pub(super) async fn renew<S: Storage + ?Sized>(
    storage: &S,
    account: &Account,
    renewed: &Account,
) -> Result<bool> {
    let _turn = turn(&account.turn_name()).await;
    match same_account(storage, account, storage.get(&account.key()).await?).await? {
        // The id, too: an account that was removed and connected again starts at the same version.
        Some(stored)
            if (stored.id, stored.version) == (account.id, account.version)
                && stored.user_id == account.user_id =>
        {
            // `make_primary` may have changed the rank in the meantime.
            storage.set(&Account { rank: stored.rank, ..renewed.clone() }).await.map(|()| true)
        }
        _ => Ok(false),
    }
}

/// See [`Coordination::reseal`](super::Coordination::reseal).
pub(super) async fn reseal<S: Storage + ?Sized>(
    storage: &S,
    account: &Account,
    sealed: &str,
) -> Result<bool> {
    let _turn = turn(&account.turn_name()).await;
    match same_account(storage, account, storage.get(&account.key()).await?).await? {
        Some(stored) if (stored.id, &stored.token) == (account.id, &account.token) => {
            storage.set(&Account { token: sealed.to_owned(), ..stored }).await.map(|()| true)
        }
        _ => Ok(false),
    }
}
