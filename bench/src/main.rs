//! Guards and redirects side by side over HTTP.
//!
//! `bench/run` builds this in release and starts it; it starts itself once more as the server, signs in there as a
//! browser would, and drives every route with `wrk`, in turns, so that whatever else the machine does hits all alike.

#[path = "../../tests/common/browser.rs"]
#[allow(dead_code, clippy::unwrap_used)]
mod browser;
#[path = "../../tests/common/cookies.rs"]
#[allow(dead_code)]
mod cookies;
mod drive;
#[path = "../../tests/common/html.rs"]
#[allow(dead_code)]
mod html;
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
