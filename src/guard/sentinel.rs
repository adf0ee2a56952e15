//! Checks at launch that a route's guard can work.

use rocket::{Ignite, Rocket};

use crate::dance::Dance;
use crate::provider::Provider;

/// The fix for a missing fairing.
pub(super) const ATTACH_FAIRING: &str = "attach the fairing, `.attach(rocket_dance::Dance::fairing())`";

/// The owner of the account that a guard needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AccountOwner {
    User,
    Site,
}

/// Whether the launch must fail, since the guard `OAuth<P>` or `Site<P>` of a route can't work. Logs the reason.
pub(super) fn must_abort<P: Provider>(rocket: &Rocket<Ignite>, owner: AccountOwner) -> bool {
    let (name, marker) = (P::NAME, std::any::type_name::<P>());
    let guard = match owner {
        AccountOwner::User => "OAuth",
        AccountOwner::Site => "Site",
    };
    let fault = match Dance::fetch(rocket) {
        None => ATTACH_FAIRING.to_owned(),
        Some(dance) if dance.entry(name).is_err() => format!(
            "there is no entry `{name}`: add it to Rocket.toml\n\n    [default.oauth.{name}]\n    client_id = \"…\"\n    \
             client_secret = \"…\"\n"
        ),
        Some(dance) => match (owner, dance.is_site(name)) {
            (AccountOwner::Site, false) => format!(
                "the account of the entry `{name}` does not belong to the site: set `account = \"…\"` under \
                 [default.oauth.{name}], or call `.site_account_admin::<Admin>(\"{name}\")`"
            ),
            (AccountOwner::User, true) => {
                format!("the account of the entry `{name}` belongs to the site: take `Site<{marker}>`")
            }
            _ => return false,
        },
    };
    log::error!("oauth: a route has the guard `{guard}<{marker}>`: {fault}");
    true
}
