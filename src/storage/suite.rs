//! What storages do inside the library. `rocket_dance::testing::storage_suite` has the rules of every storage.

mod key_value;
mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::error::ErrorKind;
use crate::link::{AuthorizedLogin, Purpose};
use crate::token::Token;

pub(crate) use self::key_value::KeyValue;
pub(crate) use self::waiting::in_time;
#[cfg(feature = "_sql")]
pub(crate) use self::waiting::{eventually, received};
pub(crate) use super::fixtures::keys;

/// The time of the logins, accounts and sessions of a test.
const NOW: i64 = 1000;

/// A login of the provider's user `id`; `visitor` began the flow.
pub(crate) fn login(entry: &str, id: Option<&str>, visitor: Option<&str>) -> AuthorizedLogin {
    fixtures::login(entry, id, visitor, NOW)
}

/// A login for the site's account, which must have the id `account`.
fn site_login(id: &str, account: Option<&str>) -> AuthorizedLogin {
    let mut login = login("left", Some(id), None);
    login.purpose = Purpose::Site;
    login.account = account.map(str::to_owned);
    login
}

pub(crate) fn account(entry: &str, id: Option<&str>, user: Option<&str>) -> Account {
    fixtures::account(entry, id, user, NOW)
}

/// A session of `user` from a form of the app, between the times 1000 and 2000. The hash of its cookie is its id.
#[cfg(feature = "_sql")]
pub(crate) fn session(id: &str, user: &str) -> Session {
    fixtures::session(id, user, NOW)
}

/// A session of `user` that began with the account `person` at the entry `op`.
#[cfg(feature = "_sql")]
pub(crate) fn session_from(id: &str, user: &str, person: &str) -> Session {
    fixtures::session_from(id, user, person, NOW)
}

/// Compares everything except the id, which the storage may assign.
#[track_caller]
fn assert_same(found: Option<Account>, wanted: &Account) {
    let found = found.expect("stored");
    assert_eq!(Account { id: wanted.id, ..found }, *wanted);
}

/// What every storage does: one account per entry.
pub(crate) async fn one_account(storage: &dyn Storage) {
    let account = account("github", Some("Ö 1"), Some("7"));
    let (owner, identity) = (AccountKey::owner("github", 7), AccountKey::identity("github", "Ö 1"));
    assert_eq!(storage.get(&owner).await.unwrap(), None);
    assert_eq!(storage.get(&identity).await.unwrap(), None);
    storage.delete(&owner).await.unwrap();

    storage.set(&account).await.unwrap();
    for key in [&owner, &identity] {
        assert_same(storage.get(key).await.unwrap(), &account);
        assert_same(storage.get_uncached(key).await.unwrap(), &account);
    }
    for key in [
        AccountKey::owner("GitHub", 7),
        AccountKey::owner("github", 70),
        AccountKey::Owner { entry: "github".into(), user: None },
        AccountKey::identity("github", "ö 1"),
        AccountKey::identity("github", "Ö 1 "),
        AccountKey::identity("gitlab", "Ö 1"),
    ] {
        assert_eq!(storage.get(&key).await.unwrap(), None, "{key}");
        storage.delete(&key).await.unwrap();
    }
    assert_same(storage.list(Some("7"), &["gitlab", "github"]).await.unwrap().pop(), &account);
    assert!(storage.list(Some("7"), &["gitlab"]).await.unwrap().is_empty());
    assert!(storage.list(None, &["github"]).await.unwrap().is_empty());

    let stored = storage.get(&identity).await.unwrap().unwrap();
    assert!(stored.open(&keys()).unwrap().access_token.matches("access"));
    assert!(storage.lease(&stored, 1000, 1030).await.unwrap());
    let renewed = stored.with(&Token::new("next"), 1010, &keys()).unwrap();
    assert!(storage.renew(&stored, &renewed).await.unwrap());
    assert!(!storage.renew(&stored, &renewed).await.unwrap(), "no longer what is stored");
    for key in [&owner, &identity] {
        assert_eq!(storage.get(key).await.unwrap().as_ref(), Some(&renewed));
    }
    assert_eq!((renewed.version, renewed.updated_at, renewed.created_at), (2, 1010, 1000));

    storage.delete(&owner).await.unwrap();
    assert_eq!(storage.get(&owner).await.unwrap(), None);
    assert_eq!(storage.get(&identity).await.unwrap(), None);
    assert!(!storage.renew(&renewed, &renewed).await.unwrap(), "gone");
    assert_eq!(storage.get(&owner).await.unwrap(), None);
}

