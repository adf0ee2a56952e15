//! The builder that is the fairing.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use rocket::Request;
use rocket::request::FromRequest;

use crate::provider::{Preset, Provider};
use crate::session::{ErasedSessions, Sessions, TypedSessions};
use crate::signals::{Receivers, Signals};
use crate::storage::AnyStorage;

/// Whether a request's person may connect the site's account.
pub(crate) type Admits = for<'a> fn(&'a Request<'_>) -> BoxFuture<'a, bool>;

/// The fairing of [`Dance`](crate::Dance): what is attached, and how it is built.
///
/// ```
/// use rocket_dance::{Dance, storage::MemoryStorage};
///
/// let rocket = rocket::build().attach(Dance::fairing().storage(MemoryStorage::default()));
/// # let _ = rocket;
/// ```
#[derive(Default)]
#[must_use = "a fairing does nothing until it is attached"]
pub struct DanceFairing(pub(super) Mutex<Parts>);

/// What the dance is built from; taken at ignite.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) storage: Option<AnyStorage>,
    pub(super) sessions: Option<Box<dyn ErasedSessions>>,
    pub(super) signals: Receivers,
    pub(super) providers: Vec<(&'static str, TypeId, Preset)>,
    pub(super) admins: BTreeMap<String, Admits>,
}

impl DanceFairing {
    fn with(mut self, change: impl FnOnce(&mut Parts)) -> Self {
        change(self.0.get_mut().unwrap_or_else(PoisonError::into_inner));
        self
    }

    /// Where accounts are kept: any [`Storage`](crate::storage::Storage);
    /// [`CookieStorage`](crate::storage::CookieStorage) when none is named.
    pub fn storage(self, storage: impl Into<AnyStorage>) -> Self {
        self.with(|parts| parts.storage = Some(storage.into()))
    }

    /// The app's own sessions, in place of [`CurrentUser`](crate::CurrentUser)'s cookie.
    pub fn sessions<S: Sessions>(self, sessions: S) -> Self {
        self.with(|parts| parts.sessions = Some(Box::new(TypedSessions(sessions))))
    }

    /// Attaches signals for all entries. May be called several times: they run in order.
    pub fn signals(self, signals: impl Signals) -> Self {
        self.with(|parts| parts.signals.add(None, Arc::new(signals)))
    }

    /// Attaches signals for one entry.
    pub fn signals_for(self, entry: &str, signals: impl Signals) -> Self {
        self.with(|parts| parts.signals.add(Some(entry.into()), Arc::new(signals)))
    }

    /// Registers a preset of the app's own under its name: see [`Provider`].
    pub fn provider<P: Provider>(self, provider: P) -> Self {
        let _ = provider;
        self.with(|parts| parts.providers.push((P::NAME, TypeId::of::<P>(), P::PRESET)))
    }

    /// Makes `entry` the site's: its account belongs to nobody, [`Site<P>`](crate::Site) calls its API, and its first
    /// account may be connected only by somebody whom the guard `Admin` admits.
    pub fn site_account_admin<Admin>(self, entry: &str) -> Self
    where
        Admin: for<'r> FromRequest<'r> + 'static,
    {
        self.with(|parts| {
            parts.admins.insert(entry.into(), admits::<Admin>);
        })
    }
}

fn admits<'a, Admin>(request: &'a Request<'_>) -> BoxFuture<'a, bool>
where
    Admin: for<'r> FromRequest<'r>,
{
    Box::pin(async move { Admin::from_request(request).await.is_success() })
}

impl fmt::Debug for DanceFairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DanceFairing")
    }
}
