//! The cost of a cached account: time, compared with a plain moka get in the same run, and memory.
//!
//! ```console
//! $ cargo run --release --manifest-path bench/Cargo.toml --bin cached             # time; aim: at most twice a plain get
//! $ cargo run --release --manifest-path bench/Cargo.toml --bin cached -- memory   # 10⁶ accounts; aim: at most 2 GiB
//! $ cargo run … -- memory 1000000 500000000    # 10⁶ accounts, a cache of 500 MB
//! ```
//!
//! It uses the public API, with a warm cache in front of a storage in memory. Access tokens have 1 KiB.
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rocket::figment::Figment;
use rocket_dance::provider::Provider;
use rocket_dance::storage::{Account, AccountKey, Storage};
use rocket_dance::{Dance, Profile, Result, Token};
use serde_json::json;

struct Op;

impl Provider for Op {
    const NAME: &'static str = "op";
}

/// The storage behind the cache. It counts the reads.
#[derive(Default, Clone)]
struct Map(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    accounts: HashMap<String, Arc<Account>>,
    loads: usize,
}

#[rocket::async_trait]
impl Storage for Map {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        let mut inner = self.0.lock().expect("a map");
        inner.loads += 1;
        Ok(inner.accounts.get(&key.to_string()).map(|account| Account::clone(account)))
    }

    async fn set(&self, account: &Account) -> Result<()> {
        let shared = Arc::new(account.clone());
        let mut inner = self.0.lock().expect("a map");
        for key in account.keys() {
            inner.accounts.insert(key.to_string(), shared.clone());
        }
        Ok(())
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        self.0.lock().expect("a map").accounts.remove(&key.to_string());
        Ok(())
    }
}

/// An app with this number of accounts and an empty cache.
async fn dance(accounts: u32, cache: u32) -> (Dance, Map) {
    let figment = Figment::from(rocket::Config::release_default())
        .merge(("log_level", "off"))
        .merge(("secret_key", "0c8e3b1f2d5a49768b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a"))
        .merge(("dance.base_url", "http://localhost:8000"))
        .merge(("dance.cache.bytes", cache))
        .merge(("dance.cache.ttl", 86400))
        .merge(("oauth.op.provider", "oauth2"))
        .merge(("oauth.op.client_id", "bench"))
        .merge(("oauth.op.client_secret", "bench's secret"))
        .merge(("oauth.op.authorization_url", "https://provider.test/authorize"))
        .merge(("oauth.op.token_url", "https://provider.test/token"))
        .merge(("oauth.op.userinfo_url", "https://provider.test/userinfo"));
    let map = Map::default();
    let rocket = rocket::custom(figment).attach(Dance::fairing().storage(map.clone()));
    let rocket = rocket.ignite().await.expect("the app ignites");
    let dance = Dance::fetch(&rocket).expect("the dance").clone();
    for user in 0..accounts {
        let userinfo = json!({
            "sub": subject(user),
            "name": format!("Person {user}"),
            "email": format!("person{user}@example.test"),
            "email_verified": true,
            "picture": format!("https://provider.test/people/{user}.png"),
        });
        let profile = Profile::from_claims(&userinfo).expect("a profile");
        let token = Token::new("a".repeat(1024)).with_refresh_token("r".repeat(64));
        dance.import(Op, &user, profile, token).await.expect("an account");
    }
    (dance, map)
}

fn subject(user: u32) -> String {
    (90_000_000 + user).to_string()
}

#[rocket::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().is_some_and(|what| what == "memory") {
        true => {
            let number =
                |at: usize, default| arguments.get(at).map_or(default, |n| n.parse().expect("a number"));
            memory(number(1, 1_000_000), number(2, u32::MAX)).await
        }
        false => time().await,
    }
}

/// The number of accounts that are looked up in turns.
const HOT: u32 = 1000;
const LOOKUPS: u32 = 200_000;
const ROUNDS: usize = 21;

