//! The duration of one account lookup in a small and in a large table.
//!
//! ```console
//! $ cargo run --release --manifest-path bench/Cargo.toml --bin lookup -- /tmp/lookup.sqlite
//! $ cargo run --release --manifest-path bench/Cargo.toml --features postgres --bin lookup -- \
//!       postgres://me@localhost/lookup --rows 10000,10000000
//! ```
//!
//! Each size has its own database, `lookup.sqlite.10000` or `lookup_10000`. It is created and filled if it does not exist,
//! and kept: remove it yourself. (On PostgreSQL the URL is of an existing database, from which the others are created.)
//! 10⁷ accounts take about 13 GB and 15 minutes. All databases are read completely once, so that what fits into memory is
//! cached, and then queried in turns, so that other load on the machine affects all of them. Each lookup is for a random
//! user or identity, through `DieselStorage`, past any cache.

mod fill;
mod measure;

use std::time::{Duration, Instant};

use fill::Database;
use measure::{By, Figures};
use rocket::figment::Figment;
use rocket_dance::storage::{DieselStorage, Storage};

const ROUNDS: usize = 5;

#[rocket::main]
async fn main() {
    let (place, sizes) = arguments();
    let mut tables = Vec::new();
    for rows in sizes {
        let database = Database::new(&place, rows);
        open(&database).await;
        let begun = Instant::now();
        let filled = database.fill(rows);
        if filled > 0 {
            eprintln!("{rows} accounts: {filled} filled in {:.0} s", begun.elapsed().as_secs_f64());
        }
        database.read_through();
        let (storage, took) = open(&database).await;
        println!("{rows} accounts: opened, migrations and launch check included, in {:.1} ms", ms(took));
        tables.push((rows, storage, Vec::new()));
    }
    for round in 1..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}");
        for (rows, storage, rounds) in &mut tables {
            rounds.push(measure::all(storage, *rows, round as u64).await);
        }
    }
    let tables: Vec<_> = tables.iter().map(|(rows, _, rounds)| (*rows, rounds.as_slice())).collect();
    print(&tables);
}

fn arguments() -> (String, Vec<u64>) {
    let mut arguments = std::env::args().skip(1);
    let Some(place) = arguments.next() else {
        eprintln!("lookup <path of a SQLite file, or PostgreSQL's URL> [--rows 10000,10000000]");
        std::process::exit(2);
    };
    let sizes = match (arguments.next().as_deref(), arguments.next()) {
        (Some("--rows"), Some(sizes)) => sizes,
        _ => "10000,10000000".into(),
    };
    (place, sizes.split(',').map(|rows| rows.trim().parse().expect("a number of rows")).collect())
}

async fn open(database: &Database) -> (std::sync::Arc<DieselStorage>, Duration) {
    let storage = DieselStorage::url(database.url()).migrate();
    let begun = Instant::now();
    storage.open(&Figment::new()).await.expect("the database opens");
    (std::sync::Arc::new(storage), begun.elapsed())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn print(tables: &[(u64, &[Vec<Figures>])]) {
    println!("\n| accounts | by | callers | p50 µs | p99 µs | lowest to highest p50 |");
    println!("|---|---|---|---|---|---|");
    let kinds = measure::KINDS;
    for (kind, (by, callers)) in kinds.iter().enumerate() {
        for (rows, rounds) in tables {
            let (p50s, p99s) = (sorted(rounds, kind, |f| f.p50), sorted(rounds, kind, |f| f.p99));
            println!(
                "| {rows} | {} | {callers} | {:.1} | {:.1} | {:.1} to {:.1} |",
                match by {
                    By::Owner => "owner",
                    By::Identity => "identity",
                },
                median(&p50s),
                median(&p99s),
                p50s[0],
                p50s[p50s.len() - 1],
            );
        }
    }
    let (Some((few, small)), Some((many, large))) = (tables.first(), tables.last()) else { return };
    if few == many {
        return;
    }
    println!();
    for (kind, (by, callers)) in kinds.iter().enumerate() {
        let p50 = |rounds| median(&sorted(rounds, kind, |f| f.p50));
        println!("p50({many}) / p50({few}) by {by:?}, {callers} callers: {:.2}", p50(large) / p50(small));
    }
}

/// A figure over all rounds, in microseconds.
fn sorted(rounds: &[Vec<Figures>], kind: usize, of: impl Fn(&Figures) -> Duration) -> Vec<f64> {
    let mut figures: Vec<f64> = rounds.iter().map(|round| of(&round[kind]).as_secs_f64() * 1e6).collect();
    figures.sort_by(f64::total_cmp);
    figures
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}
