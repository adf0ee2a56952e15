//! Ways to run blocking Diesel work on a connection, compared in one process: which is fastest, and why.
//!
//! ```sh
//! cargo run --release --manifest-path bench/Cargo.toml --bin pool -- /tmp/pool.sqlite
//! cargo run --release --manifest-path bench/Cargo.toml --features postgres --bin pool -- postgres://localhost/postgres
//! ```
//!
//! Tasks on Rocket's runtime read one row by its id, each as soon as it has the last one. The ways take turns in short
//! rounds, so that other load on the machine affects all of them. Ratios are to dedicated threads, the fastest way known.
//! The table `pool_bench` is created and removed. To measure one way alone (`strace -fc`, `perf`), pass a word of its
//! name: `… -- /tmp/pool.sqlite dedicated`. POOL_ROUNDS and POOL_MILLIS set the duration.

use std::collections::VecDeque;
use std::env;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool, R2D2Connection};
use rocket::tokio::sync::{Semaphore, oneshot};
use rocket::tokio::task::{JoinSet, block_in_place, spawn_blocking};

/// The number of tasks and of connections.
const SETTINGS: [(i64, u32); 3] = [(1, 2), (32, 2), (32, 8)];
const ROWS: i64 = 1000;

diesel::table! {
    pool_bench (id) {
        id -> BigInt,
        name -> Text,
    }
}

/// A connection that can look up a row.
trait Lookup: R2D2Connection + SimpleConnection + Send + 'static {
    fn lookup(&mut self, id: i64) -> String;
}

macro_rules! lookup {
    ($conn:ty) => {
        impl Lookup for $conn {
            fn lookup(&mut self, id: i64) -> String {
                pool_bench::table.find(id).select(pool_bench::name).first(self).expect("the row")
            }
        }
    };
}

lookup!(SqliteConnection);
#[cfg(feature = "postgres")]
lookup!(PgConnection);

type Answer = Pin<Box<dyn Future<Output = String> + Send>>;

/// A way to look up a row.
struct Way {
    name: &'static str,
    ask: Arc<dyn Fn(i64) -> Answer + Send + Sync>,
    /// The duration of each lookup.
    took: Vec<Duration>,
    /// The duration of all rounds.
    time: Duration,
}

impl Way {
    fn new<F: Future<Output = String> + Send + 'static>(
        name: &'static str,
        ask: impl Fn(i64) -> F + Send + Sync + 'static,
    ) -> Self {
        let ask = move |id| -> Answer { Box::pin(ask(id)) };
        Self { name, ask: Arc::new(ask), took: Vec::new(), time: Duration::ZERO }
    }

    async fn round(&mut self, tasks_at_once: i64, lasting: Duration) {
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for task in 0..tasks_at_once {
            let ask = self.ask.clone();
            tasks.spawn(async move {
                let mut took = Vec::with_capacity(100_000);
                let mut id = task;
                while start.elapsed() < lasting {
                    id = (id + 7) % ROWS;
                    let asked = Instant::now();
                    assert_eq!(ask(id).await, id.to_string());
                    took.push(asked.elapsed());
                }
                took
            });
        }
        while let Some(took) = tasks.join_next().await {
            self.took.extend(took.expect("the task"));
        }
        self.time += start.elapsed();
    }

    fn rate(&self) -> f64 {
        self.took.len() as f64 / self.time.as_secs_f64()
    }

    fn quantile(&self, part: f64) -> f64 {
        let last = self.took.len().saturating_sub(1);
        self.took.get((last as f64 * part) as usize).copied().unwrap_or_default().as_secs_f64() * 1e6
    }
}

fn connect<C: Lookup>(url: &str) -> C {
    let mut conn = C::establish(url).expect("a connection");
    if !url.contains("://") {
        conn.batch_execute(
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
        )
        .expect("pragmas");
    }
    conn
}

/// A pool with `size` open connections, each used once.
fn r2d2<C: Lookup>(url: &str, size: u32, ping: bool) -> Pool<ConnectionManager<C>> {
    let pool = Pool::builder()
        .max_size(size)
        .test_on_check_out(ping)
        .build(ConnectionManager::new(url))
        .expect("a pool");
    let all: Vec<_> = (0..size).map(|_| pool.get().expect("a connection")).collect();
    drop(all);
    pool
}