/// A connect, a renewal and a disconnect, for the user who is signed in.
pub(crate) async fn linking(storage: &dyn Storage) {
    let first = storage.link(&login("github", Some("1"), Some("7")), &keys()).await.unwrap();
    assert_eq!(first.user.as_deref(), Some("7"));
    assert!(first.previous.is_none());
    assert_eq!(storage.get(&AccountKey::owner("github", 7)).await.unwrap().as_ref(), Some(&first.account));

    let mut again = login("github", Some("1"), None);
    again.now = 2000;
    // RF-02: the provider sends no refresh token at a later consent.
    again.token = Token::new("later");
    let second = storage.link(&again, &keys()).await.unwrap();
    assert_eq!(second.user.as_deref(), Some("7"));
    assert_eq!(second.previous.as_ref(), Some(&first.account));
    assert_eq!(
        (second.account.id, second.account.created_at, second.account.version),
        (first.account.id, 1000, 2)
    );
    let token = second.account.open(&keys()).unwrap();
    assert!(token.access_token.matches("later") && token.refresh_token.unwrap().matches("refresh"));

    let taken = storage.link(&login("github", Some("1"), Some("8")), &keys()).await.unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Refused);
    let mut moved = login("github", Some("1"), Some("7"));
    moved.issuer = "https://other.example".into();
    assert_eq!(storage.link(&moved, &keys()).await.unwrap_err().kind(), ErrorKind::Misconfigured);
    assert_eq!(storage.get(&AccountKey::owner("github", 7)).await.unwrap().as_ref(), Some(&second.account));

    assert!(storage.unlink(Some("8"), "github", None, &["github"], None).await.unwrap().accounts.is_empty());
    let other = Some(second.account.id ^ 1);
    assert!(storage.unlink(Some("7"), "github", other, &["github"], None).await.unwrap().accounts.is_empty());
    let gone = storage.unlink(Some("7"), "github", Some(second.account.id), &["github"], None).await.unwrap();
    assert_eq!(gone.accounts, [second.account]);
    assert_eq!(storage.get(&AccountKey::owner("github", 7)).await.unwrap(), None);
    assert_eq!(storage.get(&AccountKey::identity("github", "1")).await.unwrap(), None);
}

