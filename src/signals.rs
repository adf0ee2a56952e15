//! Signals: the app's hooks around the dance.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use rocket::{Request, Response};

use crate::client::Client;
use crate::error::{Error, Result};
use crate::link::{AuthorizedLogin, Purpose};

/// The app's hooks around the dance.
///
/// Every method has a default that does nothing. Signals run in the order in which they were attached
/// (`Dance::fairing().signals(…)`); `.signals_for("github", …)` attaches some for one entry only. Every receiver runs,
/// and the strictest answer wins.
///
/// | here | Flask-Dance | Flask-Social |
/// |---|---|---|
/// | [`before_login`](Signals::before_login) | `oauth_before_login` | – |
/// | [`authorized`](Signals::authorized) | `oauth_authorized` | – |
/// | [`error`](Signals::error) | `oauth_error` | – |
/// | [`Event::AccountCreated`] | – | `connection_created` |
/// | [`Event::AccountUpdated`] | – | – |
/// | [`Event::AccountMerged`], [`Event::AccountPending`] | – | – |
/// | [`Event::AccountRefused`] | – | `connection_failed` |
/// | [`Event::AccountRemoved`] | – | `connection_removed` |
/// | [`Event::LoginCompleted`] | – | `login_completed` |
/// | [`Event::LoginFailed`] | – | `login_failed` |
/// | [`Event::TokenRefreshed`], [`Event::GrantLost`], [`Event::GrantOrphaned`], [`Event::RevocationFailed`] | – | – |
///
/// Who is in our organisation needs the network, so it is asked here and not in the policy:
///
/// ```
/// use rocket_dance::{AuthorizedLogin, NextStep, Client, Event, Result, Signals};
///
/// struct MembersOnly;
///
/// #[rocket::async_trait]
/// impl Signals for MembersOnly {
///     async fn authorized(&self, login: &mut AuthorizedLogin, client: &Client) -> Result<NextStep> {
///         if !login.token.scope.iter().any(|scope| scope == "read:org") {
///             return Ok(NextStep::Refuse("We need to see your organisations.".into()));
///         }
///         let answer = client.get("user/memberships/orgs/rwf2").send().await?;
///         if !answer.status().is_success() {
///             return Ok(NextStep::Refuse("Members only.".into()));
///         }
///         login.add_note("member", "yes");                        // the policy reads it: login.note("member")
///         Ok(NextStep::Continue)
///     }
///
///     async fn event(&self, event: &Event) {
///         if let Event::LoginCompleted { entry, user, .. } = event {
///             println!("{user} came in by {entry}");
///         }
///     }
/// }
///
/// let fairing = rocket_dance::Dance::fairing().signals_for("github", MembersOnly);
/// # let _ = fairing;
/// ```
#[rocket::async_trait]
pub trait Signals: Send + Sync + 'static {
    /// Before the person is sent to the provider: may add parameters to the authorization request and carry texts
    /// through the flow.
    ///
    /// # Errors
    /// Stop the dance before it begins.
    async fn before_login(&self, request: &Request<'_>, begin: &mut AuthorizationRequest) -> Result<()> {
        let _ = (request, begin);
        Ok(())
    }

    /// After the provider's answer was verified, before anything is stored. `client` already has the new token, and
    /// that one only: it can't refresh, since nothing is stored yet. A call that the provider answers with 401 is an
    /// error.
    ///
    /// # Errors
    /// End the dance: nothing is stored, nobody is signed in.
    async fn authorized(&self, login: &mut AuthorizedLogin, client: &Client) -> Result<NextStep> {
        let _ = (login, client);
        Ok(NextStep::Continue)
    }

    /// When a dance at `entry` fails: may answer in place of the error page. The first answer is given.
    async fn error(&self, entry: &str, error: &Error) -> Option<Response<'static>> {
        let _ = (entry, error);
        None
    }

    /// After something has happened, and was committed.
    async fn event(&self, event: &Event) {
        let _ = event;
    }
}

