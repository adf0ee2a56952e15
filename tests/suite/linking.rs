//! Strangers who are somebody here already: merged, or asked to sign in first; and whom nobody becomes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use rocket::Request;
use rocket::http::Status;
use rocket::response::Redirect;
use rocket_dance::storage::DieselStorage;
use rocket_dance::{
    AuthorizedLogin, Client, DanceFairing, Login, NextStep, Result, Sessions, SignInOutcome, Signals,
    Standing, Verdict,
};

use diesel::prelude::*;
use serde_json::json;

use crate::oracle::{
    Ask, Browser, House, NOT_TRUSTED, Refused, SESSION, assert_guarded, refused, sign_up, users,
};
use crate::signals::{Heard, Listener};
use crate::sqlite;

const PENDING: &str = "rocket_dance_pending";
const CONFIRM: &str = "/login/confirm";
const CSRF: Refused = Refused::new(Status::Forbidden, "csrf");
const REFUSED: Refused = Refused::new(Status::Forbidden, "refused");

/// A stranger's address that is a user's name here, and proved: theirs, then.
fn by_address(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
    let address = login.profile.email().filter(|_| matches!(login.standing, Standing::Stranger));
    let known = match address {
        Some(address) => {
            users::table.filter(users::name.eq(address)).select(users::id).first(conn).optional()?
        }
        None => None,
    };
    match known {
        Some(user) => Ok(login.merge(user, address.unwrap_or_default(), true)),
        None => sign_up(login, conn),
    }
}

/// A house that asks by address, with users 1, whose address is Ada's at the provider, and 2.
async fn house(trust: bool) -> (House, Heard) {
    house_with(trust, |dance| dance).await
}

async fn house_with(trust: bool, more: impl FnOnce(DanceFairing) -> DanceFairing) -> (House, Heard) {
    let heard = Heard::default();
    let listener = Listener(heard.clone());
    let attach = |dance: DanceFairing| {
        more(dance.storage(DieselStorage::database("app").migrate().link(by_address)).signals(listener))
    };
    let configure = |figment: rocket::figment::Figment| {
        figment.merge(("oauth.op.trust_email", trust)).merge(("dance.sign_in_page", "/signin?from=dance"))
    };
    let house = House::built(configure, attach).await;
    sql(&house, "INSERT INTO users VALUES (1, 'ada@example.test'), (2, 'grace@example.test')");
    (house, heard)
}

fn sql(house: &House, sql: &str) {
    use diesel::connection::SimpleConnection;
    let mut conn = SqliteConnection::establish(&house.file().display().to_string()).unwrap();
    conn.batch_execute(&format!("PRAGMA busy_timeout = 10000; {sql}")).unwrap();
}

/// `entry/provider_user_id -> user`, in order.
fn accounts(house: &House) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Text)]
        line: String,
    }
    let mut conn = SqliteConnection::establish(&house.file().display().to_string()).unwrap();
    let lines = diesel::sql_query(
        "SELECT provider || '/' || provider_user_id || ' -> ' || ifnull(user_id, '-') AS line FROM oauth_accounts \
         ORDER BY line",
    );
    lines.load::<Line>(&mut conn).unwrap().into_iter().map(|line| line.line).collect()
}

/// Comes as a stranger who is somebody here, and is asked to sign in first.
async fn ask(browser: &mut Browser, begin: &str) {
    let before = browser.house.rows();
    let callback = browser.ride(begin).await;
    let landed = browser.get(&callback).await;
    assert_eq!(landed.location(), CONFIRM);
    assert_eq!(browser.user().await, None, "nobody is signed in");
    assert_eq!(browser.house.rows(), before, "nothing is stored");
    assert!(browser.jar.contains_key(PENDING));
    // A repeat leads to the same page and changes nothing.
    assert_eq!(browser.peek(&Ask::get(&callback)).await.location(), CONFIRM);
}

