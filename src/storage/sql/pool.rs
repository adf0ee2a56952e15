//! Connections, and the threads that work on them.
//!
//! Work waits in one line, and threads of the runtime's blocking pool, one per connection, work it off; an idle
//! connection has no thread. Against a `spawn_blocking` for each query, with or without a pool that is waited for before
//! it, this spares most of the waking of threads, which takes longer than a query does: `bench/src/bin/pool.rs` shows it.
//! And however many callers wait, there are no more threads than connections.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rocket::tokio::sync::oneshot::{self, error::TryRecvError};
use rocket::tokio::task::spawn_blocking;
use rocket::tokio::time::timeout;

use super::any::AnyConnection;
use super::manager::Manager;
use super::retry::retried;
use crate::error::{DatabaseFault, Error, ErrorKind, Result};

/// How long work waits in line.
const TURN: Duration = Duration::from_secs(3);
/// How long work may take from then on. Diesel knows no deadline for MySQL, and none of a half-open link's: what hangs
/// then is a thread, until the kernel gives its connection up, and no caller.
const WORK: Duration = Duration::from_secs(7);

/// How long a connection may lie idle: firewalls and load balancers forget one after some minutes, without a word to
/// either end.
const IDLE: Duration = Duration::from_secs(180);

/// A few connections.
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    manager: Manager,
    size: usize,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Job>,
    next: u64,
    idle: Vec<(Instant, AnyConnection)>,
    workers: usize,
    /// Jobs whose callers have given up while a worker hung in them. That worker isn't counted any more.
    lost: Vec<u64>,
}

struct Job {
    id: u64,
    work: Box<dyn FnOnce(&mut Worker) + Send>,
}

impl Pool {
    /// At most `size` connections; `first` is one of them.
    pub(super) fn new(manager: Manager, size: u32, first: AnyConnection) -> Self {
        let line = Line { idle: vec![(Instant::now(), first)], ..Line::default() };
        Self(Arc::new(Inner { manager, size: size as usize, line: Mutex::new(line) }))
    }

    /// Runs `work` on a connection, where it may block. Once begun it goes on, even if nobody waits for it any more.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] when no connection is free for three seconds, or none can be opened, or it takes too long.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut AnyConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let id = self.0.line_up(Box::new(move |worker| {
            let done = worker.attempt(&mut work, || answer.is_closed());
            let _ = answer.send(done);
        }));
        let mut place = Place { pool: &self.0, id, answered };
        let mut done = timeout(TURN, &mut place.answered).await;
        if done.is_err() {
            if place.leave() {
                return Err(Error::storage("no connection to the database was free for three seconds"));
            }
            done = timeout(WORK, &mut place.answered).await;
        }
        // It may have come just now.
        match done.ok().or_else(|| place.give_up().map(Ok)) {
            Some(Ok(done)) => done,
            Some(Err(_)) => Err(Error::storage("the runtime is shutting down")),
            None => Err(Error::storage("the database took too long to answer")),
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that was used last, if any may still be good.
    fn idle(&self) -> Option<AnyConnection> {
        let mut line = self.lock();
        let (since, conn) = line.idle.pop()?;
        if since.elapsed() < IDLE {
            return Some(conn);
        }
        // The others have been idle for longer.
        let old = std::mem::take(&mut line.idle);
        drop(line);
        drop((conn, old));
        None
    }

    fn line_up(self: &Arc<Self>, work: Box<dyn FnOnce(&mut Worker) + Send>) -> u64 {
        let mut line = self.lock();
        let id = line.next;
        line.next += 1;
        line.waiting.push_back(Job { id, work });
        self.hire(line);
        id
    }

    fn hire(self: &Arc<Self>, mut line: MutexGuard<'_, Line>) {
        if line.workers < self.size && !line.waiting.is_empty() {
            line.workers += 1;
            drop(line);
            let worker = Worker { pool: self.clone(), conn: None, counted: true };
            spawn_blocking(|| worker.work());
        }
    }
}

/// A caller's place in line.
struct Place<'a, T> {
    pool: &'a Arc<Inner>,
    id: u64,
    answered: oneshot::Receiver<T>,
}