/// A dance that is about to begin.
#[derive(Debug)]
#[non_exhaustive]
pub struct AuthorizationRequest {
    /// The entry's name.
    pub entry: String,
    /// What the dance is for.
    pub purpose: Purpose,
    /// Where the person goes afterwards, if she came from somewhere.
    pub next: Option<String>,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) carried: BTreeMap<String, String>,
}

impl AuthorizationRequest {
    pub(crate) fn new(entry: &str, purpose: Purpose, next: Option<String>) -> Self {
        Self { entry: entry.into(), purpose, next, params: BTreeMap::new(), carried: BTreeMap::new() }
    }

    /// Adds a parameter to this authorization request: `login_hint`, `prompt`. Those of the protocol itself (`state`,
    /// `redirect_uri`, …) can't be replaced.
    pub fn param(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.params.insert(name.into(), value.into());
    }

    /// Carries a text through the flow, sealed in its cookie: [`AuthorizedLogin::note`] and
    /// [`Login::note`](crate::Login::note) give it back. Keep it short: a flow has about 3,000 bytes.
    pub fn carry(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.carried.insert(key.into(), value.into());
    }
}

/// The answer of [`Signals::authorized`], from the most lenient to the strictest.
#[derive(Debug)]
#[non_exhaustive]
pub enum NextStep {
    /// Go on.
    Continue,
    /// Go on, and to this path of the app afterwards.
    ContinueTo(String),
    /// Drop it: no token, no account, nobody signed in; then to where the dance was to end. Flask-Dance's `False`.
    Discard,
    /// Answer with this instead; nothing is stored.
    Respond(Response<'static>),
    /// No, in words for the person.
    Refuse(String),
}

impl NextStep {
    fn strictness(&self) -> u8 {
        match self {
            NextStep::Continue => 0,
            NextStep::ContinueTo(_) => 1,
            NextStep::Discard => 2,
            NextStep::Respond(_) => 3,
            NextStep::Refuse(_) => 4,
        }
    }
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// An account was stored for the first time.
    AccountCreated {
        /// The entry's name.
        entry: String,
        /// The provider's id of its user.
        provider_user_id: Option<String>,
        /// The local user.
        user: Option<String>,
    },
    /// An account was stored again, with a new token.
    AccountUpdated {
        /// The entry's name.
        entry: String,
        /// The provider's id of its user.
        provider_user_id: Option<String>,
        /// The local user.
        user: Option<String>,
    },
    /// A stranger's account has become that of a user who was there before ([`Verdict::Merge`](crate::Verdict::Merge)),
    /// told besides [`AccountCreated`](Event::AccountCreated): the moment to write to her.
    AccountMerged {
        /// The entry's name.
        entry: String,
        /// The provider's id of its user.
        provider_user_id: Option<String>,
        /// The local user.
        user: String,
    },
    /// An account waits for this user to sign in as before ([`Verdict::SignInFirst`](crate::Verdict::SignInFirst)).
    /// Nobody has yet.
    AccountPending {
        /// The entry's name.
        entry: String,
        /// The provider's id of its user.
        provider_user_id: Option<String>,
        /// The local user.
        user: String,
    },
    /// An account was not stored: policy, signal or the engine said no.
    AccountRefused {
        /// The entry's name.
        entry: String,
        /// The provider's id of its user.
        provider_user_id: Option<String>,
    },
    /// An account was removed.
    AccountRemoved {
        /// The entry's name.
        entry: String,
        /// The provider's id of its user.
        provider_user_id: Option<String>,
        /// The local user.
        user: Option<String>,
    },
    /// Somebody was signed in. Not told when the app's [`Sessions`](crate::Sessions) made a detour: nobody is yet.
    LoginCompleted {
        /// The entry's name.
        entry: String,
        /// The local user.
        user: String,
    },
    /// A dance failed.
    LoginFailed {
        /// The entry's name.
        entry: String,
        /// The stable code of the [`ErrorKind`](crate::ErrorKind).
        code: &'static str,
        /// Which dance it was, where one had begun: a handle, not its state. It stands in the log's line as well.
        flow: Option<String>,
    },
    /// The provider granted a token, and the store went away before it was kept. The person tries again; this grant is
    /// nobody's.
    GrantOrphaned {
        /// The entry's name.
        entry: String,
        /// The provider's id of its user.
        provider_user_id: Option<String>,
        /// Which dance it was, as in [`LoginFailed`](Event::LoginFailed).
        flow: String,
    },
    /// A token was refreshed.
    TokenRefreshed {
        /// The entry's name.
        entry: String,
        /// The provider's id of its user.
        provider_user_id: Option<String>,
        /// The local user.
        user: Option<String>,
    },
    /// The tokens of a removed account could not be revoked at the provider, tried twice: the grant may live on there
    /// until it expires. Here nothing is left of it.
    RevocationFailed {
        /// The entry's name.
        entry: String,
        /// The provider's id of its user.
        provider_user_id: Option<String>,
        /// The local user whose account it was.
        user: Option<String>,
    },
    /// A grant is dead: the person must connect again.
    GrantLost {
        /// The entry's name.
        entry: String,
        /// The provider's id of its user.
        provider_user_id: Option<String>,
        /// The local user.
        user: Option<String>,
    },
}

impl Event {
    /// The entry's name.
    pub fn entry(&self) -> &str {
        match self {
            Event::AccountCreated { entry, .. }
            | Event::AccountUpdated { entry, .. }
            | Event::AccountMerged { entry, .. }
            | Event::AccountPending { entry, .. }
            | Event::AccountRefused { entry, .. }
            | Event::AccountRemoved { entry, .. }
            | Event::LoginCompleted { entry, .. }
            | Event::LoginFailed { entry, .. }
            | Event::GrantOrphaned { entry, .. }
            | Event::TokenRefreshed { entry, .. }
            | Event::RevocationFailed { entry, .. }
            | Event::GrantLost { entry, .. } => entry,
        }
    }
}

/// The receivers in their order, each for all entries or for one.
#[derive(Default, Clone)]
pub(crate) struct Receivers(Vec<(Option<String>, Arc<dyn Signals>)>);

impl Receivers {
    pub(crate) fn add(&mut self, entry: Option<String>, signals: Arc<dyn Signals>) {
        self.0.push((entry, signals));
    }

