//! `CheckedStorage`: an app's own storage, whose answers the library compares with each other.

use std::sync::Arc;

use rocket::figment::Figment;

use super::{Account, AccountKey, Coordination, Session, SessionStorage, Storage};
use crate::error::Result;

/// An app's own storage, whose answers are compared with each other.
///
/// A key-value store writes an account under two keys, one after the other, and may store one account per owner. It can
/// therefore have one key that contradicts the other: the identity of an account that another one has replaced, that was
/// removed only in part, or that has got another owner. Such an account must not sign a user in.
///
/// - An identity counts only while it is among the accounts of its owner.
/// - An owner's account counts unless its identity is stored with another owner.
/// - Of two versions of an account, the later one counts.
pub(crate) struct CheckedStorage(Arc<dyn Storage>);

impl CheckedStorage {
    /// Returns `storage` with these checks; a storage of this crate as it is.
    pub(crate) fn around(storage: Arc<dyn Storage>) -> Arc<dyn Storage> {
        match storage.built_in() {
            Some(_) => storage,
            None => Arc::new(Self(storage)),
        }
    }

    /// The accounts of the owner of `account`, as the storage has them.
    async fn accounts_of_owner(&self, account: &Account) -> Result<Vec<Account>> {
        self.0.list(account.user_id.as_deref(), &[&account.entry]).await
    }

    /// Returns `found`, which is stored under its owner, unless its identity is stored with another owner.
    async fn checked_owned(&self, found: Account) -> Result<Option<Account>> {
        if found.provider_user_id.is_none() {
            return Ok(Some(found));
        }
        let key = found.key();
        match self.0.get_uncached(&key).await?.filter(|stored| stored.is_under(&key)) {
            Some(stored) if stored.user_id != found.user_id => Ok(None),
            Some(stored) => Ok(Some(later(found, stored))),
            None => Ok(Some(found)),
        }
    }

    /// Returns those of `found`, the accounts of `user`, that are consistent.
    async fn checked_list(&self, user: Option<&str>, found: Vec<Account>) -> Result<Vec<Account>> {
        let mut accounts = Vec::new();
        for account in found {
            if account.user_id.as_deref() == user {
                accounts.extend(self.checked_owned(account).await?);
            }
        }
        Ok(accounts)
    }

    /// Returns `found`, which is stored under `key`, if it is consistent with what is stored under its other key.
    async fn checked(&self, key: &AccountKey, found: Option<Account>) -> Result<Option<Account>> {
        let Some(found) = found.filter(|found| found.is_under(key)) else { return Ok(None) };
        match key {
            AccountKey::Identity { .. } => {
                let owned = self.accounts_of_owner(&found).await?;
                Ok(owned.into_iter().find(|owned| owned.is_under(key)).map(|owned| later(found, owned)))
            }
            AccountKey::Owner { entry, user } => match self.checked_owned(found).await? {
                Some(found) => Ok(Some(found)),
                // The primary account is none; another one may be.
                None => Ok(self.list(user.as_deref(), &[entry]).await?.into_iter().next()),
            },
        }
    }

    /// The accounts that a deletion of what is stored under `key` must not remove: the owner's others, and those that have got
    /// another owner.
    async fn kept(&self, key: &AccountKey) -> Result<Vec<Account>> {
        let mut kept = Vec::new();
        match key {
            AccountKey::Identity { .. } => {
                if let Some(stored) = self.0.get_uncached(key).await? {
                    kept = self.accounts_of_owner(&stored).await?;
                    kept.retain(|other| !other.is_under(key));
                }
            }
            AccountKey::Owner { entry, user } => {
                for account in self.0.list(user.as_deref(), &[entry]).await? {
                    let identity = account.key();
                    let stored = self.0.get_uncached(&identity).await?;
                    kept.extend(stored.filter(|stored| stored.is_under(&identity) && !stored.is_under(key)));
                }
            }
        }
        Ok(kept)
    }
}

