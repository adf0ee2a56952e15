//! `GET /login/accounts`: the connected accounts.

use std::collections::BTreeMap;

use rocket::Request;
use serde_json::{Value, json};

use super::Dance;
use super::reply::Reply;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::Account;

impl Dance {
    /// The accounts of the person whom `request` is from, by entry.
    pub(crate) async fn connected(&self, request: &Request<'_>) -> Result<BTreeMap<String, Vec<Account>>> {
        let mut accounts: BTreeMap<String, Vec<Account>> = BTreeMap::new();
        let user = self.user(request).await?;
        if self.may_own(user) {
            let entries: Vec<&str> =
                self.entries.keys().map(String::as_str).filter(|entry| !self.is_site(entry)).collect();
            for account in self.storage(request).list(user, &entries).await? {
                accounts.entry(account.entry.clone()).or_default().push(account);
            }
        }
        Ok(accounts)
    }

    /// What a page of accounts needs: see [`Accounts`](crate::Accounts), which serialises as this.
    pub(crate) async fn accounts_context(
        &self,
        request: &Request<'_>,
        accounts: &BTreeMap<String, Vec<Account>>,
    ) -> Result<Value> {
        let user = self.user(request).await?;
        let entries = self.entries.values().filter(|entry| !self.is_site(&entry.name)).filter_map(|entry| {
            let connected = accounts.get(&entry.name).map(Vec::as_slice).unwrap_or_default();
            let verb = match (connected.is_empty(), user.is_some()) {
                (false, _) => "Reconnect",
                (true, true) => "Connect",
                (true, false) if entry.login => "Sign in with",
                // Only for connecting, and nobody is there to connect it to.
                (true, false) => return None,
            };
            Some(json!({
                "name": entry.name,
                "title": entry.title,
                "verb": verb,
                "action": self.path(&format!("/{}", entry.name)),
                "disconnect": self.path(&format!("/{}/disconnect", entry.name)),
                "make_primary": self.path(&format!("/{}/primary", entry.name)),
                // The primary one is the first.
                "accounts": connected.iter().enumerate().map(|(place, account)| json!({
                    "id": account.id,
                    "primary": place == 0,
                    "provider_user_id": account.provider_user_id,
                    "display_name": account.display_name,
                    "email": account.email,
                    "image_url": account.image_url,
                    "profile_url": account.profile_url,
                })).collect::<Vec<_>>(),
            }))
        });
        Ok(json!({
            "entries": entries.collect::<Vec<_>>(),
            "csrf": self.csrf(request).await?,
            "signed_in": user.is_some(),
            "confirm_url": self.pending_id(request).map(|_| self.confirm_path()),
            "accounts_url": self.path("/accounts"),
            "logout_url": self.path("/logout"),
            "logout_everywhere_url": self.ends_sessions().then(|| self.path("/logout/everywhere")),
        }))
    }

    pub(super) async fn get_accounts(&self, request: &Request<'_>) -> Result<Reply> {
        if !self.may_own(self.user(request).await?) {
            if super::reply::wants_json(request) {
                return Err(Error::new(ErrorKind::NotSignedIn, "Please sign in."));
            }
            return Ok(Reply::SeeOther(self.login_path(None, Some(&self.path("/accounts")))));
        }
        let accounts = self.connected(request).await?;
        let context = self.accounts_context(request, &accounts).await?;
        self.page(request, "accounts.html", context)
    }
}
