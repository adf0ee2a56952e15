//! [`replace_storage`]: another storage in a finished app.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rocket::figment::Figment;
use rocket::tokio::sync::Mutex;
use rocket::{Build, Rocket};

use crate::dance::TestSetup;
use crate::error::Result;
use crate::link::{AuthorizedLogin, Standing, Verdict};
use crate::storage::{
    Account, AccountKey, AnyStorage, BuiltIn, Coordination, KeyRing, Linked, Removed, Sealed, SessionStorage,
    Storage, StorageBackend, UserType, link_by,
};

/// Puts `storage` in place of the storage that a finished app has attached, for example
/// [`MemoryStorage`](crate::storage::MemoryStorage) or [`NullStorage`](crate::storage::NullStorage) in place of
/// [`DieselStorage`](crate::storage::DieselStorage). The app's storage is not opened: it needs no database, and its migrations do
/// not run.
///
/// The app's policy works on its database, and does not decide any more. In its place:
///
/// - A visitor with an unknown account becomes a new user. The first one has the id 1, the next one 2, and so on, without those
///   to whom [`connect`](crate::testing::connect) or [`sign_in_as`](crate::testing::sign_in_as) has given an account or a session;
///   the same account is the same user again, even if the storage keeps nothing. If the app's ids are `Uuid`, the last digits
///   count.
/// - A signed-in user connects accounts, and a visitor with a known account is its user.
///
/// `NullStorage` keeps no sessions either: the session is in the cookie alone. An app that sets `session.idle`, or `logout` in an entry,
/// needs a storage with sessions, for example `MemoryStorage`.
///
/// ```
/// use rocket::local::asynchronous::Client;
/// use rocket_dance::storage::{MemoryStorage, NullStorage};
/// use rocket_dance::testing::{FakeProvider, replace_storage, sign_in};
///
/// # use rocket_dance::{CurrentUser, Dance};
/// # #[rocket::get("/me")] fn me(user: CurrentUser<i32>) -> String { user.to_string() }
/// # fn app() -> rocket::Rocket<rocket::Build> { rocket::build().attach(Dance::fairing()).mount("/", rocket::routes![me]) }
/// # rocket::async_test(async {
/// let fake = FakeProvider::new();
/// let rocket = fake.stand_in(replace_storage(app(), MemoryStorage::new()), "github");
/// let client = Client::tracked(rocket).await.unwrap();
/// sign_in(&client, "github").await;
/// assert_eq!(client.get("/me").dispatch().await.into_string().await.unwrap(), "1");
/// # });
/// ```
pub fn replace_storage(rocket: Rocket<Build>, storage: impl Into<AnyStorage>) -> Rocket<Build> {
    let AnyStorage(storage) = storage.into();
    TestSetup::change(rocket, |changes| {
        changes.storage = Some(Box::new(move |user_type| match storage {
            StorageBackend::Shared(storage) => {
                AnyStorage(StorageBackend::Shared(Arc::new(Replaced::new(storage, user_type))))
            }
            StorageBackend::Browser => AnyStorage(StorageBackend::Browser),
        }));
    })
}

/// A storage whose visitors with unknown accounts become new users.
struct Replaced {
    storage: Arc<dyn Storage>,
    user_type: Option<UserType>,
    users: Mutex<Users>,
}

/// The user of each account that was stored, by entry and id at the provider. They stay also if the storage keeps nothing.
type Users = BTreeMap<(String, String), String>;

impl Replaced {
    fn new(storage: Arc<dyn Storage>, user_type: Option<UserType>) -> Self {
        Self { storage, user_type, users: Mutex::default() }
    }

    /// The id of the next new user: the first one that no account in `users` and no session has.
    async fn unused_id(&self, users: &Users) -> Result<String> {
        let is_uuid = self.user_type.is_some_and(|known| known.name().to_ascii_lowercase().contains("uuid"));
        let taken: BTreeSet<&str> = users.values().map(String::as_str).collect();
        let mut number = 0_u64;
        loop {
            number += 1;
            let id = match is_uuid {
                true => format!("00000000-0000-0000-0000-{number:012}"),
                false => number.to_string(),
            };
            if taken.contains(id.as_str()) {
                continue;
            }
            match self.storage.sessions() {
                Some(sessions) if !sessions.sessions_of(&id).await?.is_empty() => {}
                _ => return Ok(id),
            }
        }
    }
}

#[rocket::async_trait]
impl Storage for Replaced {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        self.storage.get(key).await
    }

    async fn set(&self, account: &Account) -> Result<()> {
        self.storage.set(account).await
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        self.storage.delete(key).await
    }

    async fn get_uncached(&self, key: &AccountKey) -> Result<Option<Account>> {
        self.storage.get_uncached(key).await
    }

    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Account>> {
        self.storage.list(user, entries).await
    }

    async fn get_without_identity(&self, user: Option<&str>, entry: &str) -> Result<Option<Account>> {
        self.storage.get_without_identity(user, entry).await
    }

    async fn make_primary(&self, user: &str, entry: &str, account_id: i64) -> Result<bool> {
        self.storage.make_primary(user, entry, account_id).await
    }

    async fn page(&self, entry: Option<&str>, after: i64, limit: usize) -> Result<Vec<Account>> {
        self.storage.page(entry, after, limit).await
    }

    async fn open(&self, figment: &Figment) -> Result<()> {
        self.storage.open(figment).await
    }

    fn sessions(&self) -> Option<&dyn SessionStorage> {
        self.storage.sessions()
    }

    fn coordination(&self) -> Option<&dyn Coordination> {
        self.storage.coordination()
    }

    fn built_in(&self) -> Option<&dyn BuiltIn> {
        Some(self)
    }
}

impl Sealed for Replaced {}

#[rocket::async_trait]
impl BuiltIn for Replaced {
    async fn link(&self, login: &AuthorizedLogin, keys: &KeyRing) -> Result<Linked> {
        let mut users = self.users.lock().await;
        let unused = self.unused_id(&users).await?;
        let identity = login.profile.id.clone().map(|id| (login.entry.clone(), id));
        let linked = link_by(&*self.storage, login, keys, |asked| {
            Ok(match (&asked.standing, &identity) {
                (Standing::Stranger, Some(identity)) => {
                    Verdict::SignUp(users.get(identity).cloned().unwrap_or(unused))
                }
                _ => asked.default_verdict(),
            })
        })
        .await?;
        if let (Some(identity), Some(user)) = (identity, &linked.account.user_id) {
            users.insert(identity, user.clone());
        }
        Ok(linked)
    }

    async fn unlink(
        &self,
        user: Option<&str>,
        entry: &str,
        account_id: Option<i64>,
        entries: &[&str],
        keep: Option<&str>,
    ) -> Result<Removed> {
        self.storage.unlink(user, entry, account_id, entries, keep).await
    }

    async fn remove(&self, key: &AccountKey) -> Result<Removed> {
        self.storage.remove(key).await
    }

    fn user_type(&self) -> Option<UserType> {
        self.user_type
    }

    async fn sealed_by(&self) -> Result<BTreeMap<String, u64>> {
        self.storage.sealed_by().await
    }
}
