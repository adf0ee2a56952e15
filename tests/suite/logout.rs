//! Sessions that end: when, for whom, and what a copy of the cookie is worth then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rocket::figment::Figment;
use rocket::http::{ContentType, Method, Status};
use rocket::local::asynchronous::Client;
use rocket::tokio::time::sleep;
use rocket_dance::storage::{
    Account, AccountKey, CookieStorage, MemoryStorage, Session, SessionSelection, SessionStorage, Storage,
};
use rocket_dance::testing::FakeProvider;
use rocket_dance::{Dance, Error, ErrorKind, Result};

use crate::app::{App, figment, rocket};
use crate::oracle::{Answer, Ask, Browser, House, NOT_TRUSTED, Refused, SESSION, refused, with};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const CSRF_REFUSED: Refused = Refused::new(Status::Forbidden, "csrf");

/// A house whose cache keeps what it knows for `ttl` seconds.
async fn house(ttl: u64) -> House {
    House::built(|figment| figment.merge(("dance.cache.ttl", ttl)), |dance| dance).await
}

/// The same browser with the cookies it has now: somebody's copy of them.
fn copy(browser: &Browser) -> Browser {
    browser.clone()
}

/// The rows of `oauth_sessions`, as text.
fn sessions(house: &House) -> Vec<String> {
    house.rows().lines().filter(|row| row.starts_with("oauth_sessions")).map(str::to_owned).collect()
}

/// Keeps accounts and sessions in memory, and can't be reached while its switch is on.
pub(crate) struct Fragile(MemoryStorage, Arc<AtomicBool>);

impl Fragile {
    pub(crate) fn new(storage: MemoryStorage, down: Arc<AtomicBool>) -> Self {
        Self(storage, down)
    }

    fn up(&self) -> Result<&MemoryStorage> {
        if self.1.load(Ordering::SeqCst) { Err(Error::storage("the database is away")) } else { Ok(&self.0) }
    }

    fn kept(&self) -> Result<&dyn SessionStorage> {
        self.up()?.sessions().ok_or_else(|| Error::app("no sessions"))
    }
}

#[rocket::async_trait]
impl Storage for Fragile {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        self.up()?.get(key).await
    }

    async fn set(&self, account: &Account) -> Result<()> {
        self.up()?.set(account).await
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        self.up()?.delete(key).await
    }

    fn sessions(&self) -> Option<&dyn SessionStorage> {
        Some(self)
    }
}

#[rocket::async_trait]
impl SessionStorage for Fragile {
    async fn session(&self, id: &str) -> Result<Option<Session>> {
        self.kept()?.session(id).await
    }

    async fn begin_session(&self, session: &Session, before: Option<&str>, now: i64) -> Result<()> {
        self.kept()?.begin_session(session, before, now).await
    }

    async fn rename_session(&self, id: &str, new: &str) -> Result<bool> {
        self.kept()?.rename_session(id, new).await
    }

    async fn session_seen(&self, id: &str, at: i64, expires_at: i64) -> Result<()> {
        self.kept()?.session_seen(id, at, expires_at).await
    }

    async fn end_sessions(&self, whose: &SessionSelection) -> Result<Vec<Session>> {
        self.kept()?.end_sessions(whose).await
    }
}

#[rocket::async_test]
async fn sf_01_a_session_gets_another_id_at_sign_in_connect_and_sign_out() {
    let house = House::open().await;
    let mut ada = house.browser();
    ada.sign_in("op").await;
    let signed_in = copy(&ada);
    assert_eq!(sessions(&house).len(), 1);

    // Connecting: the same session, under another id.
    let created = |rows: &[String]| rows[0].split_once("created_at").map(|(_, rest)| rest.to_owned());
    let before = sessions(&house);
    let callback = ada.ride_to_connect("/login/op2").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    assert_ne!(ada.jar[SESSION], signed_in.jar[SESSION]);
    let connected = copy(&ada);
    assert_eq!((ada.user().await, signed_in.user().await), (Some(1), None));
    let after = sessions(&house);
    assert_eq!((after.len(), created(&after)), (1, created(&before)));
    assert_ne!(after, before);

    // Signing in again, by the app's own form: a new one in place of the old.
    ada.enter(1).await;
    let again = copy(&ada);
    assert_eq!((connected.user().await, sessions(&house).len()), (None, 1));

    ada.leave().await;
    assert_eq!(sessions(&house).len(), 0);
    for old in [signed_in, connected, again] {
        assert_eq!(old.user().await, None);
    }
}