/// The order of a user's accounts: a new one is the last, and each can become the primary one.
pub(crate) async fn ranks(storage: &dyn Storage) {
    for id in ["1", "2", "3"] {
        storage.link(&login("github", Some(id), Some("7")), &keys()).await.unwrap();
    }
    storage.link(&login("github", Some("4"), Some("8")), &keys()).await.unwrap();
    storage.link(&login("gitlab", Some("1"), Some("7")), &keys()).await.unwrap();
    let mine = async || {
        let accounts = storage.list(Some("7"), &["github"]).await.unwrap();
        accounts
            .into_iter()
            .map(|account| (account.provider_user_id.unwrap(), account.rank))
            .collect::<Vec<_>>()
    };
    let named = |ids: [&str; 3]| ids.map(str::to_owned).into_iter().zip(0..).collect::<Vec<_>>();
    assert_eq!(mine().await, named(["1", "2", "3"]));
    let of = async |id: &str| storage.get(&AccountKey::identity("github", id)).await.unwrap().unwrap();
    assert_eq!((of("4").await.rank, of("1").await.version), (0, 1));

    let third = of("3").await;
    assert_eq!(
        storage.get(&AccountKey::owner("github", 7)).await.unwrap(),
        Some(of("1").await),
        "and in the cache"
    );
    assert!(storage.make_primary("7", "github", third.id).await.unwrap());
    assert_eq!(mine().await, named(["3", "1", "2"]));
    let moved = storage.get(&AccountKey::owner("github", 7)).await.unwrap().unwrap();
    assert_eq!(moved, Account { rank: 0, ..third.clone() }, "its version stays");
    assert_eq!(of("1").await.rank, 1, "whichever key it is looked up by");
    assert!(storage.make_primary("7", "github", third.id).await.unwrap(), "again");
    assert_eq!(mine().await, named(["3", "1", "2"]));
    // An account of another user, of another entry, or one that does not exist.
    let elsewhere = storage.get(&AccountKey::identity("gitlab", "1")).await.unwrap().unwrap();
    for other in [of("4").await.id, elsewhere.id, i64::MAX] {
        assert!(!storage.make_primary("7", "github", other).await.unwrap());
    }
    assert_eq!(mine().await, named(["3", "1", "2"]));

    // A refresh in progress succeeds and does not change the ranks.
    assert!(storage.lease(&third, 1000, 1030).await.unwrap());
    let renewed = third.with(&Token::new("next"), 1010, &keys()).unwrap();
    assert!(storage.renew(&third, &renewed).await.unwrap());
    assert_eq!(mine().await, named(["3", "1", "2"]));
    // A new token keeps the rank. A new account is the last one, whatever rank the app has written.
    storage.link(&login("github", Some("3"), Some("7")), &keys()).await.unwrap();
    storage.set(&Account { rank: 40, ..of("2").await }).await.unwrap();
    let last = storage.link(&login("github", Some("5"), Some("7")), &keys()).await.unwrap();
    assert_eq!((of("3").await.rank, last.account.rank), (0, 41));
    storage.set(&Account { rank: i32::MAX, ..of("2").await }).await.unwrap();
    let last = storage.link(&login("github", Some("6"), Some("7")), &keys()).await.unwrap();
    assert_eq!(last.account.rank, i32::MAX);
    assert_eq!(mine().await.len(), 5);
}

