//! `OAuth<P>`: requires a connected account at `P`.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::Location;

use rocket::request::FromRequest;
use rocket::{Ignite, Request, Rocket, Sentinel};

use super::caller::is_wrapper_in_route;
use super::outcome::{GuardFuture, guard_outcome};
use super::sentinel::{AccountOwner, entry_on_route, must_abort};
use crate::client::Client;
use crate::dance::Dance;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Provider;

/// Requires a connected account at `P`, and gives the API [`Client`] of the signed-in user's primary one.
///
/// | situation | outcome |
/// |---|---|
/// | a usable token | the guard, which dereferences to the [`Client`] |
/// | no user, no account, or a dead grant | forwards with 401; [`catchers`](crate::catchers) redirect to `P`'s sign-in and back |
/// | the storage or the provider can't be reached | fails with 503 |
/// | no entry of `P`'s name in Rocket.toml | the launch fails |
///
/// `Result<OAuth<P>, Error>` gives the handler the error of each of these situations. `Option<OAuth<P>>` is `None` both
/// without an account and in an outage; the cause is Rocket. A page that says "please connect" during an outage is wrong, so
/// take a `Result` or [`Accounts`](crate::Accounts) where an account is optional.
///
/// ```
/// use rocket_dance::{OAuth, Result, provider::GitHub};
/// use rocket::serde::Deserialize;
///
/// #[derive(Deserialize)]
/// # #[serde(crate = "rocket::serde")]
/// struct Me { login: String }
///
/// #[rocket::get("/")]
/// async fn index(github: OAuth<GitHub>) -> Result<String> {
///     let me: Me = github.get("user").json().await?;
///     Ok(format!("You are @{} on GitHub", me.login))
/// }
/// ```
pub struct OAuth<P> {
    client: Client,
    provider: PhantomData<fn() -> P>,
}

impl<P> OAuth<P> {
    pub(super) fn new(client: Client) -> Self {
        Self { client, provider: PhantomData }
    }

    /// Returns the client, for example to keep it in a struct that is not generic.
    ///
    /// ```
    /// use rocket_dance::{Client, OAuth, provider::GitHub};
    ///
    /// struct Importer { client: Client }
    ///
    /// #[rocket::post("/import")]
    /// fn import(github: OAuth<GitHub>) {
    ///     let importer = Importer { client: github.into_client() };
    ///     # let _ = importer.client;
    /// }
    /// ```
    pub fn into_client(self) -> Client {
        self.client
    }
}

impl<P> Deref for OAuth<P> {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl<P> fmt::Debug for OAuth<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(f)
    }
}

async fn find<P: Provider>(request: &Request<'_>) -> Result<Client> {
    let dance = Dance::of(request)?;
    let entry = entry_on_route::<P>(dance)?;
    let absent = |kind, message| Error::new(kind, message).with_entry(P::NAME);
    let Some(key) = dance.owner_key(request, P::NAME).await? else {
        return Err(absent(ErrorKind::NotSignedIn, "Please sign in."));
    };
    let client = dance.open_client(entry, dance.storage(request), &key).await?;
    let client = client.ok_or_else(|| absent(ErrorKind::NotConnected, "Please connect your account."))?;
    client.refresh_if_due().await?;
    Ok(client)
}

impl<'r, P: Provider> FromRequest<'r> for OAuth<P> {
    type Error = Error;

    // Written without the `async_trait` attribute, to get the caller's location: see `caller`.
    #[track_caller]
    fn from_request<'life0, 'async_trait>(request: &'r Request<'life0>) -> GuardFuture<'async_trait, Self>
    where
        'r: 'async_trait,
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        let caller = Location::caller();
        Box::pin(async move {
            let found = find::<P>(request).await.map(Self::new);
            guard_outcome(request, caller, Some(P::NAME), found).await
        })
    }
}

impl<P: Provider> Sentinel for OAuth<P> {
    #[track_caller]
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        if !is_wrapper_in_route(rocket, Location::caller()) {
            Dance::note_guard(rocket, &format!("OAuth<{}>", std::any::type_name::<P>()));
        }
        must_abort::<P>(rocket, AccountOwner::User)
    }
}
