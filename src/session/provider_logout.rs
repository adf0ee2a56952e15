//! What providers have reported in back-channel logouts: a sign-in that was under way at that time begins no session.
//!
//! The provider ends its session while the app still waits for the token or the userinfo. At that time there is no session here that
//! could end. The logout is therefore stored as a claim before sessions are ended, and read after a session has begun: whichever
//! commits last sees the other.

use std::ops::RangeInclusive;

use crate::clock::MAX_CLOCK_SKEW;
use crate::error::Result;
use crate::secret::{encode_base64url, sha256};
use crate::storage::{ClaimState, Session, SessionSelection, Storage};

/// Length of the period that one claim covers, in seconds. The storage never extends a claim, so each period has its own. It is remembered
/// from the period's end on.
const CLAIM_PERIOD: i64 = 3600;

/// The periods from one unix time to another, in milliseconds.
fn periods(from_millis: i64, until_millis: i64) -> RangeInclusive<i64> {
    from_millis.div_euclid(CLAIM_PERIOD * 1000)..=until_millis.div_euclid(CLAIM_PERIOD * 1000)
}

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
    /// The id of the claim of `period`.
    fn claim_id(self, entry: &str, issuer: &str, period: i64) -> String {
        let (kind, value) = match self {
            Self::Of(sid) => ("sid", sid),
            Self::OfUser(sub) => ("sub", sub),
            Self::OfUserWithoutSid(sub) => ("sub without sid", sub),
        };
        let logins = sha256(&format!("{entry}\n{issuer}\n{period}\n{kind}\n{value}"));
        format!("ended:{}", encode_base64url(&logins))
    }
}

/// Stores that the provider has ended what is `selected`, at `at_millis` (unix time, in milliseconds). It is remembered for at least
/// `ttl` seconds.
///
/// # Errors
/// If the storage can't be reached.
pub(crate) async fn store(
    storage: &dyn Storage,
    selected: &SessionSelection,
    at_millis: i64,
    ttl: i64,
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
    // A node whose clock is behind ours may still be in the period before.
    for period in periods(at_millis - MAX_CLOCK_SKEW * 1000, at_millis) {
        for logins in &logins {
            let id = logins.claim_id(entry, issuer, period);
            let _ = storage.claim(&id, at_millis / 1000, (period + 1) * CLAIM_PERIOD + ttl).await?;
            storage.settle(&id, &outcome).await?;
        }
    }
    Ok(())
}

/// Returns whether the provider has reported the end of `session` between `began_at_millis` (unix time, in milliseconds), when its
/// sign-in began, and `now_millis`. A sign-in that begins later is another session at the provider.
///
/// # Errors
/// If the storage can't be reached.
pub(super) async fn has_ended(
    storage: &dyn Storage,
    session: &Session,
    began_at_millis: i64,
    now_millis: i64,
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
    // The clock of the node where it began may be ahead of ours.
    for period in periods(began_at_millis.min(now_millis), now_millis) {
        for logins in &logins {
            if let ClaimState::Settled(outcome) =
                storage.settled(&logins.claim_id(entry, issuer, period)).await?
                && let Some((at, user)) = outcome.split_once(' ')
                && at.parse().is_ok_and(|at: i64| began_at_millis <= at)
                && (user.is_empty() || user == sub)
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
