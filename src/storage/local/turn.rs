//! `Turn`: a lock with a name, held across await points.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use rocket::tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::lock::lock;

static TURNS: LazyLock<Mutex<HashMap<String, Arc<AsyncMutex<()>>>>> = LazyLock::new(Mutex::default);

/// Waits until no other task of this process holds a turn of this `name`, then holds one until the returned value is
/// dropped.
pub(crate) async fn turn(name: &str) -> Turn {
    let lock = lock(&TURNS).entry(name.to_owned()).or_default().clone();
    // The turn exists before the wait, so that a task that gives up waiting cleans up as well.
    let mut turn = Turn { name: name.to_owned(), lock: Some(lock.clone()), held: None };
    turn.held = Some(lock.lock_owned().await);
    turn
}

/// A turn, held until it is dropped. The last turn of a name removes the name.
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
    use crate::storage::suite::in_time;

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
        while let Some(done) = in_time("the next of 50 turns", tasks.join_next()).await {
            done.unwrap();
        }
        assert!(!lock(&TURNS).contains_key("test one"));
    }

    #[rocket::async_test]
    async fn a_task_that_gives_up_waiting_leaves_nothing() {
        let held = turn("test two").await;
        let gives_up = time::timeout(time::Duration::from_millis(1), turn("test two"));
        let other = turn("test three");
        assert!(join!(gives_up, other).0.is_err());
        drop(held);
        assert!(!lock(&TURNS).keys().any(|name| name == "test two" || name == "test three"));
    }
}
