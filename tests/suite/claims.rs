//! How long the storage remembers that something was used up.

use std::ops::RangeInclusive;

use rocket::http::Status;

use crate::harness::{Browser, TestApp, TestRequest};
use crate::linking::{CONFIRM, app, ask};

/// Lifetime of a flow, and of what waits, in seconds.
const FLOW_TTL: i64 = 1800;
/// How much longer the storage remembers that something was used up, in seconds: the clocks of two processes differ by less.
const GRACE: i64 = 600;
/// How much longer what has waited too long is kept, so that its page knows where to begin again, in seconds.
const EXPIRED_TTL: i64 = 900;

fn now() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}

/// The times at which the claims expire whose ids `wanted` accepts (unix time, in seconds).
fn expiries(app: &TestApp, wanted: fn(&str) -> bool) -> Vec<i64> {
    let claims = app.claims();
    let rows = claims.lines().map(|row| {
        let id = row.split_once("id='").unwrap().1.split('\'').next().unwrap();
        let expires_at = row.split_once("expires_at=").unwrap().1.split(',').next().unwrap();
        (id, expires_at.parse().unwrap())
    });
    rows.filter(|(id, _)| wanted(id)).map(|(_, expires_at)| expires_at).collect()
}

/// The times in which a claim of `ttl` seconds expires that was made between `began` and now.
fn after(ttl: i64, began: i64) -> RangeInclusive<i64> {
    began + ttl..=now() + ttl
}

fn waits(id: &str) -> bool {
    id.starts_with("pending ") && !id.ends_with(" used")
}

#[rocket::async_test]
async fn a_callback_stays_used_up_longer_than_its_flow_lasts() {
    let app = TestApp::launch().await;
    let began = now();
    app.browser().sign_in("op").await;
    let expiries = expiries(&app, |_| true);
    assert!(
        expiries.len() == 1 && after(FLOW_TTL + GRACE, began).contains(&expiries[0]),
        "{expiries:?}, {began}"
    );
}

#[rocket::async_test]
async fn what_waited_stays_used_up_longer_than_it_could_wait() {
    let (app, _) = app(false).await;
    let mut ada = app.browser();
    let began = now();
    ask(&mut ada, "/login/op").await;
    let waiting = expiries(&app, waits);
    assert!(
        waiting.len() == 1 && after(FLOW_TTL + EXPIRED_TTL, began).contains(&waiting[0]),
        "{waiting:?}, {began}"
    );
    ada.enter(1).await;
    let began = now();
    assert_eq!(ada.post(CONFIRM, &[]).await.status, Status::SeeOther);
    let used = expiries(&app, |id| id.ends_with(" used"));
    assert!(used.len() == 1 && after(FLOW_TTL + GRACE, began).contains(&used[0]), "{used:?}, {began}");
}

/// A token is accepted for 10 minutes, and the clocks may differ: by `clock_skew` at the provider, by 60 s between two nodes.
#[rocket::async_test]
async fn a_logout_token_is_used_up_as_long_as_any_node_accepts_it() {
    let app = TestApp::launch_with(|figment| figment.merge(("oauth.op.clock_skew", 100))).await;
    let mut provider: Browser = app.browser();
    let began = now();
    let token = app.fake.logout_token(Some("ada"), None);
    let request = TestRequest::post("/login/op/backchannel-logout", &[("logout_token", &token)]);
    assert_eq!(provider.ask(&request).await.status, Status::Ok);
    let expiries = expiries(&app, |id| id.starts_with("logout:"));
    assert!(
        expiries.len() == 1 && after(600 + 2 * 100 + 60, began).contains(&expiries[0]),
        "{expiries:?}, {began}"
    );
}
