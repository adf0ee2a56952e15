//! `Pool`: connections, and the threads that work on them.
//!
//! Jobs wait in one queue. Workers run them, one per connection, on threads of the runtime's blocking pool; an idle connection
//! has no thread. A `spawn_blocking` per query, with or without a pool of connections in front of it, wakes a thread for each
//! query, which takes longer than the query does: `bench/src/bin/pool.rs` measures it. However many callers wait, there are no
//! more threads than connections.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rocket::tokio::sync::oneshot::{self, error::TryRecvError};
use rocket::tokio::task::spawn_blocking;
use rocket::tokio::time::timeout;

use super::any_connection::AnyConnection;
use super::connector::Connector;
use super::retry::retried;
use crate::error::{DatabaseFault, Error, ErrorKind, Result};
use crate::storage::local::lock;

/// Timeout for a job in the queue.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(3);
/// Timeout for the work after [`QUEUE_TIMEOUT`]. Diesel has no timeout for MySQL or for a half-open network link: a thread then
/// waits until the kernel closes its connection, and the caller does not.
const WORK_TIMEOUT: Duration = Duration::from_secs(7);

/// Timeout for an idle connection. Firewalls and load balancers drop an idle connection after some minutes without
/// informing either end.
const IDLE_TIMEOUT: Duration = Duration::from_secs(180);

/// At most a fixed number of connections, shared by all callers.
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    connector: Connector,
    size: usize,
    queue: Mutex<Queue>,
    /// Signals that a worker has stopped and has returned its connection.
    #[cfg(test)]
    stopped: rocket::tokio::sync::Notify,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    next: u64,
    idle: Vec<(Instant, AnyConnection)>,
    workers: usize,
    /// Ids of jobs that a worker hangs in and whose callers have given up. Those workers are no longer counted in `workers`.
    abandoned: Vec<u64>,
}

struct Job {
    id: u64,
    work: Box<dyn FnOnce(&mut Worker) + Send>,
}

impl Pool {
    /// Makes a pool of at most `size` connections. `first` is one of them.
    pub(super) fn new(connector: Connector, size: u32, first: AnyConnection) -> Self {
        let queue = Queue { idle: vec![(Instant::now(), first)], ..Queue::default() };
        Self(Arc::new(Shared {
            connector,
            size: size as usize,
            queue: Mutex::new(queue),
            #[cfg(test)]
            stopped: rocket::tokio::sync::Notify::new(),
        }))
    }

    /// Runs `work` on a connection, where it may block. Work that has begun is finished even if the caller gives up.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] when no connection is free for three seconds, or none can be opened, or it takes too long.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut AnyConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let id = self.0.enqueue(Box::new(move |worker| {
            let done = worker.attempt(&mut work, || answer.is_closed());
            let _ = answer.send(done);
        }));
        let mut job = QueuedJob { pool: &self.0, id, answered };
        let mut done = timeout(QUEUE_TIMEOUT, &mut job.answered).await;
        if done.is_err() {
            if job.leave() {
                return Err(Error::storage("no connection to the database was free for three seconds"));
            }
            done = timeout(WORK_TIMEOUT, &mut job.answered).await;
        }
        // The answer may have arrived just now.
        match done.ok().or_else(|| job.give_up().map(Ok)) {
            Some(Ok(done)) => done,
            Some(Err(_)) => Err(Error::storage("the runtime is shutting down")),
            None => Err(Error::storage("the database took too long to answer")),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        lock(&self.queue)
    }

    /// Takes the idle connection that was used last, unless it has been idle for too long.
    fn idle(&self) -> Option<AnyConnection> {
        let mut queue = self.lock();
        let (since, conn) = queue.idle.pop()?;
        if since.elapsed() < IDLE_TIMEOUT {
            return Some(conn);
        }
        // The others have been idle for longer: all are closed.
        let old = std::mem::take(&mut queue.idle);
        drop(queue);
        drop((conn, old));
        None
    }

    fn enqueue(self: &Arc<Self>, work: Box<dyn FnOnce(&mut Worker) + Send>) -> u64 {
        let mut queue = self.lock();
        let id = queue.next;
        queue.next += 1;
        queue.waiting.push_back(Job { id, work });
        self.start_worker(queue);
        id
    }

    fn start_worker(self: &Arc<Self>, mut queue: MutexGuard<'_, Queue>) {
        if queue.workers < self.size && !queue.waiting.is_empty() {
            queue.workers += 1;
            drop(queue);
            let worker = Worker { pool: self.clone(), conn: None, counted: true };
            spawn_blocking(|| worker.work());
        }
    }
}

/// A job in the queue, as its caller sees it.
struct QueuedJob<'a, T> {
    pool: &'a Arc<Shared>,
    id: u64,
    answered: oneshot::Receiver<T>,
}

