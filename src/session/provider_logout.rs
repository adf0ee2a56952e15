//! What providers have reported in back-channel logouts: a sign-in that was under way at that time begins no session.
//!
//! The provider ends its session while the app still waits for the token or the userinfo. At that time there is no session here that
//! could end. The logout is therefore stored as a claim before sessions are ended, and read after a session has begun: whichever
//! commits last sees the other.

use crate::error::Result;
use crate::secret::{encode_base64url, sha256};
use crate::storage::{ClaimState, Session, SessionSelection, Storage};

/// The logins that a logout concerns.
#[derive(Clone, Copy)]
enum Logins<'a> {
    /// Those of this session of the provider's.
    Of(&'a str),
    /// All those of this user.
    OfUser(&'a str),
    /// Those of this user whose ID token names no session.
    OfUserWithoutSid(&'a str),
}

impl Logins<'_> {
    /// The id of the claim.
    fn claim_id(self, entry: &str, issuer: &str) -> String {
        let (kind, value) = match self {
            Self::Of(sid) => ("sid", sid),
            Self::OfUser(sub) => ("sub", sub),
            Self::OfUserWithoutSid(sub) => ("sub without sid", sub),
        };
        format!("ended:{}", encode_base64url(&sha256(&format!("{entry}\n{issuer}\n{kind}\n{value}"))))
    }
}

/// Stores that the provider has ended what is `selected`, at `at_millis` (unix time, in milliseconds). It is remembered until `until`
/// (unix time, in seconds).
///
/// # Errors
/// If the storage can't be reached.
pub(crate) async fn store(
    storage: &dyn Storage,
    selected: &SessionSelection,
    at_millis: i64,
    until: i64,
) -> Result<()> {
    let SessionSelection::ProviderSession { entry, issuer, provider_user_id: sub, sid } = selected else {
        return Ok(());
    };
    let logins = match (sub, sid) {
        (None, None) => vec![],
        (None, Some(sid)) => vec![Logins::Of(sid)],
        (Some(sub), None) => vec![Logins::OfUser(sub), Logins::OfUserWithoutSid(sub)],
        (Some(sub), Some(sid)) => vec![Logins::Of(sid), Logins::OfUserWithoutSid(sub)],
    };
    // With the user, as another user's session of that name goes on.
    let outcome = format!("{at_millis} {}", sub.as_deref().unwrap_or_default());
    for logins in logins {
        let id = logins.claim_id(entry, issuer);
        let _ = storage.claim(&id, at_millis / 1000, until).await?;
        storage.settle(&id, &outcome).await?;
    }
    Ok(())
}

/// Returns whether the provider has reported the end of `session` since `began_at_millis` (unix time, in milliseconds), when its
/// sign-in began. A sign-in that begins later is another session at the provider.
///
/// # Errors
/// If the storage can't be reached.
pub(super) async fn has_ended(
    storage: &dyn Storage,
    session: &Session,
    began_at_millis: i64,
) -> Result<bool> {
    let (Some(entry), Some(issuer), Some(sub)) =
        (&session.entry, &session.issuer, session.provider_user_id.as_deref())
    else {
        return Ok(false);
    };
    let logins = match session.sid.as_deref() {
        Some(sid) => vec![Logins::Of(sid), Logins::OfUser(sub)],
        None => vec![Logins::OfUserWithoutSid(sub)],
    };
    for logins in logins {
        if let ClaimState::Settled(outcome) = storage.settled(&logins.claim_id(entry, issuer)).await?
            && let Some((at, user)) = outcome.split_once(' ')
            && at.parse().is_ok_and(|at: i64| began_at_millis <= at)
            && (user.is_empty() || user == sub)
        {
            return Ok(true);
        }
    }
    Ok(false)
}
