//! `OAuth<P>`: must have an account at `P`.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::Location;
use std::pin::Pin;

use rocket::request::{FromRequest, Outcome};
use rocket::{Ignite, Request, Rocket, Sentinel};

use super::challenge::outcome;
use crate::client::Client;
use crate::dance::Dance;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Provider;

/// The [`Client`] of the signed-in user's account at `P`: "must have".
///
/// Without a usable token it forwards with 401, and [`catchers`](crate::catchers) send the person to `P`'s sign-in and
/// back. It fails with 503 when the store or the provider is down. A `P` that Rocket.toml has no entry for stops
/// the launch.
///
/// `Option<OAuth<P>>` is none both when there is no account and when the store is down, which is Rocket's doing: a page
/// that says "please connect" during an outage is wrong. Use [`Accounts`](crate::Accounts) for "may have".
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

    /// The client, without the marker.
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
    let entry = dance.entry(P::NAME)?;
    let absent = |kind, text| Error::new(kind, text).with_entry(P::NAME);
    let Some(key) = dance.owner(request, P::NAME).await? else {
        return Err(absent(ErrorKind::NotSignedIn, "Please sign in."));
    };
    let client = dance.open(entry, dance.storage(request), &key).await?;
    let client = client.ok_or_else(|| absent(ErrorKind::NotConnected, "Please connect your account."))?;
    client.check().await?;
    Ok(client)
}

type BoxedOutcome<'a, T> = Pin<Box<dyn Future<Output = Outcome<T, Error>> + Send + 'a>>;

impl<'r, P: Provider> FromRequest<'r> for OAuth<P> {
    type Error = Error;

    // Written out, where others use the `async_trait` attribute, for the caller's location: see `challenge::mark`.
    #[track_caller]
    fn from_request<'life0, 'async_trait>(request: &'r Request<'life0>) -> BoxedOutcome<'async_trait, Self>
    where
        'r: 'async_trait,
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        let caller = Location::caller();
        Box::pin(
            async move { outcome(request, caller, Some(P::NAME), find::<P>(request).await.map(Self::new)) },
        )
    }
}

impl<P: Provider> Sentinel for OAuth<P> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        abort::<P>(rocket, "OAuth", false)
    }
}

/// Whether a route with the guard `guard<P>` must not be launched; says why.
pub(super) fn abort<P: Provider>(rocket: &Rocket<Ignite>, guard: &str, site: bool) -> bool {
    let (name, marker) = (P::NAME, std::any::type_name::<P>());
    let fault = match Dance::fetch(rocket) {
        None => format!(
            "a route has the guard `{guard}<{marker}>`: attach the fairing, `.attach(rocket_dance::Dance::fairing())`"
        ),
        Some(dance) if dance.entry(name).is_err() => format!(
            "a route has the guard `{guard}<{marker}>`, but there is no entry `{name}`: add it to Rocket.toml\n\n    \
             [default.oauth.{name}]\n    client_id = \"…\"\n    client_secret = \"…\"\n"
        ),
        Some(dance) if site && !dance.is_site(name) => format!(
            "a route has the guard `Site<{marker}>`, but the entry `{name}` is not the site's: set `account = \"…\"` \
             under [default.oauth.{name}], or call `.site_account_admin::<Admin>(\"{name}\")`"
        ),
        Some(dance) if !site && dance.is_site(name) => format!(
            "a route has the guard `OAuth<{marker}>`, but the entry `{name}` is the site's: take `Site<{marker}>`"
        ),
        Some(_) => return false,
    };
    log::error!("oauth: {fault}");
    true
}
