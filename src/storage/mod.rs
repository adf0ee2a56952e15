//! Storages: where accounts are stored, their tokens sealed.
//!
//! | storage | linking to users | without a request | a token is refreshed once | several accounts per entry | for |
//! |---|---|---|---|---|---|
//! | [`DieselStorage`] | by the app's policy, in the transaction | yes | over all processes | yes | apps |
//! | [`MemoryStorage`], [`NullStorage`] | to the user who is signed in | yes | within the process | yes | tests |
//! | [`CookieStorage`] (the default) | none: accounts belong to the browser | no | within the process | no | trying out the library |
//! | an app's own [`Storage`] | to the user who is signed in | yes | within the process, or with [`Coordination`] over all | with [`list`](Storage::list) | Redis, … |
//!
//! ```
//! # #[cfg(feature = "sqlite")]
//! # {
//! use rocket_dance::Dance;
//! use rocket_dance::storage::DieselStorage;
//!
//! // The database `app` of Rocket.toml. A policy is added with `.link(…)`.
//! let fairing = Dance::fairing().storage(DieselStorage::database("app").migrate());
//! # let _ = fairing;
//! # }
//! ```
//!
//! # A storage of an app's own
//!
//! It implements three methods: see [`Storage`]. The app passes it to [`DanceFairing::storage`](crate::DanceFairing::storage). It
//! has no [`LinkPolicy`](crate::LinkPolicy): a user signs up with a form of the app, connects accounts while signed in, and signs
//! in with them from then on. A login with an unknown account is refused. Two further traits are optional:
//!
//! - [`SessionStorage`]: sessions that the server can end.
//! - [`Coordination`]: several processes share the storage.
//!
//! `rocket_dance::testing::storage_suite` (feature `testing`) checks all rules in an app's own test, and `examples/redis_storage`
//! in the repository is a storage for several processes that passes it.
//!
//! A key-value store has no transactions, and may store one account per user and entry. On such a store rocket_dance keeps its
//! own rules:
//!
//! | situation | what rocket_dance does |
//! |---|---|
//! | a user connects a second account at an entry, and the store has room for one | the first one is deleted under all its keys, its sessions end, its tokens are revoked, and [`Event::AccountRemoved`](crate::Event::AccountRemoved) is reported |
//! | a process ends between two writes, or two processes write at once | an identity that is no longer among its owner's accounts signs no user in; of two versions of an account, the later one counts |
//! | an account gets an owner, or another one | the former owner no longer has it |
//! | a deletion also deletes what another account has stored under the owner's key | the other account is stored again |
//! | the app has stored a token without an identity for a user | it becomes the user's account at the user's next sign-in or connect at the entry: see [`Tokens::set`](crate::Tokens::set) |
//! | a token is due in several requests, or a callback arrives several times | one refresh and one exchange per process; with [`Coordination`] over all processes |
//!
//! For this reason a read of such a storage is two reads of the store if the cache does not have the account.

mod account;
mod account_cookie;
mod account_key;
mod any_storage;
mod browser_storage;
mod built_in;
mod cache;
mod checked_storage;
mod claim_state;
mod cookie_storage;
mod coordination;
mod dispatch;
#[cfg(any(test, feature = "testing"))]
#[cfg_attr(not(feature = "testing"), allow(dead_code))] // Our own tests need sessions only with a database.
pub(crate) mod fixtures;
mod found;
mod linked;
pub(crate) mod local;
mod memory_storage;
mod null_storage;
mod plain;
mod refusals;
mod removed;
mod session;
mod session_selection;
mod session_start;
mod session_storage;
#[cfg(feature = "_sql")]
mod sql;
mod storage_trait;
mod stored_change;
#[cfg(test)]
pub(crate) mod suite;
mod user_type;

pub use self::account::Account;
pub use self::account_key::AccountKey;
pub(crate) use self::account_key::site_account_key;
pub use self::any_storage::AnyStorage;
pub(crate) use self::any_storage::StorageBackend;
pub(crate) use self::browser_storage::{ACCOUNT_TTL, BrowserStorage};
pub use self::built_in::BuiltIn;
#[cfg(feature = "testing")]
pub(crate) use self::built_in::Sealed;
pub(crate) use self::cache::{CachedAccount, CachedStorage};
pub(crate) use self::checked_storage::CheckedStorage;
pub use self::claim_state::ClaimState;
pub use self::cookie_storage::CookieStorage;
pub use self::coordination::Coordination;
pub use self::linked::Linked;
pub use self::memory_storage::MemoryStorage;
pub use self::null_storage::NullStorage;
#[cfg(feature = "testing")]
pub(crate) use self::plain::link_by;
pub use self::removed::Removed;
pub use self::session::Session;
pub use self::session_selection::SessionSelection;
pub use self::session_start::SessionStart;
pub use self::session_storage::SessionStorage;
#[cfg(feature = "_sql")]
#[cfg_attr(docsrs, doc(cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))))]
pub use self::sql::{DieselPool, DieselStorage, Migrations, PolicyConnection, schema};
pub use self::storage_trait::Storage;
pub(crate) use self::storage_trait::{reload_by_id, same_account};
pub use self::stored_change::{ChangeListener, StoredChange};
pub use self::user_type::UserType;
pub use crate::secret::{KeyRing, UnsealError};