fn over_r2d2<C: Lookup>(name: &'static str, url: &str, size: u32, ping: bool) -> Way {
    let pool = r2d2::<C>(url, size, ping);
    Way::new(name, move |id| {
        let pool = pool.clone();
        async move {
            spawn_blocking(move || pool.get().expect("a connection").lookup(id)).await.expect("the lookup")
        }
    })
}

fn permit_then_r2d2<C: Lookup>(url: &str, size: u32) -> Way {
    let (pool, permits) = (r2d2::<C>(url, size, false), Arc::new(Semaphore::new(size as usize)));
    Way::new("permit, spawn_blocking + r2d2", move |id| {
        let (pool, permits) = (pool.clone(), permits.clone());
        async move {
            let permit = permits.acquire_owned().await.expect("a permit");
            let work = move || {
                let name = pool.get().expect("a connection").lookup(id);
                drop(permit);
                name
            };
            spawn_blocking(work).await.expect("the lookup")
        }
    })
}

fn list<C: Lookup>(url: &str, size: u32) -> Arc<(Mutex<Vec<C>>, Arc<Semaphore>)> {
    let idle: Vec<C> = (0..size).map(|_| connect(url)).collect();
    Arc::new((Mutex::new(idle), Arc::new(Semaphore::new(size as usize))))
}

fn permit_then_list<C: Lookup>(url: &str, size: u32) -> Way {
    let pool = list::<C>(url, size);
    Way::new("permit, spawn_blocking + list", move |id| {
        let pool = pool.clone();
        async move {
            let permit = pool.1.clone().acquire_owned().await.expect("a permit");
            let work = move || {
                let mut conn = pool.0.lock().expect("the list").pop().expect("a connection");
                let name = conn.lookup(id);
                pool.0.lock().expect("the list").push(conn);
                drop(permit);
                name
            };
            spawn_blocking(work).await.expect("the lookup")
        }
    })
}

fn permit_then_in_place<C: Lookup>(url: &str, size: u32) -> Way {
    let pool = list::<C>(url, size);
    Way::new("permit, block_in_place + list", move |id| {
        let pool = pool.clone();
        async move {
            let _permit = pool.1.acquire().await.expect("a permit");
            block_in_place(|| {
                let mut conn = pool.0.lock().expect("the list").pop().expect("a connection");
                let name = conn.lookup(id);
                pool.0.lock().expect("the list").push(conn);
                name
            })
        }
    })
}

fn dedicated<C: Lookup>(url: &str, size: u32) -> Way {
    let (jobs, queue) = mpsc::channel::<(i64, oneshot::Sender<String>)>();
    let queue = Arc::new(Mutex::new(queue));
    for _ in 0..size {
        let (mut conn, queue) = (connect::<C>(url), queue.clone());
        thread::spawn(move || {
            loop {
                let job = queue.lock().expect("the queue").recv();
                let Ok((id, answer)) = job else { break };
                let _ = answer.send(conn.lookup(id));
            }
        });
    }
    Way::new(DEDICATED, move |id| {
        let (answer, answered) = oneshot::channel();
        jobs.send((id, answer)).expect("a thread");
        async move { answered.await.expect("the lookup") }
    })
}

/// Waiting jobs, and the threads that run them.
struct Line<C> {
    waiting: VecDeque<(i64, oneshot::Sender<String>)>,
    idle: Vec<C>,
}

/// A queue for threads of the runtime's blocking pool, one per connection. They end when it is empty.
fn drained<C: Lookup>(url: &str, size: u32) -> Way {
    let idle = (0..size).map(|_| connect(url)).collect();
    let line = Arc::new(Mutex::new(Line::<C> { waiting: VecDeque::new(), idle }));
    Way::new("queue drained in spawn_blocking", move |id| {
        let (answer, answered) = oneshot::channel();
        let mut locked = line.lock().expect("the line");
        locked.waiting.push_back((id, answer));
        if let Some(mut conn) = locked.idle.pop() {
            let line = line.clone();
            spawn_blocking(move || {
                loop {
                    let mut locked = line.lock().expect("the line");
                    let Some((id, answer)) = locked.waiting.pop_front() else {
                        locked.idle.push(conn);
                        break;
                    };
                    drop(locked);
                    let _ = answer.send(conn.lookup(id));
                }
            });
        }
        async move { answered.await.expect("the lookup") }
    })
}

