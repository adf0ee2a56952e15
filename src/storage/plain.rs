//! Linking and conditional writes on a storage without transactions. They are atomic within this process: callers of the same
//! account take turns.

use super::local::turn;
use super::{Account, AccountKey, KeyRing, Linked, Storage, same_account};
use crate::error::Result;
use crate::link::{AuthorizedLogin, Found, Login, Purpose, Verdict, decide};

/// Stores a finished login. Without a policy it is connected to the user who is signed in.
pub(super) async fn link<S: Storage + ?Sized>(
    storage: &S,
    login: &AuthorizedLogin,
    keys: &KeyRing,
) -> Result<Linked> {
    link_by(storage, login, keys, |asked| Ok(asked.default_verdict())).await
}

/// Stores a finished login as `ask` decides.
pub(super) async fn link_by<S: Storage + ?Sized>(
    storage: &S,
    login: &AuthorizedLogin,
    keys: &KeyRing,
    ask: impl FnOnce(Login<String>) -> Result<Verdict<String>> + Send,
) -> Result<Linked> {
    login.check()?;
    let _turn = turn(&Account::turn_name_of(&login.entry, login.profile.id.as_deref())).await;
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
    let decision = decide(login, &Found::of(found.as_ref(), site.as_ref()), ask)?;
    let mut account = Account::of(login, decision.user.as_deref(), found.as_ref(), keys)?;
    if account.is_new_to_its_user(found.as_ref()) {
        let others = storage.list(decision.user.as_deref(), &[&login.entry]).await?;
        account.rank = Account::rank_after(others.iter().map(|account| account.rank));
    }
    storage.set(&account).await?;
    Ok(Linked { account, previous: found, user: decision.user, merged: decision.merged, ended: Vec::new() })
}

/// Removes the account with the id `account_id`, or all, of `user` at `entry`, and returns what it has removed.
pub(super) async fn unlink<S: Storage + ?Sized>(
    storage: &S,
    user: Option<&str>,
    entry: &str,
    account_id: Option<i64>,
) -> Result<Vec<Account>> {
    let accounts = storage.list(user, &[entry]).await?;
    let (removed, kept): (Vec<_>, Vec<_>) =
        accounts.into_iter().partition(|account| account_id.is_none_or(|id| account.id == id));
    for account in &removed {
        storage.delete(&account.key()).await?;
    }
    // An account without an identity has only the owner's key: deleting it deletes the owner's other accounts, too.
    for account in kept.iter().filter(|_| removed.iter().any(|removed| removed.provider_user_id.is_none())) {
        storage.set(account).await?;
    }
    Ok(removed)
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