impl<T> QueuedJob<'_, T> {
    /// Removes the job from the queue. Returns whether it was still waiting.
    fn leave(&mut self) -> bool {
        let mut queue = self.pool.lock();
        let at = queue.waiting.iter().position(|job| job.id == self.id);
        at.and_then(|at| queue.waiting.remove(at)).is_some()
    }

    /// Stops waiting for the worker that runs the job. Another worker may replace it, as long as no more workers hang than there
    /// are connections.
    fn give_up(&mut self) -> Option<T> {
        let mut queue = self.pool.lock();
        let done = self.answered.try_recv();
        let hangs = matches!(done, Err(TryRecvError::Empty)) && !queue.abandoned.contains(&self.id);
        if hangs && queue.abandoned.len() < self.pool.size {
            queue.abandoned.push(self.id);
            queue.workers -= 1;
            self.pool.start_worker(queue);
        }
        done.ok()
    }
}

impl<T> Drop for QueuedJob<'_, T> {
    fn drop(&mut self) {
        if !self.leave() {
            self.give_up();
        }
    }
}

/// Runs the jobs of the queue, on one connection.
struct Worker {
    pool: Arc<Shared>,
    conn: Option<AnyConnection>,
    counted: bool,
}

impl Worker {
    fn work(mut self) {
        let mut done = None;
        while let Some(job) = self.next(done) {
            done = Some(job.id);
            (job.work)(&mut self);
        }
    }

    /// Returns the next job after the one that is done; `None` stops this worker.
    fn next(&mut self, done: Option<u64>) -> Option<Job> {
        let pool = self.pool.clone();
        let mut queue = pool.lock();
        if let Some(at) = done.and_then(|done| queue.abandoned.iter().position(|id| *id == done)) {
            queue.abandoned.swap_remove(at);
            self.counted = false;
            return None;
        }
        let job = queue.waiting.pop_front();
        if job.is_none() {
            // Under the same lock, so that a job that is queued from now on starts another worker.
            queue.idle.extend(self.conn.take().map(|conn| (Instant::now(), conn)));
            queue.workers -= 1;
            self.counted = false;
            #[cfg(test)]
            pool.stopped.notify_one();
        }
        job
    }

    /// Does `work`. It does it again if another transaction was faster, or if the connection was dead; as many connections may be
    /// dead as there are.
    fn attempt<T>(
        &mut self,
        work: &mut impl FnMut(&mut AnyConnection) -> Result<T>,
        unwanted: impl Fn() -> bool,
    ) -> Result<T> {
        let mut dead = 0;
        loop {
            let once =
                || if unwanted() { Err(Error::storage("the caller has given up")) } else { self.once(work) };
            match retried(once) {
                Err(error)
                    if dead <= self.pool.size
                        && DatabaseFault::within(&error) == Some(DatabaseFault::ConnectionLost) =>
                {
                    dead += 1
                }
                done => return done,
            }
        }
    }

    fn once<T>(&mut self, work: &mut impl FnMut(&mut AnyConnection) -> Result<T>) -> Result<T> {
        let mut conn = match self.conn.take().or_else(|| self.pool.idle()) {
            Some(conn) => conn,
            // As the source of another error: the message names the database, which a visitor should not see.
            None => self.pool.connector.connect().map_err(Error::storage)?,
        };
        // A policy is code of the app. If it panics, its transaction stays open, and the connection is closed.
        let done = catch_unwind(AssertUnwindSafe(|| work(&mut conn)))
            .unwrap_or_else(|_| Err(Error::app("the link policy panicked")));
        let fault = done.as_ref().err().and_then(DatabaseFault::within);
        let outage = done.as_ref().is_err_and(|error| error.kind() == ErrorKind::StoreUnavailable)
            && fault != Some(DatabaseFault::Contended);
        if fault == Some(DatabaseFault::ConnectionLost) {
            // The server has probably closed all of them.
            let idle = std::mem::take(&mut self.pool.lock().idle);
            drop(idle);
        }
        if !outage && !conn.is_broken() {
            self.conn = Some(conn);
        }
        done
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The worker never ran, because the runtime is shutting down.
        if self.counted {
            let mut queue = self.pool.lock();
            queue.workers = queue.workers.saturating_sub(1);
        }
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use diesel::connection::SimpleConnection;

    use super::super::url::DatabaseUrl;
    use super::*;
    use crate::storage::suite::in_time;

    #[rocket::async_test]
    async fn a_connection_that_has_been_idle_for_long_is_used_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("app.sqlite").display().to_string();
        let connector = Connector::new(DatabaseUrl::parse(&url).unwrap(), None);
        let mut first = connector.connect().unwrap();
        first.batch_execute("CREATE TEMP TABLE its_own (id INTEGER)").unwrap();
        let pool = Pool::new(connector, 2, first);
        let is_first = async || {
            let asked =
                pool.run(|conn| Ok(conn.batch_execute("SELECT * FROM its_own").is_ok())).await.unwrap();
            // The worker answers first and returns the connection afterwards.
            in_time("the worker to return its connection", pool.0.stopped.notified()).await;
            asked
        };
        assert!(is_first().await && is_first().await);
        pool.0.lock().idle[0].0 -= IDLE_TIMEOUT;
        assert!(!is_first().await);
        assert_eq!(pool.0.lock().idle.len(), 1);
    }
}