#[rocket::async_test]
async fn sf_03_a_session_that_was_planted_is_not_upgraded() {
    let house = House::open().await;
    let mut mallory = house.browser();
    mallory.enter(666).await;
    for by_form in [false, true] {
        // Ada's browser has got Mallory's cookie, or one that never was a session.
        for planted in [mallory.jar[SESSION].clone(), "planted".to_owned()] {
            let mut ada = house.browser();
            let callback = ada.ride("/login/op").await;
            ada.jar.insert(SESSION.to_owned(), planted.clone());
            match by_form {
                true => ada.enter(1).await,
                false if ada.user().await.is_none() => {
                    assert_eq!(ada.get(&callback).await.location(), "/");
                }
                // Somebody else is signed in: nobody becomes somebody else.
                false => {
                    let code = Refused::new(Status::Forbidden, "refused").after_exchange();
                    refused(&mut ada, &Ask::get(&callback), code).await;
                    continue;
                }
            }
            assert_eq!(ada.user().await, Some(1));
            assert_ne!(ada.jar[SESSION], planted);
            let mut planter = house.browser();
            planter.jar.insert(SESSION.to_owned(), planted);
            assert_ne!(planter.user().await, Some(1), "who planted it is not Ada");
        }
    }
}

#[rocket::async_test]
async fn sf_04_a_failed_callback_signs_nobody_out() {
    let house = House::open().await;
    let mut ada = house.browser();
    ada.sign_in("op").await;
    let before = sessions(&house);
    let callback = ada.ride_to_connect("/login/op2").await;
    let forged = with(&callback, "state", Some("another"));
    refused(&mut ada, &Ask::get(&forged), NOT_TRUSTED).await;
    let denied = ada.ride_to_connect("/login/op2").await;
    let denied = with(&with(&denied, "code", None), "error", Some("access_denied"));
    let answer = ada.get(&denied).await;
    assert_eq!((answer.status, answer.sets(SESSION)), (Status::Forbidden, false), "{answer:?}");
    assert_eq!((ada.user().await, sessions(&house)), (Some(1), before));
}

#[rocket::async_test]
async fn lo_01_signing_out_ends_every_copy_on_every_node_within_the_caches_bound() {
    let ttl = 2;
    let here = house(ttl).await;
    let there = here.again(|figment| figment.merge(("dance.cache.ttl", ttl))).await;
    let mut ada = here.browser();
    ada.sign_in("op").await;
    let stolen = copy(&ada);
    let mut elsewhere = Browser { house: there.clone(), ..copy(&ada) };
    let csrf = elsewhere.csrf().await;
    assert_eq!(elsewhere.user().await, Some(1));

    ada.leave().await;
    let left = Instant::now();
    assert_eq!(stolen.user().await, None, "here at once");
    // What would change something asks the database itself.
    let connect = Ask::post("/login/op2", &[("csrf", &csrf)]);
    let answer = elsewhere.peek(&connect).await;
    assert_eq!((answer.status, answer.json()), (Status::Forbidden, serde_json::Value::Null), "{answer:?}");
    while elsewhere.user().await.is_some() {
        assert!(left.elapsed() < Duration::from_secs(ttl + 3), "still there after {:?}", left.elapsed());
        sleep(Duration::from_millis(20)).await;
    }
    // A restart finds nobody either.
    let restarted = here.again(|figment| figment).await;
    assert_eq!(Browser { house: restarted, ..stolen }.user().await, None);
}

