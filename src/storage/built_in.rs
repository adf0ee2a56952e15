//! `BuiltIn`: the hooks that only the storages of this crate have.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rocket::figment::Figment;

use super::{AccountKey, KeyRing, Linked, Removed, UserType};
use crate::error::Result;
use crate::finding::Finding;
use crate::link::AuthorizedLogin;

/// The hooks that only the storages of this crate have: linking inside a transaction that asks the app's
/// [`LinkPolicy`](crate::LinkPolicy), and facts that the launch needs.
///
/// The trait is sealed, because an implementation of [`link`](BuiltIn::link) has to check every verdict of the policy. A
/// storage of an app that wraps one of this crate's, for example to count its calls, keeps its transactions by forwarding
/// [`Storage::built_in`](super::Storage::built_in):
///
/// ```
/// use rocket_dance::Result;
/// use rocket_dance::storage::{Account, AccountKey, BuiltIn, Coordination, DieselStorage, SessionStorage, Storage};
///
/// struct Logged(DieselStorage);
///
/// #[rocket::async_trait]
/// impl Storage for Logged {
///     async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
///         log::debug!("looks up {}", key.entry());
///         self.0.get(key).await
///     }
///     // … and so on for each other method.
/// #   async fn set(&self, account: &Account) -> Result<()> { self.0.set(account).await }
/// #   async fn delete(&self, key: &AccountKey) -> Result<()> { self.0.delete(key).await }
///
///     fn sessions(&self) -> Option<&dyn SessionStorage> {
///         self.0.sessions()
///     }
///
///     fn coordination(&self) -> Option<&dyn Coordination> {
///         self.0.coordination()
///     }
///
///     fn built_in(&self) -> Option<&dyn BuiltIn> {
///         self.0.built_in()
///     }
/// }
/// ```
#[rocket::async_trait]
pub trait BuiltIn: Sealed + Send + Sync {
    /// Stores a finished login in one transaction: it finds the owner of the account, asks the policy, checks the verdict
    /// and writes the account.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) and other errors of the decision;
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable). Nothing is stored then.
    async fn link(&self, login: &AuthorizedLogin, keys: &KeyRing) -> Result<Linked>;

    /// Removes accounts of `user` at `entry`, either the one with the id `account_id` or all. In the same transaction it ends the
    /// sessions that began with them, except the session with the id `keep`. `entries` are the entries of the app with which
    /// users can sign in.
    ///
    /// # Errors
    /// [`ErrorKind::LastLogin`](crate::ErrorKind::LastLogin) if it is the user's last way to sign in;
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable). Nothing has changed then.
    async fn unlink(
        &self,
        user: Option<&str>,
        entry: &str,
        account_id: Option<i64>,
        entries: &[&str],
        keep: Option<&str>,
    ) -> Result<Removed>;

    /// Removes the accounts under `key`, as [`Storage::delete`](super::Storage::delete) does, and in the same transaction ends the
    /// sessions that began with them.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable). Nothing has changed then.
    async fn remove(&self, key: &AccountKey) -> Result<Removed>;

    /// Returns the type of the app's user ids, if a policy has declared it.
    fn user_type(&self) -> Option<UserType> {
        None
    }

    /// Returns the path of the key file that the debug profile creates beside the data, if the data is in a file.
    fn key_file(&self, figment: &Figment) -> Option<PathBuf> {
        let _ = figment;
        None
    }

    /// Checks what a launch needs of the storage, for [`Dance::doctor`](crate::Dance::doctor). Nothing is changed.
    async fn examine(&self, figment: &Figment) -> Vec<Finding> {
        let _ = figment;
        Vec::new()
    }

    /// Returns how many accounts each key has sealed, by the key's id as it is in the sealed texts. A large storage may count a
    /// sample. It is empty if the storage does not know. The launch runs it in the background.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable).
    async fn sealed_by(&self) -> Result<BTreeMap<String, u64>> {
        Ok(BTreeMap::new())
    }
}

/// Makes [`BuiltIn`] a trait that no other crate can implement.
pub trait Sealed {}
