//! An account that waits for a person: until its user signs in as before ([`Verdict::SignInFirst`](crate::Verdict::SignInFirst)),
//! until its visitor completes the sign-up ([`Verdict::Ask`](crate::Verdict::Ask)), or until the signed-in user confirms that two
//! users become one ([`Verdict::MergeUsers`](crate::Verdict::MergeUsers)). One waits per browser: a later one replaces it.
//!
//! It is stored sealed in the storage, since it may be larger than a cookie. Only the browser has the key to find it: the
//! storage has the hash of that key.

use std::collections::BTreeMap;

use rocket::Request;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::Entry;
use crate::cookies;
use crate::dance::handle::Dance;
use crate::dance::web::{remove_cookie, set_cookie};
use crate::error::{Error, Result};
use crate::flow::{begun_too_long_ago, not_trusted, state_handle};
use crate::link::{AuthorizedLogin, Postponed, Purpose};
use crate::local_path::LocalPath;
use crate::page::mark;
use crate::paths::Path;
use crate::profile::Profile;
use crate::profile::text::{MAX_NAME, printable};
use crate::redirect_target::RedirectTarget;
use crate::secret::{encode_base64url, random};
use crate::storage::ClaimState;
use crate::token::Token;

const COOKIE: &str = "rocket_dance_pending";
/// Length of the cookie's value, in characters: 32 bytes in base64.
const COOKIE_CHARS: usize = 43;
/// The purpose for which accounts that wait are sealed.
const PENDING: &str = "pending";

/// Maximum time in which the merge of two users is confirmed, in seconds: the sign-in at the provider proves one of them.
const MERGE_TTL: i64 = 600;

/// Time for which it is remembered, beyond the lifetime of an account that waits, that the account was taken, in seconds: the
/// clocks of processes differ.
const USED_GRACE: i64 = 600;

/// Time for which an account that has waited too long is kept, in seconds: the error page begins again where it began.
const EXPIRED_TTL: i64 = 900;

/// What a browser has for a page of an account that waits.
pub(crate) enum Waiting {
    /// The account that waits.
    Pending(Box<Pending>),
    /// One has waited too long. What is still of use: its entry, and the page to go to afterwards.
    Expired { entry: String, next: Option<RedirectTarget> },
    /// None.
    Nothing,
}

impl Waiting {
    /// The account that waits, if there is one.
    pub(crate) fn pending(&self) -> Option<&Pending> {
        match self {
            Self::Pending(pending) => Some(pending),
            _ => None,
        }
    }

    /// Returns the account that waits.
    ///
    /// # Errors
    /// [`ErrorKind::CallbackNotTrusted`](crate::ErrorKind::CallbackNotTrusted) if there is none. If it has waited
    /// too long, the user can begin again at the same entry, to get to the same page.
    pub(crate) fn require(self) -> Result<Pending> {
        match self {
            Self::Pending(pending) => Ok(*pending),
            Self::Expired { entry, next } => {
                Err(begun_too_long_ago("the account has waited too long", &entry, next.as_ref()))
            }
            Self::Nothing => Err(nothing_waits()),
        }
    }
}

/// An account that waits, as it is sealed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// What it waits for.
    pub(crate) postponed: Postponed,
    pub(crate) entry: String,
    issuer: String,
    pub(crate) profile: Profile,
    token: String,
    notes: BTreeMap<String, String>,
    #[serde(default)]
    callback_params: BTreeMap<String, String>,
    /// The page to which the flow was to redirect, if it named one.
    pub(crate) next: Option<RedirectTarget>,
    /// Id of the session in which the flow was begun, if sessions are stored.
    #[serde(default)]
    pub(crate) session: Option<String>,
    /// When its flow began: unix time in milliseconds.
    #[serde(default)]
    began_at_millis: i64,
    /// When it was stored: unix time in seconds.
    pub(crate) stored_at: i64,
    /// As long as a flow can last: its user may sign in with one before they confirm.
    until: i64,
}

