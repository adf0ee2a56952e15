//! The accounts of the user of a request, and the context of the pages that show them.

use std::collections::BTreeMap;

use rocket::Request;
use serde_json::{Value, json};

use super::{pending, sessions};
use crate::config::Entry;
use crate::dance::handle::Dance;
use crate::dance::web::csrf;
use crate::error::Result;
use crate::paths::{Path, Paths};
use crate::storage::Account;

/// The accounts of the user of `request`, by entry, the primary one of each entry first. The site's are left out.
///
/// # Errors
/// If the storage can't be reached.
pub(crate) async fn accounts_by_entry(
    dance: &Dance,
    request: &Request<'_>,
) -> Result<BTreeMap<String, Vec<Account>>> {
    let mut accounts: BTreeMap<String, Vec<Account>> = BTreeMap::new();
    let user = dance.user(request).await?;
    if dance.can_own_accounts(user) {
        let entries: Vec<&str> =
            dance.entries().keys().map(String::as_str).filter(|entry| !dance.is_site(entry)).collect();
        for account in dance.storage(request).list(user, &entries).await? {
            accounts.entry(account.entry.clone()).or_default().push(account);
        }
    }
    Ok(accounts)
}

/// The context of a page of accounts: see [`Accounts`](crate::Accounts), which serialises as this.
///
/// # Errors
/// If the user of the request can't be read.
pub(crate) async fn accounts_context(
    dance: &Dance,
    request: &Request<'_>,
    accounts: &BTreeMap<String, Vec<Account>>,
) -> Result<Value> {
    let is_signed_in = dance.user(request).await?.is_some();
    let paths = dance.public_paths();
    let entries = dance.entries().values().filter(|entry| !dance.is_site(&entry.name)).filter_map(|entry| {
        let connected = accounts.get(&entry.name).map(Vec::as_slice).unwrap_or_default();
        entry_context(paths, entry, connected, is_signed_in)
    });
    Ok(json!({
        "entries": entries.collect::<Vec<_>>(),
        "csrf": csrf::token(dance, request).await?,
        "signed_in": is_signed_in,
        "confirm_url": pending::may_exist(dance, request).then(|| paths.to(Path::Confirm)),
        "accounts_url": paths.to(Path::Accounts),
        "logout_url": paths.to(Path::Logout),
        "logout_everywhere_url":
            sessions::can_end_sessions(dance).then(|| paths.to(Path::LogoutEverywhere)),
    }))
}

/// The context of one entry; `None` for an entry that only connects, if no user is signed in.
fn entry_context(paths: &Paths, entry: &Entry, connected: &[Account], is_signed_in: bool) -> Option<Value> {
    let verb = match (connected.is_empty(), is_signed_in) {
        (false, _) => "Reconnect",
        (true, true) => "Connect",
        (true, false) if entry.login => "Sign in with",
        (true, false) => return None,
    };
    let accounts = connected.iter().enumerate().map(|(place, account)| {
        json!({
            "id": account.id,
            // The primary one is the first.
            "primary": place == 0,
            "provider_user_id": account.provider_user_id,
            "display_name": account.display_name,
            "email": account.email,
            "image_url": account.image_url,
            "profile_url": account.profile_url,
        })
    });
    Some(json!({
        "name": entry.name,
        "title": entry.title,
        "verb": verb,
        "action": paths.of_entry(Path::Begin, &entry.name),
        "disconnect": paths.of_entry(Path::Disconnect, &entry.name),
        "make_primary": paths.of_entry(Path::MakePrimary, &entry.name),
        "accounts": accounts.collect::<Vec<_>>(),
    }))
}
