//! `Coordination`: what several processes that share a storage agree on.

use super::{Account, ChangeListener, ClaimState};
use crate::error::Result;

/// Coordinates the processes of an app that share one storage: each callback is used once, and each token is refreshed once.
///
/// [`Storage::coordination`](super::Storage::coordination) returns it. A storage without it is coordinated within each
/// process, which is right for an app that runs as one process. With several processes such an app may exchange a callback
/// twice, or refresh a token twice, which some providers answer by ending the grant. `DieselStorage` implements this trait by
/// its tables and works over all processes that share its database.
///
/// `examples/redis_storage` in the repository implements it on Redis, and `rocket_dance::testing::storage_suite` checks its rules.
///
/// All methods but [`watch`](Coordination::watch) are required: they agree with each other only if they use the same
/// store. Each method is atomic: of several calls at once exactly one gets [`ClaimState::First`] or `true`. All times are
/// unix times in seconds, given by the caller.
///
/// | methods | typical implementation in Redis |
/// |---|---|
/// | `claim`, `settle`, `settled` | `SET key "" NX EX seconds`, then `SET key =outcome XX KEEPTTL`, `GET` |
/// | `lease`, `release` | `SET lease:<id>:<version> "" NX EX seconds`, then compare the stored account; `DEL` |
/// | `renew`, `reseal` | read, compare, and a script that writes if the value is still the one that was read |
///
/// # Errors
/// Every method fails with [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable) if the store cannot be
/// reached.
///
/// # Example
/// A storage that other processes share hands out its coordination as it hands out its sessions:
///
/// ```
/// use rocket_dance::Result;
/// use rocket_dance::storage::{Account, AccountKey, ClaimState, Coordination, Storage};
/// # #[derive(Default)]
/// # struct SharedStorage(rocket_dance::storage::MemoryStorage, std::sync::Mutex<std::collections::HashMap<String, (i64, Option<String>)>>);
///
/// #[rocket::async_trait]
/// impl Storage for SharedStorage {
///     // get, set, delete …
/// #   async fn get(&self, key: &AccountKey) -> Result<Option<Account>> { self.0.get(key).await }
/// #   async fn set(&self, account: &Account) -> Result<()> { self.0.set(account).await }
/// #   async fn delete(&self, key: &AccountKey) -> Result<()> { self.0.delete(key).await }
///
///     fn coordination(&self) -> Option<&dyn Coordination> {
///         Some(self)
///     }
/// }
///
/// #[rocket::async_trait]
/// impl Coordination for SharedStorage {
///     async fn claim(&self, id: &str, now: i64, until: i64) -> Result<ClaimState> {
/// #       let mut claims = self.1.lock().unwrap();
/// #       claims.retain(|_, (until, _)| now < *until);
///         // One step in the store: read the claim, or create it if it is absent or has expired.
/// #       let state = match claims.get(id) {
/// #           None => ClaimState::First,
/// #           Some((_, None)) => ClaimState::Pending,
/// #           Some((_, Some(outcome))) => ClaimState::Settled(outcome.clone()),
/// #       };
/// #       claims.entry(id.to_owned()).or_insert((until, None));
/// #       Ok(state)
///     }
///     // settle, settled, lease, release, renew, reseal …
/// #   async fn settle(&self, id: &str, outcome: &str) -> Result<()> {
/// #       if let Some(claim) = self.1.lock().unwrap().get_mut(id) { claim.1 = Some(outcome.to_owned()); }
/// #       Ok(())
/// #   }
/// #   async fn settled(&self, id: &str) -> Result<ClaimState> {
/// #       Ok(match self.1.lock().unwrap().get(id) {
/// #           None => ClaimState::First,
/// #           Some((_, None)) => ClaimState::Pending,
/// #           Some((_, Some(outcome))) => ClaimState::Settled(outcome.clone()),
/// #       })
/// #   }
/// #   async fn lease(&self, _: &Account, _: i64, _: i64) -> Result<bool> { Ok(true) }
/// #   async fn release(&self, _: &Account) -> Result<()> { Ok(()) }
/// #   async fn renew(&self, _: &Account, renewed: &Account) -> Result<bool> { self.set(renewed).await.map(|()| true) }
/// #   async fn reseal(&self, _: &Account, _: &str) -> Result<bool> { Ok(false) }
/// }
/// # rocket::async_test(async {
/// #     let storage = SharedStorage::default();
/// #     assert_eq!(storage.claim("a", 100, 200).await.unwrap(), ClaimState::First);
/// #     assert_eq!(storage.claim("a", 100, 200).await.unwrap(), ClaimState::Pending);
/// #     storage.settle("a", "/").await.unwrap();
/// #     assert_eq!(storage.coordination().unwrap().settled("a").await.unwrap(), ClaimState::Settled("/".into()));
/// # });
/// ```
#[rocket::async_trait]
pub trait Coordination: Send + Sync {
    /// Claims the callback `id` until the unix time `until`, so that it is used once. Only the first claim returns
    /// [`ClaimState::First`]. A claim whose time has passed at `now` counts as absent.
    async fn claim(&self, id: &str, now: i64, until: i64) -> Result<ClaimState>;

    /// Stores the outcome of the claimed callback `id`. Repeats of the callback are answered with it. Without a claim it
    /// does nothing.
    async fn settle(&self, id: &str, outcome: &str) -> Result<()>;

    /// Returns the state of the callback `id` and changes nothing: [`ClaimState::First`] if there is no claim. A repeated
    /// callback polls it until the first one is settled.
    async fn settled(&self, id: &str) -> Result<ClaimState>;

    /// Returns whether this process may refresh the token of `account` now. If so, no other process may until the unix time
    /// `until`, or until [`release`](Coordination::release) or [`renew`](Coordination::renew). Returns `false` if `account`
    /// is no longer what is stored: the id, the [version](Account::version) and the user must be the same.
    async fn lease(&self, account: &Account, now: i64, until: i64) -> Result<bool>;

    /// Ends a lease early, after a refresh that failed.
    async fn release(&self, account: &Account) -> Result<()>;

    /// Replaces the token of `account` by that of `renewed` and ends the lease, if the stored account still has the id, the
    /// [version](Account::version) and the user of `account`. Returns whether it has replaced the token. The stored
    /// [rank](Account::rank) stays.
    async fn renew(&self, account: &Account, renewed: &Account) -> Result<bool>;

    /// Replaces the sealed token of `account` by `sealed`, which is the same token sealed with another key, if the stored
    /// account still has the id and the sealed token of `account`. Returns whether it has replaced it. The
    /// [version](Account::version) stays, so that a refresh in progress succeeds.
    async fn reseal(&self, account: &Account, sealed: &str) -> Result<bool>;

    /// Calls `changed` from now on for each write of another process, so that the cache in front of the storage forgets the
    /// old value. The default never calls it: writes of other processes are then seen when the cache's time to live
    /// (`cache.ttl`) has passed.
    fn watch(&self, changed: ChangeListener) {
        let _ = changed;
    }
}
