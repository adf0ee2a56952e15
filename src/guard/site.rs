//! `Site<P>`: the site's own account at `P`.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use rocket::http::Status;
use rocket::request::{FromRequest, Outcome};
use rocket::{Ignite, Request, Rocket, Sentinel};

use super::oauth::abort;
use crate::client::Client;
use crate::dance::Dance;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Provider;
use crate::storage::AccountKey;

/// The [`Client`] of the site's own account at `P`: a bot, one account for everybody.
///
/// The entry is the site's when it has `account = "583231"` in Rocket.toml, or is named in
/// `.site_account_admin::<Admin>("name")`. Its dance signs nobody in; its first account must have that id, or be connected by
/// somebody whom `Admin` admits; from then on only the same account renews it. Until it is connected the guard
/// fails with 503: there is nothing that a visitor could do.
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
    let client = dance.open(entry, dance.storage(request), &key).await?;
    // A user's own is not the site's, though it be the same person's there; nor is what a visitor left without a user,
    // before the entry was the site's.
    let client = client.filter(|client| client.account().is_sites());
    let client = client.ok_or_else(|| {
        Error::new(ErrorKind::NotConnected, "This site's account is not connected yet.")
            .with_source(format!("connect it at {}", dance.path(&format!("/{}", P::NAME))))
    })?;
    client.check().await?;
    Ok(client)
}

#[rocket::async_trait]
impl<'r, P: Provider> FromRequest<'r> for Site<P> {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Error> {
        match find::<P>(request).await {
            Ok(client) => Outcome::Success(Self { client, provider: PhantomData }),
            Err(error) => {
                // Whatever it is, the operator must act.
                log::error!("oauth: the site's account at `{}`: {error:?}", P::NAME);
                // A dead grant of the site's is an outage for the visitor, who can't reconnect it.
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
        abort::<P>(rocket, "Site", true)
    }
}
