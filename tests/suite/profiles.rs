//! What a provider says about its user: whose address is verified, who belongs to a domain, and texts that do harm.

use std::sync::{Arc, Mutex};

use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};
use diesel::{SqliteConnection, sql_query};
use rocket::http::Status;
use rocket_dance::storage::DieselStorage;
use rocket_dance::testing::FakeProvider;
use rocket_dance::{Dance, DanceFairing, Login, Profile, RequireEmailDomain, Standing, Verdict};
use serde_json::{Value, json};

use crate::harness::{Refusal, TestApp, TestRequest, assert_refused, captured_log, sign_up};
use crate::people::{People, SignUp};
use crate::server::{Server, Tab};

const REFUSED: Refusal = Refusal::new(Status::Forbidden, "refused").after_exchange();

/// The profiles that the policy has seen.
type Seen = Arc<Mutex<Vec<Profile>>>;

/// An app whose policy notes the profiles.
async fn noting() -> (TestApp, Seen) {
    let seen = Seen::default();
    let noted = seen.clone();
    let storage = DieselStorage::database("app").migrate().link(
        move |login: &Login<i32>, conn: &mut SqliteConnection| {
            noted.lock().unwrap().push(login.profile.clone());
            sign_up(login, conn)
        },
    );
    (TestApp::launch_built(|figment| figment, |dance| dance.storage(storage)).await, seen)
}

/// The texts of a row of `oauth_accounts`.
#[derive(QueryableByName, Debug, PartialEq)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    display_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
    #[diesel(sql_type = Bool)]
    email_verified: bool,
    #[diesel(sql_type = Nullable<Text>)]
    profile_url: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    image_url: Option<String>,
    #[diesel(sql_type = Text)]
    userinfo: String,
}

impl Row {
    /// The row of the account `ada`.
    fn of_ada(app: &TestApp) -> Self {
        let mut conn = SqliteConnection::establish(app.file().to_str().unwrap()).unwrap();
        sql_query(
            "SELECT display_name, email, email_verified, profile_url, image_url, userinfo FROM oauth_accounts \
             WHERE provider_user_id = 'ada'",
        )
        .get_result(&mut conn)
        .unwrap()
    }
}

impl From<&Profile> for Row {
    fn from(profile: &Profile) -> Self {
        Self {
            display_name: Some(profile.display_name().to_owned()),
            email: profile.claimed_email().map(str::to_owned),
            email_verified: profile.email().is_some(),
            profile_url: profile.profile_url.clone(),
            image_url: profile.image_url.clone(),
            userinfo: profile.userinfo.to_string(),
        }
    }
}

/// Signs in and returns what policy and row say, which must be the same.
async fn sign_in(app: &TestApp, seen: &Seen) -> Row {
    app.browser().sign_in("op").await;
    let profile = seen.lock().unwrap().pop().expect("the policy ran");
    let row = Row::of_ada(app);
    assert_eq!(row, Row::from(&profile), "policy and row see the same");
    row
}

#[rocket::async_test]
async fn d4_the_userinfo_does_not_borrow_the_id_tokens_verification() {
    let (app, seen) = noting().await;
    let own = "ada@own.example";
    for (id_token, userinfo, wanted) in [
        (
            json!({"email": own, "email_verified": true}),
            json!({"email": "ceo@corp.example"}),
            (Some(own), true),
        ),
        (
            json!({"email_verified": true}),
            json!({"email": "ceo@corp.example"}),
            (Some("ceo@corp.example"), false),
        ),
        (json!({"email": own}), json!({"email_verified": true}), (Some(own), false)),
    ] {
        let mut answer = userinfo.as_object().unwrap().clone();
        answer.insert("sub".into(), "ada".into());
        app.fake.set_userinfo(answer.into());
        let claims = id_token.as_object().unwrap().clone();
        app.fake.edit_claims(move |all| all.as_object_mut().unwrap().extend(claims.clone()));
        let row = sign_in(&app, &seen).await;
        assert_eq!((row.email.as_deref(), row.email_verified), wanted, "{id_token} {userinfo}");
        let raw: Value = serde_json::from_str(&row.userinfo).unwrap();
        assert_eq!((raw["email"].as_str(), raw["email_verified"] == json!(true)), wanted, "{raw}");
    }
}

fn with_domain(dance: DanceFairing) -> DanceFairing {
    dance.storage(DieselStorage::database("app").migrate().link(RequireEmailDomain("corp.example", sign_up)))
}

fn at(app: &TestApp, address: Option<&str>) {
    app.fake.set_userinfo(json!({"sub": "ada", "email": address, "email_verified": true}));
}

