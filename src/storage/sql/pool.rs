//! `Pool`: connections, and the threads that work on them.
//!
//! Jobs wait in one queue. Workers run them, one per connection, on threads of the runtime's blocking pool; an idle connection
//! has no thread. A `spawn_blocking` per query, with or without a pool of connections in front of it, wakes a thread for each
//! query, which takes longer than the query does. However many callers wait, there are no more threads than connections.
//!
//! `bench/src/bin/pool.rs` compares this way with others. In November 2026, with 32 callers and 8 connections on two cores, it
//! ran 1.8 times as many look-ups as `r2d2` without a ping and 3.3 times as many as `deadpool-diesel` on SQLite, and 1.6 and
//! 2.7 times as many on PostgreSQL. With a single caller it is level with `r2d2` on PostgreSQL and has 0.8 of its rate on
//! SQLite.
//!
//! Tried and left out: a worker that yields once before it stops. With 32 callers a look-up then takes a fifth less processor time,
//! but on a machine that is busy with other programs, a single caller waits for milliseconds.
//!
//! A worker takes a job only when it has a connection. If the database gives fewer connections than `size`, the jobs wait for
//! those that there are.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use rocket::tokio::runtime::Handle;
use rocket::tokio::sync::oneshot::{self, error::TryRecvError};
use rocket::tokio::task::{JoinHandle, spawn_blocking};
use rocket::tokio::time::{sleep, timeout};

use super::any_connection::AnyConnection;
use super::connector::Connector;
use super::failure;
use super::job::{Job, JobEnd, Task};
use super::queue::{PooledConnection, Queue, Waiting};
use crate::error::{Error, Result};
use crate::lock::lock;

/// Timeout for a job in the queue.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(3);
/// Timeout for the work after [`QUEUE_TIMEOUT`]. Diesel has no timeout for MySQL or for a half-open network link: a thread then
/// waits until the kernel closes its connection, and the caller does not.
const WORK_TIMEOUT: Duration = Duration::from_secs(7);

/// Timeout for an attempt to connect. Another worker replaces the one that hangs in it.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(2500);

/// Timeout for an idle connection. Firewalls and load balancers drop an idle connection after some minutes without
/// informing either end.
const IDLE_TIMEOUT: Duration = Duration::from_secs(180);

/// Time for which no more connections are tried after the database has refused one, as long as there are others.
const REFUSED_TTL: Duration = Duration::from_secs(1);

/// Time without a refused connection after which the next one is logged.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// At most a fixed number of connections, shared by all callers.
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    connector: Connector,
    size: usize,
    idle_timeout: Duration,
    queue: Mutex<Queue>,
}

impl Pool {
    /// Makes a pool of at most `size` connections. `first` is one of them.
    pub(super) fn new(connector: Connector, size: u32, first: AnyConnection) -> Self {
        Self::with_idle_timeout(connector, size, first, IDLE_TIMEOUT)
    }

    fn with_idle_timeout(
        connector: Connector,
        size: u32,
        first: AnyConnection,
        idle_timeout: Duration,
    ) -> Self {
        let queue = Mutex::default();
        let pool = Arc::new(Shared { connector, size: size as usize, idle_timeout, queue });
        let first = PooledConnection { conn: first, losses: 0, is_new: false };
        pool.store(&mut pool.lock(), first);
        Self(pool)
    }

