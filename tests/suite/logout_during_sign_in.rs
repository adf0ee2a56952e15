//! The provider ends a session while a sign-in is under way.

use futures::future::join;
use rocket::http::Status;
use rocket_dance::testing::{FakeResponse, ProviderEndpoint, ResponseGate};

use crate::backchannel_logout::{post_logout_token, signed_in};
use crate::harness::{SESSION, TestApp};

#[rocket::async_test]
async fn d2_a_sign_in_that_is_under_way_does_not_outlive_a_logout() {
    for (login_sid, sub, sid, is_ended) in [
        (Some("laptop"), Some("ada"), Some("laptop"), true),
        (Some("laptop"), None, Some("laptop"), true),
        (Some("laptop"), Some("ada"), None, true),
        (None, Some("ada"), Some("laptop"), true),
        (None, Some("ada"), None, true),
        (None, None, Some("laptop"), false),
        (Some("laptop"), Some("grace"), None, false),
        (Some("laptop"), None, Some("Laptop"), false),
        (Some("laptop"), Some("ada"), Some("phone"), false),
        (Some("laptop"), Some("grace"), Some("laptop"), false),
    ] {
        let what = format!("{login_sid:?} {sub:?} {sid:?}");
        let app = TestApp::launch().await;
        // The user has another session, which ends as well.
        let phone = signed_in(&app, "op", "ada", login_sid).await;
        let mut laptop = app.browser();
        let callback = laptop.ride("/login/op?next=/inbox").await;
        let gate = ResponseGate::new();
        app.fake.respond_once(ProviderEndpoint::Userinfo, FakeResponse::unmodified().hold(&gate));
        let logout = async {
            gate.wait_for_request().await;
            assert_eq!(post_logout_token(&app, &app.fake.logout_token(sub, sid)).await, Status::Ok);
            gate.open();
        };
        let (answer, ()) = join(laptop.get(&callback), logout).await;
        assert_eq!(phone.user().await.is_none(), is_ended, "{what}");
        let expected = if is_ended { (Status::BadRequest, 0) } else { (Status::SeeOther, 2) };
        assert_eq!((answer.status, app.count("oauth_sessions")), expected, "{what}: {answer:?}");
        assert_eq!((answer.sets(SESSION), laptop.user().await.is_some()), (!is_ended, !is_ended), "{what}");
        assert_eq!(answer.header("Location"), (!is_ended).then_some("/inbox"), "{what}");
        // Of another entry nothing was reported.
        assert!(signed_in(&app, "op2", "ada", login_sid).await.user().await.is_some(), "{what}");
        // Who signs in at the provider again is signed in here, at once.
        assert!(signed_in(&app, "op", "ada", login_sid).await.user().await.is_some(), "{what}");
    }
}

/// How long the first of two logouts of one user is remembered, in seconds, at least: twice the lifetime of a flow, and the
/// difference between two clocks.
const REMEMBERED: i64 = 2 * 1800 + 60;

#[rocket::async_test]
async fn d2_a_later_logout_of_the_same_user_is_remembered_as_long_as_the_first() {
    // Wherever in the period of the clock the first one is.
    for start in [0, 900, 1800, 2700] {
        let app = TestApp::launch().await;
        let advance = |seconds| {
            app.advance(seconds);
            app.fake.advance_clock(seconds);
        };
        advance(start);
        let log_out = async || post_logout_token(&app, &app.fake.logout_token(Some("ada"), None)).await;
        assert_eq!(log_out().await, Status::Ok);
        advance(REMEMBERED - 10);
        let mut laptop = app.browser();
        let callback = laptop.ride("/login/op").await;
        assert_eq!(log_out().await, Status::Ok);
        // The claim of the first logout has expired, and the callback's own claim removes it.
        advance(1700);
        assert_eq!(laptop.get(&callback).await.status, Status::BadRequest, "{start}");
        assert_eq!((laptop.user().await, app.count("oauth_sessions")), (None, 0), "{start}");
        assert!(signed_in(&app, "op", "ada", None).await.user().await.is_some(), "{start}");
    }
}