/// Returns the account with the later token.
fn later(one: Account, other: Account) -> Account {
    match (one.created_at, one.version) < (other.created_at, other.version) {
        true => other,
        false => one,
    }
}

#[rocket::async_trait]
impl Storage for CheckedStorage {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        self.checked(key, self.0.get(key).await?).await
    }

    async fn get_uncached(&self, key: &AccountKey) -> Result<Option<Account>> {
        self.checked(key, self.0.get_uncached(key).await?).await
    }

    async fn set(&self, account: &Account) -> Result<()> {
        let old = self.0.get_uncached(&account.key()).await?;
        self.0.set(account).await?;
        let Some(old) = old.filter(|old| old.is_under(&account.key()) && old.user_id != account.user_id)
        else {
            return Ok(());
        };
        // The account had another owner, under whose key it may still be.
        let left = self.accounts_of_owner(&old).await?;
        if !left.is_empty() && left.iter().all(|left| left.provider_user_id == account.provider_user_id) {
            self.delete(&AccountKey::Owner { entry: old.entry, user: old.user_id }).await?;
        }
        Ok(())
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        let kept = self.kept(key).await?;
        self.0.delete(key).await?;
        for account in kept {
            // A store that deletes an account under all its keys has deleted what another account has stored there.
            let is_whole =
                self.0.get_uncached(&account.key()).await?.is_some_and(|now| now.is_same_as(&account))
                    && self.accounts_of_owner(&account).await?.iter().any(|now| now.is_same_as(&account));
            if !is_whole {
                self.0.set(&account).await?;
            }
        }
        Ok(())
    }

    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Account>> {
        self.checked_list(user, self.0.list(user, entries).await?).await
    }

    async fn get_without_identity(&self, user: Option<&str>, entry: &str) -> Result<Option<Account>> {
        let found = self.0.get_without_identity(user, entry).await?;
        let key = AccountKey::Owner { entry: entry.to_owned(), user: user.map(str::to_owned) };
        Ok(found.filter(|found| found.provider_user_id.is_none() && found.is_under(&key)))
    }

    async fn make_primary(&self, user: &str, entry: &str, account_id: i64) -> Result<bool> {
        self.0.make_primary(user, entry, account_id).await
    }

    async fn page(&self, entry: Option<&str>, after: i64, limit: usize) -> Result<Vec<Account>> {
        self.0.page(entry, after, limit).await
    }

    async fn open(&self, figment: &Figment) -> Result<()> {
        self.0.open(figment).await
    }

    fn sessions(&self) -> Option<&dyn SessionStorage> {
        self.0.sessions()
    }

    async fn session_with_accounts(
        &self,
        id: &str,
        entries: &[&str],
    ) -> Result<Option<(Session, Vec<Account>)>> {
        let Some((session, accounts)) = self.0.session_with_accounts(id, entries).await? else {
            return Ok(None);
        };
        let accounts = match session.user() {
            Some(user) => self.checked_list(Some(user), accounts).await?,
            None => Vec::new(),
        };
        Ok(Some((session, accounts)))
    }

    fn coordination(&self) -> Option<&dyn Coordination> {
        self.0.coordination()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::suite::{self, KeyValue};

    /// The accounts (identity, user) under the key of each of the users 7 and 8, and under each of the identities a and b.
    async fn seen(storage: &dyn Storage) -> Vec<String> {
        let mut seen = Vec::new();
        for key in [AccountKey::owner("op", 7), AccountKey::owner("op", 8)] {
            let found = storage.get(&key).await.unwrap();
            assert_eq!(storage.get_uncached(&key).await.unwrap(), found);
            let AccountKey::Owner { user, .. } = &key else { continue };
            assert_eq!(storage.list(user.as_deref(), &["op"]).await.unwrap(), Vec::from_iter(found.clone()));
            seen.extend(found.map(|found| format!("{key}={}", found.provider_user_id.unwrap())));
        }
        for key in [AccountKey::identity("op", "a"), AccountKey::identity("op", "b")] {
            let found = storage.get(&key).await.unwrap();
            seen.extend(found.map(|found| format!("{key}={}", found.user_id.unwrap())));
        }
        seen
    }

    fn account(id: &str, user: &str) -> Account {
        suite::account("op", Some(id), Some(user))
    }

    #[rocket::async_test]
    async fn a9_an_account_that_gets_another_owner_leaves_the_first() {
        let store = Arc::new(KeyValue::default());
        let storage = CheckedStorage::around(store.clone());
        // The store alone has it under both owners.
        store.set(&account("a", "7")).await.unwrap();
        store.set(&account("a", "8")).await.unwrap();
        assert!(store.get(&AccountKey::owner("op", 7)).await.unwrap().is_some());
        assert_eq!(seen(&*storage).await, ["oauth:op:user:8=a", "oauth:op:id:a=8"]);
        // The former owner removes what is under the key. The new owner keeps the account.
        storage.delete(&AccountKey::owner("op", 7)).await.unwrap();
        assert_eq!(store.get(&AccountKey::owner("op", 7)).await.unwrap(), None);
        assert_eq!(seen(&*storage).await, ["oauth:op:user:8=a", "oauth:op:id:a=8"]);
        // Nothing is left with a former owner if the library moves it.
        storage.set(&account("a", "7")).await.unwrap();
        assert_eq!(store.get(&AccountKey::owner("op", 8)).await.unwrap(), None);
        assert_eq!(seen(&*storage).await, ["oauth:op:user:7=a", "oauth:op:id:a=7"]);
    }

    #[rocket::async_test]
    async fn a9_two_keys_that_contradict_each_other_sign_no_user_in() {
        let store = Arc::new(KeyValue::default());
        let storage = CheckedStorage::around(store.clone());
        store.set(&account("a", "7")).await.unwrap();
        store.set(&account("b", "7")).await.unwrap();
        assert_eq!(seen(&*storage).await, ["oauth:op:user:7=b", "oauth:op:id:b=7"]);
        // As after the deletion of the replaced identity: `delete` deletes the owner's key, too.
        storage.delete(&AccountKey::identity("op", "a")).await.unwrap();
        assert_eq!(store.get(&AccountKey::identity("op", "a")).await.unwrap(), None);
        assert_eq!(seen(&*storage).await, ["oauth:op:user:7=b", "oauth:op:id:b=7"]);
        storage.delete(&AccountKey::owner("op", 7)).await.unwrap();
        assert_eq!(seen(&*storage).await, Vec::<String>::new());
    }

    #[rocket::async_test]
    async fn a9_a_store_that_folds_ids_gives_no_account_away() {
        struct Folded(KeyValue);
        fn folded(key: &AccountKey) -> AccountKey {
            match key {
                AccountKey::Identity { entry, provider_user_id } => {
                    AccountKey::identity(entry, provider_user_id.to_lowercase())
                }
                owner => owner.clone(),
            }
        }
        #[rocket::async_trait]
        impl Storage for Folded {
            async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
                self.0.get(&folded(key)).await
            }
            async fn set(&self, account: &Account) -> Result<()> {
                self.0.set(account).await
            }
            async fn delete(&self, key: &AccountKey) -> Result<()> {
                self.0.delete(&folded(key)).await
            }
        }
        let storage = CheckedStorage::around(Arc::new(Folded(KeyValue::default())));
        storage.set(&account("a", "7")).await.unwrap();
        assert_eq!(storage.get(&AccountKey::identity("op", "A")).await.unwrap(), None);
        let refused = storage.link(&suite::login("op", Some("A"), None), &suite::keys()).await.unwrap_err();
        assert_eq!(refused.kind(), crate::error::ErrorKind::Refused);
    }
}