    /// Runs `work`, which writes nothing or begins its own transactions: see [`run`](Self::run).
    pub(super) async fn read<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut AnyConnection) -> failure::Result<T> + Send + 'static,
    ) -> Result<T> {
        match self.0.connector.is_behind_pooler() {
            // The timeouts are settings of the transaction there.
            true => self.run(move |conn| conn.write(&mut work)).await,
            false => self.run(work).await,
        }
    }

    /// Runs `work` on a connection, where it may block. It runs again if another transaction was faster, or if the connection
    /// was lost. Work that has begun is finished even if the caller gives up.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable) when no connection is free for three seconds, or none
    /// can be opened, or it takes too long.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut AnyConnection) -> failure::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (caller, answered) = oneshot::channel();
        let id = self.0.enqueue(Box::new(Task::new(work, caller)));
        let mut job = QueuedJob { pool: &self.0, id, answered };
        let mut done = timeout(QUEUE_TIMEOUT, &mut job.answered).await;
        if done.is_err() {
            if self.0.time_out(id) {
                return Err(Error::storage("no connection to the database was free for three seconds"));
            }
            done = timeout(WORK_TIMEOUT, &mut job.answered).await;
        }
        // The answer may have arrived just now.
        match done.ok().or_else(|| job.give_up().map(Ok)) {
            Some(Ok(done)) => done,
            Some(Err(_)) => {
                Err(Error::storage("the work was dropped: the runtime is shutting down, or it panicked"))
            }
            None => Err(Error::storage("the database took too long to answer")),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        lock(&self.queue)
    }

    fn enqueue(self: &Arc<Self>, job: Box<dyn Job>) -> u64 {
        let mut queue = self.lock();
        let id = queue.new_id();
        queue.waiting.push_back(Waiting { id, job });
        self.start_worker(queue);
        id
    }

    /// Removes a job that has waited too long, and replaces the workers whose attempt to connect takes too long. Returns whether
    /// the job was still waiting.
    fn time_out(self: &Arc<Self>, id: u64) -> bool {
        let mut queue = self.lock();
        let was_waiting = queue.remove(id);
        let is_slow = |(_, since): &mut (u64, Instant)| since.elapsed() >= CONNECT_TIMEOUT;
        let slow: Vec<_> = queue.connecting.extract_if(.., is_slow).collect();
        for (attempt, _) in slow {
            queue.abandon(attempt, self.size);
        }
        self.start_worker(queue);
        was_waiting
    }

    /// Starts a worker for a job that waits, if there may be a connection for it.
    fn start_worker(self: &Arc<Self>, mut queue: MutexGuard<'_, Queue>) {
        let may_connect = queue.workers == 0
            || !queue.idle.is_empty()
            || queue.refused_at.is_none_or(|at| at.elapsed() >= REFUSED_TTL);
        if queue.workers < self.size && !queue.waiting.is_empty() && may_connect {
            queue.workers += 1;
            drop(queue);
            let worker = Worker { pool: self.clone(), connection: None, is_counted: true };
            spawn_blocking(|| worker.work());
        }
    }

    /// Keeps an idle connection until it is used, or has been idle for too long.
    fn store(self: &Arc<Self>, queue: &mut Queue, connection: PooledConnection) {
        queue.idle.push((Instant::now(), PooledConnection { is_new: false, ..connection }));
        if queue.closer.as_ref().is_none_or(JoinHandle::is_finished) {
            let pool = Arc::downgrade(self);
            let close = async move {
                while let Some(wait) = pool.upgrade().and_then(|pool| pool.close_idle()) {
                    sleep(wait).await;
                }
            };
            queue.closer = Handle::try_current().ok().map(|runtime| runtime.spawn(close));
        }
    }

    /// Closes the connections that have been idle for too long. Returns the time until the next one has; `None` if none is idle.
    fn close_idle(&self) -> Option<Duration> {
        let mut queue = self.lock();
        let old = queue.idle.partition_point(|(since, _)| since.elapsed() >= self.idle_timeout);
        let old: Vec<_> = queue.idle.drain(..old).collect();
        if !old.is_empty() {
            spawn_blocking(move || drop(old));
        }
        let next = queue.idle.first().map(|(since, _)| self.idle_timeout.saturating_sub(since.elapsed()));
        if next.is_none() {
            queue.closer = None;
        }
        next
    }
}

/// A job in the queue, as its caller sees it.
struct QueuedJob<'a, T> {
    pool: &'a Arc<Shared>,
    id: u64,
    answered: oneshot::Receiver<T>,
}

impl<T> QueuedJob<'_, T> {
    /// Removes the job from the queue, or stops waiting for the worker that runs it. Another worker may replace that one, as
    /// long as no more workers hang than there are connections.
    fn give_up(&mut self) -> Option<T> {
        let mut queue = self.pool.lock();
        if queue.remove(self.id) {
            return None;
        }
        let done = self.answered.try_recv();
        if matches!(done, Err(TryRecvError::Empty)) {
            queue.abandon(self.id, self.pool.size);
            self.pool.start_worker(queue);
        }
        done.ok()
    }
}

impl<T> Drop for QueuedJob<'_, T> {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// Runs the jobs of the queue, on one connection.
struct Worker {
    pool: Arc<Shared>,
    connection: Option<PooledConnection>,
    /// Whether it is one of [`Queue::workers`].
    is_counted: bool,
}

impl Worker {
    fn work(mut self) {
        while self.connect() {
            let Some(Waiting { id, mut job }) = self.next() else { return };
            let Some(connection) = &mut self.connection else { return };
            let end = job.run(&mut connection.conn, connection.is_new);
            connection.is_new = false;
            if !self.finish(id, job, end) {
                return;
            }
        }
    }

    /// Takes an idle connection or opens one, unless this worker has one. Returns whether it has one now.
    fn connect(&mut self) -> bool {
        let pool = self.pool.clone();
        let mut queue = pool.lock();
        let losses = queue.losses;
        let old = self.connection.take_if(|connection| connection.losses != losses);
        self.connection =
            self.connection.take().or_else(|| queue.idle.pop().map(|(_, connection)| connection));
        if self.connection.is_some() {
            drop(queue);
            return true;
        }
        let attempt = queue.new_id();
        queue.connecting.push((attempt, Instant::now()));
        drop(queue);
        drop(old);
        let opened = pool.connector.connect();
        let mut queue = pool.lock();
        queue.connecting.retain(|(id, _)| *id != attempt);
        if queue.was_abandoned(attempt) {
            self.is_counted = false;
            return false;
        }
        match opened {
            Ok(conn) => self.connection = Some(PooledConnection { conn, losses, is_new: true }),
            Err(error) => self.leave_jobs_to_others(queue, &error),
        }
        self.connection.is_some()
    }

