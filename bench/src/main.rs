//! Guards and redirects side by side over HTTP.
//!
//! `bench/run` builds this in release mode and starts it. It starts itself again as the server, signs in there as a browser
//! would, and loads every route with `wrk` in turns, so that other load on the machine affects all of them.

mod drive;
mod serve;
mod wrk;

#[rocket::main]
async fn main() {
    let serves = std::env::args().any(|argument| argument == "serve");
    if serves {
        serve::serve().await;
    } else {
        drive::drive().await;
    }
}
