//! The builder, which is the fairing.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use rocket::Request;
use rocket::request::FromRequest;

use super::handle::{AdmitsRequest, Dance};
use crate::provider::{Preset, Provider};
use crate::session::{ErasedSessions, Sessions};
use crate::signals::{Receivers, Signals};
use crate::storage::AnyStorage;

impl Dance {
    /// Returns the fairing. Attach it to `rocket::build()`: every `[default.oauth.<name>]` of Rocket.toml then has its
    /// sign-in.
    ///
    /// ```
    /// use rocket_dance::{Dance, storage::MemoryStorage};
    ///
    /// let rocket = rocket::build().attach(Dance::fairing().storage(MemoryStorage::default()));
    /// # let _ = rocket;
    /// ```
    pub fn fairing() -> DanceFairing {
        DanceFairing::default()
    }
}

/// The fairing of a [`Dance`], and its builder: [`Dance::fairing`] returns one.
///
/// At ignite it reads Rocket.toml, opens the storage, mounts the routes and puts a [`Dance`] into managed state. If
/// something is wrong, it logs one message per fault, each with its fix, and the launch fails.
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

/// What the app has attached. The launch takes it.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) storage: Option<AnyStorage>,
    pub(super) sessions: Option<Box<dyn ErasedSessions>>,
    pub(super) signals: Receivers,
    pub(super) providers: Vec<OwnProvider>,
    /// By entry: the guard that admits the user who connects the site's first account.
    pub(super) site_account_admins: BTreeMap<String, AdmitsRequest>,
}

/// A preset of the app's own.
pub(super) struct OwnProvider {
    pub(super) name: &'static str,
    pub(super) marker: TypeId,
    pub(super) preset: Preset,
}

impl DanceFairing {
    fn with(mut self, change: impl FnOnce(&mut Parts)) -> Self {
        change(self.0.get_mut().unwrap_or_else(PoisonError::into_inner));
        self
    }

    /// Sets the storage of the accounts: any [`Storage`](crate::storage::Storage).
    ///
    /// The default is [`CookieStorage`](crate::storage::CookieStorage): each browser keeps its own accounts, and a sign-in signs no
    /// user in. If a route has a guard of the signed-in user, the launch then warns, unless this call names `CookieStorage`.
    pub fn storage(self, storage: impl Into<AnyStorage>) -> Self {
        self.with(|parts| parts.storage = Some(storage.into()))
    }

    /// Sets the app's own sessions, in place of the session cookie of [`CurrentUser`](crate::CurrentUser).
    ///
    /// The launch fails if the type of their user ids differs from that of the storage's policy. [`Sessions`] has an
    /// example.
    pub fn sessions<S: Sessions>(self, sessions: S) -> Self {
        self.with(|parts| parts.sessions = Some(Box::new(sessions)))
    }

    /// Attaches signals for all entries. An app may attach several: they run in the order of the calls. [`Signals`] has an
    /// example.
    pub fn signals(self, signals: impl Signals) -> Self {
        self.with(|parts| parts.signals.add(None, Arc::new(signals)))
    }

    /// Attaches signals for the entry called `entry` only. The launch fails if there is no such entry.
    pub fn signals_for(self, entry: &str, signals: impl Signals) -> Self {
        self.with(|parts| parts.signals.add(Some(entry.into()), Arc::new(signals)))
    }

    /// Registers a preset of the app's own under its [`NAME`](Provider::NAME), so that entries can use it. A preset of this
    /// crate with the same name is replaced. [`Provider`] has an example.
    ///
    /// The launch fails if two providers have the same name.
    pub fn provider<P: Provider>(self, provider: P) -> Self {
        let _ = provider;
        self.with(|parts| {
            let own = OwnProvider { name: P::NAME, marker: TypeId::of::<P>(), preset: P::PRESET };
            parts.providers.push(own);
        })
    }

    /// Sets the guard `Admin` that admits a user who connects the site's own account at `entry`.
    ///
    /// The account of the entry then belongs to no user, and the guard [`Site<P>`](crate::Site) calls its API. Once an
    /// account is connected, only the same account at the provider renews it.
    ///
    /// ```
    /// use rocket::request::{FromRequest, Outcome, Request};
    /// use rocket_dance::{CurrentUser, Dance};
    ///
    /// struct Admin;
    ///
    /// #[rocket::async_trait]
    /// impl<'r> FromRequest<'r> for Admin {
    ///     type Error = rocket_dance::Error;
    ///
    ///     async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
    ///         request.guard::<CurrentUser<i32>>().await.and_then(|user| match *user {
    ///             1 => Outcome::Success(Admin),
    ///             _ => Outcome::Forward(rocket::http::Status::Forbidden),
    ///         })
    ///     }
    /// }
    ///
    /// let fairing = Dance::fairing().site_account_admin::<Admin>("github");
    /// # let _ = fairing;
    /// ```
    pub fn site_account_admin<Admin>(self, entry: &str) -> Self
    where
        Admin: for<'r> FromRequest<'r> + 'static,
    {
        self.with(|parts| {
            parts.site_account_admins.insert(entry.into(), admits::<Admin>);
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
