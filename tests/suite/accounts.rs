//! Connecting and disconnecting accounts: the page, and to which user an account belongs.

use rocket::http::{Accept, ContentType, Status};
use rocket::local::asynchronous::Client;
use rocket::routes;
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, sign_in};
use rocket_dance::{Accounts, Dance, ErrorKind};
use serde_json::{Value, json};

use crate::app::{App, figment, location, rocket};
use crate::guards::context;
use crate::people::People;

/// Ada is signed in and connected at `op`.
async fn app(people: &People, settings: &[(&str, Value)]) -> App {
    let fake = FakeProvider::start().await;
    let figment = settings.iter().fold(figment(&fake), |figment, setting| figment.merge(setting.clone()));
    let rocket = rocket(figment, Dance::fairing().storage(people.storage()));
    let client =
        Client::tracked(rocket.mount("/", routes![context, choose])).await.expect("the app launches");
    let app = App::of(client, fake);
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    app
}

async fn connect(app: &App, entry: &str, as_whom: &str) -> Status {
    app.fake.set_user(as_whom);
    sign_in(&app.client, entry).await.status
}

async fn log_out(app: &App) {
    assert_eq!(app.post("/login/logout", &[]).await.status(), Status::SeeOther);
}

/// The forms of a page: action and hidden fields.
fn forms(page: &str) -> Vec<(String, Vec<(String, String)>)> {
    let attribute = |tag: &str, name: &str| {
        let value = tag.split_once(&format!(" {name}=\"")).map(|(_, rest)| rest.split('"').next());
        value.flatten().unwrap_or_default().replace("&#x2F;", "/")
    };
    let forms = page.split("<form").skip(1).map(|form| form.split("</form").next().unwrap_or_default());
    forms
        .map(|form| {
            let tag = form.split('>').next().unwrap_or_default();
            assert!(tag.contains("method=\"post\""), "{tag}");
            for button in form.split("<button").skip(1) {
                let tag = button.split('>').next().unwrap_or_default();
                assert!(
                    !tag.contains("value") && !tag.contains("formaction"),
                    "nothing in the button: {tag}"
                );
            }
            let inputs = form.split("<input").skip(1).map(|input| {
                assert!(input.contains("type=\"hidden\""));
                (attribute(input, "name"), attribute(input, "value"))
            });
            (attribute(tag, "action"), inputs.collect())
        })
        .collect()
}

#[rocket::async_test]
async fn the_page_has_a_form_for_everything() {
    let people = People::new();
    let app = app(&people, &[]).await;
    assert_eq!(connect(&app, "op", "grace").await, Status::SeeOther);
    let page = app.client.get("/login/accounts").header(Accept::HTML).dispatch().await;
    assert_eq!((page.status(), page.content_type()), (Status::Ok, Some(ContentType::HTML)));
    let forms = forms(&page.into_string().await.expect("a page"));
    let field = |fields: &[(String, String)], name: &str| {
        fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone())
    };
    for (action, fields) in &forms {
        assert!(action.starts_with("/login/"), "the full path: {action}");
        assert!(field(fields, "csrf").is_some_and(|csrf| csrf.len() > 20), "{action}");
    }
    let mut of_accounts: Vec<String> = forms
        .iter()
        .filter(|(action, _)| action == "/login/op/disconnect")
        .filter_map(|(_, fields)| field(fields, "account"))
        .collect();
    of_accounts.sort();
    let mut ids = people.ids("op");
    ids.sort();
    assert_eq!((of_accounts.len(), of_accounts), (2, ids));
    for action in ["/login/op", "/login/op2", "/login/logout", "/login/logout/everywhere"] {
        assert!(forms.iter().any(|(known, _)| known == action), "{action}");
    }
    assert!(!forms.iter().any(|(action, _)| action == "/login/op2/disconnect"));

    // The form of the page works unchanged.
    let (action, fields) = forms
        .iter()
        .find(|(_, fields)| field(fields, "account").as_ref() == Some(&people.ids("op")[0]))
        .expect("it");
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let posted = app.client.post(action.clone()).header(ContentType::Form).body(body).dispatch().await;
    assert_eq!((posted.status(), location(&posted).as_str()), (Status::SeeOther, "/login/accounts"));
    assert_eq!(people.ids("op").len(), 1);

    let (_, json) = app.json("/login/accounts").await;
    assert_eq!(json["entries"][0]["accounts"].as_array().map(Vec::len), Some(1));
    assert!(json["csrf"].is_string());
    log_out(&app).await;
    assert_eq!(location(&app.get("/login/accounts").await), "/login?next=%2Flogin%2Faccounts");
    let (status, json) = app.json("/login/accounts").await;
    assert_eq!((status, &json["error"]["code"]), (Status::Unauthorized, &json!("not_signed_in")));
    assert!(json["error"]["login_url"].as_str().is_some_and(|url| url.starts_with("/login")));
}

