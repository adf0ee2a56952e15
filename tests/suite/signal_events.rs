//! The signals `before_login`, `error` and `event`.

use rocket::http::{Header, Status};
use rocket::{Request, Response};
use rocket_dance::provider::Provider;
use rocket_dance::storage::AccountKey;
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, sign_in};
use rocket_dance::{
    AuthorizationRequest, AuthorizedLogin, Client, Dance, Error, Event, NextStep, Profile, Result, Signals,
    Token,
};
use serde_json::json;

use crate::app::{App, Op, figment, path_and_query};
use crate::people::People;
use crate::signals::{Heard, Listener, app, page};

/// Sets every parameter that is reserved, and some that are not.
struct Meddler;

const OURS: [&str; 8] = [
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "redirect_uri",
    "client_id",
    "response_type",
    "scope",
];

#[rocket::async_trait]
impl Signals for Meddler {
    async fn before_login(&self, request: &Request<'_>, begin: &mut AuthorizationRequest) -> Result<()> {
        for name in &OURS[..7] {
            begin.param(*name, "evil");
        }
        begin.param("login_hint", request.headers().get_one("X-Hint").unwrap_or("nobody"));
        begin.add_note("name", "Countess");
        Ok(())
    }

    async fn authorized(
        &self,
        _: &rocket::Request<'_>,
        login: &mut AuthorizedLogin,
        _: &Client,
    ) -> Result<NextStep> {
        let name = format!(
            "{} of {}",
            login.note("name").unwrap_or("-"),
            login.profile.id.as_deref().unwrap_or("-")
        );
        login.add_note("name", name);
        Ok(NextStep::Continue)
    }
}

#[rocket::async_test]
async fn st_19_before_login_adds_parameters_but_replaces_none_of_the_protocols() {
    let people = People::new();
    let app = app(&people, |dance| dance.signals(Meddler)).await;
    let begun = app.client.get("/login/op").header(Header::new("X-Hint", "ada@example.com")).dispatch().await;
    let url = url::Url::parse(&crate::app::location(&begun)).expect("a URL");
    for name in OURS {
        let values: Vec<_> =
            url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value).collect();
        assert_eq!(values.len(), 1, "{name}: {url}");
        assert_ne!(values[0], "evil", "{name}: {url}");
    }
    assert!(url.query_pairs().any(|(name, value)| name == "login_hint" && value == "ada@example.com"));
    // ST-20: parameters that one request added are not in the next one.
    let next = url::Url::parse(&app.begin("/login/op").await).expect("a URL");
    assert!(next.query_pairs().any(|(name, value)| name == "login_hint" && value == "nobody"));
    // Carried values reach `authorized`, and its notes reach the policy.
    let callback = path_and_query(&app.fake.authorize(url.as_str()).await);
    assert_eq!(app.get(&callback).await.status(), Status::SeeOther);
    assert_eq!(people.count("users WHERE name = 'Countess of ada'"), 1);
    assert!(!callback.contains("Countess"));
}

/// Refuses to begin, or panics.
struct Gatekeeper(bool);

#[rocket::async_trait]
impl Signals for Gatekeeper {
    async fn before_login(&self, _: &Request<'_>, _: &mut AuthorizationRequest) -> Result<()> {
        match self.0 {
            true => panic!("the gatekeeper has panicked"),
            false => Err(Error::refused("We are closed.")),
        }
    }
}

#[rocket::async_test]
async fn before_login_may_stop_the_dance() {
    for (panics, status) in [(false, Status::Forbidden), (true, Status::InternalServerError)] {
        let (people, heard) = (People::new(), Heard::default());
        let app =
            app(&people, |dance| dance.signals(Gatekeeper(panics)).signals(Listener(heard.clone()))).await;
        let begun = app.get("/login/op").await;
        assert_eq!(begun.status(), status);
        assert_eq!(begun.headers().get_one("Location"), None);
        assert!(begun.cookies().iter().next().is_none());
        assert_eq!(begun.into_string().await.expect("a page").contains("We are closed."), !panics);
        let code = if panics { "app_error" } else { "refused" };
        assert_eq!(heard.take(), [format!("failed op {code}")]);
        assert_eq!(app.fake.request_count(ProviderEndpoint::Authorize), 0);
    }
}