#[rocket::async_test]
async fn lo_01_signing_out_everywhere() {
    let house = House::open().await;
    let (mut laptop, mut phone, mut other) = (house.browser(), house.browser(), house.browser());
    laptop.sign_in("op").await;
    phone.sign_in("op").await;
    other.enter(2).await;
    let csrf = laptop.csrf().await;
    let everywhere = |csrf: &str| Ask::post("/login/logout/everywhere", &[("csrf", csrf)]);
    for csrf in ["", "wrong", &other.csrf().await] {
        refused(&mut laptop, &everywhere(csrf), CSRF_REFUSED).await;
    }
    let cross = everywhere(&csrf).header("Sec-Fetch-Site", "cross-site");
    refused(&mut laptop, &cross, CSRF_REFUSED).await;
    assert_eq!(phone.user().await, Some(1));

    // The button of the page.
    let page = laptop.get("/login/accounts").await;
    assert!(page.body.contains("action=\"/login/logout/everywhere\""), "{}", page.body);
    assert_eq!(laptop.ask(&everywhere(&csrf)).await.location(), "/");
    assert_eq!((laptop.user().await, phone.user().await, other.user().await), (None, None, Some(2)));
    assert!(!laptop.jar.contains_key(SESSION));
    assert_eq!(sessions(&house).len(), 1);
    // Nobody's form ends nothing.
    let csrf = laptop.csrf().await;
    let _ = laptop.ask(&everywhere(&csrf)).await;
    assert_eq!(sessions(&house).len(), 1);

    // After a change of password: all but this browser, which signs in anew.
    phone.sign_in("op").await;
    laptop.sign_in("op").await;
    assert_eq!(house.dance().sign_out_everywhere(&1).await.unwrap(), 2);
    laptop.enter(1).await;
    assert_eq!((laptop.user().await, phone.user().await, other.user().await), (Some(1), None, Some(2)));
    assert_eq!(house.dance().sign_out_everywhere(&7).await.unwrap(), 0);
}

#[rocket::async_test]
async fn lo_05_a_forged_cookie_ends_nobodys_session() {
    let house = House::open().await;
    let mut ada = house.browser();
    ada.sign_in("op").await;
    let before = sessions(&house);
    let id = before[0].split('\'').nth(1).expect("its id").to_owned();
    let mut mallory = house.browser();
    mallory.enter(666).await;
    let (kept, last) = ada.jar[SESSION].split_at(ada.jar[SESSION].len() - 1);
    let flipped = format!("{kept}{}", if last == "A" { "B" } else { "A" });
    for forged in [id.clone(), format!("v1.{id}"), flipped, "1".into(), "0 1".into(), String::new()] {
        let mut forger = copy(&mallory);
        forger.jar.insert(SESSION.to_owned(), forged.clone());
        assert_eq!(forger.user().await, None, "{forged}");
        for uri in ["/login/logout", "/login/logout/everywhere"] {
            forger.jar.insert(SESSION.to_owned(), forged.clone());
            let _ = forger.post(uri, &[]).await;
        }
        forger.jar.insert(SESSION.to_owned(), forged);
        forger.ask(&Ask::new(Method::Post, "/enter/666")).await;
    }
    assert_eq!(ada.user().await, Some(1));
    assert!(sessions(&house).contains(&before[0]));
}

#[rocket::async_test]
async fn ck_11_what_the_cookie_holds_is_not_in_the_database() {
    let house = House::open().await;
    let mut ada = house.browser();
    let ended = {
        let callback = ada.ride("/login/op").await;
        ada.get(&callback).await
    };
    assert_eq!(ended.header("Cache-Control"), Some("no-store"));
    let entered = ada.ask(&Ask::new(Method::Post, "/enter/1")).await;
    assert!(entered.sets(SESSION) && !entered.sets("rocket_dance_pass"), "{entered:?}");
    assert_eq!(entered.header("Cache-Control"), Some("no-store"));
    let rows = sessions(&house).join("\n");
    assert!(!rows.contains(&ada.jar[SESSION]), "{rows}");
    // And the row's id is no cookie.
    let id = rows.split('\'').nth(1).expect("its id");
    assert_eq!(id.len(), 43);
    assert!(!ada.jar[SESSION].contains(id));
}

#[rocket::async_test]
async fn a_session_ends_when_it_is_idle_and_when_it_is_old() {
    let house = House::built(
        |figment| figment.merge(("dance.session.idle", 10 * HOUR)).merge(("dance.session.age", DAY)),
        |dance| dance,
    )
    .await;
    let (mut ada, mut grace) = (house.browser(), house.browser());
    ada.sign_in("op").await;
    grace.enter(2).await;
    let noted = sessions(&house);
    // Seen within the step of an hour: nothing is written.
    house.advance(HOUR - 60);
    assert_eq!((ada.user().await, sessions(&house)), (Some(1), noted.clone()));
    house.advance(120);
    assert_eq!(ada.user().await, Some(1));
    assert_ne!(sessions(&house), noted, "it is noted now");
    house.advance(9 * HOUR);
    assert_eq!((ada.user().await, grace.user().await), (Some(1), None), "ten hours without a request");
    // However often it is seen, it gets no older than a day.
    house.advance(9 * HOUR);
    assert_eq!(ada.user().await, Some(1));
    house.advance(4 * HOUR + 50 * 60);
    assert_eq!(ada.user().await, Some(1));
    house.advance(20 * 60);
    assert_eq!(ada.user().await, None);
    // GC-01: whoever signs in takes along what is over.
    ada.enter(3).await;
    assert_eq!(sessions(&house).len(), 1);
}