#[rocket::async_test]
async fn d10_an_address_that_the_entry_does_not_trust_is_refused() {
    let app = TestApp::launch_built(|figment| figment, with_domain).await;
    at(&app, Some("ada@corp.example"));
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let page = assert_refused(&mut ada, &TestRequest::get(&callback), REFUSED).await;
    assert!(
        page.body.contains("Only people with a verified address at corp.example may sign in."),
        "{}",
        page.body
    );
    assert!(
        !page.body.contains("trust_email"),
        "what the operator must do is not for the user: {}",
        page.body
    );
    assert_eq!((app.count("users"), app.count("oauth_accounts"), app.count("oauth_sessions")), (0, 0, 0));
}

/// Not a test: the process that the next test starts.
#[test]
#[ignore = "the process that another test starts"]
fn serve_domain() {
    crate::server::serve_with(|settings| {
        let database = settings["people"].as_str().expect("a path");
        let policy = RequireEmailDomain("corp.example", SignUp);
        Dance::fairing().storage(DieselStorage::url(database).migrate().link(policy))
    });
}

#[rocket::async_test]
async fn d10_the_log_says_how_to_trust_an_entry() {
    let fake = FakeProvider::start().await;
    let people = Arc::new(People::new());
    let server = Server::start_as(
        "profiles::serve_domain",
        people,
        &fake,
        "http://localhost:8000",
        "normal",
        json!({}),
    );
    for (address, is_theirs) in [("ada@evil.example", false), ("ada@corp.example", true)] {
        fake.set_userinfo(json!({"sub": "ada", "email": address, "email_verified": true}));
        let mut tab = Tab::new(&server);
        let callback = tab.callback(&fake, "/login/op").await;
        assert_eq!(tab.get(&callback).status, 403);
        let log = server.log();
        assert!(log.contains("`op`: sign-in refused") && !log.contains(address), "{log}");
        let says_how =
            log.contains("[default.oauth.op]\n") && log.contains("trust_email = [\"corp.example\"]");
        assert_eq!(says_how, is_theirs, "{log}");
    }
    assert_eq!(server.people.count("oauth_accounts"), 0);
}

#[rocket::async_test]
async fn d10_whoever_has_left_the_domain_stays_out() {
    let trusted = json!(["corp.example"]);
    let app =
        TestApp::launch_built(|figment| figment.merge(("oauth.op.trust_email", &trusted)), with_domain).await;
    at(&app, Some("ada@corp.example"));
    let mut ada = app.browser();
    ada.sign_in("op").await;
    // Signed in, Ada connects a private account. It is no way in.
    app.fake.set_user("private");
    let callback = ada.ride_to_connect("/login/op2").await;
    assert_eq!(ada.get(&callback).await.status, Status::SeeOther);
    assert_eq!(app.count("oauth_accounts"), 2);
    let mut elsewhere = app.browser();
    let callback = elsewhere.ride("/login/op2").await;
    assert_refused(&mut elsewhere, &TestRequest::get(&callback), REFUSED).await;
    app.fake.set_user("ada");
    for address in [Some("ada@home.example"), Some("ada@sub.corp.example"), Some(""), None] {
        at(&app, address);
        let mut elsewhere = app.browser();
        let callback = elsewhere.ride("/login/op").await;
        assert_refused(&mut elsewhere, &TestRequest::get(&callback), REFUSED).await;
    }
    at(&app, Some("ada@CORP.example"));
    app.browser().sign_in("op").await;
}

#[rocket::async_test]
async fn d10_googles_hosted_domain_is_enough() {
    for (preset, hd, is_in) in [
        ("google", json!("corp.example"), true),
        ("google", json!("CORP.example"), true),
        ("google", json!("sub.corp.example"), false),
        ("google", json!(["corp.example"]), false),
        ("google", json!(null), false),
        // Any provider can write a claim `hd`.
        ("oidc", json!("corp.example"), false),
    ] {
        let configure = |figment: rocket::figment::Figment| figment.merge(("oauth.op.provider", preset));
        let app = TestApp::launch_built(configure, with_domain).await;
        // The userinfo's `hd` is no proof: only the ID token is signed.
        app.fake.set_userinfo(json!({"sub": "ada", "hd": "corp.example"}));
        let claim = hd.clone();
        app.fake.edit_claims(move |claims| claims["hd"] = claim.clone());
        let mut ada = app.browser();
        if is_in {
            ada.sign_in("op").await;
        } else {
            let callback = ada.ride("/login/op").await;
            assert_refused(&mut ada, &TestRequest::get(&callback), REFUSED).await;
        }
        assert_eq!(app.count("users"), usize::from(is_in), "{preset} {hd}");
    }
}