/// Answers some errors itself.
struct Apologist(&'static str, Heard);

#[rocket::async_trait]
impl Signals for Apologist {
    async fn error(&self, _: &rocket::Request<'_>, entry: &str, error: &Error) -> Option<Response<'static>> {
        self.1.say(format!("{} of {entry}", error.kind().code()));
        match self.0 {
            "panic" => panic!("the apologist has panicked"),
            "" => None,
            apology => Some(page(Status::Forbidden, apology)),
        }
    }
}

#[rocket::async_test]
async fn error_may_answer_and_the_first_answer_is_given() {
    for (apologies, expected) in [
        (&["", "first", "second"][..], Some("first")),
        (&["panic", "second"], Some("second")),
        (&["", "panic"], None),
    ] {
        let (people, heard) = (People::new(), Heard::default());
        let app = app(&people, |dance| {
            apologies.iter().fold(dance, |dance, apology| dance.signals(Apologist(apology, heard.clone())))
        })
        .await;
        app.fake.deny_next_authorization();
        let callback = app.callback("/login/op").await;
        let ended = app.get(&callback).await;
        assert_eq!(ended.status(), Status::Forbidden);
        assert_eq!(ended.headers().get_one("Cache-Control"), Some("no-store"));
        assert_eq!(ended.headers().get_one("X-Frame-Options"), Some("DENY"));
        let body = ended.into_string().await.expect("a page");
        match expected {
            Some(apology) => assert_eq!(body, apology),
            None => assert!(body.contains("access_denied"), "our own page: {body}"),
        }
        assert_eq!(heard.take(), vec!["access_denied of op"; apologies.len()], "every receiver is called");
        assert_eq!(people.accounts(), Vec::<String>::new());
        assert_eq!(app.token_calls(), 0);
    }
}

#[rocket::async_test]
async fn events_tell_what_has_happened_in_order() {
    let (people, heard) = (People::new(), Heard::default());
    let fake = FakeProvider::start().await;
    let figment = figment(&fake).merge(("dance.cache", false));
    let dance = Dance::fairing().storage(people.storage()).signals(Listener(heard.clone()));
    let app = App::new(fake, figment, dance).await;
    let dance = Dance::fetch(app.client.rocket()).expect("attached");

    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    assert_eq!(heard.take(), ["created op ada 1", "completed op 1"], "a sign-up");
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    assert_eq!(heard.take(), ["updated op ada 1"], "the user was signed in already");
    assert_eq!(sign_in(&app.client, "op2").await.status, Status::SeeOther);
    assert_eq!(heard.take(), ["created op2 ada 1"]);

    app.fake.expire_access_tokens();
    assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some("ada"));
    assert_eq!(heard.take(), ["refreshed op ada 1"]);
    // A 401 soon after a refresh costs no other one.
    dance.advance_clock(120);
    app.fake.revoke_tokens("ada");
    for _ in 0..2 {
        assert_eq!(app.get("/guarded").await.status(), Status::SeeOther);
    }
    assert_eq!(heard.take(), ["lost op ada 1"], "once");

    assert_eq!(app.post("/login/op/disconnect", &[]).await.status(), Status::SeeOther);
    assert_eq!(heard.take(), ["removed op ada 1"]);

    // Outside of a request, too.
    let profile = || Profile::from_claims(&json!({ "sub": "grace" })).expect("a profile");
    for _ in 0..2 {
        dance.import(Op, &1, profile(), Token::new("t")).await.expect("imported");
    }
    dance.delete(&AccountKey::owner("op", 1)).await.expect("deleted");
    dance.delete(&AccountKey::identity("op", "grace")).await.expect("nothing to delete");
    assert_eq!(heard.take(), ["created op grace 1", "updated op grace 1", "removed op grace 1"]);
    assert_eq!(app.post("/login/op2/disconnect", &[]).await.status(), Status::Conflict);
    assert_eq!(heard.take(), Vec::<String>::new());

    assert_eq!(app.post("/login/logout", &[]).await.status(), Status::SeeOther);
    assert_eq!(sign_in(&app.client, "op2").await.status, Status::SeeOther);
    assert_eq!(heard.take(), ["updated op2 ada 1", "completed op2 1"]);
    app.post("/login/logout", &[]).await;

    people.sql("UPDATE users SET active = 0");
    assert_eq!(sign_in(&app.client, "op2").await.status, Status::Forbidden);
    assert_eq!(heard.take(), ["refused op2 ada 1 user_inactive", "failed op2 refused"]);
    app.fake.deny_next_authorization();
    assert_eq!(sign_in(&app.client, "op2").await.status, Status::Forbidden);
    assert_eq!(heard.take(), ["failed op2 access_denied: access_denied, -, -"]);
    app.fake.respond_once(ProviderEndpoint::Token, FakeResponse::status(500));
    let status = sign_in(&app.client, "op2").await.status;
    assert!([Status::BadGateway, Status::ServiceUnavailable].contains(&status), "{status}");
    assert_eq!(heard.take().len(), 1);
    assert_eq!(app.get("/login/nowhere/authorized?code=a&state=b").await.status(), Status::NotFound);
    assert_eq!(heard.take(), Vec::<String>::new(), "an unknown entry has no events");
    assert!(dance.accounts(&1).await.expect("listed").len() == 1);
    assert_eq!(json!(Op::NAME), "op");
}

/// Panics at every event.
struct Nervous;

#[rocket::async_trait]
impl Signals for Nervous {
    async fn event(&self, _: Option<&rocket::Request<'_>>, event: &Event) {
        panic!("{event:?}");
    }
}

#[rocket::async_test]
async fn an_event_receiver_that_panics_harms_nothing() {
    let (people, heard) = (People::new(), Heard::default());
    let app = app(&people, |dance| dance.signals(Nervous).signals(Listener(heard.clone()))).await;
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    assert_eq!(
        heard.take(),
        ["created op ada 1", "completed op 1"],
        "the receivers after it receive all events"
    );
    assert_eq!(app.get("/me").await.into_string().await.as_deref(), Some("1"));
    app.fake.expire_access_tokens();
    assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some("ada"));
    assert_eq!(heard.take(), ["refreshed op ada 1"]);
}