const DEDICATED: &str = "dedicated threads";

macro_rules! deadpool {
    ($url:expr, $size:expr, $backend:ident) => {{
        use deadpool_diesel::$backend::{Manager, Pool, Runtime};
        let manager = Manager::new($url, Runtime::Tokio1);
        let pool = Pool::builder(manager).max_size($size as usize).build().expect("a pool");
        Way::new("deadpool-diesel", move |id| {
            let pool = pool.clone();
            async move {
                let conn = pool.get().await.expect("a connection");
                conn.interact(move |conn| conn.lookup(id)).await.expect("the lookup")
            }
        })
    }};
}

async fn compare<C: Lookup>(url: &str, deadpool: impl Fn(u32) -> Way) {
    let only = env::args().nth(2).unwrap_or_default();
    let number = |name, default| env::var(name).map_or(default, |text| text.parse().expect(name));
    let (rounds, lasting) = (number("POOL_ROUNDS", 10), Duration::from_millis(number("POOL_MILLIS", 500)));
    let mut conn: C = connect(url);
    let rows: Vec<_> = (0..ROWS).map(|id| format!("({id}, '{id}')")).collect();
    conn.batch_execute(&format!(
        "DROP TABLE IF EXISTS pool_bench; \
         CREATE TABLE pool_bench (id BIGINT PRIMARY KEY NOT NULL, name TEXT NOT NULL); \
         INSERT INTO pool_bench VALUES {}",
        rows.join(", ")
    ))
    .expect("a table");
    for (tasks, size) in SETTINGS {
        let mut ways = vec![
            over_r2d2::<C>("spawn_blocking + r2d2 that pings", url, size, true),
            over_r2d2::<C>("spawn_blocking + r2d2", url, size, false),
            deadpool(size),
            permit_then_r2d2::<C>(url, size),
            permit_then_list::<C>(url, size),
            permit_then_in_place::<C>(url, size),
            drained::<C>(url, size),
            dedicated::<C>(url, size),
        ];
        ways.retain(|way| way.name.contains(&only));
        for round in 0..=rounds {
            for way in &mut ways {
                way.round(tasks, lasting).await;
                if round == 0 {
                    (way.took, way.time) = (Vec::new(), Duration::ZERO); // warming up
                }
            }
        }
        println!(
            "{tasks} tasks, {size} connections\n{:34} {:>16} {:>16} {:>16}",
            "", "req/s", "p50 µs", "p99 µs"
        );
        ways.iter_mut().for_each(|way| way.took.sort_unstable());
        let base =
            ways.iter().find(|way| way.name == DEDICATED).or(ways.first()).expect("a way of that name");
        for way in &ways {
            let shown = |value: f64, base: f64| format!("{value:8.0} {:5.2} x", value / base);
            println!(
                "{:34} {:>16} {:>16} {:>16}",
                way.name,
                shown(way.rate(), base.rate()),
                shown(way.quantile(0.5), base.quantile(0.5)),
                shown(way.quantile(0.99), base.quantile(0.99)),
            );
        }
    }
    conn.batch_execute("DROP TABLE pool_bench").expect("no table");
}

#[rocket::main]
async fn main() {
    let url = env::args().nth(1).expect("the path of a SQLite file, or a postgres:// URL");
    if !url.contains("://") {
        return compare::<SqliteConnection>(&url, |size| deadpool!(&url, size, sqlite)).await;
    }
    #[cfg(feature = "postgres")]
    compare::<PgConnection>(&url, |size| deadpool!(&url, size, postgres)).await;
    #[cfg(not(feature = "postgres"))]
    panic!("for PostgreSQL add `--features postgres`");
}
