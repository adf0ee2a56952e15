//! The cache in front of a storage.
//!
//! [`CachedStorage`] answers from memory for a few seconds (`cache.ttl`), also that there is no account. It never remembers a
//! failure. Tokens are in memory as they are in the storage: sealed.
//!
//! Each key is looked up together with its *generation*, a counter that every write to the key increases. A load that began
//! before a write therefore stores its result under a generation that is no longer looked up, and no request that comes
//! after the write waits for that load. Writes of other processes increase generations, too, if the storage
//! [reports](super::Coordination::watch) them. Otherwise the time to live bounds how long an old value is seen.

mod account_cache;
mod cache_key;
mod cached_account;
mod cached_sessions;
mod cached_storage;
mod generations;
mod packed_account;
mod session_cache;
mod single_flight;
#[cfg(test)]
mod tests;

pub(crate) use self::cached_account::CachedAccount;
pub(crate) use self::cached_storage::CachedStorage;