/// A storage that can list all its accounts lists those of all entries, and knows the keys that have sealed them.
pub(crate) async fn walking(storage: &dyn Storage) {
    for n in 0..7 {
        let entry = ["github", "gitlab", "gone"][n % 3];
        storage.set(&account(entry, Some(&n.to_string()), Some("7"))).await.unwrap();
    }
    let other = KeyRing::new([[9; 32]]);
    storage.set(&Account::of(&login("gone", Some("x"), None), None, None, &other).unwrap()).await.unwrap();
    storage.set(&Account { token: "damaged".into(), ..account("gone", Some("y"), None) }).await.unwrap();
    let (mut seen, mut after) = (0, i64::MIN);
    loop {
        let page = storage.page(None, after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        (seen, after) = (seen + page.len(), last.id);
    }
    assert_eq!(seen, 9);
    let id = |ring: &KeyRing| ring.key_ids().next().unwrap().to_owned();
    let counts = BTreeMap::from([(String::new(), 1), (id(&keys()), 7), (id(&other), 1)]);
    assert_eq!(storage.sealed_by().await.unwrap(), counts);
}

/// MG-04: every storage refuses ids that not every database can store, and stores texts as they were cleaned.
pub(crate) async fn mg_04_texts(storage: &dyn Storage) {
    for (id, user, kind) in [
        ("a\0b", Some("7"), ErrorKind::BadProviderAnswer),
        ("", Some("7"), ErrorKind::BadProviderAnswer),
        (&"x".repeat(256), None, ErrorKind::BadProviderAnswer),
        ("1", Some("7\0"), ErrorKind::AppError),
        ("1", Some(&"7".repeat(256)), ErrorKind::AppError),
    ] {
        let refused = storage.link(&login("github", Some(id), user), &keys()).await.unwrap_err();
        assert_eq!(refused.kind(), kind, "{id:?} {user:?}");
    }
    assert!(storage.list(Some("7"), &["github"]).await.unwrap().is_empty());

    let (longest, user) = ("ö".repeat(255), "ü".repeat(255));
    let mut login = login("github", Some(&longest), Some(&user));
    login.profile.name = Some("A\0da".into());
    login.profile = login.profile.with_email(Some("a\0@b".into()), true);
    login.profile.userinfo =
        serde_json::json!({ "name": "A\0da", "bio": "👩\u{200d}🚀".repeat(5_000), "x": "x".repeat(300_000) });
    login.token = Token::new("ä".repeat(16 << 10)).with_refresh_token("r".repeat(16 << 10));
    login.token.scope = vec!["re\0ad".into(), "write".into()];
    login.token.token_type = "Bea\0rer".into();
    login.clean();
    let stored = storage.link(&login, &keys()).await.unwrap().account;
    assert_eq!(storage.get(&AccountKey::identity("github", &longest)).await.unwrap().as_ref(), Some(&stored));
    assert_eq!(storage.get(&AccountKey::owner("github", &user)).await.unwrap().as_ref(), Some(&stored));
    assert_eq!(stored.userinfo, login.profile.userinfo.to_string(), "what the policy has seen");
    assert!(stored.userinfo.contains("\"Ada\"") && (55_000..65_536).contains(&stored.userinfo.len()));
    assert_eq!((stored.display_name.as_deref(), stored.email.as_deref()), (Some("Ada"), None));
    assert_eq!((stored.scope.as_str(), stored.token_type.as_str()), ("write", "Bearer"));
    let token = stored.open(&keys()).unwrap();
    assert!(token.access_token.matches(&"ä".repeat(16 << 10)));
    assert!(token.refresh_token.unwrap().matches(&"r".repeat(16 << 10)));
}

/// The site's account, and an account of a provider without identities.
pub(crate) async fn without_a_user_or_an_identity(storage: &dyn Storage) {
    let mut site = login("bot", Some("1"), None);
    site.purpose = Purpose::Site;
    assert_eq!(storage.link(&site, &keys()).await.unwrap_err().kind(), ErrorKind::Refused);
    site.admitted = true;
    let linked = storage.link(&site, &keys()).await.unwrap();
    assert_eq!((linked.user, linked.account.user_id), (None, None));
    site.profile.id = Some("2".into());
    assert_eq!(storage.link(&site, &keys()).await.unwrap_err().kind(), ErrorKind::Refused);
    let key = AccountKey::Owner { entry: "bot".into(), user: None };
    let found = storage.get(&key).await.unwrap().unwrap();
    assert_eq!(found.provider_user_id.as_deref(), Some("1"));

    let nameless = login("plain", None, Some("7"));
    let first = storage.link(&nameless, &keys()).await.unwrap();
    let second = storage.link(&nameless, &keys()).await.unwrap();
    assert_eq!(first.account.id, second.account.id);
    assert_eq!(storage.list(Some("7"), &["plain"]).await.unwrap(), [second.account]);
    // It does not replace an account with an identity.
    let named = storage.link(&login("mixed", Some("1"), Some("7")), &keys()).await.unwrap();
    let nameless = storage.link(&login("mixed", None, Some("7")), &keys()).await.unwrap();
    assert!(nameless.previous.is_none() && nameless.account.id != named.account.id);

    // The site's account is found by its id, whatever a visitor has stored at the entry before.
    let left =
        storage.link(&AuthorizedLogin { admitted: true, ..site_login("2", None) }, &keys()).await.unwrap();
    assert_eq!(left.account.user_id, None);
    let wanted = storage.link(&site_login("1", Some("1")), &keys()).await.unwrap();
    assert_eq!(wanted.account.provider_user_id.as_deref(), Some("1"));
    let other = storage.link(&site_login("2", Some("1")), &keys()).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Refused);

    let stranger = storage.link(&login("plain", None, None), &keys()).await.unwrap_err();
    assert_eq!(stranger.kind(), ErrorKind::Refused);
}