#[rocket::async_test]
async fn al_01_who_is_somebody_here_signs_in_first_and_says_yes() {
    let (house, heard) = house(false).await;
    let mut ada = house.browser();
    ask(&mut ada, "/login/op?next=/guarded").await;
    assert!(heard.take()[0].starts_with("AccountPending(EventAccount { entry: \"op\""));

    let page = ada.get(CONFIRM).await;
    assert_eq!(page.status, Status::Ok);
    assert_guarded(&page);
    assert!(page.body.contains("Sign in as you did before to connect"), "{}", page.body);
    // Every way but the one that she came by, whatever she has connected: that is nobody else's to know.
    assert!(page.body.contains("\"/login/op2\"") && !page.body.contains("\"/login/op\""), "{}", page.body);
    assert!(page.body.contains("/signin?from=dance&amp;next=%2Flogin%2Fconfirm"), "{}", page.body);
    let json = Ask::get(CONFIRM).header("Accept", "application/json");
    let json = refused(&mut ada, &json, Refused::new(Status::Unauthorized, "sign_in_first")).await;
    assert_eq!(json.json()["error"]["login_url"], "/login?next=%2Flogin%2Fconfirm");
    let secrets: Vec<_> = house.claims().split('\'').map(str::to_owned).collect();
    assert!(secrets.iter().any(|text| text.starts_with("v1.")), "it waits sealed");
    house.assert_no_secret("the claims", &house.claims(), &[("address", "ada@example.test".into())]);

    ada.enter(1).await;
    assert_eq!(accounts(&house), [""; 0], "signing in alone is no yes");
    let page = ada.get(CONFIRM).await;
    assert_guarded(&page);
    assert!(page.body.contains("Ada") && page.body.contains("(ada)"), "{}", page.body);
    let context = ada.ask(&Ask::get("/login/accounts").header("Accept", "application/json")).await.json();
    assert_eq!(context["confirm_url"], CONFIRM);
    let old = ada.clone();
    assert_eq!(ada.post(CONFIRM, &[]).await.location(), "/guarded");
    assert_eq!(accounts(&house), ["op/ada -> 1"]);
    assert!(!ada.jar.contains_key(PENDING));
    assert_eq!(ada.get("/guarded").await.body, "ada", "its token works");
    assert_eq!(heard.take(), ["created op ada 1"]);
    // Once: also not after it was disconnected again, with the cookie as it was.
    assert_eq!(ada.post("/login/op/disconnect", &[]).await.status, Status::Conflict);
    let mut again = old;
    again.jar.insert(SESSION.to_owned(), ada.jar[SESSION].clone());
    let csrf = again.csrf().await;
    refused(&mut again, &Ask::post(CONFIRM, &[("csrf", &csrf)]), NOT_TRUSTED).await;
    refused(&mut again, &Ask::get(CONFIRM), NOT_TRUSTED).await;

    let mut later = house.browser();
    later.sign_in("op").await;
    assert_eq!(later.user().await, Some(1), "from now on it is hers");
}

#[rocket::async_test]
async fn al_01_another_connected_account_is_as_good_as_a_password() {
    let (house, _) = house(false).await;
    let mut ada = house.browser();
    ada.enter(1).await;
    let callback = ada.ride_to_connect("/login/op2").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    let mut ada = house.browser();
    ask(&mut ada, "/login/op").await;
    let callback = ada.ride("/login/op2?next=/login/confirm").await;
    assert_eq!(ada.get(&callback).await.location(), CONFIRM);
    assert_eq!(ada.user().await, Some(1));
    assert_eq!(ada.post(CONFIRM, &[]).await.location(), "/");
    assert_eq!(accounts(&house), ["op/ada -> 1", "op2/ada -> 1"]);
}

