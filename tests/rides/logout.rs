//! Signing out on both sides: begun at the app, and begun at the provider, which notifies the app.

use rocket::http::Status;
use serde_json::Value;

use super::Ride;
use test_support::{Browser, Page};

/// Confirms on the provider's sign-out page, and follows redirects.
async fn says_yes(browser: &mut Browser, page: Page) -> Page {
    let form = page.html().forms.first().unwrap_or_else(|| panic!("no form: {}", page.body)).clone();
    browser.submit(&page, &form, &[("logout", "yes")]).await
}

/// Whether the provider still has a session of this browser: then it asks for no user name.
async fn provider_knows(ride: &Ride, browser: &mut Browser) -> bool {
    let page = ride.begin(browser, "op").await;
    let knows = page.html().forms.iter().all(|form| form.field("login").is_none());
    assert!(knows == (page.url == ride.app.url("/")), "{} {}", page.url, page.body);
    knows
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn lo_02_ride_that_ends_at_the_provider_too() {
    let ride = Ride::new("debug", 3600);
    let (app, provider) = (&ride.app, &ride.provider);
    let running = app.start(&ride.entries.replace("provider=", "logout=true,provider="));
    let (mut alice, mut phone) = (ride.signed_in("alice").await, ride.signed_in("alice").await);
    // Signing out with the app's own form keeps the session at the provider.
    let mut bob = ride.signed_in("bob").await;
    let home = bob.get(&app.url("/")).await;
    bob.submit(&home, &home.form("/signout"), &[]).await;
    assert_eq!(ride.me(&mut bob).await["user"], Value::Null);
    assert!(provider_knows(&ride, &mut bob).await);

    let page = alice.get(&app.url("/login/accounts")).await;
    let page = alice.submit(&page, &page.form("/login/logout"), &[]).await;
    assert_eq!((page.status, page.url.origin()), (Status::Ok, provider.url.origin()), "{}", page.body);
    assert_eq!(
        ride.me(&mut alice).await["user"],
        Value::Null,
        "signed out at the app, whatever the user answers at the provider"
    );
    let home = says_yes(&mut alice, page).await;
    assert_eq!((home.status, &home.url), (Status::Ok, &app.url("/")), "{}", home.body);
    let (status, landing) = alice.trail.iter().rev().nth(1).unwrap();
    assert_eq!((*status, landing.path()), (303, "/login/logged-out"), "{:#?}", alice.trail);
    assert_eq!(provider.count("signed out").await, 1);
    assert!(!provider_knows(&ride, &mut alice).await);
    // The provider's other session and the app's session from it go on. The logout token named the one that had ended.
    assert!(ride.me(&mut phone).await["user"].is_object());
    assert_eq!((provider.count("told").await, provider.count("not told").await), (1, 0));
    ride.leaves_no_secret(3).await;
    assert!(!running.process.log().contains("panicked"));
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn lo_03_ride_that_the_provider_ends() {
    let ride = Ride::new("debug", 3600);
    let (app, provider) = (&ride.app, &ride.provider);
    let running = app.start(&ride.entries);
    let (mut laptop, mut phone) = (ride.signed_in("alice").await, ride.signed_in("alice").await);
    let mut bob = ride.signed_in("bob").await;
    assert_eq!(app.database.count("oauth_sessions"), 3);

    let page = laptop.get(&provider.url.join("/session/end").unwrap()).await;
    let page = says_yes(&mut laptop, page).await;
    assert_eq!((page.status, page.url.origin()), (Status::Ok, provider.url.origin()), "{}", page.body);
    assert_eq!((provider.count("told").await, provider.count("not told").await), (1, 0));
    assert_eq!(ride.me(&mut laptop).await["user"], Value::Null);
    for browser in [&mut phone, &mut bob] {
        assert!(ride.me(browser).await["user"].is_object(), "another session of the provider's");
    }
    assert_eq!(app.database.count("oauth_sessions"), 2);
    assert!(!provider_knows(&ride, &mut laptop).await);
    ride.leaves_no_secret(3).await;
    assert!(!running.process.log().contains("panicked"));
}