async fn time() {
    let (dance, map) = dance(HOT, u32::MAX).await;
    let bare: moka::future::Cache<(String, Option<String>, u64), Arc<Account>> =
        moka::future::Cache::builder()
            .max_capacity(1 << 30)
            .weigher(|_, account: &Arc<Account>| account.token.len() as u32)
            .time_to_live(Duration::from_secs(86400))
            .build();
    let mut keys = Vec::new();
    for user in 0..HOT {
        let account = dance.account(Op, &subject(user)).await.expect("a store").expect("an account");
        dance.client(Op, &user).await.expect("a store").expect("an account");
        keys.push(("op".to_owned(), Some(user.to_string()), 0));
        bare.insert(keys[user as usize].clone(), Arc::new(account)).await;
    }
    let loads = map.0.lock().expect("a map").loads;
    let subjects = (0..HOT).map(subject).collect::<Vec<_>>();
    println!("| threads | bare moka get ns | Dance::client ns | ratio | Dance::account ns |");
    println!("|---|---|---|---|---|");
    for threads in [1, 2] {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let get = each(threads, |users: Vec<u32>| async {
                for user in users {
                    assert!(black_box(bare.get(&keys[user as usize]).await).is_some());
                }
            });
            let client = each(threads, |users: Vec<u32>| async {
                for user in users {
                    assert!(black_box(dance.client(Op, &user).await.expect("a store")).is_some());
                }
            });
            let account = each(threads, |users: Vec<u32>| async {
                for user in users {
                    let found = dance.account(Op, &subjects[user as usize]).await;
                    assert!(black_box(found.expect("a store")).is_some());
                }
            });
            rounds.push([get, client, account]);
        }
        let median = |of: fn(&[f64; 3]) -> f64| {
            let mut figures: Vec<f64> = rounds.iter().map(of).collect();
            figures.sort_by(f64::total_cmp);
            figures[ROUNDS / 2]
        };
        println!(
            "| {threads} | {:.0} | {:.0} | {:.2} | {:.0} |",
            median(|round| round[0]),
            median(|round| round[1]),
            median(|round| round[1] / round[0]),
            median(|round| round[2]),
        );
    }
    assert_eq!(map.0.lock().expect("a map").loads, loads, "every lookup was a hit");
}

/// Nanoseconds per lookup, in `threads` threads at once.
fn each<F: Future<Output = ()>>(threads: u32, lookups: impl Fn(Vec<u32>) -> F + Sync) -> f64 {
    let timed = |thread: u32| {
        let users: Vec<_> = (0..LOOKUPS).map(|n| (n * 7919 + thread * 500) % HOT).collect();
        let runtime = rocket::tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let begun = Instant::now();
        runtime.block_on(lookups(users));
        begun.elapsed().as_nanos() as f64 / f64::from(LOOKUPS)
    };
    let timed = &timed;
    let times: Vec<f64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || timed(thread))).collect();
        threads.into_iter().map(|thread| thread.join().expect("lookups")).collect()
    });
    times.iter().sum::<f64>() / times.len() as f64
}

async fn memory(accounts: u32, cache: u32) {
    let (dance, map) = dance(accounts, cache).await;
    let before = resident();
    println!("{accounts} accounts in the storage: {} MiB resident", before >> 10);
    for time in ["first", "second"] {
        let loads = map.0.lock().expect("a map").loads;
        for user in 0..accounts {
            let client = dance.client(Op, &user).await.expect("a store");
            assert!(client.is_some());
        }
        let grown = resident().saturating_sub(before);
        let loads = map.0.lock().expect("a map").loads - loads;
        println!(
            "looked up a {time} time: {} MiB more, {} bytes each; {loads} loads",
            grown >> 10,
            grown * 1024 / u64::from(accounts)
        );
    }
}

/// The resident memory of this process (VmRSS), in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}
