//! `Site<P>`: the site's own account at `P`.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use rocket::http::Status;
use rocket::request::{FromRequest, Outcome};
use rocket::{Ignite, Request, Rocket, Sentinel};

use super::sentinel::{AccountOwner, must_abort};
use crate::client::Client;
use crate::dance::Dance;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Provider;
use crate::storage::AccountKey;

/// Gives the API [`Client`] of the site's own account at `P`, for example a bot's. It belongs to no user.
///
/// The account of an entry belongs to the site if the entry has `account = "583231"` (an id at the provider) in
/// Rocket.toml, or is named in [`site_account_admin`](crate::DanceFairing::site_account_admin). A sign-in at this entry
/// signs no user in. The first account must have that id, or be connected by a user whom the guard `Admin` admits.
/// Afterwards only the same account renews it.
///
/// Until the account is connected, and if its grant is no longer valid, the guard fails with 503, since a visitor cannot
/// change that. The log says where the operator connects the account.
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

async fn find<P: Provider>(request: &Request<'_>) -> Result<Client> {
    let dance = Dance::of(request)?;
    let entry = dance.entry(P::NAME)?;
    let key = match &entry.account {
        Some(account) => AccountKey::identity(P::NAME, account),
        None => AccountKey::Owner { entry: P::NAME.into(), user: None },
    };
    let client = dance.open_client(entry, dance.storage(request), &key).await?;
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

#[rocket::async_trait]
impl<'r, P: Provider> FromRequest<'r> for Site<P> {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Error> {
        match find::<P>(request).await {
            Ok(client) => Outcome::Success(Self { client, provider: PhantomData }),
            Err(error) => {
                // The operator must act, whatever the error is.
                log::error!("oauth: the site's account at `{}`: {error:?}", P::NAME);
                // For the visitor, a dead grant of the site is an outage.
                let status = match error.kind().status() {
                    Status::Unauthorized => Status::ServiceUnavailable,
                    status => status,
                };
                Outcome::Error((status, error))
            }
        }
    }
}

impl<P: Provider> Sentinel for Site<P> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        must_abort::<P>(rocket, AccountOwner::Site)
    }
}
