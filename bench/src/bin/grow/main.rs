//! What grows with the load, and what does not.
//!
//! ```console
//! $ bench/grow                       # everything
//! $ bench/grow providers refreshes   # these
//! ```

mod requests;
mod sections;

#[rocket::main]
async fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if wanted.first().is_some_and(|first| first == "serve") {
        return bench::server::serve().await;
    }
    let provider = bench::provider::start().await;
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    println!("| what grows | from, to | measured |");
    println!("|---|---|---|");
    if is_wanted("providers") {
        sections::providers(&provider).await;
    }
    if is_wanted("connections") {
        sections::connections(&provider).await;
    }
    if is_wanted("flows") {
        sections::flows(&provider).await;
    }
    if is_wanted("sessions") {
        sections::sessions(&provider).await;
    }
    if is_wanted("refreshes") {
        sections::refreshes(&provider).await;
    }
}