/// Makes the account `make` primary, and returns the `sub` of the account that a guard uses afterwards.
#[rocket::post("/choose/<account>?<make>")]
async fn choose(accounts: Accounts, account: i64, make: bool) -> rocket_dance::Result<String> {
    if make {
        accounts.make_primary(account).await?;
    }
    Ok(accounts.client_by_id(account)?.userinfo().await?["sub"].to_string())
}

#[rocket::async_test]
async fn one_of_several_accounts_is_the_primary_one() {
    let people = People::new();
    let app = app(&people, &[]).await;
    let page = async || {
        let page = app.client.get("/login/accounts").header(Accept::HTML).dispatch().await;
        page.into_string().await.expect("a page")
    };
    let primary = |page: &str| {
        let forms = forms(page).into_iter().filter(|(action, _)| action == "/login/op/primary");
        forms.map(|(_, fields)| fields[1].1.clone()).collect::<Vec<_>>()
    };
    let one = page().await;
    assert!(primary(&one).is_empty() && !one.contains("Primary"), "a single account has no such note");
    assert_eq!(connect(&app, "op", "grace").await, Status::SeeOther);
    let [ada, grace] = <[String; 2]>::try_from(people.ids("op")).expect("two");
    let two = page().await;
    assert_eq!((primary(&two), two.matches("Primary").count()), (vec![grace.clone()], 1));
    assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some("ada"));

    // The form of the page, unchanged.
    let (action, fields) =
        forms(&two).into_iter().find(|(action, _)| action == "/login/op/primary").expect("it");
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let posted = app.client.post(action).header(ContentType::Form).body(body).dispatch().await;
    assert_eq!((posted.status(), location(&posted).as_str()), (Status::SeeOther, "/login/accounts"));
    assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some("grace"), "at once");
    assert_eq!(primary(&page().await), [ada.as_str()]);
    let (_, json) = app.json("/login/accounts").await;
    let entry = &json["entries"][0];
    assert_eq!(entry["make_primary"], "/login/op/primary");
    assert_eq!(
        (&entry["accounts"][0]["id"].to_string(), &entry["accounts"][0]["primary"]),
        (&grace, &json!(true))
    );
    assert_eq!(
        (&entry["accounts"][1]["id"].to_string(), &entry["accounts"][1]["primary"]),
        (&ada, &json!(false))
    );

    // In a handler of the app.
    let chosen = async |uri: String| {
        let answer = app.client.post(uri).header(Accept::JSON).dispatch().await;
        (answer.status().code, answer.into_string().await.unwrap_or_default())
    };
    assert_eq!(chosen(format!("/choose/{ada}?make=false")).await, (200, "\"ada\"".into()));
    assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some("grace"));
    assert_eq!(chosen(format!("/choose/{ada}?make=true")).await.0, 200);
    assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some("ada"));

    // An account of another user.
    let order = || people.ranks();
    let before = order();
    log_out(&app).await;
    app.fake.set_user("eve");
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    assert_eq!(connect(&app, "op", "mallory").await, Status::SeeOther);
    let before = [before, order().split_off(2)].concat();
    for account in [ada.as_str(), "999999", "-1"] {
        assert_eq!(app.post("/login/op/primary", &[("account", account)]).await.status(), Status::SeeOther);
        for make in [true, false] {
            let (status, said) = chosen(format!("/choose/{account}?make={make}")).await;
            assert!(status == 401 && said.contains("not_connected"), "{said}");
        }
    }
    for (uri, fields, status) in [
        ("/login/op/primary", &[("account", "")][..], Status::BadRequest),
        ("/login/op/primary", &[("account", "1 OR 1=1")], Status::BadRequest),
        ("/login/op/primary", &[], Status::BadRequest),
        ("/login/nowhere/primary", &[("account", &ada)], Status::NotFound),
        // The path of another entry.
        ("/login/op2/primary", &[("account", &people.ids("op")[3])], Status::SeeOther),
    ] {
        assert_eq!(app.post(uri, fields).await.status(), status, "{uri} {fields:?}");
    }
    let bare = app.client.post("/login/op/primary").header(ContentType::Form).body(format!("account={ada}"));
    assert_eq!(bare.dispatch().await.status(), Status::Forbidden);
    assert_eq!(order(), before);
    log_out(&app).await;
    let out = app.post("/login/op/primary", &[("account", &ada)]).await;
    assert!([Status::Unauthorized, Status::Forbidden].contains(&out.status()));
    assert_eq!(order(), before);
}

