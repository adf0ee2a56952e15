//! Lookups of random accounts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rocket::futures::future::join_all;
use rocket::tokio::spawn;
use rocket_dance::storage::{AccountKey, DieselStorage, Storage};

use crate::fill::{entry_of_user, identity, users};

/// The key of a lookup.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    Owner,
    Identity,
}

/// A measurement: the key, and the number of lookups at once.
pub(crate) const KINDS: [(By, usize); 4] =
    [(By::Owner, 1), (By::Owner, 32), (By::Identity, 1), (By::Identity, 32)];

/// The lookups of one kind in one round.
const LOOKUPS: usize = 16_000;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// One round in a table with `rows` rows.
pub(crate) async fn all(storage: &Arc<DieselStorage>, rows: u64, round: u64) -> Vec<Figures> {
    let mut figures = Vec::new();
    for (kind, (by, callers)) in KINDS.into_iter().enumerate() {
        let seed = round * 1000 + kind as u64 * 100;
        let tasks = (0..callers)
            .map(|caller| spawn(lookups(storage.clone(), rows, by, LOOKUPS / callers, seed + caller as u64)));
        let times = join_all(tasks).await.into_iter().flat_map(|times| times.expect("lookups"));
        figures.push(of(times.collect()));
    }
    figures
}

async fn lookups(storage: Arc<DieselStorage>, rows: u64, by: By, count: usize, seed: u64) -> Vec<Duration> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let warm = count / 20;
    let mut times = Vec::with_capacity(count);
    for lookup in 0..count + warm {
        let key = match by {
            By::Owner => {
                let user = random.below(users(rows));
                AccountKey::owner(entry_of_user(user), user)
            }
            By::Identity => {
                let (entry, id) = identity(random.below(rows));
                AccountKey::identity(entry, id)
            }
        };
        let begun = Instant::now();
        let found = storage.get(&key).await.expect("the database answers");
        let took = begun.elapsed();
        assert!(found.is_some(), "{key} is not there");
        if lookup >= warm {
            times.push(took);
        }
    }
    times
}

fn of(mut times: Vec<Duration>) -> Figures {
    times.sort_unstable();
    let at = |percent: usize| times[times.len() * percent / 100];
    Figures { p50: at(50), p99: at(99) }
}

/// Xorshift: random enough for keys.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }
}