#[rocket::async_test]
async fn a_warm_cache_asks_nothing_and_an_outage_is_not_nobody() {
    for cache in [true, false] {
        let down = Arc::new(AtomicBool::new(false));
        let fake = FakeProvider::start().await;
        let mut figment = figment(&fake).merge(("dance.cache.ttl", HOUR));
        if !cache {
            figment = figment.merge(("dance.cache", false));
        }
        let storage = Fragile::new(MemoryStorage::new(), down.clone());
        let app = App::new(fake, figment, Dance::fairing().storage(storage)).await;
        app.sign_in_as(7).await;
        let who = async || app.get("/me").await.status();
        assert_eq!(who().await, Status::Ok);
        let csrf = app.json("/login/accounts").await.1["csrf"].as_str().unwrap().to_owned();
        let before = app.cookies();

        down.store(true, Ordering::SeqCst);
        let unavailable = Status::ServiceUnavailable;
        assert_eq!(who().await, if cache { Status::Ok } else { unavailable }, "no query, or no \"nobody\"");
        for uri in ["/guarded", "/accounts", "/login/accounts"] {
            let answer = app.get(uri).await;
            assert_eq!((answer.status(), answer.headers().get_one("Location")), (unavailable, None), "{uri}");
        }
        // CA-03: what can't be ended isn't said to be; and nobody is signed in.
        for uri in ["/login/logout", "/login/logout/everywhere", "/login/op", "/leave", "/enter/8"] {
            let form = app.client.post(uri).header(ContentType::Form).body(format!("csrf={csrf}"));
            let answer = form.dispatch().await;
            assert_eq!(answer.status(), unavailable, "{uri}");
            let body = answer.into_string().await.unwrap();
            assert!(body.contains("store_unavailable") && !body.contains("is away"), "{uri}: {body}");
            assert_eq!(app.cookies(), before, "{uri}");
        }
        down.store(false, Ordering::SeqCst);
        assert_eq!(app.get("/me").await.into_string().await.as_deref(), Some("7"));
        assert_eq!(app.client.post("/leave").dispatch().await.status(), Status::Ok);
        assert_eq!(who().await, Status::SeeOther);
    }
}

#[rocket::async_test]
async fn a_session_of_before_they_had_ids_is_nobodys() {
    let app = App::in_memory().await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let old = app.client.get("/me").private_cookie((SESSION, format!("{now} 1")));
    assert_eq!(old.dispatch().await.status(), Status::SeeOther);
}

#[rocket::async_test]
async fn without_a_database_a_copy_lives_on_until_its_age() {
    let fake = FakeProvider::start().await;
    let figment = figment(&fake).merge(("dance.session.age", 2 * HOUR));
    let app = App::new(fake, figment.clone(), Dance::fairing().storage(CookieStorage)).await;
    app.sign_in_as(7).await;
    let copy = app.cookies()[SESSION].clone();
    let who = async || {
        let request = app.client.get("/me").cookie((SESSION, copy.clone()));
        request.dispatch().await.status()
    };
    assert_eq!(app.post("/login/logout", &[]).await.status(), Status::SeeOther);
    assert!(!app.cookies().contains_key(SESSION));
    assert_eq!(who().await, Status::Ok, "nobody knows that it has ended");
    let dance = Dance::fetch(app.client.rocket()).unwrap();
    let error = dance.sign_out_everywhere(&7).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    let (_, accounts) = app.json("/login/accounts").await;
    assert_eq!(accounts["logout_everywhere_url"], serde_json::Value::Null);
    dance.advance(2 * HOUR + 10);
    assert_eq!(who().await, Status::SeeOther);

    // An end that nobody could see to stops the launch.
    let figment = figment.merge(("dance.session.idle", HOUR));
    let launched = Client::untracked(rocket(figment, Dance::fairing().storage(CookieStorage))).await;
    let error = launched.expect_err("refused");
    assert!(matches!(error.kind(), rocket::error::ErrorKind::FailedFairings(_)), "{error:?}");
}

const KEYS: [&str; 3] = [
    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
    "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
    "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=",
];

fn keys(keys: &[&str]) -> impl FnOnce(Figment) -> Figment {
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    |figment| figment.merge(("dance.token_keys", keys)).merge(("oauth.op.logout", true))
}