#[rocket::async_test]
async fn disconnecting_one_or_all_of_an_entry() {
    let people = People::new();
    let app = app(&people, &[]).await;
    for (entry, person) in [("op", "grace"), ("op2", "ada"), ("op2", "grace")] {
        assert_eq!(connect(&app, entry, person).await, Status::SeeOther);
    }
    let grace = people.ids("op")[1].clone();
    assert_eq!(app.post("/login/op/disconnect", &[("account", &grace)]).await.status(), Status::SeeOther);
    assert_eq!(people.accounts(), ["op/ada -> 1", "op2/ada -> 1", "op2/grace -> 1"]);
    assert_eq!(app.post("/login/op2/disconnect", &[]).await.status(), Status::SeeOther);
    assert_eq!(people.accounts(), ["op/ada -> 1"]);
    assert_eq!(app.post("/login/nowhere/disconnect", &[]).await.status(), Status::NotFound);
}

#[rocket::async_test]
async fn no_user_disconnects_another_users_account() {
    let people = People::new();
    let app = app(&people, &[]).await;
    log_out(&app).await;
    assert_eq!(connect(&app, "op", "grace").await, Status::SeeOther);
    assert_eq!(connect(&app, "op2", "grace").await, Status::SeeOther);
    let (ada, own) = (people.ids("op")[0].clone(), people.ids("op2")[0].clone());
    let before = people.snapshot();
    for (uri, account, status) in [
        ("/login/op/disconnect", ada.as_str(), Status::SeeOther),
        ("/login/op2/disconnect", ada.as_str(), Status::SeeOther),
        ("/login/op/disconnect", own.as_str(), Status::SeeOther),
        ("/login/op/disconnect", "999999", Status::SeeOther),
        ("/login/op/disconnect", "1 OR 1=1", Status::BadRequest),
        ("/login/op/disconnect", "-1", Status::SeeOther),
        // An empty `account` must not disconnect every account.
        ("/login/op2/disconnect", "", Status::BadRequest),
    ] {
        assert_eq!(app.post(uri, &[("account", account)]).await.status(), status, "{uri} {account}");
        assert_eq!(people.snapshot(), before, "{uri} {account}");
    }
    let (_, page) = app.json("/login/accounts").await;
    let csrf = page["csrf"].as_str().expect("a token").to_owned();
    for body in [String::new(), format!("csrf={}", csrf.to_uppercase()), format!("csrf={}", &csrf[1..])] {
        let posted =
            app.client.post("/login/op/disconnect").header(ContentType::Form).body(body).dispatch().await;
        assert_eq!((posted.status(), people.snapshot()), (Status::Forbidden, before.clone()));
    }
}

#[rocket::async_test]
async fn al_16_the_last_way_to_sign_in_stays() {
    let people = People::new();
    let app = app(&people, &[]).await;
    let before = people.snapshot();
    let id = people.ids("op")[0].clone();
    for fields in [&[][..], &[("account", id.as_str())]] {
        let refused = app.post("/login/op/disconnect", fields).await;
        assert_eq!((refused.status(), refused.headers().get_one("Location")), (Status::Conflict, None));
        assert_eq!(people.snapshot(), before);
    }
    // Another user's login does not count; the user's own password does.
    people.sql("INSERT INTO users (id, name, password) VALUES (7, 'grace', 1)");
    assert_eq!(app.post("/login/op/disconnect", &[]).await.status(), Status::Conflict);
    people.sql("UPDATE users SET password = 1 WHERE id = 1");
    assert_eq!(app.post("/login/op/disconnect", &[]).await.status(), Status::SeeOther);
    assert_eq!(people.accounts(), Vec::<String>::new());
    assert_eq!(app.get("/guarded").await.status(), Status::SeeOther);
}

