//! A callback that the provider's page posts from another site, without Lax cookies.

use rocket::http::Status;
use serde_json::Value;

use super::common::chromium;
use super::{Ride, accounts};
use test_support::{Browser, Page};

const CALLBACK: &str = "/login/op/authorized";

fn ride() -> (Ride, String) {
    let ride = Ride::new("debug", 3600);
    let entries = ride.entries.replace("provider=", "response_mode=\"form_post\",provider=");
    (ride, entries)
}

/// The library's page after the provider's form: it contains no code and no state, and nothing has changed yet.
#[track_caller]
fn assert_again(page: &Page, callback: &str) {
    assert_eq!(
        (page.status, page.url.path(), page.url.query()),
        (Status::Ok, callback, None),
        "{}",
        page.body
    );
    assert!(!page.headers.contains_key("set-cookie"));
    let form = page.form(callback);
    let names: Vec<_> = form.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["again"]);
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn ride_by_form_post() {
    let (ride, entries) = ride();
    let (app, provider) = (&ride.app, &ride.provider);
    let running = app.start(&entries);

    let mut alice = Browser::new();
    let page = ride.begin(&mut alice, "op").await;
    let flow = ride.flow_cookies(&alice);
    let page = provider.consent(&mut alice, page, "alice").await;
    assert_again(&page, CALLBACK);
    assert_eq!(ride.me(&mut alice).await["user"], Value::Null);
    // The page is worth nothing without the browser's cookie.
    let mut eve = Browser::new();
    let refused = eve.submit(&page, &page.form(CALLBACK), &[]).await;
    assert_eq!((refused.status, provider.count("code").await), (Status::BadRequest, 0), "{}", refused.body);
    let home = alice.submit(&page, &page.form(CALLBACK), &[]).await;
    assert_eq!((home.status, home.url.path()), (Status::Ok, "/"), "{}", home.body);
    ride.leaves_no_flow_cookie(&alice, &flow);
    assert_eq!(accounts(&ride.me(&mut alice).await), [("op", "alice")]);

    // Signed in: the session cookie is Lax, too, and the second account is connected to the user.
    let page = alice.get(&app.url("/login/op2")).await;
    let page = alice.submit(&page, &page.form("/login/op2"), &[]).await;
    let page = provider.consent(&mut alice, page, "alice").await;
    assert_again(&page, "/login/op2/authorized");
    let home = alice.submit(&page, &page.form("/login/op2/authorized"), &[]).await;
    assert_eq!((home.status, home.url.path()), (Status::Ok, "/"), "{}", home.body);
    assert_eq!(accounts(&ride.me(&mut alice).await), [("op", "alice"), ("op2", "alice")]);
    let stored = ride.stored();

    // A denial arrives in the same way.
    let mut bob = Browser::new();
    let page = ride.begin(&mut bob, "op").await;
    let flow = ride.flow_cookies(&bob);
    let page = provider.deny(&mut bob, page, "bob").await;
    assert_again(&page, CALLBACK);
    let page = bob.submit(&page, &page.form(CALLBACK), &[]).await;
    assert_eq!(page.status, Status::Forbidden, "{}", page.body);
    assert_eq!(ride.me(&mut bob).await["user"], Value::Null);
    ride.leaves_no_flow_cookie(&bob, &flow);
    assert_eq!(ride.stored(), stored);

    for browser in [&alice, &bob] {
        let lax = |host: &str| host != app.url("/").host_str().unwrap();
        let cookies = browser.cookies.0.iter().filter(|cookie| !lax(&cookie.host));
        assert!(cookies.clone().all(|cookie| cookie.same_site.as_deref() == Some("lax")));
        let ours = browser.trail.iter().filter(|(_, url)| !lax(url.host_str().unwrap()));
        assert!(ours.clone().all(|(_, url)| !url.as_str().contains("code=")), "no URL contains a code");
    }
    assert_eq!((provider.count("by form").await, provider.count("code").await), (3, 2));
    ride.leaves_no_secret(2).await;
    let log = running.process.log();
    assert!(!log.contains("panicked"), "{log}");
}

/// The same in Chromium, which enforces SameSite.
#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn ride_by_form_post_in_chromium() {
    let (ride, entries) = ride();
    let _running = ride.app.start(&entries);
    let base = ride.app.url("/");
    let shots = chromium::shots("form_post", ride.folder.path());
    for script in ["scripted", "unscripted"] {
        chromium::ride(&["posted", base.as_str(), "op", "op2", script], &shots.join(script));
    }
    assert_eq!(ride.app.database.count("oauth_accounts"), 4, "two each");
    assert_eq!((ride.provider.count("by form").await, ride.provider.count("code").await), (6, 4));
    ride.leaves_no_secret(4).await;
}
