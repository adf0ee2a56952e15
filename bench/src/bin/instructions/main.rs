//! What a request costs, in figures that other load on the machine does not change: instructions in user space and allocations
//! (valgrind), and futex calls (strace).
//!
//! ```console
//! $ bench/instructions                     # all kinds of requests
//! $ bench/instructions guarded begin       # these
//! ```
//!
//! A server runs under valgrind, once without requests of the kind, and once with [`REQUESTS`]; the difference is theirs. The
//! provider and the browser are in this process.

mod kinds;
mod tools;

use crate::kinds::KINDS;
use crate::tools::Tool;

/// The number of requests of which a figure is the mean.
const REQUESTS: u32 = 1000;

#[rocket::main]
async fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    match wanted.first().map(String::as_str) {
        Some("serve") => return bench::server::serve().await,
        Some("peer") => return bench::peer::serve().await,
        _ => {}
    }
    let provider = bench::provider::start().await;
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    println!("| request | instructions | allocations | futex calls |");
    println!("|---|---|---|---|");
    for kind in KINDS.iter().filter(|kind| is_wanted(kind.name)) {
        let cost = |tool| {
            let with = |requests| kind.run(tool, &provider.url, requests);
            let (none, all) = rocket::tokio::task::block_in_place(|| (with(0), with(REQUESTS)));
            all.saturating_sub(none) as f64 / f64::from(REQUESTS)
        };
        let [instructions, allocations, futexes] = [Tool::Callgrind, Tool::Dhat, Tool::Strace].map(cost);
        println!("| {} | {instructions:.0} | {allocations:.0} | {futexes:.2} |", kind.name);
    }
}
