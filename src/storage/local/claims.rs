//! Claims of callbacks within this process.

use std::collections::{BTreeSet, HashMap};
use std::sync::{LazyLock, Mutex};

use crate::lock::lock;
use crate::storage::ClaimState;

/// Maximum number of claims that are remembered. Beyond it the claim that expires next is forgotten.
const MAX_CLAIMS: usize = 65_536;

static CLAIMED: LazyLock<Mutex<Claims>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Claims {
    /// The expiry (unix time in seconds) and the outcome of each claim.
    by_id: HashMap<String, (i64, Option<String>)>,
    by_expiry: BTreeSet<(i64, String)>,
}

/// Claims the callback `id` until the unix time `until`: see [`Coordination::claim`](crate::storage::Coordination::claim).
pub(in crate::storage) fn claim(id: &str, now: i64, until: i64) -> ClaimState {
    lock(&CLAIMED).claim(id, now, until)
}

/// Stores the outcome of the claimed callback `id`.
pub(in crate::storage) fn settle(id: &str, outcome: &str) {
    lock(&CLAIMED).settle(id, outcome);
}

/// Returns the state of the callback `id`.
pub(in crate::storage) fn settled(id: &str) -> ClaimState {
    lock(&CLAIMED).settled(id)
}

impl Claims {
    fn claim(&mut self, id: &str, now: i64, until: i64) -> ClaimState {
        while let Some(first) = self.by_expiry.first()
            && (first.0 <= now || self.by_id.len() >= MAX_CLAIMS)
        {
            self.by_id.remove(&first.1);
            self.by_expiry.pop_first();
        }
        let found = self.settled(id);
        if found == ClaimState::First {
            self.by_id.insert(id.to_owned(), (until, None));
            self.by_expiry.insert((until, id.to_owned()));
        }
        found
    }

    fn settled(&self, id: &str) -> ClaimState {
        match self.by_id.get(id) {
            Some((_, Some(outcome))) => ClaimState::Settled(outcome.clone()),
            Some((_, None)) => ClaimState::Pending,
            None => ClaimState::First,
        }
    }

    fn settle(&mut self, id: &str, outcome: &str) {
        if let Some((_, settled)) = self.by_id.get_mut(id) {
            *settled = Some(outcome.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_first_pending_settled_and_forgotten() {
        let mut claims = Claims::default();
        assert_eq!(claims.claim("a", 100, 160), ClaimState::First);
        assert_eq!(claims.claim("a", 101, 161), ClaimState::Pending);
        claims.settle("a", "/home");
        claims.settle("unknown", "/");
        assert_eq!(claims.claim("a", 159, 300), ClaimState::Settled("/home".into()));
        assert_eq!(claims.claim("a", 160, 300), ClaimState::First);
    }

    #[test]
    fn claims_are_bounded() {
        let mut claims = Claims::default();
        for n in 0..MAX_CLAIMS as i64 + 10 {
            assert_eq!(claims.claim(&n.to_string(), 0, 100 + n), ClaimState::First);
        }
        assert_eq!((claims.by_id.len(), claims.by_expiry.len()), (MAX_CLAIMS, MAX_CLAIMS));
        assert_eq!(claims.claim(&MAX_CLAIMS.to_string(), 0, 1), ClaimState::Pending);
        claims.claim("later", i64::MAX, i64::MAX);
        assert_eq!((claims.by_id.len(), claims.by_expiry.len()), (1, 1));
    }
}
