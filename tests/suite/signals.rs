//! The app's hooks: each answer of `authorized`, who hears what, and what a hook that fails costs.

use std::io::Cursor;
use std::sync::{Arc, Mutex};

use rocket::http::{Header, Status};
use rocket::{Request, Response};
use rocket_dance::provider::Provider;
use rocket_dance::storage::AccountKey;
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, sign_in};
use rocket_dance::{
    AuthorizationRequest, AuthorizedLogin, Client, Dance, DanceFairing, Error, Event, EventAccount,
    LocalPath, NextStep, Profile, Result, Signals, Token,
};
use serde_json::json;

use crate::app::{App, Op, figment, path_and_query};
use crate::people::People;

/// What receivers heard, in order.
#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn say(&self, what: impl Into<String>) {
        self.0.lock().expect("the list").push(what.into());
    }

    /// All of it, and forgets it.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("the list"))
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Say {
    Continue,
    To(&'static str),
    Discard,
    Respond,
    Refuse,
    Fail,
    Panic,
}

/// A receiver called `name` that answers `say`.
struct Receiver(&'static str, Say, Heard);

#[rocket::async_trait]
impl Signals for Receiver {
    async fn authorized(&self, login: &mut AuthorizedLogin, client: &Client) -> Result<NextStep> {
        // The client works already, with the new token.
        assert_eq!(client.get("me").json::<serde_json::Value>().await?["sub"], "ada");
        assert_eq!(login.profile.id.as_deref(), Some("ada"));
        self.2.say(format!("{} authorized", self.0));
        Ok(match self.1 {
            Say::Continue => NextStep::Continue,
            Say::To(path) => LocalPath::try_from(path).map_or(NextStep::Continue, NextStep::ContinueTo),
            Say::Discard => NextStep::Discard,
            Say::Respond => NextStep::Respond(page(Status::ImATeapot, "the signal's own page")),
            Say::Refuse => NextStep::Refuse(format!("{} says <no>", self.0)),
            Say::Fail => return Err(Error::app(format!("{} has failed", self.0))),
            Say::Panic => panic!("{} has panicked", self.0),
        })
    }

    async fn event(&self, event: &Event) {
        let name = format!("{event:?}");
        let name = name.split([' ', '{', '(']).next().unwrap_or_default();
        self.2.say(format!("{} {name} {}", self.0, event.entry()));
    }
}

/// Only hears events.
pub struct Listener(pub Heard);

#[rocket::async_trait]
impl Signals for Listener {
    async fn event(&self, event: &Event) {
        let named = |what: &str, account: &EventAccount| {
            format!("{what} {} {} {}", account.entry, text(&account.provider_user_id), text(&account.user))
        };
        self.0.say(match event {
            Event::AccountCreated(account) => named("created", account),
            Event::AccountUpdated(account) => named("updated", account),
            Event::AccountRefused(account) => {
                assert_eq!(account.user, None);
                format!("refused {} {}", account.entry, text(&account.provider_user_id))
            }
            Event::AccountRemoved(account) => named("removed", account),
            Event::LoginCompleted { entry, user, .. } => format!("completed {entry} {user}"),
            Event::LoginFailed { entry, code, .. } => format!("failed {entry} {code}"),
            Event::TokenRefreshed(account) => named("refreshed", account),
            Event::GrantLost(account) => named("lost", account),
            other => format!("{other:?}"),
        });
    }
}

fn text(id: &Option<String>) -> &str {
    id.as_deref().unwrap_or("-")
}

fn page(status: Status, body: &'static str) -> Response<'static> {
    Response::build().status(status).sized_body(body.len(), Cursor::new(body)).finalize()
}

async fn app(people: &People, dance: impl FnOnce(DanceFairing) -> DanceFairing) -> App {
    let fake = FakeProvider::start().await;
    let figment = figment(&fake);
    App::new(fake, figment, dance(Dance::fairing().storage(people.storage()))).await
}

struct End {
    app: App,
    people: People,
    heard: Vec<String>,
    status: Status,
    location: Option<String>,
    body: String,
}

/// A whole ride with these receivers.
async fn ride(says: &[(&'static str, Say)]) -> End {
    let (people, heard) = (People::new(), Heard::default());
    let app = app(&people, |dance| {
        says.iter().fold(dance, |dance, (name, say)| dance.signals(Receiver(name, *say, heard.clone())))
    })
    .await;
    let callback = app.callback("/login/op?next=/guarded").await;
    let response = app.get(&callback).await;
    let location = response.headers().get_one("Location").map(str::to_owned);
    let status = response.status();
    let body = response.into_string().await.unwrap_or_default();
    let calls = app.token_calls();
    // A repeat in the same browser ends like the first, changes nothing and asks nobody.
    let before = (people.snapshot(), app.cookies().contains_key("rocket_dance_session"));
    let told = heard.take();
    app.get(&callback).await;
    assert_eq!(app.token_calls(), calls);
    assert_eq!((people.snapshot(), app.cookies().contains_key("rocket_dance_session")), before);
    assert!(heard.take().iter().all(|line| !line.contains("authorized")));
    End { app, people, heard: told, status, location, body }
}

impl End {
    /// Whether the ride left anything behind: an account, a user, a session.
    async fn assert_nothing_stored(&self) {
        assert_eq!(self.people.accounts(), Vec::<String>::new());
        assert_eq!(self.people.count("users"), 0);
        assert_eq!(self.app.get("/me").await.status(), Status::SeeOther, "nobody is signed in");
    }

    async fn assert_signed_in(&self) {
        assert_eq!(self.people.accounts(), ["op/ada -> 1"]);
        assert_eq!(self.app.get("/me").await.into_string().await.as_deref(), Some("1"));
    }
}

#[rocket::async_test]
async fn authorized_continue() {
    let end = ride(&[("a", Say::Continue)]).await;
    assert_eq!((end.status, end.location.as_deref()), (Status::SeeOther, Some("/guarded")));
    end.assert_signed_in().await;
    assert_eq!(end.heard, ["a authorized", "a AccountCreated op", "a LoginCompleted op"]);
}

#[rocket::async_test]
async fn authorized_continue_to_a_path_of_the_app() {
    let end = ride(&[("a", Say::To("/welcome?first=1"))]).await;
    assert_eq!(end.location.as_deref(), Some("/welcome?first=1"));
    end.assert_signed_in().await;
}

#[rocket::async_test]
async fn authorized_continue_to_elsewhere_goes_where_the_dance_was_to_end() {
    for path in
        ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/login/logout"]
    {
        let end = ride(&[("a", Say::To(path))]).await;
        assert_eq!((end.status, end.location.as_deref()), (Status::SeeOther, Some("/guarded")), "{path}");
        end.assert_signed_in().await;
    }
}

#[rocket::async_test]
async fn authorized_discard_stores_nothing_and_goes_on() {
    let end = ride(&[("a", Say::Discard)]).await;
    assert_eq!((end.status, end.location.as_deref()), (Status::SeeOther, Some("/guarded")));
    end.assert_nothing_stored().await;
    assert_eq!(end.heard, ["a authorized"]);
}

#[rocket::async_test]
async fn authorized_respond_is_the_answer_and_stores_nothing() {
    let end = ride(&[("a", Say::Respond)]).await;
    assert_eq!((end.status, end.location.as_deref()), (Status::ImATeapot, None));
    assert_eq!(end.body, "the signal's own page");
    end.assert_nothing_stored().await;
    assert_eq!(end.heard, ["a authorized"]);
}

#[rocket::async_test]
async fn authorized_refuse_is_said_to_the_person() {
    let end = ride(&[("a", Say::Refuse)]).await;
    assert_eq!((end.status, end.location.as_deref()), (Status::Forbidden, None));
    assert!(end.body.contains("a says &lt;no&gt;"), "{}", end.body);
    end.assert_nothing_stored().await;
    assert_eq!(end.heard, ["a authorized", "a AccountRefused op", "a LoginFailed op"]);
}

#[rocket::async_test]
async fn authorized_failing_or_panicking_ends_the_dance() {
    for say in [Say::Fail, Say::Panic] {
        let end = ride(&[("a", say)]).await;
        assert_eq!((end.status, end.location.as_deref()), (Status::InternalServerError, None), "{say:?}");
        assert!(!end.body.contains("a has"), "the cause is for the log: {}", end.body);
        end.assert_nothing_stored().await;
        assert_eq!(end.heard, ["a authorized", "a LoginFailed op"], "{say:?}");
        // The next one is not harmed: another person's ride on the same app.
        assert_eq!(end.app.get("/login").await.status(), Status::Ok);
    }
}

#[rocket::async_test]
async fn the_strictest_answer_wins_and_every_receiver_is_asked_in_order() {
    let order = [Say::Continue, Say::To("/to"), Say::Discard, Say::Respond, Say::Refuse, Say::Fail];
    let statuses = [303, 303, 303, 418, 403, 500];
    for strict in 1..order.len() {
        for lenient in 0..strict {
            for says in [[order[strict], order[lenient]], [order[lenient], order[strict]]] {
                let end = ride(&[("a", says[0]), ("b", says[1])]).await;
                assert_eq!(end.status.code, statuses[strict], "{says:?}");
                assert_eq!(end.heard[..2], ["a authorized", "b authorized"], "{says:?}");
                match order[strict] {
                    Say::To(path) => {
                        assert_eq!(end.location.as_deref(), Some(path));
                        end.assert_signed_in().await;
                    }
                    _ => end.assert_nothing_stored().await,
                }
            }
        }
    }
}

#[rocket::async_test]
async fn of_two_equally_strict_answers_the_first_holds() {
    let end = ride(&[("a", Say::To("/first")), ("b", Say::To("/second"))]).await;
    assert_eq!(end.location.as_deref(), Some("/first"));
    let end = ride(&[("a", Say::Refuse), ("b", Say::Refuse)]).await;
    assert!(end.body.contains("a says"), "{}", end.body);
}

#[rocket::async_test]
async fn signals_for_one_entry_hear_of_no_other() {
    let (people, heard) = (People::new(), Heard::default());
    let app = app(&people, |dance| {
        dance.signals_for("op2", Receiver("op2 only", Say::Refuse, heard.clone())).signals(Receiver(
            "all",
            Say::Continue,
            heard.clone(),
        ))
    })
    .await;
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    assert_eq!(heard.take(), ["all authorized", "all AccountCreated op", "all LoginCompleted op"]);
    assert_eq!(sign_in(&app.client, "op2").await.status, Status::Forbidden);
    let lines = heard.take();
    assert_eq!(lines[..2], ["op2 only authorized", "all authorized"]);
    assert_eq!(people.accounts(), ["op/ada -> 1"]);

    let fake = FakeProvider::start().await;
    let dance = Dance::fairing().signals_for("nowhere", Listener(Heard::default()));
    let error =
        rocket::local::asynchronous::Client::untracked(crate::app::rocket(figment(&fake), dance)).await;
    assert!(matches!(error.expect_err("no such entry").kind(), rocket::error::ErrorKind::FailedFairings(_)));
}

/// Sets every parameter that isn't its to set, and some that are.
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
        begin.carry("name", "Countess");
        Ok(())
    }

    async fn authorized(&self, login: &mut AuthorizedLogin, _: &Client) -> Result<NextStep> {
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
    // ST-20: what one request added, the next one doesn't have.
    let next = url::Url::parse(&app.begin("/login/op").await).expect("a URL");
    assert!(next.query_pairs().any(|(name, value)| name == "login_hint" && value == "nobody"));
    // What is carried reaches `authorized`, and what that notes reaches the policy.
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

/// Answers errors itself: some of them.
struct Apologist(&'static str, Heard);

#[rocket::async_trait]
impl Signals for Apologist {
    async fn error(&self, entry: &str, error: &Error) -> Option<Response<'static>> {
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
        assert_eq!(heard.take(), vec!["access_denied of op"; apologies.len()], "everyone is told");
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
    assert_eq!(heard.take(), ["updated op ada 1"], "nobody is signed in who was already");
    assert_eq!(sign_in(&app.client, "op2").await.status, Status::SeeOther);
    assert_eq!(heard.take(), ["created op2 ada 1"]);

    app.fake.expire_access_tokens();
    assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some("ada"));
    assert_eq!(heard.take(), ["refreshed op ada 1"]);
    app.fake.revoke_tokens("ada");
    for _ in 0..2 {
        assert_eq!(app.get("/guarded").await.status(), Status::SeeOther);
    }
    assert_eq!(heard.take(), ["lost op ada 1"], "once");

    assert_eq!(app.post("/login/op/disconnect", &[]).await.status(), Status::SeeOther);
    assert_eq!(heard.take(), ["removed op ada 1"]);

    // Off a request too.
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
    assert_eq!(heard.take(), ["refused op2 ada", "failed op2 refused"]);
    app.fake.deny_next_authorization();
    assert_eq!(sign_in(&app.client, "op2").await.status, Status::Forbidden);
    assert_eq!(heard.take(), ["failed op2 access_denied"]);
    app.fake.respond_once(ProviderEndpoint::Token, FakeResponse::status(500));
    let status = sign_in(&app.client, "op2").await.status;
    assert!([Status::BadGateway, Status::ServiceUnavailable].contains(&status), "{status}");
    assert_eq!(heard.take().len(), 1);
    assert_eq!(app.get("/login/nowhere/authorized?code=a&state=b").await.status(), Status::NotFound);
    assert_eq!(heard.take(), Vec::<String>::new(), "an entry that isn't has no events");
    assert!(dance.accounts(&1).await.expect("listed").len() == 1);
    assert_eq!(json!(Op::NAME), "op");
}

/// Panics at every event.
struct Nervous;

#[rocket::async_trait]
impl Signals for Nervous {
    async fn event(&self, event: &Event) {
        panic!("{event:?}");
    }
}

#[rocket::async_test]
async fn an_event_receiver_that_panics_harms_nothing() {
    let (people, heard) = (People::new(), Heard::default());
    let app = app(&people, |dance| dance.signals(Nervous).signals(Listener(heard.clone()))).await;
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    assert_eq!(heard.take(), ["created op ada 1", "completed op 1"], "those after it hear all");
    assert_eq!(app.get("/me").await.into_string().await.as_deref(), Some("1"));
    app.fake.expire_access_tokens();
    assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some("ada"));
    assert_eq!(heard.take(), ["refreshed op ada 1"]);
}
