//! The signal `authorized`: its answers, the order of the receivers, and a receiver that fails.

use std::io::Cursor;
use std::sync::{Arc, Mutex};

use rocket::Response;
use rocket::http::Status;
use rocket_dance::testing::{FakeProvider, sign_in};
use rocket_dance::{
    AuthorizedLogin, Client, Dance, DanceFairing, Error, Event, EventAccount, LocalPath, NextStep, Result,
    Signals,
};

use crate::app::{App, figment};
use crate::people::People;

/// What the receivers received, in order.
#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    pub(crate) fn say(&self, what: impl Into<String>) {
        self.0.lock().expect("the list").push(what.into());
    }

    /// Returns all of it, and clears it.
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

/// A receiver called `name` with this answer.
struct Receiver(&'static str, Say, Heard);

#[rocket::async_trait]
impl Signals for Receiver {
    async fn authorized(
        &self,
        _: &rocket::Request<'_>,
        login: &mut AuthorizedLogin,
        client: &Client,
    ) -> Result<NextStep> {
        // The client already works with the new token.
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

    async fn event(&self, _: Option<&rocket::Request<'_>>, event: &Event) {
        let name = format!("{event:?}");
        let name = name.split([' ', '{', '(']).next().unwrap_or_default();
        self.2.say(format!("{} {name} {}", self.0, event.entry().unwrap_or("-")));
    }
}

/// Records the events of accounts, logins and tokens. `signal_order` has those of users and sessions, too.
pub struct Listener(pub Heard);

#[rocket::async_trait]
impl Signals for Listener {
    async fn event(&self, _: Option<&rocket::Request<'_>>, event: &Event) {
        if !matches!(event, Event::UserCreated(_) | Event::SessionBegan { .. } | Event::SessionEnded { .. }) {
            self.0.say(words(event));
        }
    }
}

/// An event in a few words.
pub(crate) fn words(event: &Event) -> String {
    let named = |what: &str, account: &EventAccount| {
        format!("{what} {} {} {}", account.entry, text(&account.provider_user_id), text(&account.user))
    };
    match event {
        Event::AccountCreated(account) => named("created", account),
        Event::AccountUpdated(account) => named("updated", account),
        Event::AccountRefused { account, reason, .. } => format!("{} {reason}", named("refused", account)),
        Event::AccountRemoved(account) => named("removed", account),
        Event::UserCreated(account) => named("user", account),
        Event::SessionBegan { user, entry, .. } => format!("began {user} {}", text(entry)),
        Event::SessionEnded { user, entry, reason, .. } => {
            format!("ended {user} {} {reason:?}", text(entry))
        }
        Event::LoginCompleted { entry, user, .. } => format!("completed {entry} {user}"),
        Event::LoginFailed { entry, code, provider_error: Some(said), .. } => {
            let (description, uri) = (text(&said.description), text(&said.uri));
            format!("failed {entry} {code}: {}, {description}, {uri}", said.error)
        }
        Event::LoginFailed { entry, code, .. } => format!("failed {entry} {code}"),
        Event::TokenRefreshed(account) => named("refreshed", account),
        Event::GrantLost(account) => named("lost", account),
        Event::AccountMerged(account) => named("merged", account),
        Event::AccountPending(account) => named("pending", account),
        Event::GrantOrphaned { account, .. } => named("orphaned", account),
        other => format!("{other:?}"),
    }
}

fn text(id: &Option<String>) -> &str {
    id.as_deref().unwrap_or("-")
}

pub(crate) fn page(status: Status, body: &'static str) -> Response<'static> {
    Response::build().status(status).sized_body(body.len(), Cursor::new(body)).finalize()
}

pub(crate) async fn app(people: &People, dance: impl FnOnce(DanceFairing) -> DanceFairing) -> App {
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

/// A whole sign-in with these receivers.
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
    // A repeated callback in the same browser ends like the first one, changes nothing and calls no receiver.
    let before = (people.snapshot(), app.cookies().contains_key(crate::harness::SESSION));
    let events = heard.take();
    app.get(&callback).await;
    assert_eq!(app.token_calls(), calls);
    assert_eq!((people.snapshot(), app.cookies().contains_key(crate::harness::SESSION)), before);
    assert!(heard.take().iter().all(|line| !line.contains("authorized")));
    End { app, people, heard: events, status, location, body }
}

impl End {
    /// Whether the sign-in left an account, a user or a session.
    async fn assert_nothing_stored(&self) {
        assert_eq!(self.people.accounts(), Vec::<String>::new());
        assert_eq!(self.people.count("users"), 0);
        assert_eq!(self.app.get("/me").await.status(), Status::SeeOther, "no user is signed in");
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
    let events = ["UserCreated", "AccountCreated", "SessionBegan", "LoginCompleted"];
    let events = events.map(|event| format!("a {event} op"));
    assert_eq!(end.heard[..1], ["a authorized"]);
    assert_eq!(end.heard[1..], events);
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
        // Another user's sign-in at the same app works.
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
    let lines = heard.take();
    assert!(lines.len() == 5 && lines.iter().all(|line| line.starts_with("all ")), "{lines:?}");
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
