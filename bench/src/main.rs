//! Guards and redirects side by side over HTTP.
//!
//! `bench/run` builds this in release mode and starts it. It starts itself again as the servers, signs in there as a browser
//! would, and loads every route with `wrk` in turns, so that other load on the machine affects all of them.

mod drive;

#[rocket::main]
async fn main() {
    let command = std::env::args().nth(1);
    match command.as_deref() {
        Some("serve") => bench::server::serve().await,
        Some("peer") => bench::peer::serve().await,
        _ => drive::drive().await,
    }
}
