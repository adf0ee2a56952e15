//! `GET /login/me`: what a script needs to know: the user, the CSRF token, the accounts and the entries.

use rocket::Request;
use serde_json::{Number, Value, json};

use crate::config::Entry;
use crate::dance::handle::Dance;
use crate::dance::web::{Reply, csrf};
use crate::error::Result;
use crate::paths::Path;
use crate::storage::Account;

/// Says who is signed in. It answers with JSON, also if the request does not name it. Signed out, `entries` has those that sign
/// users in.
pub(super) async fn show(dance: &Dance, request: &Request<'_>) -> Result<Reply> {
    let user = dance.user(request).await?;
    let accounts = dance.accounts_by_entry(request).await?;
    let entries = dance.entries().values().filter(|entry| !dance.is_site(&entry.name));
    let entries = entries.filter(|entry| user.is_some() || dance.is_for_visitors(entry));
    let accounts: Vec<Value> = accounts.values().flat_map(|of_entry| accounts_json(of_entry)).collect();
    Ok(Reply::Json(json!({
        "user": user_json(dance, user),
        "csrf": csrf::token(dance, request).await?,
        "accounts": accounts,
        "entries": entries.map(|entry| entry_json(dance, entry)).collect::<Vec<_>>(),
    })))
}

/// The id of `user`, as the app's own JSON has it: a number if the app's ids are integers, else a text; null for no user.
pub(super) fn user_json(dance: &Dance, user: Option<&str>) -> Value {
    let Some(user) = user else { return Value::Null };
    let is_integer = dance.user_type().is_some_and(|user_type| user_type.is_integer());
    let number = is_integer.then(|| user.parse::<Number>().ok()).flatten();
    number.map_or_else(|| user.into(), Value::Number)
}

/// The user's accounts at one entry, of which the first is the primary one.
fn accounts_json(of_entry: &[Account]) -> Vec<Value> {
    let accounts = of_entry.iter().enumerate().map(|(place, account)| {
        json!({
            "id": account.id,
            "entry": account.entry,
            "primary": place == 0,
            "provider_user_id": account.provider_user_id,
            "display_name": account.display_name,
            "email": account.email,
            "email_verified": account.email_verified,
            "image_url": account.image_url,
            "profile_url": account.profile_url,
        })
    });
    accounts.collect()
}

fn entry_json(dance: &Dance, entry: &Entry) -> Value {
    let paths = dance.public_paths();
    json!({
        "name": entry.name,
        "title": entry.title,
        "login": dance.is_for_visitors(entry),
        "begin_url": paths.of_entry(Path::Begin, &entry.name),
        "disconnect_url": paths.of_entry(Path::Disconnect, &entry.name),
        "primary_url": paths.of_entry(Path::MakePrimary, &entry.name),
    })
}