impl Pending {
    /// The login of the account: as if its user had pressed "Connect", or the visitor had just come back from the provider.
    pub(crate) fn into_login(self, now: i64) -> Option<AuthorizedLogin> {
        let token = Token::from_plain(self.token.as_bytes())?;
        let Self { entry, issuer, postponed, profile, notes, callback_params, began_at_millis, .. } = self;
        let (user, purpose) = match postponed {
            Postponed::SignInFirst(user) => (Some(user), Purpose::Connect),
            Postponed::SignUp(_) => (None, Purpose::SignIn),
            Postponed::MergeUsers { visitor, .. } => (Some(visitor), Purpose::Connect),
        };
        let login = AuthorizedLogin::connecting(entry, issuer, user, profile, token, now);
        Some(AuthorizedLogin { purpose, notes, callback_params, began_at_millis, ..login })
    }

    /// The same account, which waits for something else now.
    pub(crate) fn waiting_for(self, postponed: Postponed) -> Self {
        Self { postponed, ..self }
    }

    /// The account as the storage keeps it under `id`.
    fn sealed(&self, dance: &Dance, id: &str) -> Result<String> {
        let plain = serde_json::to_vec(self).map_err(Error::app)?;
        dance.browser_keys().seal(PENDING, &[id], &plain)
    }

    /// The account as a page shows it.
    pub(crate) fn account_context(&self, entry: &Entry) -> Value {
        json!({
            "display_name": self.profile.display_name(),
            "mark": mark(self.profile.display_name()),
            "username": self.profile.username,
            // Unlike the other texts, an id is stored as it is.
            "id": self.profile.id.as_deref().map(|id| printable(id, MAX_NAME)),
            // AL-01: at a provider that does not verify addresses, an attacker can claim any address.
            "email": entry.trusted_email(&self.profile),
        })
    }
}

/// The page on which a person does what an account waits for.
///
/// # Errors
/// None in practice: our own paths are local.
pub(crate) fn page_of(dance: &Dance, postponed: &Postponed) -> Result<LocalPath> {
    let own = match postponed {
        Postponed::SignInFirst(_) => Path::Confirm,
        Postponed::SignUp(form) => match form.page() {
            Some(page) => return Ok(page.clone()),
            None => Path::CompleteSignUp,
        },
        Postponed::MergeUsers { .. } => Path::MergeUsers,
    };
    LocalPath::try_from(dance.paths().to(own))
}

/// The error of a request for an account that waits, in a browser where none does.
pub(crate) fn nothing_waits() -> Error {
    not_trusted("no account waits in this browser")
}

/// Stores the account of `login` until what it waits for has happened in this browser. An account that has waited here before is
/// dropped.
///
/// # Errors
/// If the storage can't be reached.
pub(crate) async fn store(
    dance: &Dance,
    request: &Request<'_>,
    login: &AuthorizedLogin,
    postponed: Postponed,
    next: Option<RedirectTarget>,
) -> Result<()> {
    let (now, mut ttl) = (dance.clock().now(), dance.settings().flow_ttl);
    if matches!(postponed, Postponed::MergeUsers { .. }) {
        ttl = ttl.min(MERGE_TTL);
    }
    let pending = Pending {
        postponed,
        entry: login.entry.clone(),
        issuer: login.issuer.clone(),
        profile: login.profile.clone(),
        token: String::from_utf8(login.token.to_plain()).map_err(Error::app)?,
        notes: login.notes.clone(),
        callback_params: login.callback_params.clone(),
        next,
        session: login.session.clone(),
        began_at_millis: login.began_at_millis,
        stored_at: now,
        until: now + ttl,
    };
    drop_pending(dance, request).await;
    let key = encode_base64url(&random::<32>()?);
    let name = dance.settings().cookie_name(COOKIE);
    let id = storage_id(&name, &key);
    let storage = dance.storage(request);
    storage.claim(&id, now, pending.until + EXPIRED_TTL).await?;
    storage.settle(&id, &pending.sealed(dance, &id)?).await?;
    set_cookie(dance, request, name, key, ttl + EXPIRED_TTL);
    Ok(())
}