impl<T> Place<'_, T> {
    /// Says whether it was still waiting.
    fn leave(&mut self) -> bool {
        let mut line = self.pool.lock();
        let at = line.waiting.iter().position(|job| job.id == self.id);
        at.and_then(|at| line.waiting.remove(at)).is_some()
    }

    /// Waits no longer for the worker that is on the job: another may take its place, as long as no more hang than there
    /// are connections.
    fn give_up(&mut self) -> Option<T> {
        let mut line = self.pool.lock();
        let done = self.answered.try_recv();
        let hangs = matches!(done, Err(TryRecvError::Empty)) && !line.lost.contains(&self.id);
        if hangs && line.lost.len() < self.pool.size {
            line.lost.push(self.id);
            line.workers -= 1;
            self.pool.hire(line);
        }
        done.ok()
    }
}

impl<T> Drop for Place<'_, T> {
    fn drop(&mut self) {
        if !self.leave() {
            self.give_up();
        }
    }
}

/// Works the line off, on one connection.
struct Worker {
    pool: Arc<Inner>,
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

    /// The next job after the one that is done; none ends this worker.
    fn next(&mut self, done: Option<u64>) -> Option<Job> {
        let pool = self.pool.clone();
        let mut line = pool.lock();
        if let Some(lost) = done.and_then(|done| line.lost.iter().position(|lost| *lost == done)) {
            line.lost.swap_remove(lost);
            self.counted = false;
            return None;
        }
        let job = line.waiting.pop_front();
        if job.is_none() {
            // Under the same lock: work that lines up from now on sees that it needs another worker.
            line.idle.extend(self.conn.take().map(|conn| (Instant::now(), conn)));
            line.workers -= 1;
            self.counted = false;
        }
        job
    }

    /// Does `work`; again when somebody else was faster, or when it met a dead connection: of those there may be as many
    /// as there are connections.
    fn attempt<T>(
        &mut self,
        work: &mut impl FnMut(&mut AnyConnection) -> Result<T>,
        unwanted: impl Fn() -> bool,
    ) -> Result<T> {
        let mut dead = 0;
        loop {
            let once =
                || if unwanted() { Err(Error::storage("nobody waits for it")) } else { self.once(work) };
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
            // The cause names the database, which is nothing for the person at the browser.
            None => self.pool.manager.connect().map_err(Error::storage)?,
        };
        // A policy is the app's code. If it panics its transaction stays open: the connection goes.
        let done = catch_unwind(AssertUnwindSafe(|| work(&mut conn)))
            .unwrap_or_else(|_| Err(Error::app("the link policy panicked")));
        let fault = done.as_ref().err().and_then(DatabaseFault::within);
        let outage = done.as_ref().is_err_and(|error| error.kind() == ErrorKind::StoreUnavailable)
            && fault != Some(DatabaseFault::Contended);
        if fault == Some(DatabaseFault::ConnectionLost) {
            // The server has probably ended them all.
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
        // Never run, because the runtime is shutting down.
        if self.counted {
            let mut line = self.pool.lock();
            line.workers = line.workers.saturating_sub(1);
        }
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use diesel::connection::SimpleConnection;

    use super::super::url::DatabaseUrl;
    use super::*;

    #[rocket::async_test]
    async fn a_connection_that_has_been_idle_for_long_is_used_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("app.sqlite").display().to_string();
        let manager = Manager::new(DatabaseUrl::parse(&url).unwrap(), None);
        let mut first = manager.connect().unwrap();
        first.batch_execute("CREATE TEMP TABLE its_own (id INTEGER)").unwrap();
        let pool = Pool::new(manager, 2, first);
        let is_first = async || {
            let asked =
                pool.run(|conn| Ok(conn.batch_execute("SELECT * FROM its_own").is_ok())).await.unwrap();
            // Whoever has answered gives the connection back a moment later.
            while pool.0.lock().workers > 0 {
                rocket::tokio::task::yield_now().await;
            }
            asked
        };
        assert!(is_first().await && is_first().await);
        pool.0.lock().idle[0].0 -= IDLE;
        assert!(!is_first().await);
        assert_eq!(pool.0.lock().idle.len(), 1);
    }
}