    /// The entries that some receiver is for.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|(entry, _)| entry.as_deref())
    }

    fn of<'a>(&'a self, entry: &'a str) -> impl Iterator<Item = &'a Arc<dyn Signals>> {
        self.0
            .iter()
            .filter(move |(only, _)| only.as_deref().is_none_or(|only| only == entry))
            .map(|(_, signals)| signals)
    }

    pub(crate) async fn before_login(
        &self,
        request: &Request<'_>,
        begin: &mut AuthorizationRequest,
    ) -> Result<()> {
        let entry = begin.entry.clone();
        for signals in self.of(&entry) {
            unharmed(signals.before_login(request, begin)).await??;
        }
        Ok(())
    }

    pub(crate) async fn authorized(&self, login: &mut AuthorizedLogin, client: &Client) -> Result<NextStep> {
        let mut answer = Ok(NextStep::Continue);
        let entry = login.entry.clone();
        for signals in self.of(&entry) {
            let next = unharmed(signals.authorized(login, client)).await.flatten();
            answer = match (answer, next) {
                (Err(error), _) | (Ok(_), Err(error)) => Err(error),
                (Ok(answer), Ok(next)) if next.strictness() > answer.strictness() => Ok(next),
                (answer, _) => answer,
            };
        }
        answer
    }

    pub(crate) async fn error(&self, entry: &str, error: &Error) -> Option<Response<'static>> {
        let mut answer = None;
        for signals in self.of(entry) {
            let next = unharmed(signals.error(entry, error)).await.unwrap_or_else(|panic| {
                log::error!("oauth: a signal's `error` failed: {panic:?}");
                None
            });
            answer = answer.or(next);
        }
        answer
    }

    pub(crate) async fn event(&self, event: Event) {
        for signals in self.of(event.entry()) {
            if let Err(panic) = unharmed(signals.event(&event)).await {
                log::error!("oauth: a signal's `event` failed: {panic:?}");
            }
        }
    }
}

/// What comes of `work`; a panic in the app's code is an error like any other.
async fn unharmed<T>(work: impl Future<Output = T>) -> Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_| Error::app("a signal panicked"))
}