/// Stores `pending` in the place of the account that waits in this browser. It is not kept longer for that, and needs no further
/// row.
///
/// # Errors
/// If the storage can't be reached: the account waits as before.
pub(crate) async fn replace(dance: &Dance, request: &Request<'_>, pending: &Pending) -> Result<()> {
    let id = id(dance, request).ok_or_else(nothing_waits)?;
    dance.storage(request).settle(&id, &pending.sealed(dance, &id)?).await
}

/// Whether an account may wait in this browser. Only [`find`] knows for certain.
pub(crate) fn may_exist(dance: &Dance, request: &Request<'_>) -> bool {
    id(dance, request).is_some()
}

/// The account that waits in this browser, or that has waited too long.
///
/// # Errors
/// If the storage can't be reached.
pub(crate) async fn find(dance: &Dance, request: &Request<'_>) -> Result<Waiting> {
    let Some(id) = id(dance, request) else { return Ok(Waiting::Nothing) };
    let ClaimState::Settled(sealed) = dance.storage(request).settled(&id).await? else {
        return Ok(Waiting::Nothing);
    };
    let plain = dance.browser_keys().open(PENDING, &[&id], &sealed).ok();
    let now = dance.clock().now();
    Ok(match plain.and_then(|plain| serde_json::from_slice::<Pending>(&plain).ok()) {
        Some(pending) if now < pending.until => Waiting::Pending(Box::new(pending)),
        Some(Pending { entry, next, until, .. })
            if now < until + EXPIRED_TTL && dance.entry(&entry).is_ok() =>
        {
            Waiting::Expired { entry, next }
        }
        _ => Waiting::Nothing,
    })
}

/// Takes the account that waits in this browser, so that it can be connected. Of several requests at the same time one
/// gets `true`.
///
/// # Errors
/// If the storage can't be reached.
pub(crate) async fn take(dance: &Dance, request: &Request<'_>) -> Result<bool> {
    let Some(id) = id(dance, request) else { return Ok(false) };
    let now = dance.clock().now();
    let until = now + dance.settings().flow_ttl + USED_GRACE;
    let claim = dance.storage(request).claim(&format!("{id} used"), now, until).await?;
    drop_pending(dance, request).await;
    Ok(claim == ClaimState::First)
}

/// Drops the account that waits in this browser.
pub(crate) async fn drop_pending(dance: &Dance, request: &Request<'_>) {
    let Some(id) = id(dance, request) else { return };
    remove_cookie(dance, request, &dance.settings().cookie_name(COOKIE));
    // Without the cookie no request finds it any more, and the storage drops it within minutes.
    if let Err(error) = dance.storage(request).settle(&id, "").await {
        log::warn!("oauth: an account that waited for its user could not be dropped: {error:?}");
    }
}

/// Drops the account that waits in this browser, unless it waits for `user`, who has signed in.
pub(crate) async fn drop_unless_for(dance: &Dance, request: &Request<'_>, user: &str) {
    match find(dance, request).await {
        Ok(Waiting::Pending(pending)) if pending.postponed == Postponed::SignInFirst(user.to_owned()) => {}
        _ => drop_pending(dance, request).await,
    }
}

/// The id in the storage of the account that waits in this browser.
fn id(dance: &Dance, request: &Request<'_>) -> Option<String> {
    let name = dance.settings().cookie_name(COOKIE);
    let key = cookies::get(request, &name)?;
    (key.len() == COOKIE_CHARS).then(|| storage_id(&name, key))
}

/// The id in the storage for the browser's `key` in the cookie `name`. Another app that shares the storage has another
/// name. It can't be the id of a flow, which is shorter.
fn storage_id(name: &str, key: &str) -> String {
    format!("pending {}", state_handle(&format!("{name} {key}")))
}