/// Eve begins with an account of hers in a browser that Ada uses next, and hopes that Ada signs in.
#[rocket::async_test]
async fn al_07_al_08_a_planted_account_needs_the_users_own_yes() {
    let (house, heard) = house(false).await;
    let claims =
        json!({"sub": "eve", "name": "Eve <b>", "email": "ada@example.test", "email_verified": true});
    house.fake.set_user("eve").set_userinfo(claims);
    let mut browser = house.browser();
    ask(&mut browser, "/login/op").await;
    browser.enter(1).await;
    let page = browser.get(CONFIRM).await;
    assert!(page.body.contains("Eve &lt;b&gt;") && page.body.contains("Is it yours?"), "{}", page.body);
    let mut elsewhere = house.browser();
    elsewhere.enter(1).await;
    let foreign = elsewhere.csrf().await;
    let csrf = browser.csrf().await;
    for form in [&[][..], &[("csrf", "")], &[("csrf", foreign.as_str())]] {
        refused(&mut browser, &Ask::post(CONFIRM, form), CSRF).await;
    }
    for (name, value) in [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")] {
        let ask = Ask::post(CONFIRM, &[("csrf", &csrf)]).header(name, value);
        refused(&mut browser, &ask, CSRF).await;
    }
    for method in ["get", "put", "delete"] {
        let disguised = Ask::post(CONFIRM, &[("_method", method), ("csrf", &csrf)]);
        refused(&mut browser, &disguised, Refused::new(Status::MethodNotAllowed, "method_not_allowed")).await;
    }
    assert_eq!(accounts(&house), [""; 0]);
    heard.take();
    assert_eq!(browser.post(CONFIRM, &[("cancel", "1")]).await.location(), "/");
    assert!(!browser.jar.contains_key(PENDING));
    assert_eq!((accounts(&house), heard.take()), (vec![], vec![]));
    refused(&mut browser, &Ask::get(CONFIRM), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn al_20_what_waits_is_this_browsers_and_this_users() {
    let (house, _) = house(false).await;
    let mut ada = house.browser();
    ask(&mut ada, "/login/op").await;
    let planted = ada.jar[PENDING].clone();
    // The same user in another browser.
    let mut other = house.browser();
    other.enter(1).await;
    let csrf = other.csrf().await;
    refused(&mut other, &Ask::get(CONFIRM), NOT_TRUSTED).await;
    refused(&mut other, &Ask::post(CONFIRM, &[("csrf", &csrf)]), NOT_TRUSTED).await;
    // Nothing that opens something else opens this.
    for value in [&ada.jar["rocket_dance_done"], &planted[1..], &planted.replace(&planted[..4], "AAAA"), ""] {
        other.jar.insert(PENDING.into(), value.to_owned());
        refused(&mut other, &Ask::get(CONFIRM), NOT_TRUSTED).await;
    }
    // Somebody else in the same browser: refused, and what waited is gone for good.
    ada.enter(2).await;
    let csrf = ada.csrf().await;
    let fields = [("csrf", csrf.as_str()), ("user", "1"), ("email", "ada@example.test"), ("account", "1")];
    let mut copy = ada.clone();
    refused(&mut ada, &Ask::post(CONFIRM, &fields), REFUSED).await;
    assert!(!ada.jar.contains_key(PENDING));
    refused(&mut copy, &Ask::get(CONFIRM), NOT_TRUSTED).await;
    copy.enter(1).await;
    refused(&mut copy, &Ask::get(CONFIRM), NOT_TRUSTED).await;
    assert_eq!(accounts(&house), [""; 0]);

    // So it is when somebody else signs in by a dance, or signs out.
    let mut browser = house.browser();
    ask(&mut browser, "/login/op").await;
    house.fake.set_user("linus");
    browser.sign_in("op").await;
    assert!(!browser.jar.contains_key(PENDING));
    browser.leave().await;
    house.fake.set_user("ada");
    ask(&mut browser, "/login/op").await;
    browser.enter(1).await;
    browser.leave().await;
    assert!(!browser.jar.contains_key(PENDING));
}

#[rocket::async_test]
async fn al_20_what_waits_waits_ten_minutes_and_the_last_one_only() {
    let (house, _) = house(false).await;
    let mut ada = house.browser();
    ask(&mut ada, "/login/op").await;
    let first = ada.jar[PENDING].clone();
    let claims = json!({"sub": "ada2", "name": "Ada", "email": "ada@example.test", "email_verified": true});
    house.fake.set_user("ada2").set_userinfo(claims);
    ask(&mut ada, "/login/op2").await;
    assert_ne!(ada.jar[PENDING], first);
    ada.enter(1).await;
    let mut stale = ada.clone();
    stale.jar.insert(PENDING.into(), first);
    refused(&mut stale, &Ask::get(CONFIRM), NOT_TRUSTED).await;
    // A second or two may pass by themselves.
    house.advance(590);
    assert_eq!(ada.get(CONFIRM).await.status, Status::Ok);
    let csrf = ada.csrf().await;
    house.advance(10);
    refused(&mut ada, &Ask::get(CONFIRM), NOT_TRUSTED).await;
    refused(&mut ada, &Ask::post(CONFIRM, &[("csrf", &csrf)]), NOT_TRUSTED).await;
    assert_eq!(accounts(&house), [""; 0]);
}

#[rocket::async_test]
async fn al_20_pressed_many_times_at_once_it_is_one_account() {
    let (house, heard) = house(false).await;
    let mut ada = house.browser();
    ask(&mut ada, "/login/op").await;
    ada.enter(1).await;
    let csrf = ada.csrf().await;
    heard.take();
    let ask = Ask::post(CONFIRM, &[("csrf", &csrf)]);
    let answers = join_all((0..8).map(|_| ada.peek(&ask))).await;
    let done = answers.iter().filter(|answer| answer.status == Status::SeeOther).count();
    assert_eq!((done, heard.take()), (1, vec!["created op ada 1".to_owned()]));
    assert!(answers.iter().all(|answer| [303, 400].contains(&answer.status.code)), "{answers:?}");
    assert_eq!(accounts(&house), ["op/ada -> 1"]);
    // The sealed account is gone from the store, not only used up.
    let left: Vec<_> = house.claims().split('\'').map(str::len).collect();
    assert!(left.iter().all(|len| *len < 400), "{}", house.claims());
}

#[rocket::async_test]
async fn al_09_al_12_what_has_changed_meanwhile_counts() {
    let (house, _) = house(false).await;
    let mut ada = house.browser();
    ask(&mut ada, "/login/op2").await;
    ada.enter(1).await;
    let csrf = ada.csrf().await;
    // The entry points elsewhere now, or is the site's.
    let original = ada.house.clone();
    for (key, value) in [("oauth.op2.issuer", "http://localhost:1"), ("oauth.op2.account", "ada")] {
        ada.house = original.again(|figment| figment.merge((key, value))).await;
        refused(&mut ada.clone(), &Ask::post(CONFIRM, &[("csrf", &csrf)]), NOT_TRUSTED).await;
    }
    ada.house = original;
    // Somebody else connects it first.
    let mut grace = house.browser();
    grace.enter(2).await;
    let callback = grace.ride_to_connect("/login/op2").await;
    assert_eq!(grace.get(&callback).await.location(), "/");
    let answer = refused(&mut ada, &Ask::post(CONFIRM, &[("csrf", &csrf)]), REFUSED).await;
    assert!(!answer.body.contains("grace"), "whose it is nobody says: {}", answer.body);
    assert_eq!(accounts(&house), ["op2/ada -> 2"]);
    // AL-09: nor does it move when the dance itself is hers.
    let callback = ada.ride_to_connect("/login/op2").await;
    let answer = refused(&mut ada, &Ask::get(&callback), REFUSED.after_exchange()).await;
    assert!(!answer.body.contains("grace"), "{}", answer.body);
}

#[rocket::async_test]
async fn al_01_al_05_a_proved_mailbox_is_merged() {
    let (house, heard) = house(true).await;
    let mut ada = house.browser();
    ada.sign_in("op").await;
    assert_eq!((ada.user().await, accounts(&house)), (Some(1), vec!["op/ada -> 1".to_owned()]));
    let told = heard.take();
    assert_eq!(told[0], "created op ada 1");
    assert!(told[1].starts_with("AccountMerged") && told[1].contains("user: \"1\""), "{told:?}");
    assert_eq!(told[2], "completed op 1");
    // The same address by another provider's account, which nobody trusts or which isn't quite verified.
    for (entry, verified) in
        [("op2", json!(true)), ("op", json!("true")), ("op", json!(1)), ("op", json!(null))]
    {
        let claims = json!({"sub": "eve", "email": "ada@example.test", "email_verified": verified});
        house.fake.set_user("eve").set_userinfo(claims);
        let mut eve = house.browser();
        let callback = eve.ride(&format!("/login/{entry}")).await;
        let landed = eve.get(&callback).await;
        match verified == true {
            true => assert_eq!((landed.location(), eve.user().await), (CONFIRM, None)),
            // Claimed only, the policy doesn't even ask whose it is.
            false => assert_ne!(eve.user().await, Some(1)),
        }
    }
    assert!(accounts(&house).iter().all(|account| !account.ends_with("-> 1") || account == "op/ada -> 1"));
}

/// nOAuth: the administrator of a tenant, anybody's own, writes into `email` what he likes.
#[rocket::async_test]
async fn al_06_an_address_out_of_somebodys_tenant_is_nobodys() {
    const CONTOSO: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
    const EVES: &str = "bbbbcccc-1111-dddd-2222-eeee3333ffff";
    let configure = |figment: rocket::figment::Figment| {
        let issuer: String = figment.extract_inner("oauth.op.issuer").unwrap();
        let figment = figment.merge(("oauth.op.provider", "azure")).merge(("oauth.op.issuer", issuer));
        let figment =
            figment.merge(("oauth.op.tenant", "common")).merge(("oauth.op.tenants", [CONTOSO, EVES]));
        figment.merge(("oauth.op.trust_email", true))
    };
    let attach =
        |dance: DanceFairing| dance.storage(DieselStorage::database("app").migrate().link(by_address));
    let house = House::built(configure, attach).await;
    sql(&house, "INSERT INTO users VALUES (1, 'ada@example.test')");
    let come = async |sub: &str, tenant: &'static str, more: serde_json::Value| {
        let mut claims = json!({"sub": sub, "email": "ada@example.test"});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        house
            .fake
            .set_user(sub)
            .set_userinfo(claims)
            .edit_claims(move |claims| claims["tid"] = json!(tenant));
        let mut browser = house.browser();
        browser.sign_in("op").await;
        browser.user().await
    };
    for (n, claims) in [
        json!({}),
        json!({"email_verified": true}),
        json!({"xms_edov": "true"}),
        json!({"xms_edov": 1}),
        json!({"xms_edov": false, "email_verified": true}),
        json!({"verified_primary_email": ["eve@eve.example"]}),
        json!({"preferred_username": "ada@example.test", "upn": "ada@example.test"}),
    ]
    .into_iter()
    .enumerate()
    {
        let user = come(&format!("eve {n}"), EVES, claims.clone()).await;
        assert!(user.is_some_and(|user| user > 1), "{claims}: {user:?}");
    }
    assert_eq!(come("ada", CONTOSO, json!({"xms_edov": true})).await, Some(1), "where Microsoft has asked");
}

/// AL-10, AL-11: what people call themselves, and their address, may be given to somebody else, and `sub` may not.
#[rocket::async_test]
async fn al_10_al_11_al_12_nothing_but_entry_and_id_is_an_identity() {
    let house = House::open().await;
    let mut seen = Vec::new();
    for (entry, sub) in [("op", "1"), ("op", "2"), ("op", "01"), ("op2", "1"), ("op2", "A"), ("op2", "a")] {
        let claims = json!({
            "sub": sub, "name": "Ada", "preferred_username": "ada", "login": "ada", "hd": "x.example",
            "email": "ada@x.example", "email_verified": true,
        });
        house.fake.set_user(sub).set_userinfo(claims);
        let mut browser = house.browser();
        browser.sign_in(entry).await;
        seen.push(browser.user().await.unwrap());
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((seen.len(), house.count("users"), house.count("oauth_accounts")), (6, 6, 6));
    // Another server under the same name: its user 1 is somebody else, and is refused until an operator says more.
    sql(&house, "UPDATE oauth_accounts SET issuer = 'https://elsewhere.example'");
    house.fake.set_user("1");
    let mut browser = house.browser();
    let callback = browser.ride("/login/op").await;
    let moved = Refused::new(Status::InternalServerError, "misconfigured").after_exchange();
    refused(&mut browser, &Ask::get(&callback), moved).await;
}

/// AL-03: what a recovery does with accounts that somebody else may have connected.
#[rocket::async_test]
async fn al_03_a_recovery_sees_and_removes_what_is_connected() {
    let (house, heard) = house(false).await;
    let mut eve = house.browser();
    eve.enter(1).await;
    house.fake.set_user("eve");
    let callback = eve.ride_to_connect("/login/op").await;
    assert_eq!(eve.get(&callback).await.location(), "/");
    assert_eq!(heard.take(), ["created op eve 1"], "each link is told of");
    let page = eve.get("/login/accounts").await;
    assert!(page.body.contains("Eve") && page.body.contains("eve@example.test"), "and shown");
    let dance = house.dance();
    for account in dance.accounts(&1).await.unwrap() {
        dance.delete(&account.key()).await.unwrap();
    }
    assert_eq!(heard.take(), ["removed op eve 1"]);
    let mut trojan = house.browser();
    let callback = trojan.ride("/login/op").await;
    trojan.get(&callback).await;
    assert_ne!(trojan.user().await, Some(1));
}

/// AL-22: what a provider says about somebody changes no user of the app's, whatever it is called.
#[rocket::async_test]
async fn al_22_claims_overwrite_nothing_of_the_apps() {
    let house = House::open().await;
    let mut ada = house.browser();
    ada.sign_in("op").await;
    sql(&house, "ALTER TABLE users ADD COLUMN role TEXT DEFAULT 'user'");
    sql(&house, "ALTER TABLE oauth_accounts ADD COLUMN note TEXT");
    sql(&house, "UPDATE users SET name = 'Countess'; UPDATE oauth_accounts SET note = 'the app''s own'");
    let users = sqlite::dump(&house.file(), |table| table == "users");
    house.fake.set_userinfo(json!({
        "sub": "ada", "name": "Root", "role": "admin", "is_admin": true, "user_id": "2", "id": 2, "note": "x",
        "email": "root@example.test", "email_verified": true, "rank": -1, "provider": "op2",
    }));
    house.browser().sign_in("op").await;
    assert_eq!(sqlite::dump(&house.file(), |table| table == "users"), users);
    assert_eq!(accounts(&house), ["op/ada -> 1"]);
    assert!(house.rows().contains("the app''s own") || house.rows().contains("the app's own"));
}

#[rocket::async_test]
async fn al_23_an_entry_for_connecting_signs_nobody_in() {
    let house = House::with(|figment| figment.merge(("oauth.op2.login", false))).await;
    let mut ada = house.browser();
    ada.sign_in("op").await;
    let callback = ada.ride_to_connect("/login/op2").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    ada.leave().await;
    let mut out = house.browser();
    refused(&mut out, &Ask::get("/login/op2"), REFUSED).await;
    refused(&mut out, &Ask::get("/login/op2?next=/login/confirm"), REFUSED).await;
    for page in ["/login", "/login?next=/guarded"] {
        assert!(!out.get(page).await.body.contains("\"/login/op2\""));
    }
    // Nor is it one of the ways to sign in first, or the last one left.
    ada.sign_in("op").await;
    let last = Refused::new(Status::Conflict, "last_login");
    let csrf = ada.csrf().await;
    refused(&mut ada, &Ask::post("/login/op/disconnect", &[("csrf", &csrf)]), last).await;
}

/// Sessions that ask for a second factor before they begin.
struct SecondFactor;

#[rocket::async_trait]
impl Sessions for SecondFactor {
    type User = i32;

    async fn current(&self, _: &Request<'_>) -> Result<Option<i32>> {
        Ok(None)
    }

    async fn sign_in(&self, _: &Request<'_>, user: &i32) -> Result<SignInOutcome> {
        Ok(SignInOutcome::redirect_first(Redirect::to(format!("/second-factor?of={user}"))))
    }

    async fn sign_out(&self, _: &Request<'_>) -> Result<()> {
        Ok(())
    }
}

#[rocket::async_test]
async fn al_24_no_link_goes_past_the_second_factor() {
    let (house, heard) = house_with(true, |dance| dance.sessions(SecondFactor)).await;
    // Merged; then the account is hers, and asks for it again.
    for told in ["created op ada 1", "updated op ada 1"] {
        let mut ada = house.browser();
        let callback = ada.ride("/login/op").await;
        assert_eq!(ada.get(&callback).await.location(), "/second-factor?of=1");
        let heard = heard.take();
        assert_eq!(heard[0], told);
        assert!(!heard.iter().any(|event| event.starts_with("completed")), "{heard:?}");
    }
    // Signing in first is a sign-in like any other: until it is finished nobody is there to say yes.
    let claims = json!({"sub": "ada2", "email": "ada@example.test", "email_verified": true});
    house.fake.set_user("ada2").set_userinfo(claims);
    let mut ada = house.browser();
    ask(&mut ada, "/login/op2").await;
    house.fake.set_user("ada");
    let callback = ada.ride("/login/op?next=/login/confirm").await;
    assert_eq!(ada.get(&callback).await.location(), "/second-factor?of=1");
    assert!(ada.get(CONFIRM).await.body.contains("Sign in as you did before"));
    assert_eq!(accounts(&house), ["op/ada -> 1"]);
}

#[rocket::async_test]
async fn al_02_a_merge_ends_the_sessions_that_were_there_before() {
    let (house, _) = house(true).await;
    // Somebody has got hold of the local user: has made it with her address, say.
    let mut mallory = house.browser();
    mallory.enter(1).await;
    let mut grace = house.browser();
    grace.enter(2).await;
    let mut ada = house.browser();
    ada.sign_in("op").await;
    assert_eq!((ada.user().await, mallory.user().await, grace.user().await), (Some(1), None, Some(2)));
}

#[rocket::async_test]
async fn sf_01_what_waited_is_connected_to_a_session_of_another_id() {
    let (house, _) = house(false).await;
    let mut ada = house.browser();
    ask(&mut ada, "/login/op").await;
    ada.enter(1).await;
    let before = ada.clone();
    let connected = ada.post(CONFIRM, &[]).await;
    assert_eq!(connected.location(), "/");
    assert_eq!((ada.user().await, before.user().await), (Some(1), None));
}

/// Puts everybody out while a dance is between the provider's answer and the store.
struct PutOut(Arc<Mutex<Option<PathBuf>>>);

#[rocket::async_trait]
impl Signals for PutOut {
    async fn authorized(&self, _: &mut AuthorizedLogin, _: &Client) -> Result<NextStep> {
        if let Some(file) = self.0.lock().unwrap().take() {
            let mut conn = SqliteConnection::establish(&file.display().to_string()).unwrap();
            diesel::sql_query("DELETE FROM oauth_sessions").execute(&mut conn)?;
        }
        Ok(NextStep::Continue)
    }
}

#[rocket::async_test]
async fn al_02_who_is_put_out_in_mid_dance_connects_nothing() {
    let armed = Arc::new(Mutex::new(None));
    let (house, _) = house_with(true, |dance| dance.signals(PutOut(armed.clone()))).await;
    let mut eve = house.browser();
    eve.enter(1).await;
    house.fake.set_user("eve");
    let callback = eve.ride_to_connect("/login/op").await;
    *armed.lock().unwrap() = Some(house.file());
    let answer = eve.get(&callback).await;
    assert_eq!(answer.status, Status::Forbidden);
    assert!(answer.body.contains("signed out meanwhile"), "{}", answer.body);
    assert_eq!(accounts(&house), [""; 0]);
    // The same where the session lives: it is the session that is missed, and nothing else.
    eve.enter(1).await;
    let callback = eve.ride_to_connect("/login/op").await;
    assert_eq!(eve.get(&callback).await.location(), "/");
    assert_eq!(accounts(&house), ["op/eve -> 1"]);
}

#[rocket::async_test]
async fn al_03_who_came_in_by_an_account_goes_with_it() {
    let (house, _) = house(true).await;
    let mut ada = house.browser();
    ada.sign_in("op").await;
    house.fake.set_user("eve");
    let callback = ada.ride_to_connect("/login/op2").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    let mut eve = house.browser();
    eve.sign_in("op2").await;
    assert_eq!(eve.user().await, Some(1));
    house.fake.set_user("ada");
    let mut here = house.browser();
    here.sign_in("op").await;
    assert_eq!(here.post("/login/op2/disconnect", &[]).await.location(), "/login/accounts");
    assert_eq!((eve.user().await, here.user().await, ada.user().await), (None, Some(1), Some(1)));
    // By her own account, which is not the last one: she stays, in a session of another id; the other browser goes.
    house.fake.set_user("eve");
    let callback = here.ride_to_connect("/login/op2").await;
    assert_eq!(here.get(&callback).await.location(), "/");
    let before = here.clone();
    assert_eq!(here.post("/login/op/disconnect", &[]).await.location(), "/login/accounts");
    assert_eq!((here.user().await, before.user().await, ada.user().await), (Some(1), None, None));
}

#[rocket::async_test]
async fn al_01_what_waits_is_shown_by_what_nobody_can_choose() {
    let (house, _) = house(false).await;
    let claims = json!({
        "sub": "248289761001", "name": "Ada", "preferred_username": "eve", "email": "ada@example.test",
        "email_verified": true,
    });
    house.fake.set_user("248289761001").set_userinfo(claims);
    let mut ada = house.browser();
    ask(&mut ada, "/login/op").await;
    for signed_in in [false, true] {
        if signed_in {
            ada.enter(1).await;
        }
        let page = ada.get(CONFIRM).await.body;
        assert!(page.contains("(248289761001)") && page.contains(">eve<"), "{page}");
        assert!(!page.contains("ada@example.test"), "nobody is trusted to have verified it: {page}");
    }
}
