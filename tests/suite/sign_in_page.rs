//! The app's own sign-in page: everything that asks a visitor to sign in leads there.

use rocket::http::{Method, Status};

use crate::harness::{Refusal, TestApp, TestRequest, assert_guarded, assert_refused};

async fn with_page(page: &'static str) -> TestApp {
    TestApp::launch_with(|figment| figment.merge(("dance.sign_in_page", page))).await
}

#[rocket::async_test]
async fn a2_everything_leads_to_the_apps_own_page() {
    let app = with_page("/signin?from=dance").await;
    let rows = app.rows();
    for (uri, location) in [
        ("/login", "/signin?from=dance"),
        ("/login?next=/guarded?a=b%26c", "/signin?from=dance&next=%2Fguarded%3Fa%3Db%26c"),
        ("/login?next=//evil.example", "/signin?from=dance"),
        ("/guarded", "/signin?from=dance&next=%2Fguarded"),
        ("/me", "/signin?from=dance&next=%2Fme"),
        ("/login/accounts", "/signin?from=dance&next=%2Flogin%2Faccounts"),
    ] {
        let mut nobody = app.browser();
        let answer = nobody.get(uri).await;
        assert_eq!(answer.location(), location, "{uri}");
        assert_guarded(&answer);
        let head = nobody.peek(&TestRequest::new(Method::Head, uri)).await;
        assert_eq!((head.status, head.header("Location")), (answer.status, Some(location)), "{uri}");
        assert_eq!(nobody.flows(), []);
    }
    // Another site's link to a begin.
    let cross_site = TestRequest::get("/login/op?next=/guarded").header("Sec-Fetch-Site", "cross-site");
    let mut nobody = app.browser();
    assert_eq!(nobody.ask(&cross_site).await.location(), "/signin?from=dance&next=%2Fguarded");
    assert_eq!(nobody.flows(), []);
    // Error pages and JSON.
    for uri in ["/login/nobody", "/login/op/authorized?code=x&state=y"] {
        let page = nobody.get(uri).await.body;
        assert!(page.contains("href=\"/signin?from=dance\"") && !page.contains("href=\"/login\""), "{page}");
    }
    for uri in ["/guarded", "/me", "/login/accounts"] {
        let answer = nobody.ask(&TestRequest::get(uri).header("Accept", "application/json")).await;
        let next = uri.replace('/', "%2F");
        assert_eq!(answer.json()["error"]["login_url"], format!("/signin?from=dance&next={next}"));
        assert_eq!(answer.status, Status::Unauthorized);
    }
    // A visitor who says no at the provider, a repetition of that callback, and a name that is no entry.
    let begun = nobody.begin("/login/op?next=/guarded").await;
    let state = url::Url::parse(&begun)
        .unwrap()
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1
        .into_owned();
    let denied = format!("/login/op/authorized?error=access_denied&state={state}&iss={}", app.fake.issuer());
    for uri in [&denied, &denied, "/login/nobody?next=/guarded"] {
        let page = nobody.get(uri).await.body;
        assert!(page.contains("href=\"/signin?from=dance&amp;next=%2Fguarded\""), "{uri}: {page}");
    }
    let entries = nobody.ask(&TestRequest::get("/login?next=/me").header("Accept", "application/json")).await;
    assert_eq!(entries.json()["sign_in_page"], "/signin?from=dance&next=%2Fme");
    assert_eq!(entries.json()["entries"][0]["login_url"], "/login/op?next=%2Fme");
    assert_eq!(app.rows(), rows);
}

#[rocket::async_test]
async fn a2_a_visitor_whose_browser_keeps_the_accounts_chooses_there_too() {
    let app = with_page("/signin").await;
    let page = |figment: rocket::figment::Figment| figment.merge(("dance.sign_in_page", "/signin"));
    let app = app.relaunch_with(page, |dance| dance.storage(rocket_dance::storage::CookieStorage)).await;
    let mut ada = app.browser();
    assert_eq!(ada.get("/guarded").await.location(), "/signin?next=%2Fguarded");
    let callback = ada.ride("/login/op?next=/guarded").await;
    assert_eq!(ada.get(&callback).await.location(), "/guarded");
    assert_eq!(ada.get("/guarded").await.body, "ada");
}

#[rocket::async_test]
async fn a2_the_page_chooses_the_entry_and_a_user_connects_there() {
    let app = with_page("/signin").await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op?next=/guarded").await;
    assert_eq!(ada.get(&callback).await.location(), "/guarded");
    assert_eq!(ada.get("/login?next=/me").await.location(), "/signin?next=%2Fme", "also of a user");
    ada.leave().await;
    // A user who is signed in and has not connected the account is led to it.
    ada.enter(7).await;
    assert_eq!(ada.get("/guarded").await.location(), "/login/op?next=%2Fguarded");
}

#[rocket::async_test]
async fn a2_a_page_that_requires_a_user_does_not_redirect_to_itself() {
    for (page, other) in [("/me", "/guarded"), ("/guarded?a", "/me")] {
        let app = with_page(page).await;
        let mut nobody = app.browser();
        let to = nobody.get(other).await.location().to_owned();
        assert!(to.starts_with(page), "{to}");
        let not_signed_in = Refusal::new(Status::Unauthorized, "not_signed_in");
        let path = page.split('?').next().unwrap();
        for uri in [path, &format!("{path}?next=/x"), &format!("/%{:02x}{}", path.as_bytes()[1], &path[2..])]
        {
            assert_refused(&mut nobody, &TestRequest::get(uri), not_signed_in).await;
        }
        nobody.enter(1).await;
    }
}

#[rocket::async_test]
async fn a2_a_visitor_at_an_entry_only_for_connecting_signs_in_first() {
    for (page, sign_in) in [(None, "/login"), (Some("/signin"), "/signin")] {
        let app = TestApp::launch_with(|figment| {
            let figment = figment.merge(("oauth.op2.login", false));
            page.into_iter().fold(figment, |figment, page| figment.merge(("dance.sign_in_page", page)))
        })
        .await;
        let refused = Refusal::new(Status::Forbidden, "refused");
        let mut nobody = app.browser();
        for (uri, next) in [("/login/op2?next=/guarded", "%2Fguarded"), ("/login/op2", "%2Flogin%2Faccounts")]
        {
            let way = format!("{sign_in}?next={next}");
            let answer = assert_refused(&mut nobody, &TestRequest::get(uri), refused).await;
            assert!(answer.body.contains(&format!("href=\"{way}\"")), "{}", answer.body);
            let json = TestRequest::get(uri).header("Accept", "application/json");
            let answer = assert_refused(&mut nobody, &json, refused).await;
            assert_eq!(answer.json()["error"]["login_url"], way);
        }
        assert_eq!(nobody.flows(), []);
    }
}