#[rocket::async_test]
async fn al_16_of_two_last_accounts_only_one_goes() {
    for _ in 0..5 {
        let people = People::new();
        let app = app(&people, &[]).await;
        assert_eq!(connect(&app, "op2", "ada").await, Status::SeeOther);
        // A session that comes from neither account: disconnecting the account of a session changes the session's id, which
        // would refuse the other request.
        log_out(&app).await;
        app.sign_in_as(1).await;
        let unlink = async |uri: &'static str| app.post(uri, &[]).await.status().code;
        let (one, two) =
            rocket::tokio::join!(unlink("/login/op/disconnect"), unlink("/login/op2/disconnect"));
        let mut statuses = [one, two];
        statuses.sort();
        assert_eq!((statuses, people.accounts().len()), ([303, 409], 1));
    }
}

#[rocket::async_test]
async fn an_entry_only_for_connecting_is_no_way_to_sign_in() {
    let people = People::new();
    let app = app(&people, &[("oauth.op2.login", json!(false))]).await;
    assert_eq!(connect(&app, "op2", "ada").await, Status::SeeOther);
    assert_eq!(people.accounts(), ["op/ada -> 1", "op2/ada -> 1"]);
    assert_eq!(app.post("/login/op/disconnect", &[]).await.status(), Status::Conflict);
    assert_eq!(app.post("/login/op2/disconnect", &[]).await.status(), Status::SeeOther);
    assert_eq!(people.accounts(), ["op/ada -> 1"]);
    assert_eq!(connect(&app, "op2", "ada").await, Status::SeeOther);
    log_out(&app).await;
    assert_eq!(app.get("/login/op2").await.status(), Status::Forbidden);
    let names = |value: &Value| {
        let entries = value["entries"].as_array().expect("entries").iter();
        entries.map(|entry| entry["name"].clone()).collect::<Vec<_>>()
    };
    let (_, context) = app.json("/context").await;
    assert_eq!(names(&context), ["op"], "signed out it has no button");
}

#[rocket::async_test]
async fn al_09_an_account_that_is_taken_stays_where_it_is() {
    let people = People::new();
    let app = app(&people, &[]).await;
    log_out(&app).await;
    assert_eq!(connect(&app, "op", "grace").await, Status::SeeOther);
    let (before, cookies) = (people.snapshot(), app.cookies());
    app.fake.set_user("ada");
    let refused = sign_in(&app.client, "op").await;
    assert_eq!((refused.status, refused.location), (Status::Forbidden, None));
    assert!(refused.body.contains("connected to another user"), "{}", refused.body);
    assert_eq!(people.snapshot(), before);
    assert_eq!(app.cookies()[crate::harness::SESSION], cookies[crate::harness::SESSION]);
    assert_eq!(app.get("/me").await.into_string().await.as_deref(), Some("2"));
}

#[rocket::async_test]
async fn connecting_again_renews_the_same_account() {
    let people = People::new();
    let app = app(&people, &[]).await;
    let (ids, before) = (people.ids("op"), people.snapshot());
    assert_eq!(connect(&app, "op", "ada").await, Status::SeeOther);
    assert_eq!((people.ids("op"), people.count("users")), (ids.clone(), 1));
    assert_ne!(people.snapshot(), before, "a new token");
    assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some("ada"));
    log_out(&app).await;
    assert_eq!(connect(&app, "op", "ada").await, Status::SeeOther);
    assert_eq!(
        (people.ids("op"), people.count("users")),
        (ids, 1),
        "signing in again signs in to the same user"
    );
    log_out(&app).await;
    assert_eq!(connect(&app, "op", "ADA").await, Status::SeeOther);
    assert_eq!(people.accounts(), ["op/ADA -> 2", "op/ada -> 1"], "an id is compared byte for byte");
}

