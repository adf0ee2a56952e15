//! `/login/<name>/authorized`: the end of a dance.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rocket::tokio::time::sleep;
use rocket::{Request, Response};

use super::Dance;
use super::outcome::Outcome;
use super::reply::Reply;
use crate::client::{Client, RevocationReason};
use crate::config::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{
    Callback, CallbackResult, FLOW_TTL, Flow, Grant, callback_timeout, not_trusted, provider_session_id,
    state_handle,
};
use crate::link::{AuthorizedLogin, Purpose};
use crate::local_path::LocalPath;
use crate::session::{SessionOrigin, SignInOutcome};
use crate::signals::{Event, EventAccount, NextStep};
use crate::storage::{Account, ClaimState, Linked, NullStorage, Storage};

/// The query of a callback, taken out of the request before Rocket logs it.
#[derive(Default)]
pub(super) struct TakenQuery(pub(super) String);

/// How often a repeat looks for the outcome of the first one.
const STEP: Duration = Duration::from_millis(100);
const LONGEST_STEP: Duration = Duration::from_secs(1);

/// What a noted outcome is sealed for: it holds where somebody went.
const OUTCOME: &str = "outcome";
/// How long a repeat waits on top of the provider's deadlines: the app's own code runs, too.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a good dance comes to.
struct End {
    to: LocalPath,
    reply: Option<Reply>,
}

fn parsed(request: &Request<'_>, entry: &Entry) -> Result<Callback> {
    Callback::parse(entry.protocol(), &request.local_cache(TakenQuery::default).0)
}

impl Dance {
    pub(super) async fn get_callback(&self, request: &Request<'_>, name: &str) -> Response<'static> {
        let callback = self.entry(name).and_then(|entry| parsed(request, entry));
        self.called_back(request, name, callback).await
    }

    /// Answers what came to the callback, by whichever method.
    pub(super) async fn called_back(
        &self,
        request: &Request<'_>,
        name: &str,
        callback: Result<Callback>,
    ) -> Response<'static> {
        // A browser that only guesses that the person might come must not use up the dance.
        let purpose = ["Sec-Purpose", "Purpose", "X-Moz"].map(|header| request.headers().get_one(header));
        if purpose.into_iter().flatten().any(|value| value.contains("prefetch")) {
            let error = Error::new(ErrorKind::BadRequest, "This page can't be fetched in advance.");
            return self.respond(request, Err(error));
        }
        let flow = callback.as_ref().ok().map(|callback| state_handle(callback.state.expose()));
        let reply = self.callback(request, name, callback).await;
        self.ended(request, name, flow, reply).await
    }

    async fn callback(&self, request: &Request<'_>, name: &str, callback: Result<Callback>) -> Result<Reply> {
        let entry = self.entry(name)?;
        let callback = callback?;
        let state = callback.state.expose();
        let Some(flow) = self.recall(request, state) else {
            return self
                .repeated(request, state)
                .ok_or_else(|| not_trusted("no flow of this browser has that state"))?
                .replay();
        };
        if flow.entry != entry.name {
            return Err(not_trusted("the flow was begun at another entry"));
        }
        // AL-23: checked again, since the configuration may have changed meanwhile.
        if !flow.is_for(entry) {
            return Err(not_trusted("the entry has been pointed elsewhere since the flow began"));
        }
        let is_allowed = match flow.purpose {
            Purpose::SignIn => entry.login && !self.is_site(name),
            Purpose::Connect => !self.is_site(name),
            Purpose::Site => self.is_site(name),
        };
        if !is_allowed {
            return Err(not_trusted("the entry is for something else than when the flow began"));
        }
        if flow.visitor.is_some() && flow.visitor.as_deref() != self.user_now(request).await? {
            return Err(not_trusted("another user is signed in than began the flow"));
        }
        // The store is asked before the code is used: when it is down, the code isn't burned.
        let storage = self.storage(request);
        let (id, now) = (state_handle(state), self.clock().now());
        match storage.claim(&id, now, now + 2 * FLOW_TTL).await? {
            ClaimState::First => {}
            claim => return self.await_first(request, entry, &id, claim).await,
        }
        let end = self.dance(request, entry, &flow, &callback).await;
        let outcome = match &end {
            Ok(end) => Outcome::To(end.to.clone()),
            Err(error) => Outcome::failed(error),
        };
        let sealed = self.keys().seal(OUTCOME, &[&id], outcome.to_text().as_bytes());
        let settled = match sealed {
            Ok(sealed) => storage.settle(&id, &sealed).await,
            Err(error) => Err(error),
        };
        if let Err(error) = settled {
            log::warn!("oauth: `{name}`: the outcome of a callback could not be noted: {error:?}");
        }
        self.finish(request, state, &outcome);
        end.map(|end| end.reply.unwrap_or(Reply::SeeOther(end.to.into())))
    }

