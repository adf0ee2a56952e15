//! `OAuth<P>`: requires a connected account at `P`.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::Location;

use rocket::{Ignite, Request, Rocket, Sentinel};

use super::caller::is_wrapper_in_route;
use super::outcome::impl_from_request;
use super::sentinel::{AccountOwner, entry_on_route, must_abort, must_abort_for_scopes};
use crate::client::Client;
use crate::dance::Dance;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Provider;

/// Requires a connected account at `P`, and gives the API [`Client`] of the signed-in user's primary one.
///
/// | situation | outcome |
/// |---|---|
/// | a usable token | the guard, which dereferences to the [`Client`] |
/// | no user, no account, a dead grant, or a missing scope | forwards with 401; [`catchers`](crate::catchers) redirect to `P`'s sign-in and back |
/// | the storage or the provider can't be reached | fails with the status of the error, for example 503 |
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
///
/// # Further scopes
///
/// A page that needs more than the entry's `scope` names it in [`RequiredScopes`], and takes `OAuth<P, S>`. A user who has not
/// granted it is led to the provider, to consent to it, and back to the page:
///
/// ```
/// use rocket_dance::{OAuth, RequiredScopes, Result, provider::GitHub};
///
/// struct Repos;
///
/// impl RequiredScopes for Repos {
///     const SCOPES: &'static [&'static str] = &["repo"];
/// }
///
/// #[rocket::get("/repos")]
/// async fn repos(github: OAuth<GitHub, Repos>) -> Result<String> {
///     github.get("user/repos").text().await
/// }
/// ```
pub struct OAuth<P, S = ()> {
    client: Client,
    marker: PhantomData<fn() -> (P, S)>,
}

/// The scopes that a guard [`OAuth<P, S>`](OAuth#further-scopes) requires, beyond those of the entry.
///
/// If the account's granted scope lacks one of them, the guard forwards with 401 ([`ErrorKind::ScopeMissing`]), and
/// [`catchers`](crate::catchers) lead the user to the provider. The request asks for the entry's scope, what the user has granted
/// before, and the required scopes, so that the account keeps what it had. A user who does not have an account yet is asked for
/// everything at once. [`Accounts::require_scopes`](crate::Accounts::require_scopes) does the same in a handler.
///
/// If the provider grants less again, the user gets a page that names the missing scope ([`ErrorKind::ScopeDenied`]). If its
/// answer names no scope, everything that was asked for counts as granted (RFC 6749 §5.1). If it names a scope differently, the
/// preset says so: [`Preset::implied_scopes`](crate::provider::Preset::implied_scopes).
///
/// OAuth 1 has no scopes: such a guard stops the launch.
pub trait RequiredScopes: 'static {
    /// The scopes, by their names in an authorization request.
    const SCOPES: &'static [&'static str];
}

/// No scopes beyond those of the entry.
impl RequiredScopes for () {
    const SCOPES: &'static [&'static str] = &[];
}

impl<P, S> OAuth<P, S> {
    pub(super) fn new(client: Client) -> Self {
        Self { client, marker: PhantomData }
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

impl<P, S> Deref for OAuth<P, S> {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl<P, S> fmt::Debug for OAuth<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(f)
    }
}

async fn find<P: Provider, S: RequiredScopes>(request: &Request<'_>) -> Result<OAuth<P, S>> {
    let found = find_client::<P, S>(request).await.map(OAuth::new);
    // A user without a usable account is asked for everything at once.
    found.map_err(|error| match error.kind() {
        ErrorKind::NotSignedIn | ErrorKind::NotConnected | ErrorKind::ReconnectNeeded => {
            error.with_missing_scopes(S::SCOPES.iter().copied())
        }
        _ => error,
    })
}

async fn find_client<P: Provider, S: RequiredScopes>(request: &Request<'_>) -> Result<Client> {
    let dance = Dance::of(request)?;
    let entry = entry_on_route::<P>(dance)?;
    let client = dance.client_of_request(request, entry).await?;
    client.refresh_if_due().await?;
    require_scopes(dance, &client, S::SCOPES)?;
    Ok(client)
}

/// Checks that the account of `client` has `scopes`.
///
/// # Errors
/// [`ErrorKind::ScopeMissing`].
pub(super) fn require_scopes(dance: &Dance, client: &Client, scopes: &[&str]) -> Result<()> {
    if scopes.is_empty() {
        return Ok(());
    }
    let (entry, account) = (dance.entry(client.entry())?, client.account());
    let granted: Vec<&str> = account.scope.split(' ').collect();
    let missing = entry.missing_scopes(scopes.iter().copied(), &granted);
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!(
        "This page needs a permission at {} that you have not given: {}.",
        entry.title,
        missing.join(", ")
    );
    Err(Error::new(ErrorKind::ScopeMissing, message).with_entry(&entry.name).with_missing_scopes(missing))
}

impl_from_request!([P: Provider, S: RequiredScopes] OAuth<P, S>, Some(P::NAME), find);

impl<P: Provider, S: RequiredScopes> Sentinel for OAuth<P, S> {
    #[track_caller]
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        if !is_wrapper_in_route(rocket, Location::caller()) {
            Dance::note_guard(rocket, &format!("OAuth<{}>", std::any::type_name::<P>()));
        }
        must_abort::<P>(rocket, AccountOwner::User) || must_abort_for_scopes::<P>(rocket, S::SCOPES)
    }
}