/// An account without an identity, and a primary account with one, of the same user at the same entry.
pub(crate) async fn a_nameless_account_is_not_the_primary_one(storage: &dyn Storage) {
    let named = storage.link(&login("mixed", Some("1"), Some("7")), &keys()).await.unwrap().account;
    let nameless = storage.link(&login("mixed", None, Some("7")), &keys()).await.unwrap().account;
    let found =
        same_account(storage, &nameless, storage.get_uncached(&nameless.key()).await.unwrap()).await.unwrap();
    assert_eq!(found.map(|found| found.id), Some(nameless.id));
    let renewed = nameless.with(&Token::new("next"), 1010, &keys()).unwrap();
    assert!(storage.renew(&nameless, &renewed).await.unwrap());
    let sealed = renewed.with(&Token::new("next"), 1010, &keys()).unwrap().token;
    assert!(storage.reseal(&renewed, &sealed).await.unwrap());
    assert!(storage.make_primary("7", "mixed", nameless.id).await.unwrap());
    assert!(storage.make_primary("7", "mixed", named.id).await.unwrap());
    let removed = storage.unlink(Some("7"), "mixed", Some(nameless.id), &["mixed"], None).await.unwrap();
    assert_eq!(removed.accounts.len(), 1);
    let left: Vec<i64> =
        storage.list(Some("7"), &["mixed"]).await.unwrap().iter().map(|account| account.id).collect();
    assert_eq!(left, [named.id]);
}

/// Each callback is used once.
pub(crate) async fn claims(storage: &dyn Storage, id: &str) {
    assert_eq!(storage.settled(id).await.unwrap(), ClaimState::First);
    assert_eq!(storage.claim(id, 1000, 1600).await.unwrap(), ClaimState::First);
    assert_eq!(storage.settled(id).await.unwrap(), ClaimState::Pending);
    assert_eq!(storage.claim(id, 1001, 1601).await.unwrap(), ClaimState::Pending);
    storage.settle(id, "/home").await.unwrap();
    assert_eq!(storage.settled(id).await.unwrap(), ClaimState::Settled("/home".into()));
    assert_eq!(storage.claim(id, 1599, 9000).await.unwrap(), ClaimState::Settled("/home".into()));
}

pub(crate) async fn all(name: &str, new: impl AsyncFn() -> Arc<dyn Storage>) {
    one_account(&*new().await).await;
    linking(&*new().await).await;
    ranks(&*new().await).await;
    walking(&*new().await).await;
    mg_04_texts(&*new().await).await;
    without_a_user_or_an_identity(&*new().await).await;
    a_nameless_account_is_not_the_primary_one(&*new().await).await;
    claims(&*new().await, name).await;
}

#[rocket::async_test]
async fn memory() {
    all("suite memory", async || Arc::new(MemoryStorage::new()) as Arc<dyn Storage>).await;
}

#[rocket::async_test]
async fn cached_memory() {
    let new = async || {
        Arc::new(CachedStorage::new(Arc::new(MemoryStorage::new()), 1 << 20, 60)) as Arc<dyn Storage>
    };
    all("suite cached memory", new).await;
}

#[rocket::async_test]
async fn browser() {
    let new = || BrowserStorage::new("a_", std::iter::empty(), keys(), 0);
    one_account(&new()).await;
    claims(&new(), "suite browser").await;
}

#[rocket::async_test]
async fn key_value() {
    one_account(&KeyValue::default()).await;
    linking(&KeyValue::default()).await;
    without_a_user_or_an_identity(&KeyValue::default()).await;
    mg_04_texts(&KeyValue::default()).await;
    let cached = || CachedStorage::new(Arc::new(KeyValue::default()), 1 << 20, 60);
    one_account(&cached()).await;
    linking(&cached()).await;
    without_a_user_or_an_identity(&cached()).await;
    claims(&cached(), "suite key value").await;
}