#[rocket::async_test]
async fn d11_policy_row_and_page_see_the_same_clean_texts() {
    let (app, seen) = noting().await;
    let url = format!("https://op.example/{}", "u".repeat(3000));
    app.fake.set_userinfo(json!({
        "sub": "ada", "name": format!("A\0da \u{202e}Lovelace\n{}", "x".repeat(300_000)), "preferred_username": "\u{200b}\u{200d}",
        "email": "ada@own.example\0", "email_verified": true, "profile": "https://op.example/ada\u{202e}", "picture": url,
        "bio": "n\0ul", "r\0le": "admin", "blob": "y".repeat(500_000), "locale": "de",
    }));
    let row = sign_in(&app, &seen).await;
    let name = row.display_name.unwrap();
    assert!(name.starts_with("Ada Lovelace x") && name.chars().count() == 200, "{name}");
    assert_eq!((row.email, row.email_verified, row.profile_url, row.image_url), (None, false, None, None));
    let raw: Value = serde_json::from_str(&row.userinfo).unwrap();
    assert_eq!(
        (&raw["bio"], &raw["locale"], raw.get("blob"), raw.get("role")),
        (&json!("nul"), &json!("de"), None, None)
    );
    assert!(row.userinfo.len() <= 65_536 && !row.userinfo.contains("u0000"));
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let page = ada.get("/login/accounts").await.body;
    assert!(page.contains(&name) && page.len() < 20_000, "{} bytes", page.len());
    for harmful in ['\0', '\u{202e}'] {
        assert!(!page.contains(harmful) && captured_log().is_none_or(|log| !log.contains(harmful)));
    }
    // A name in which nothing can be seen is none.
    app.fake.set_userinfo(
        json!({"sub": "ada", "name": "\u{3164}\u{2800}", "preferred_username": "ada\u{200d}👩"}),
    );
    assert_eq!(sign_in(&app, &seen).await.display_name.as_deref(), Some("ada\u{200d}👩"));
    app.fake.set_userinfo(json!({"sub": "ada", "name": "\u{3164}\u{2800}"}));
    assert_eq!(sign_in(&app, &seen).await.display_name.as_deref(), Some("ada"));
}

#[rocket::async_test]
async fn d11_an_id_that_cannot_be_stored_is_refused_in_words() {
    let (app, seen) = noting().await;
    for id in [json!("a\0b"), json!("x".repeat(256)), json!("a\u{7f}"), json!("")] {
        app.fake.set_userinfo(json!({"sub": id}));
        app.fake.edit_claims({
            let id = id.clone();
            move |claims| claims["sub"] = id.clone()
        });
        let mut ada = app.browser();
        let callback = ada.ride("/login/op").await;
        let refusal = Refusal::new(Status::BadGateway, "bad_provider_answer").after_exchange();
        assert_refused(&mut ada, &TestRequest::get(&callback), refusal).await;
    }
    assert!(seen.lock().unwrap().is_empty(), "the policy never ran");
    assert_eq!((app.count("users"), app.count("oauth_accounts"), app.count("oauth_sessions")), (0, 0, 0));
}

#[rocket::async_test]
async fn d11_a_sid_that_cannot_be_stored_is_none() {
    for sid in [json!("s\0id"), json!("s\u{1}"), json!("s".repeat(5000)), json!(7), json!("")] {
        let (app, seen) = noting().await;
        let claim = sid.clone();
        app.fake.edit_claims(move |claims| claims["sid"] = claim.clone());
        sign_in(&app, &seen).await;
        assert_eq!(app.count("oauth_sessions"), 1, "{sid}");
        assert!(
            app.rows().contains("'sid='NULL") || app.rows().contains("sid=NULL"),
            "{sid}: {}",
            app.rows()
        );
    }
}

#[rocket::async_test]
async fn d10_an_account_that_has_waited_for_its_user_is_connected() {
    let policy = |login: &Login<i32>, _: &mut SqliteConnection| {
        Ok(match login.standing {
            Standing::Stranger => Verdict::SignInFirst(1),
            _ => login.default_verdict(),
        })
    };
    let attach = |dance: DanceFairing| {
        let policy = RequireEmailDomain("corp.example", policy);
        dance.storage(DieselStorage::database("app").migrate().link(policy))
    };
    let app = TestApp::launch_built(|figment| figment.merge(("oauth.op.trust_email", true)), attach).await;
    at(&app, Some("ada@corp.example"));
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    assert_eq!(ada.get(&callback).await.location(), "/login/confirm");
    ada.enter(1).await;
    assert_eq!(ada.post("/login/confirm", &[]).await.status, Status::SeeOther);
    assert_eq!(app.count("oauth_accounts"), 1);
    // An outsider does not get as far as that.
    at(&app, Some("eve@evil.example"));
    app.fake.edit_claims(|claims| claims["sub"] = json!("eve"));
    app.fake
        .set_user("eve")
        .set_userinfo(json!({"sub": "eve", "email": "eve@evil.example", "email_verified": true}));
    let mut eve = app.browser();
    let callback = eve.ride("/login/op").await;
    assert_refused(&mut eve, &TestRequest::get(&callback), REFUSED).await;
}
