use super::*;
use crate::storage::suite;

fn keys() -> KeyRing {
    suite::keys()
}

fn reload(browser: &BrowserStorage, rename: impl Fn(&str) -> String) -> BrowserStorage {
    let cookies: Vec<_> =
        browser.changes().into_iter().filter_map(|(name, value)| Some((rename(&name), value?))).collect();
    BrowserStorage::new("a_", cookies.iter().map(|(name, value)| (name.as_str(), value.as_str())), keys(), 0)
}

#[rocket::async_test]
async fn comes_back_with_the_next_request() {
    let browser = BrowserStorage::new("a_", [("a_x", "damaged"), ("b", "v1.")].into_iter(), keys(), 0);
    let account = suite::account("github", Some("1"), Some("7"));
    browser.set(&account).await.unwrap();
    let again = reload(&browser, str::to_owned);
    assert!(browser.changes().is_empty(), "once");
    let mine = AccountKey::owner("github", "7");
    assert_eq!(again.get(&mine).await.unwrap().as_ref(), Some(&account));
    assert_eq!(again.get(&AccountKey::owner("github", "8")).await.unwrap(), None);
    assert_eq!(again.get(&AccountKey::Owner { entry: "github".into(), user: None }).await.unwrap(), None);
    again.delete(&AccountKey::owner("github", "8")).await.unwrap();
    assert!(again.changes().is_empty());
    again.delete(&mine).await.unwrap();
    assert_eq!(again.changes(), [("a_github".to_owned(), None)]);
    assert_eq!(again.get(&mine).await.unwrap(), None);
}

#[rocket::async_test]
async fn a_renamed_cookie_does_not_open() {
    let browser = BrowserStorage::new("a_", std::iter::empty(), keys(), 0);
    browser.set(&suite::account("github", Some("1"), Some("7"))).await.unwrap();
    let moved = reload(&browser, |_| "a_gitlab".into());
    assert!(lock(&moved.state).accounts.is_empty());
}

#[rocket::async_test]
async fn too_large_is_said_and_only_userinfo_left_out() {
    let browser = BrowserStorage::new("a_", std::iter::empty(), keys(), 0);
    let mut account = suite::account("github", Some("1"), Some("7"));
    account.userinfo = format!("\"{}\"", "x".repeat(4000));
    browser.set(&account).await.unwrap();
    let kept = browser.get(&account.key()).await.unwrap().unwrap();
    assert_eq!(kept, Account { userinfo: "null".into(), ..account.clone() });
    let (name, value) = browser.changes().remove(0);
    assert!(cookies::response_size(&name, &value.unwrap()) <= MAX_ACCOUNTS);

    account.token = "x".repeat(3000);
    let error = browser.set(&account).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(format!("{error:?}").contains("use DieselStorage"));
    assert!(browser.changes().is_empty());
    assert_eq!(browser.get(&account.key()).await.unwrap(), Some(kept));
}

#[rocket::async_test]
async fn a_strangers_account_is_stored_if_no_user_is_required() {
    let browser = BrowserStorage::new("a_", std::iter::empty(), keys(), 0);
    let mut login = suite::login("github", Some("1"), None);
    let linked = browser.link(&login, &keys()).await.unwrap();
    assert_eq!((linked.user, linked.account.user_id), (None, None));
    login.user_required = true;
    login.profile.id = Some("2".into());
    assert_eq!(browser.link(&login, &keys()).await.unwrap_err().kind(), ErrorKind::Refused);
    login.purpose = Purpose::Site;
    assert_eq!(browser.link(&login, &keys()).await.unwrap_err().kind(), ErrorKind::Misconfigured);
}

#[rocket::async_test]
async fn a_cookie_signs_no_user_in() {
    let browser = BrowserStorage::new("a_", std::iter::empty(), keys(), 0);
    let sevens = browser.link(&suite::login("github", Some("1"), Some("7")), &keys()).await.unwrap();
    assert_eq!(sevens.user.as_deref(), Some("7"));
    let mut again = suite::login("github", Some("1"), Some("7"));
    again.token.refresh_token = None;
    let renewed = browser.link(&again, &keys()).await.unwrap();
    assert!(renewed.account.open(&keys()).unwrap().refresh_token.is_some(), "RF-02");
    // An attacker has a copy of the cookie and sends it after user 7 has signed out.
    let copy = reload(&browser, str::to_owned);
    let linked = copy.link(&suite::login("github", Some("1"), None), &keys()).await.unwrap();
    assert_eq!((linked.user, linked.account.user_id), (None, None));
}

#[rocket::async_test]
async fn an_account_lasts_two_weeks_whatever_the_browser_says() {
    let browser = BrowserStorage::new("a_", std::iter::empty(), keys(), 0);
    let account = suite::account("github", Some("1"), Some("7"));
    browser.set(&account).await.unwrap();
    let cookies = browser.changes();
    let at = |now| {
        let cookies = cookies.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)));
        BrowserStorage::new("a_", cookies, keys(), now)
    };
    assert!(at(account.updated_at + ACCOUNT_TTL - 1).get(&account.key()).await.unwrap().is_some());
    assert!(at(account.updated_at + ACCOUNT_TTL).get(&account.key()).await.unwrap().is_none());
}

#[rocket::async_test]
async fn rr_01_two_requests_with_one_old_cookie_refresh_once() {
    let browser = BrowserStorage::new("a_", std::iter::empty(), keys(), 0);
    let account = suite::account("github", Some("1"), Some("7"));
    browser.set(&account).await.unwrap();
    let cookies = browser.changes();
    let request = || {
        let cookies = cookies.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)));
        BrowserStorage::new("a_", cookies, keys(), 0)
    };
    let (first, second) = (request(), request());
    let renewed = account.with(&crate::token::Token::new("next"), 2000, &keys()).unwrap();
    assert!(first.renew(&account, &renewed).await.unwrap());
    assert_eq!(second.get_uncached(&account.key()).await.unwrap(), Some(renewed));
    assert_eq!(second.changes().len(), 1, "the good account goes to the browser here too");
}
