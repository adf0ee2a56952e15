//! Checks at launch that a route's guard can work.

use std::sync::Arc;

use rocket::{Ignite, Rocket};

use crate::config::Entry;
use crate::dance::Dance;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Provider;
use crate::storage::UserType;
use crate::user::UserId;

/// The fix for a missing fairing.
const ATTACH_FAIRING: &str = "attach the fairing, `.attach(rocket_dance::Dance::fairing())`";

/// Whether the launch must fail, since no fairing is attached, which `guard` of a route needs. Logs the reason.
pub(super) fn must_abort_without_fairing(rocket: &Rocket<Ignite>, guard: &str) -> bool {
    let is_missing = Dance::fetch(rocket).is_none();
    if is_missing {
        log::error!("oauth: a route has the guard `{guard}`: {ATTACH_FAIRING}");
    }
    is_missing
}

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
        Some(dance) if dance.entry(name).is_err() => add_entry(name),
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

/// Whether the launch must fail, since a guard of `P` requires `scopes`, and the protocol of its entry has none. Logs the reason.
pub(super) fn must_abort_for_scopes<P: Provider>(rocket: &Rocket<Ignite>, scopes: &[&str]) -> bool {
    let entry = Dance::fetch(rocket).and_then(|dance| dance.entry(P::NAME).ok());
    let has_none = entry.is_some_and(|entry| entry.oauth2().is_none());
    if has_none && !scopes.is_empty() {
        log::error!(
            "oauth: a route has the guard `OAuth<{}, …>` with required scopes, and OAuth 1 has no scopes: take `OAuth<{0}>`",
            std::any::type_name::<P>()
        );
    }
    has_none && !scopes.is_empty()
}

/// The fix for a missing entry.
fn add_entry(name: &str) -> String {
    format!(
        "there is no entry `{name}`: add it to Rocket.toml\n\n    [default.oauth.{name}]\n    client_id = \"…\"\n    \
         client_secret = \"…\"\n"
    )
}

/// Returns the entry of `P`. At launch Rocket checks the guards of routes, but not those that a guard of the app calls.
///
/// # Errors
/// [`ErrorKind::Misconfigured`].
pub(super) fn entry_on_route<P: Provider>(dance: &Dance) -> Result<&Arc<Entry>> {
    dance.entry(P::NAME).map_err(|_| {
        Error::new(ErrorKind::Misconfigured, "This app is not set up completely.").with_source(format!(
            "a guard needs `{}`: {}",
            std::any::type_name::<P>(),
            add_entry(P::NAME)
        ))
    })
}

/// Whether the launch must fail, since the guard `guard<U>` of a route can't work. Logs the reason.
pub(super) fn must_abort_for_user<U: UserId>(rocket: &Rocket<Ignite>, guard: &str) -> bool {
    Dance::note_users(rocket);
    let wanted = UserType::of::<U>();
    let fault = match Dance::fetch(rocket) {
        None => ATTACH_FAIRING.to_owned(),
        Some(dance) => match dance.user_type() {
            Some(known) if known != wanted => {
                format!("the app's user ids are `{}`: take `{guard}<{0}>`", known.name())
            }
            _ => return false,
        },
    };
    log::error!("oauth: a route has the guard `{guard}<{}>`: {fault}", wanted.name());
    true
}