    /// A repeat of a callback that is taken: goes where the first one goes.
    async fn await_first(
        &self,
        request: &Request<'_>,
        entry: &Entry,
        id: &str,
        mut claim: ClaimState,
    ) -> Result<Reply> {
        let storage = self.storage(request);
        let patience = callback_timeout(entry) + PATIENCE;
        let (began, mut step) = (Instant::now(), STEP);
        while began.elapsed() < patience {
            match claim {
                ClaimState::Settled(outcome) => {
                    let plain = self.keys().open(OUTCOME, &[id], &outcome).ok();
                    return plain
                        .and_then(|plain| Outcome::from_text(std::str::from_utf8(&plain).ok()?))
                        .ok_or_else(|| not_trusted("the callback was used up"))?
                        .replay();
                }
                ClaimState::First => break,
                ClaimState::Pending => sleep(step).await,
            }
            step = (step * 3 / 2).min(LONGEST_STEP);
            claim = storage.settled(id).await?;
        }
        Err(Error::new(ErrorKind::ProviderTimeout, "This sign-in is taking too long. Please start again."))
    }

    async fn dance(
        &self,
        request: &Request<'_>,
        entry: &Arc<Entry>,
        flow: &Flow,
        callback: &Callback,
    ) -> Result<End> {
        let engine = &self.context.engine;
        engine.check(entry, callback).await?;
        let CallbackResult::Code(code) = &callback.result else {
            return Err(not_trusted("an error that was not one"));
        };
        let Grant { token, profile } = engine.finish(entry, flow, code).await?;
        let trusted_email = entry.trusted_email(&profile).map(str::to_owned);
        let mut login = AuthorizedLogin {
            entry: entry.name.clone(),
            issuer: entry.authority().to_owned(),
            purpose: flow.purpose,
            profile,
            token,
            visitor: flow.visitor.clone(),
            session: flow.visitor.as_ref().and_then(|_| self.sessions.id(request)),
            user_required: self.user_required,
            trusted_email,
            present: None,
            account: entry.account.clone(),
            admitted: false,
            now: self.clock().now(),
            notes: flow.carried.clone(),
        };
        if flow.visitor.is_none() && flow.purpose == Purpose::SignIn {
            login.present = self.user_now(request).await?.map(str::to_owned);
        }
        if flow.purpose == Purpose::Site {
            login.admitted = self.admits(request, entry).await;
        }
        // RD-04: checked again, since the configuration may have changed meanwhile.
        let to = flow
            .next
            .clone()
            .filter(|next| self.may_go_to(next))
            .unwrap_or_else(|| self.settings.after_login.clone());
        let end = match self.authorized(entry, &mut login).await? {
            NextStep::Continue => End { to, reply: None },
            NextStep::ContinueTo(path) => {
                End { to: Some(path).filter(|path| self.may_go_to(path)).unwrap_or(to), reply: None }
            }
            NextStep::Discard => return Ok(End { to, reply: None }),
            NextStep::Respond(response) => return Ok(End { to, reply: Some(Reply::Own(response)) }),
            NextStep::Refuse(text) => {
                self.refused(&login).await;
                return Err(Error::refused(text));
            }
        };
        let storage = self.storage(request);
        let linked = match storage.link(&login, self.keys()).await {
            Ok(linked) => linked,
            Err(error) => {
                if let Some(user) = error.user() {
                    self.let_wait(request, &login, user, end.to).await?;
                    let account = EventAccount::of_login(&login).with_user(user);
                    self.signals.event(Event::AccountPending(account)).await;
                    return Ok(End { to: LocalPath::try_from(self.confirm_path())?, reply: None });
                }
                match error.kind() {
                    ErrorKind::Refused => self.refused(&login).await,
                    ErrorKind::StoreUnavailable => self.orphaned(&storage, &login, flow).await,
                    _ => {}
                }
                return Err(error);
            }
        };
        self.welcome(request, &login, linked, end).await
    }

