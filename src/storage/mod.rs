//! Storages: where accounts are stored, their tokens sealed.
//!
//! | storage | linking to users | without a request | a token is refreshed once | several accounts per entry | for |
//! |---|---|---|---|---|---|
//! | [`DieselStorage`] | by the app's policy, in the transaction | yes | over all processes | yes | apps |
//! | [`MemoryStorage`], [`NullStorage`] | to the user who is signed in | yes | within the process | yes | tests |
//! | [`CookieStorage`] (the default) | none: accounts belong to the browser | no | within the process | no | trying out the library |
//! | an app's own [`Storage`] | to the user who is signed in | yes | within the process, or with [`Coordination`] over all | with [`list`](Storage::list) | Redis, … |
//!
//! An app's own storage implements three methods: see [`Storage`]. Two further traits are optional:
//!
//! - [`SessionStorage`]: sessions that the server can end.
//! - [`Coordination`]: several processes share the storage.

mod account;
mod account_cookie;
mod account_key;
mod any_storage;
mod browser_storage;
mod built_in;
mod cache;
mod claim_state;
mod cookie_storage;
mod coordination;
mod dispatch;
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
pub use self::any_storage::AnyStorage;
pub(crate) use self::any_storage::StorageBackend;
pub(crate) use self::browser_storage::{ACCOUNT_TTL, BrowserStorage};
pub use self::built_in::BuiltIn;
pub(crate) use self::cache::{CachedAccount, CachedStorage};
pub use self::claim_state::ClaimState;
pub use self::cookie_storage::CookieStorage;
pub use self::coordination::Coordination;
pub use self::linked::Linked;
pub use self::memory_storage::MemoryStorage;
pub use self::null_storage::NullStorage;
pub use self::removed::Removed;
pub use self::session::Session;
pub use self::session_selection::SessionSelection;
pub use self::session_start::SessionStart;
pub use self::session_storage::SessionStorage;
#[cfg(feature = "_sql")]
#[cfg_attr(docsrs, doc(cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))))]
pub use self::sql::{DieselStorage, Migrations, PolicyConnection, schema};
pub use self::storage_trait::Storage;
pub(crate) use self::storage_trait::same_account;
pub use self::stored_change::{ChangeListener, StoredChange};
pub use self::user_type::UserType;
pub use crate::secret::{KeyRing, UnsealError};