/// The same browser before another process.
fn before(house: &House, browser: &Browser) -> Browser {
    Browser { house: house.clone(), ..browser.clone() }
}

/// Posts a form of the accounts' page that changes little.
async fn makes_primary(browser: &Browser, csrf: &str) -> Answer {
    browser.peek(&Ask::post("/login/op/primary", &[("csrf", csrf), ("account", "1")])).await
}

#[rocket::async_test]
async fn ck_12_what_an_old_key_has_sealed_is_good_until_the_key_goes() {
    let old = House::with(keys(&[KEYS[0]])).await;
    let mut ada = old.browser();
    ada.sign_in("op").await;
    let callback = ada.ride_to_connect("/login/op2").await;
    let csrf = ada.csrf().await;
    // The new one first: cookies, a flow under way and a page's form go on; so they do between processes of which some
    // have it first already and some have not.
    let both = old.again(keys(&[KEYS[1], KEYS[0]])).await;
    let mut here = before(&both, &ada);
    assert_eq!(here.user().await, Some(1));
    assert_eq!(makes_primary(&here, &csrf).await.location(), "/login/accounts", "the old page's form");
    assert_eq!(here.get(&callback).await.location(), "/");
    let fresh = here.csrf().await;
    assert_ne!(fresh, csrf);
    let later = old.again(keys(&[KEYS[0], KEYS[1]])).await;
    assert_eq!(before(&later, &here).user().await, Some(1));
    assert_eq!(makes_primary(&before(&later, &here), &fresh).await.location(), "/login/accounts");
    // Without the old one they are nothing: Ada's session of before is nobody's, and what the new key has sealed stays.
    let new = old.again(keys(&[KEYS[1]])).await;
    assert_eq!((before(&new, &ada).user().await, before(&new, &here).user().await), (None, Some(1)));
    assert_eq!(makes_primary(&before(&new, &here), &csrf).await.status, Status::Forbidden);
    // An ID token that no key opens any more is no hint, and no hindrance.
    let mut here = before(&new, &here);
    let out = here.post("/login/logout", &[]).await;
    assert!(out.location().starts_with(old.fake.issuer()) && !out.location().contains("id_token_hint"));
}

#[rocket::async_test]
async fn ck_10_a_cookie_that_was_meddled_with_is_none() {
    let house = House::with(keys(&[KEYS[0]])).await;
    let elsewhere = house.again(keys(&[KEYS[2]])).await;
    let mut ada = house.browser();
    let done = ada.sign_in("op").await;
    let mut stranger = before(&elsewhere, &house.browser());
    stranger.sign_in("op").await;
    let _ = stranger.ride_to_connect("/login/op2").await;
    let csrf = ada.csrf().await;
    let callback = ada.ride_to_connect("/login/op2").await;
    let flow = ada.flows()[0].0.clone();
    let leave = Ask::post("/login/logout", &[("csrf", &csrf)]);
    for (name, ask, good) in [
        (SESSION, Ask::get("/me"), Status::Ok),
        (SESSION, leave.clone(), Status::SeeOther),
        (crate::oracle::CSRF, leave, Status::SeeOther),
        (crate::oracle::DONE, Ask::get(&done), Status::SeeOther),
        (flow.as_str(), Ask::get(&callback), Status::SeeOther),
    ] {
        let value = ada.jar[name].clone();
        let mut without = ada.clone();
        without.jar.remove(name);
        let expected = without.peek(&ask).await.status;
        assert_ne!(expected, good, "{name}");
        let mut broken = vec![
            String::new(),
            value[1..].to_owned(),
            value[..value.len() - 1].to_owned(),
            value[..value.len() / 2].to_owned(),
            format!("{value}A"),
            format!("{value}{value}"),
            format!("{}{}", if value.starts_with('B') { "C" } else { "B" }, &value[1..]),
            value.to_ascii_lowercase(),
            "v1.".to_owned(),
            "x".repeat(4000),
        ];
        // Sealed for another purpose, and by another key for this one.
        broken.extend(ada.jar.iter().filter(|(other, _)| *other != name).map(|(_, value)| value.clone()));
        broken.extend(stranger.jar.values().cloned());
        for value in broken {
            let mut browser = ada.clone();
            browser.jar.insert(name.to_owned(), value.clone());
            assert_eq!(browser.peek(&ask).await.status, expected, "{name}={value}: {ask:?}");
        }
    }
    assert_eq!(ada.get(&callback).await.location(), "/", "none of these used it up");
}