    /// Whether whoever is here may connect the site's first account.
    async fn admits(&self, request: &Request<'_>, entry: &Entry) -> bool {
        match self.site.get(&entry.name) {
            Some(Some(admits)) => admits(request).await,
            _ => false,
        }
    }

    async fn authorized(&self, entry: &Arc<Entry>, login: &mut AuthorizedLogin) -> Result<NextStep> {
        // Nothing is stored yet, so there is nothing that a refresh could replace: this client has this token only.
        let account = Account::of(login, None, None, self.keys())?;
        let client = Client::open(entry.clone(), Arc::new(NullStorage), self.context.clone(), account)?;
        self.signals.authorized(login, &client).await
    }

    /// The account is stored: sign in, tell.
    async fn welcome(
        &self,
        request: &Request<'_>,
        login: &AuthorizedLogin,
        linked: Linked,
        end: End,
    ) -> Result<End> {
        let Linked { account, previous, user, merged, .. } = linked;
        self.tell_stored(&account, previous.is_none()).await;
        if login.purpose == Purpose::Connect {
            self.sessions.rotate(request).await?;
        }
        let Some(user) = user.filter(|_| login.purpose == Purpose::SignIn) else { return Ok(end) };
        if merged {
            let merged = EventAccount::from(&account).with_user(&user);
            self.signals.event(Event::AccountMerged(merged)).await;
        }
        self.forget_pending_of_others(request, &user).await;
        let id_token = login.token.id_token.as_ref();
        let origin = SessionOrigin {
            entry: &login.entry,
            issuer: &login.issuer,
            provider_user_id: login.profile.id.as_deref(),
            sid: id_token.and_then(provider_session_id),
            id_token: id_token.filter(|_| self.entries.get(&login.entry).is_some_and(|entry| entry.logout)),
        };
        match self.sessions.sign_in(request, &user, &origin).await? {
            SignInOutcome::Done => {
                self.signals.event(Event::LoginCompleted { entry: account.entry, user }).await;
                Ok(end)
            }
            // Nobody is signed in yet: how that ends is the app's to tell.
            SignInOutcome::RedirectFirst(to) => {
                Ok(End { reply: Some(Reply::Own(self.redirect(request, *to))), ..end })
            }
        }
    }

    fn redirect(&self, request: &Request<'_>, to: rocket::response::Redirect) -> Response<'static> {
        use rocket::response::Responder;
        // Only its target counts: what a `Redirect` borrows from the request can't outlive it.
        let target =
            to.respond_to(request).ok().and_then(|to| to.headers().get_one("Location").map(str::to_owned));
        self.respond(
            request,
            target.map(Reply::SeeOther).ok_or_else(|| Error::app("the session's detour has no target")),
        )
    }

    pub(super) async fn refused(&self, login: &AuthorizedLogin) {
        self.signals.event(Event::AccountRefused(EventAccount::of_login(login))).await;
    }

    /// DB-03: the store went away between the exchange and the commit.
    async fn orphaned(&self, storage: &Arc<dyn Storage>, login: &AuthorizedLogin, flow: &Flow) {
        let account = EventAccount::of_login(login);
        self.signals.event(Event::GrantOrphaned { account, flow: state_handle(flow.state().expose()) }).await;
        if let Ok(account) = Account::of(login, None, None, self.keys()) {
            self.context.revoke(storage, account, RevocationReason::StorageFailed);
        }
    }

    /// Ends a begin or a callback: a failure is told, and answered as the app wants it.
    pub(super) async fn ended(
        &self,
        request: &Request<'_>,
        name: &str,
        flow: Option<String>,
        reply: Result<Reply>,
    ) -> Response<'static> {
        let Err(error) = reply else { return self.respond(request, reply) };
        self.log_error(name, flow.as_deref(), &error);
        let code = error.kind().code();
        if self.entries.contains_key(name) {
            self.signals.event(Event::LoginFailed { entry: name.into(), code, flow }).await;
        }
        if let Some(own) = self.signals.error(self.known(name), &error).await {
            return self.respond(request, Ok(Reply::Own(own)));
        }
        match &self.settings.after_error {
            Some(to) if !super::reply::wants_json(request) => {
                self.respond(request, Ok(Reply::SeeOther(to.to_string())))
            }
            _ => self.respond(request, Err(error)),
        }
    }
}
