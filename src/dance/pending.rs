//! An account that waits for its user to sign in as before: [`Verdict::SignInFirst`](crate::Verdict::SignInFirst).
//!
//! It waits sealed in the store, for it may be larger than a cookie. The browser has the key to it and nothing else has:
//! the store knows only a hash.

use std::collections::BTreeMap;

use rocket::Request;
use serde::{Deserialize, Serialize};

use super::Dance;
use crate::cookies;
use crate::error::{Error, Result};
use crate::flow::state_handle;
use crate::link::{AuthorizedLogin, Purpose};
use crate::local_path::LocalPath;
use crate::profile::Profile;
use crate::secret::{encode_base64url, random};
use crate::storage::ClaimState;
use crate::token::Token;

const COOKIE: &str = "rocket_dance_pending";
const PURPOSE: &str = "pending";
/// How long it waits, in seconds.
const TTL: i64 = 600;

/// The account, as it is sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct Pending {
    /// Who must say yes.
    pub(super) user: String,
    pub(super) entry: String,
    issuer: String,
    pub(super) profile: Profile,
    token: String,
    notes: BTreeMap<String, String>,
    /// Where the dance was to end.
    pub(super) next: LocalPath,
    until: i64,
}

impl Pending {
    /// The login that it was, as its user's own who presses "Connect".
    pub(super) fn into_login(self, now: i64) -> Option<AuthorizedLogin> {
        Some(AuthorizedLogin {
            entry: self.entry,
            issuer: self.issuer,
            purpose: Purpose::Connect,
            profile: self.profile,
            token: Token::from_plain(self.token.as_bytes())?,
            visitor: Some(self.user),
            session: None,
            present: None,
            user_required: true,
            trusted_email: None,
            account: None,
            admitted: false,
            now,
            notes: self.notes,
        })
    }
}

impl Dance {
    /// Lets `login` wait for `user`, in this browser; what has waited here before is forgotten.
    pub(super) async fn let_wait(
        &self,
        request: &Request<'_>,
        login: &AuthorizedLogin,
        user: &str,
        next: LocalPath,
    ) -> Result<()> {
        self.forget_pending(request).await;
        let now = self.clock().now();
        let pending = Pending {
            user: user.to_owned(),
            entry: login.entry.clone(),
            issuer: login.issuer.clone(),
            profile: login.profile.clone(),
            token: String::from_utf8(login.token.to_plain()).map_err(Error::app)?,
            notes: login.notes.clone(),
            next,
            until: now + TTL,
        };
        let key = encode_base64url(&random::<32>()?);
        let id = id(&key);
        let plain = serde_json::to_vec(&pending).map_err(Error::app)?;
        let sealed = self.keys().seal(PURPOSE, &[&id], &plain)?;
        let storage = self.storage(request);
        storage.claim(&id, now, pending.until).await?;
        storage.settle(&id, &sealed).await?;
        self.set_cookie(request, self.settings.cookie_name(COOKIE), key, TTL);
        Ok(())
    }

    /// The id of what waits in this browser.
    pub(crate) fn pending_id(&self, request: &Request<'_>) -> Option<String> {
        let cookie = cookies::get(request, &self.settings.cookie_name(COOKIE))?;
        (cookie.len() == 43).then(|| id(cookie))
    }

    /// What waits in this browser.
    pub(super) async fn pending(&self, request: &Request<'_>) -> Result<Option<Pending>> {
        let Some(id) = self.pending_id(request) else { return Ok(None) };
        let ClaimState::Settled(sealed) = self.storage(request).settled(&id).await? else { return Ok(None) };
        let plain = self.keys().open(PURPOSE, &[&id], &sealed).ok();
        let pending = plain.and_then(|plain| serde_json::from_slice::<Pending>(&plain).ok());
        Ok(pending.filter(|pending| self.clock().now() < pending.until))
    }

    /// Uses up what waits in this browser: for one request, of however many at once.
    pub(super) async fn use_up_pending(&self, request: &Request<'_>) -> Result<bool> {
        let Some(id) = self.pending_id(request) else { return Ok(false) };
        let now = self.clock().now();
        let first = self.storage(request).claim(&format!("{id} used"), now, now + 2 * TTL).await?;
        self.forget_pending(request).await;
        Ok(first == ClaimState::First)
    }

    /// Forgets what waits in this browser.
    pub(super) async fn forget_pending(&self, request: &Request<'_>) {
        let Some(id) = self.pending_id(request) else { return };
        self.unset_cookie(request, &self.settings.cookie_name(COOKIE));
        // Without the cookie nobody finds it again; the store forgets it within minutes anyway.
        if let Err(error) = self.storage(request).settle(&id, "").await {
            log::warn!("oauth: an account that waited could not be forgotten: {error:?}");
        }
    }

    /// Forgets what waits in this browser for somebody else than `user`, who has signed in.
    pub(super) async fn forget_pending_of_others(&self, request: &Request<'_>, user: &str) {
        match self.pending(request).await {
            Ok(Some(pending)) if pending.user == user => {}
            _ => self.forget_pending(request).await,
        }
    }
}

/// The name of what is found with `key`: no flow's, which are shorter.
fn id(key: &str) -> String {
    format!("pending {}", state_handle(key))
}
