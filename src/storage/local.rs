//! What holds within this process: claims and turns.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use rocket::tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::ClaimState;

/// So many claims are remembered; beyond that the one next to expire is forgotten.
const CLAIMS: usize = 65_536;

#[derive(Default)]
struct Claims {
    /// When it expires, and its outcome.
    by_id: HashMap<String, (i64, Option<String>)>,
    by_expiry: BTreeSet<(i64, String)>,
}

static CLAIMED: LazyLock<Mutex<Claims>> = LazyLock::new(Mutex::default);
static TURNS: LazyLock<Mutex<HashMap<String, Arc<AsyncMutex<()>>>>> = LazyLock::new(Mutex::default);

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Claims `id` until `until`, within this process.
pub(crate) fn claim(id: &str, now: i64, until: i64) -> ClaimState {
    lock(&CLAIMED).claim(id, now, until)
}

/// Notes the outcome of a claimed `id`.
pub(crate) fn settle(id: &str, outcome: &str) {
    lock(&CLAIMED).settle(id, outcome);
}

/// What came of a claimed `id`.
pub(crate) fn settled(id: &str) -> ClaimState {
    lock(&CLAIMED).settled(id)
}

impl Claims {
    fn claim(&mut self, id: &str, now: i64, until: i64) -> ClaimState {
        while let Some(first) = self.by_expiry.first()
            && (first.0 <= now || self.by_id.len() >= CLAIMS)
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

/// Waits for one's turn at `name`: held until the answer is dropped.
pub(crate) async fn turn(name: &str) -> Turn {
    let lock = lock(&TURNS).entry(name.to_owned()).or_default().clone();
    // The turn exists before it is waited for, so that a waiter that gives up cleans up as well.
    let mut turn = Turn { name: name.to_owned(), lock: Some(lock.clone()), held: None };
    turn.held = Some(lock.lock_owned().await);
    turn
}

/// A turn at a name, until it is dropped. The last one at a name takes the name along.
#[derive(Debug)]
pub(crate) struct Turn {
    name: String,
    lock: Option<Arc<AsyncMutex<()>>>,
    held: Option<OwnedMutexGuard<()>>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut turns = lock(&TURNS);
        self.held = None;
        self.lock = None;
        if turns.get(&self.name).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            turns.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rocket::tokio::{join, task::JoinSet, time};

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
        for n in 0..CLAIMS as i64 + 10 {
            assert_eq!(claims.claim(&n.to_string(), 0, 100 + n), ClaimState::First);
        }
        assert_eq!((claims.by_id.len(), claims.by_expiry.len()), (CLAIMS, CLAIMS));
        assert_eq!(claims.claim(&CLAIMS.to_string(), 0, 1), ClaimState::Pending);
        claims.claim("later", i64::MAX, i64::MAX);
        assert_eq!((claims.by_id.len(), claims.by_expiry.len()), (1, 1));
    }

    #[rocket::async_test]
    async fn one_at_a_time_and_nothing_stays() {
        static INSIDE: AtomicUsize = AtomicUsize::new(0);
        let mut tasks = JoinSet::new();
        for _ in 0..50 {
            tasks.spawn(async {
                let _turn = turn("test one").await;
                assert_eq!(INSIDE.fetch_add(1, Ordering::SeqCst), 0);
                rocket::tokio::task::yield_now().await;
                INSIDE.fetch_sub(1, Ordering::SeqCst);
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        assert!(!lock(&TURNS).contains_key("test one"));
    }

    #[rocket::async_test]
    async fn who_gives_up_waiting_leaves_nothing() {
        let held = turn("test two").await;
        let gives_up = time::timeout(time::Duration::from_millis(1), turn("test two"));
        let other = turn("test three");
        assert!(join!(gives_up, other).0.is_err());
        drop(held);
        assert!(!lock(&TURNS).keys().any(|name| name == "test two" || name == "test three"));
    }
}
