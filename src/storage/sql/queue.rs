//! `Queue`: the jobs that wait for a connection, and the connections that wait for a job.

use std::collections::VecDeque;
use std::time::Instant;

use rocket::tokio::task::JoinHandle;

use super::any_connection::AnyConnection;
use super::job::Job;

/// The jobs that wait for a connection, and the connections that wait for a job.
#[derive(Default)]
pub(super) struct Queue {
    /// The jobs, the next one first.
    pub(super) waiting: VecDeque<Waiting>,
    /// The last id.
    next: u64,
    /// The idle connections and when each was last used, the latest last.
    pub(super) idle: Vec<(Instant, PooledConnection)>,
    /// Closes connections that have been idle for too long.
    pub(super) closer: Option<JoinHandle<()>>,
    /// Number of threads that have a connection or open one.
    pub(super) workers: usize,
    /// Attempts to connect: id, start.
    pub(super) connecting: Vec<(u64, Instant)>,
    /// Ids of jobs and of attempts to connect that a worker hangs in and whose callers have given up. Those workers are no longer
    /// counted in `workers`.
    abandoned: Vec<u64>,
    /// Number of times that a connection was lost.
    pub(super) losses: u64,
    /// When the database last refused a connection although others work.
    pub(super) refused_at: Option<Instant>,
}

/// A job in the queue.
pub(super) struct Waiting {
    pub(super) id: u64,
    pub(super) job: Box<dyn Job>,
}

/// A connection of the pool.
pub(super) struct PooledConnection {
    pub(super) conn: AnyConnection,
    /// [`Queue::losses`] when it was opened. What ended a connection has probably ended all others: those that were opened
    /// before are closed.
    pub(super) losses: u64,
    /// Whether nothing has been done on it yet.
    pub(super) is_new: bool,
}

impl Queue {
    /// Returns a new id, for a job or for an attempt to connect.
    pub(super) fn new_id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Stops counting the worker that hangs in the job or attempt `id`, so that another one may replace it. No more workers hang
    /// than there are connections, `size`.
    pub(super) fn abandon(&mut self, id: u64, size: usize) {
        if self.abandoned.len() < size && !self.abandoned.contains(&id) {
            self.abandoned.push(id);
            self.workers -= 1;
        }
    }

    /// Returns whether the worker that has finished `id` was replaced in the meantime.
    pub(super) fn was_abandoned(&mut self, id: u64) -> bool {
        let at = self.abandoned.iter().position(|abandoned| *abandoned == id);
        at.map(|at| self.abandoned.swap_remove(at)).is_some()
    }

    /// Removes a job. Returns whether it was still waiting.
    pub(super) fn remove(&mut self, id: u64) -> bool {
        let at = self.waiting.iter().position(|waiting| waiting.id == id);
        at.and_then(|at| self.waiting.remove(at)).is_some()
    }
}