    /// Takes a connection that has become idle, or else leaves the jobs to the workers that have one. If none has one, the jobs
    /// fail with `error`.
    fn leave_jobs_to_others(&mut self, mut queue: MutexGuard<'_, Queue>, error: &Error) {
        self.connection = queue.idle.pop().map(|(_, connection)| connection);
        if self.connection.is_some() {
            return;
        }
        self.is_counted = false;
        queue.workers -= 1;
        if queue.workers > 0 {
            if queue.refused_at.replace(Instant::now()).is_none_or(|at| at.elapsed() >= WARNING_INTERVAL) {
                log::warn!(
                    "oauth: the database accepts no more connections at the moment; requests share those that are open. \
                     It may allow fewer than `pool_size`: {error:?}"
                );
            }
            return;
        }
        let waiting = mem::take(&mut queue.waiting);
        drop(queue);
        for Waiting { mut job, .. } in waiting {
            // As the source of another error: the message names the database, which a visitor should not see.
            job.fail(Error::storage(error.copy()));
        }
    }

    /// Returns the next job. If none waits, the connection becomes idle and this worker stops.
    fn next(&mut self) -> Option<Waiting> {
        let pool = self.pool.clone();
        let mut queue = pool.lock();
        let waiting = queue.waiting.pop_front();
        if let Some(connection) = &mut self.connection {
            connection.is_new &= connection.losses == queue.losses;
        }
        if waiting.is_none() {
            // Under the same lock, so that a job that is queued from now on starts another worker.
            if let Some(connection) = self.connection.take_if(|connection| connection.losses == queue.losses)
            {
                pool.store(&mut queue, connection);
            }
            queue.workers -= 1;
            self.is_counted = false;
        }
        waiting
    }

    /// Returns whether this worker goes on after the job: its caller may have given up, and another worker replaced this one.
    fn finish(&mut self, id: u64, job: Box<dyn Job>, end: JobEnd) -> bool {
        // Connections are closed without the lock.
        let closed = if end == JobEnd::Done { None } else { self.connection.take() };
        let mut queue = self.pool.lock();
        let mut lost = Vec::new();
        if queue.was_abandoned(id) {
            self.is_counted = false;
        } else if end == JobEnd::ConnectionLost {
            queue.waiting.push_front(Waiting { id, job });
            if closed.as_ref().is_some_and(|connection| connection.losses == queue.losses) {
                queue.losses += 1;
                lost = mem::take(&mut queue.idle);
            }
        }
        drop(queue);
        drop((closed, lost));
        self.is_counted
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.is_counted {
            let mut queue = self.pool.lock();
            queue.workers = queue.workers.saturating_sub(1);
            // Otherwise it never ran: the runtime is shutting down and starts no other.
            if thread::panicking() {
                self.pool.start_worker(queue);
            }
        }
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use rocket::tokio::task::JoinSet;

    use super::super::url::DatabaseUrl;
    use super::*;
    use crate::storage::suite::eventually;

    /// A pool on a new database in the folder.
    fn pool(size: u32, idle_timeout: Duration) -> (Pool, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("app.sqlite").display().to_string();
        let connector = Connector::new(DatabaseUrl::parse(&url).unwrap(), None);
        let first = connector.connect().unwrap();
        (Pool::with_idle_timeout(connector, size, first, idle_timeout), folder)
    }

    #[rocket::async_test]
    async fn no_job_waits_for_a_worker_that_stops() {
        for size in [1, 2] {
            let (pool, _folder) = pool(size, IDLE_TIMEOUT);
            let pool = Arc::new(pool);
            let mut callers = JoinSet::new();
            for _ in 0..8 {
                let pool = pool.clone();
                callers.spawn(async move {
                    for n in 0..500 {
                        assert_eq!(pool.run(move |_| Ok(n)).await.unwrap(), n);
                    }
                });
            }
            while let Some(done) = callers.join_next().await {
                done.unwrap();
            }
            eventually("all workers to stop", async || pool.0.lock().workers == 0).await;
            let queue = pool.0.lock();
            assert!(queue.waiting.is_empty());
            assert!((1..=size as usize).contains(&queue.idle.len()));
        }
    }

    #[rocket::async_test]
    async fn b3_idle_connections_are_closed_without_a_next_call() {
        let (pool, _folder) = pool(2, Duration::from_millis(50));
        for _ in 0..2 {
            pool.run(|_| Ok(())).await.unwrap();
            eventually("the connection to be closed", async || pool.0.lock().idle.is_empty()).await;
        }
        pool.run(|_| Ok(())).await.unwrap();
    }
}
