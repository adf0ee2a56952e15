//! `AnyStorage`: the storage that an app has chosen.

use std::sync::Arc;

use super::{CheckedStorage, CookieStorage, Storage};

/// The storage that an app has chosen: one [`Storage`] that all requests share, or [`CookieStorage`], which keeps each
/// browser's accounts in that browser.
///
/// `From` makes it of either, so that [`DanceFairing::storage`](crate::DanceFairing::storage) takes both:
///
/// ```
/// use rocket_dance::Dance;
/// use rocket_dance::storage::{CookieStorage, MemoryStorage};
///
/// let shared = Dance::fairing().storage(MemoryStorage::new());
/// let in_the_browser = Dance::fairing().storage(CookieStorage);
/// # let _ = (shared, in_the_browser);
/// ```
#[allow(missing_debug_implementations)]
pub struct AnyStorage(pub(crate) StorageBackend);

/// Where accounts are stored: in each browser's cookies, or in one storage that all requests share.
pub(crate) enum StorageBackend {
    Browser,
    Shared(Arc<dyn Storage>),
}

impl StorageBackend {
    /// The storage that all requests share, if there is one.
    pub(crate) fn shared(&self) -> Option<&Arc<dyn Storage>> {
        match self {
            StorageBackend::Browser => None,
            StorageBackend::Shared(storage) => Some(storage),
        }
    }

    pub(crate) fn keeps_sessions(&self) -> bool {
        self.shared().is_some_and(|storage| storage.sessions().is_some())
    }
}

impl<S: Storage> From<S> for AnyStorage {
    fn from(storage: S) -> Self {
        AnyStorage(StorageBackend::Shared(CheckedStorage::around(Arc::new(storage))))
    }
}

impl From<CookieStorage> for AnyStorage {
    fn from(_: CookieStorage) -> Self {
        AnyStorage(StorageBackend::Browser)
    }
}
