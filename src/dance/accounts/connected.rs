//! The accounts of the user of a request, and the context of the pages that show them.

use std::collections::BTreeMap;

use rocket::Request;
use serde_json::{Value, json};

use super::health::Health;
use super::sessions::time_context;
use super::{pending, sessions};
use crate::config::Entry;
use crate::dance::handle::Dance;
use crate::dance::web::{csrf, language};
use crate::error::Result;
use crate::page::{Language, mark};
use crate::paths::{Path, Paths};
use crate::storage::{Account, Session};

/// What [`accounts_context`] reads from the request, so that the context can be made later.
pub(crate) struct Viewer {
    /// Whether a user is signed in.
    pub(crate) is_signed_in: bool,
    /// The CSRF token.
    pub(crate) csrf: String,
    /// The tag of the language.
    language: String,
    /// Whether an account may wait in this browser.
    has_pending: bool,
}

impl Viewer {
    /// The user of `request`, or a visitor.
    ///
    /// # Errors
    /// If the user can't be read.
    pub(crate) async fn of(dance: &Dance, request: &Request<'_>) -> Result<Self> {
        Ok(Self {
            is_signed_in: dance.user(request).await?.is_some(),
            csrf: csrf::token(dance, request).await?,
            language: language(dance, request).tag.clone(),
            has_pending: pending::may_exist(dance, request),
        })
    }
}

/// The context of a page of accounts: see [`Accounts`](crate::Accounts), which serializes as this. An account was last used when
/// it was last stored, or when one of `sessions`, which are the user's, was.
pub(crate) fn accounts_context(
    dance: &Dance,
    viewer: &Viewer,
    accounts: &BTreeMap<String, Vec<Account>>,
    sessions: &[Session],
) -> Value {
    let (paths, language) = (dance.public_paths(), dance.pages().language(&viewer.language));
    let entries = dance.entries().values().filter(|entry| !dance.is_site(&entry.name)).filter_map(|entry| {
        let connected = accounts.get(&entry.name).map(Vec::as_slice).unwrap_or_default();
        let context =
            |(place, account)| account_context(dance, language, entry, account, place == 0, sessions);
        let connected = connected.iter().enumerate().map(context).collect();
        entry_context(paths, entry, connected, viewer.is_signed_in, dance.is_for_visitors(entry))
    });
    json!({
        "entries": entries.collect::<Vec<_>>(),
        "csrf": viewer.csrf,
        "signed_in": viewer.is_signed_in,
        "confirm_url": viewer.has_pending.then(|| paths.to(Path::Confirm)),
        "accounts_url": paths.to(Path::Accounts),
        "logout_url": paths.to(Path::Logout),
        "logout_everywhere_url":
            sessions::can_end_sessions(dance).then(|| paths.to(Path::LogoutEverywhere)),
    })
}

/// The context of one entry; `None` for an entry at which only users begin, if no user is signed in.
fn entry_context(
    paths: &Paths,
    entry: &Entry,
    accounts: Vec<Value>,
    is_signed_in: bool,
    is_for_visitors: bool,
) -> Option<Value> {
    let verb = match (accounts.is_empty(), is_signed_in) {
        (false, _) => "Reconnect",
        (true, true) => "Connect",
        (true, false) if is_for_visitors => "Sign in with",
        (true, false) => return None,
    };
    Some(json!({
        "name": entry.name,
        "title": entry.title,
        "mark": mark(&entry.title),
        "verb": verb,
        "action": paths.of_entry(Path::Begin, &entry.name),
        "disconnect": paths.of_entry(Path::Disconnect, &entry.name),
        "make_primary": paths.of_entry(Path::MakePrimary, &entry.name),
        "accounts": accounts,
    }))
}

/// The context of one account at `entry`. The primary one is the first of the entry.
fn account_context(
    dance: &Dance,
    language: &Language,
    entry: &Entry,
    account: &Account,
    is_primary: bool,
    sessions: &[Session],
) -> Value {
    let of_account = |session: &&Session| {
        session.entry.as_deref() == Some(&account.entry)
            && session.provider_user_id == account.provider_user_id
    };
    let used = sessions.iter().filter(of_account).map(|session| session.seen_at).max();
    let name = account.display_name.as_ref().unwrap_or(&entry.title);
    json!({
        "id": account.id,
        "primary": is_primary,
        "provider_user_id": account.provider_user_id,
        "display_name": account.display_name,
        "mark": mark(name),
        "email": account.email,
        "image_url": account.image_url,
        "profile_url": account.profile_url,
        "health": Health::of(account, entry, dance.keys(), dance.clock().now()).word(),
        "scopes": account.scope.split_whitespace().collect::<Vec<_>>(),
        "connected": time_context(language, account.created_at),
        "used": time_context(language, used.unwrap_or_default().max(account.updated_at)),
    })
}