#[rocket::async_test]
async fn al_21_a_deactivated_user_gets_no_session_and_no_token() {
    let people = People::new();
    let app = app(&people, &[]).await;
    log_out(&app).await;
    people.sql("UPDATE users SET active = 0");
    let (before, cookies) = (people.snapshot(), app.cookies());
    let refused = sign_in(&app.client, "op").await;
    assert_eq!((refused.status, refused.location), (Status::Forbidden, None));
    assert_eq!(people.snapshot(), before);
    assert_eq!(app.cookies().get(crate::harness::SESSION), cookies.get(crate::harness::SESSION));
    assert_eq!(app.get("/me").await.status(), Status::SeeOther);
    people.sql("UPDATE users SET active = 1");
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
}

// ---- CookieStorage

use crate::harness::ACCOUNT;

async fn own_cookies() -> App {
    let fake = FakeProvider::start().await;
    let figment = figment(&fake);
    App::new(fake, figment, Dance::fairing()).await
}

#[rocket::async_test]
async fn cookie_storage_keeps_a_browsers_own_account() {
    let app = own_cookies().await;
    assert_eq!(app.get("/guarded").await.status(), Status::SeeOther);
    let landed = sign_in(&app.client, "op").await;
    assert_eq!(landed.status, Status::SeeOther, "{}", landed.body);
    assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some("ada"));
    assert_eq!(app.get("/me").await.status(), Status::SeeOther, "there are no users");
    let bearer = app.fake.last_request(ProviderEndpoint::Userinfo).headers["authorization"].clone();
    let token = bearer.split_once(' ').expect("a bearer").1;
    let cookie = app.cookies()[ACCOUNT].clone();
    // Longer than what random base64 contains by chance.
    for readable in [token, "ada@", "ada%40", "display_name", "provider_user_id"] {
        assert!(!cookie.contains(readable), "sealed: {readable}");
    }

    app.fake.expire_access_tokens();
    assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some("ada"));
    assert_ne!(app.cookies()[ACCOUNT], cookie, "the refreshed token comes back with the response");
    assert_eq!((app.get("/guarded").await.status(), app.token_calls()), (Status::Ok, 2));

    // Under the name of another entry it does not open.
    let moved = rocket::http::Cookie::new(format!("{ACCOUNT}2"), app.cookies()[ACCOUNT].clone());
    let (_, page) = {
        let request = app.client.get("/login/accounts").header(Accept::JSON).cookie(moved);
        let response = request.dispatch().await;
        (response.status(), response.into_json::<Value>().await.expect("JSON"))
    };
    let accounts = |name: &str| {
        let entries = page["entries"].as_array().expect("entries");
        entries.iter().find(|entry| entry["name"] == name).expect("it")["accounts"].as_array().map(Vec::len)
    };
    assert_eq!((accounts("op"), accounts("op2")), (Some(1), Some(0)));

    let dance = Dance::fetch(app.client.rocket()).expect("attached");
    assert_eq!(dance.accounts(&1).await.expect_err("in browsers").kind(), ErrorKind::Misconfigured);
    assert_eq!(
        dance.client(crate::app::Op, &1).await.expect_err("in browsers").kind(),
        ErrorKind::Misconfigured
    );
    log_out(&app).await;
    assert!(!app.cookies().contains_key(ACCOUNT));
    assert_eq!(app.get("/guarded").await.status(), Status::SeeOther);

    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    assert_eq!(app.post("/login/op/disconnect", &[]).await.status(), Status::SeeOther);
    assert!(!app.cookies().contains_key(ACCOUNT));
}

#[rocket::async_test]
async fn cookie_storage_says_when_a_cookie_would_be_too_large() {
    let app = own_cookies().await;
    app.fake.set_userinfo(json!({"sub": "ada", "name": "Ada", "biography": "x".repeat(6000)}));
    assert_eq!(
        sign_in(&app.client, "op").await.status,
        Status::SeeOther,
        "the userinfo can be asked for again"
    );
    assert!(app.cookies()[ACCOUNT].len() < 4096);
    log_out(&app).await;
    app.fake.respond_once(
        ProviderEndpoint::Token,
        FakeResponse::edit(|answer| answer["more"] = json!("y".repeat(6000))),
    );
    let landed = sign_in(&app.client, "op").await;
    assert_eq!((landed.status, landed.location), (Status::InternalServerError, None));
    assert!(!app.cookies().contains_key(ACCOUNT), "no account is stored in parts");
    assert_eq!(app.get("/guarded").await.status(), Status::SeeOther);
}
