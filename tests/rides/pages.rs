//! The library's pages in Chromium, with a hundred entries: widths, colours, languages, keyboard, back button.

use super::Ride;
use super::common::chromium;

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn every_page_in_chromium() {
    let ride = Ride::new("normal", 3600);
    let another = |number: usize| {
        format!(
            ",p{number:02}={{provider=\"oauth2\",title=\"Provider number {number}\",client_id=\"a\",client_secret=\"b\",\
             authorization_url=\"https://p.example/a\",token_url=\"https://p.example/t\",\
             userinfo_url=\"https://p.example/u\",profile={{id=\"id\"}}}}"
        )
    };
    let others: String = (2..100).map(another).collect();
    let entries = format!("{}{others}}}", ride.entries.trim_end_matches('}').to_owned() + "}");
    let _running = ride.app.start(&entries);
    let base = ride.app.url("/");
    let shots = chromium::shots("pages", ride.folder.path());
    chromium::ride(&["pages", base.as_str(), "op", "op2", "alice"], &shots);
}
