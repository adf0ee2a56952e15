//! `Site<P>`: the site's own account at `P`.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use rocket::http::Status;
use rocket::{Ignite, Request, Rocket, Sentinel};

use super::outcome::impl_from_request;
use super::sentinel::{AccountOwner, entry_on_route, must_abort};
use crate::client::Client;
use crate::dance::Dance;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Provider;
use crate::storage::site_account_key;

/// Gives the API [`Client`] of the site's own account at `P`, for example a bot's. It belongs to no user.
///
/// The account of an entry belongs to the site if the entry has `account = "583231"` (an id at the provider) in
/// Rocket.toml, or is named in [`site_account_admin`](crate::DanceFairing::site_account_admin). A sign-in at this entry
/// signs no user in. The first account must have that id, or be connected by a user whom the guard `Admin` admits.
/// Afterwards only the same account renews it. If the provider does not say who its user is, such a user connects the account,
/// and renews it; `account` can't be checked then.
///
/// The app can hand in a token, too: `dance.tokens(GitHub).set(Token::new("…"))`, see [`Tokens`](crate::Tokens#tokens-without-a-user).
///
/// Until the account is connected, and if its grant is no longer valid, the guard fails with 503
/// ([`ErrorKind::SiteNotConnected`]), since a visitor cannot change that. The log says where the operator connects the account.
/// `Result<Site<P>, Error>` gives the handler the error.
///
/// ```
/// use rocket_dance::{Result, Site, provider::GitHub};
///
/// #[rocket::get("/releases")]
/// async fn releases(bot: Site<GitHub>) -> Result<String> {
///     bot.get("repos/rwf2/Rocket/releases").text().await
/// }
/// ```
pub struct Site<P> {
    client: Client,
    provider: PhantomData<fn() -> P>,
}

impl<P> Deref for Site<P> {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl<P> fmt::Debug for Site<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(f)
    }
}

async fn find<P: Provider>(request: &Request<'_>) -> Result<Site<P>> {
    let client = find_client::<P>(request).await.map_err(as_outage)?;
    Ok(Site { client, provider: PhantomData })
}

async fn find_client<P: Provider>(request: &Request<'_>) -> Result<Client> {
    let dance = Dance::of(request)?;
    let entry = entry_on_route::<P>(dance)?;
    let client = dance.open_client(entry, dance.storage(request), &site_account_key(entry)).await?;
    // An account of a user is not the site's, even with the right id. An account without a user, which a visitor left
    // before the entry belonged to the site, is not the site's either.
    let client = client.filter(|client| client.account().is_sites());
    let client = client.ok_or_else(|| {
        Error::new(ErrorKind::NotConnected, "This site's account is not connected yet.")
            .with_source(format!("connect it at {}", dance.login_url(Some(P::NAME), None)))
    })?;
    client.refresh_if_due().await?;
    Ok(client)
}

/// For the visitor, an account that the operator must connect (again) is an outage.
fn as_outage(error: Error) -> Error {
    match error.kind().status() {
        Status::Unauthorized => {
            let message = "This page is not available at the moment. Please try again later.";
            Error::new(ErrorKind::SiteNotConnected, message).with_source(error)
        }
        _ => error,
    }
}

impl_from_request!([P: Provider] Site<P>, Some(P::NAME), find);

impl<P: Provider> Sentinel for Site<P> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        must_abort::<P>(rocket, AccountOwner::Site)
    }
}
