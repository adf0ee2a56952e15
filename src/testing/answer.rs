//! What a fake provider was asked, and what it is told to answer.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::door::{Reply, Request};

/// The endpoints of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `/.well-known/openid-configuration`.
    Discovery,
    /// `/jwks`: the signing keys.
    Jwks,
    /// `/authorize`, and `/oauth1/authorize`: where the person is sent.
    Authorize,
    /// `/par`: pushed authorization requests.
    PushedAuthorization,
    /// `/oauth1/request_token`: OAuth 1's temporary credentials.
    RequestToken,
    /// `/token`: code exchange and refresh; `/oauth1/access_token`.
    Token,
    /// `/revoke`: revocation.
    Revocation,
    /// `/logout`: where the person is sent to sign out there, too.
    EndSession,
    /// `/userinfo`, and for GitHub's and others' sake `/api/user`.
    Userinfo,
    /// `/api/user/emails`: addresses as GitHub lists them.
    Emails,
    /// `/api/…`: `me` is the userinfo again, everything else echoes the request.
    Api,
}

/// One request that a [`FakeProvider`](super::FakeProvider) saw.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Recorded {
    /// The endpoint that it came to.
    pub endpoint: Endpoint,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query's parameters.
    pub query: BTreeMap<String, String>,
    /// The fields of a form body.
    pub form: BTreeMap<String, String>,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as it came.
    pub body: String,
}

impl Recorded {
    pub(super) fn new(endpoint: Endpoint, request: &Request) -> Self {
        Self {
            endpoint,
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.iter().cloned().collect(),
            form: request.form.iter().cloned().collect(),
            headers: request.headers.clone(),
            body: request.body.clone(),
        }
    }
}

type Edit = Arc<dyn Fn(&mut Value) + Send + Sync>;

#[derive(Clone)]
enum What {
    Genuine,
    Edited(Edit),
    Reply(Reply),
    Hang,
}

/// What a [`FakeProvider`](super::FakeProvider) answers instead of the truth.
///
/// ```
/// use std::time::Duration;
/// use rocket_dance::testing::Answer;
/// use serde_json::json;
///
/// let down = Answer::status(503).header("Retry-After", "7");
/// let dead = Answer::json(json!({"error": "invalid_grant"})).with_status(400);
/// let slow = Answer::genuine().delay(Duration::from_millis(200));
/// let odd = Answer::edit(|answer| answer["expires_in"] = json!("3600"));
/// # let _ = (down, dead, slow, odd);
/// ```
#[derive(Clone)]
pub struct Answer {
    what: What,
    delay: Duration,
}

impl Answer {
    fn of(what: What) -> Self {
        Self { what, delay: Duration::ZERO }
    }

    /// What the provider answers by itself: for a [`delay`](Answer::delay).
    pub fn genuine() -> Self {
        Self::of(What::Genuine)
    }

    /// What the provider answers by itself, with its JSON changed; of OAuth 1 the fields of its form, all texts.
    pub fn edit(edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self::of(What::Edited(Arc::new(edit)))
    }

    /// An empty answer of this status.
    pub fn status(status: u16) -> Self {
        Self::of(What::Reply(Reply { status, ..Reply::default() }))
    }

    /// A JSON answer.
    pub fn json(value: Value) -> Self {
        Self::of(What::Reply(Reply::json(200, &value)))
    }

    /// A body of this content type.
    pub fn body(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::of(What::Reply(Reply::body(200, content_type, body)))
    }

    /// A redirect (302).
    pub fn redirect(location: &str) -> Self {
        Self::status(302).header("Location", location)
    }

    /// No answer, ever: the connection stays open until the client goes away.
    pub fn hang() -> Self {
        Self::of(What::Hang)
    }

    /// The same answer under another status; nothing for a genuine one.
    pub fn with_status(mut self, status: u16) -> Self {
        if let What::Reply(reply) = &mut self.what {
            reply.status = status;
        }
        self
    }

    /// The same answer with one more header; nothing for a genuine one.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let What::Reply(reply) = &mut self.what {
            reply.headers.push((name.into(), value.into()));
        }
        self
    }

    /// The same answer, this much later.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    pub(super) async fn give(self, genuine: impl FnOnce() -> Reply) -> Reply {
        rocket::tokio::time::sleep(self.delay).await;
        match self.what {
            What::Genuine => genuine(),
            What::Edited(edit) => genuine().edited(&*edit),
            What::Reply(reply) => reply,
            What::Hang => std::future::pending().await,
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.what {
            What::Genuine => "genuine".to_owned(),
            What::Edited(_) => "edited".to_owned(),
            What::Reply(reply) => reply.status.to_string(),
            What::Hang => "hang".to_owned(),
        };
        write!(f, "Answer({what} after {:?})", self.delay)
    }
}

/// The answers to come, and the requests so far.
#[derive(Debug, Default)]
pub(super) struct Script {
    once: HashMap<Endpoint, VecDeque<Answer>>,
    always: HashMap<Endpoint, Answer>,
    pub(super) requests: Vec<Recorded>,
}

impl Script {
    pub(super) fn push(&mut self, endpoint: Endpoint, answer: Answer) {
        self.once.entry(endpoint).or_default().push_back(answer);
    }

    pub(super) fn set(&mut self, endpoint: Endpoint, answer: Answer) {
        self.always.insert(endpoint, answer);
    }

    pub(super) fn forget_answers(&mut self) {
        self.once.clear();
        self.always.clear();
    }

    /// Records the request and says what to answer.
    pub(super) fn next(&mut self, endpoint: Endpoint, request: &Request) -> Answer {
        self.requests.push(Recorded::new(endpoint, request));
        self.once
            .get_mut(&endpoint)
            .and_then(VecDeque::pop_front)
            .or_else(|| self.always.get(&endpoint).cloned())
            .unwrap_or_else(Answer::genuine)
    }
}
