//! Finishes a flow whose callback is trusted: exchanges the code, runs the signals, stores the account, signs in.

use std::collections::BTreeMap;
use std::sync::Arc;

use rocket::response::{Redirect, Responder};
use rocket::{Request, Response};
use serde_json::json;

use super::failure::login_response;
use super::me::user_json;
use crate::client::{Client, RevocationReason, revoke};
use crate::config::Entry;
use crate::dance::accounts::{pending, report_linked, report_refused, report_session_began};
use crate::dance::handle::Dance;
use crate::dance::web::{FlashOutcome, Reply, flash_outcome, respond};
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{
    Callback, CallbackResult, Flow, Grant, not_trusted, provider_session_id, state_handle, text_claim,
};
use crate::link::{AuthorizedLogin, Postponed, Purpose, account_taken};
use crate::redirect_target::RedirectTarget;
use crate::session::{SessionOrigin, SignInOutcome};
use crate::signals::{Event, EventAccount, NextStep};
use crate::storage::{Account, Linked, NullStorage, Storage};

/// A flow that has succeeded.
pub(super) struct Finished {
    /// The page to which this callback, or a repeated one, redirects.
    pub(super) to: RedirectTarget,
    /// The answer to this callback, if it is not that redirect.
    pub(super) reply: Option<Reply>,
    /// The user who is signed in now, or whose account was connected.
    pub(super) user: Option<String>,
}

impl Finished {
    pub(super) fn to(to: RedirectTarget) -> Self {
        Self { to, reply: None, user: None }
    }

    pub(super) fn with_reply(self, reply: Reply) -> Self {
        Self { reply: Some(reply), ..self }
    }

    fn with_user(self, user: Option<String>) -> Self {
        Self { user, ..self }
    }

    /// The answer for a client that asks for JSON: the user, or the page where the flow goes on, for example with a second factor.
    pub(super) fn into_json(self, dance: &Dance) -> Reply {
        let continue_url = match self.reply {
            None => dance.public_target(&self.to),
            Some(Reply::Own(response)) => match response.headers().get_one("Location") {
                Some(url) => url.to_owned(),
                None => return Reply::Own(response),
            },
            Some(reply) => return reply,
        };
        Reply::Json(match self.user {
            Some(user) => json!({ "user": user_json(dance, Some(&user)) }),
            None => json!({ "user": null, "continue_url": continue_url }),
        })
    }
}

/// Finishes `flow`.
///
/// # Errors
/// If the provider's answer fails a check, the policy or a signal refuses the login, or a server can't be reached.
pub(super) async fn finish(
    dance: &Dance,
    request: &Request<'_>,
    entry: &Arc<Entry>,
    flow: &Flow,
    callback: &Callback,
) -> Result<Finished> {
    dance.engine().check_callback(entry, callback).await?;
    let CallbackResult::Code(code) = &callback.result else {
        return Err(not_trusted("the callback has no code"));
    };
    let grant = dance.engine().finish(entry, flow, code, &callback.kept).await?;
    complete(dance, request, entry, flow, grant, callback.kept.clone()).await
}

/// Completes `flow` with what the provider has granted: runs the signals, stores the account, signs its user in. `kept` are the
/// parameters of the callback that the entry keeps.
///
/// # Errors
/// If the policy or a signal refuses the login, or the storage can't be reached.
pub(super) async fn complete(
    dance: &Dance,
    request: &Request<'_>,
    entry: &Arc<Entry>,
    flow: &Flow,
    grant: Grant,
    kept: BTreeMap<String, String>,
) -> Result<Finished> {
    let mut login = authorized_login(dance, request, entry, flow, grant).await?;
    login.callback_params = kept;
    let mut next = flow.next.clone().filter(|next| dance.may_redirect_to(next));
    let to = dance.target_after(flow.purpose, entry, next.as_ref());
    let next_step = run_authorized_signals(dance, request, entry, &mut login).await?;
    login.clean();
    match next_step {
        NextStep::Continue => {}
        NextStep::ContinueTo(path) => {
            next = Some(RedirectTarget::from(path)).filter(|path| dance.may_redirect_to(path)).or(next);
        }
        NextStep::Discard => return Ok(Finished::to(to)),
        NextStep::Respond(response) => return Ok(Finished::to(to).with_reply(Reply::Own(response))),
        NextStep::Refuse(text) => {
            let error = Error::refused(text).with_reason("signal");
            report_refused(dance, request, &login, &error).await;
            return Err(error);
        }
    }
    let finished = Finished::to(dance.target_after(flow.purpose, entry, next.as_ref()));
    let storage = dance.storage(request);
    match storage.link(&login, dance.keys()).await {
        Ok(linked) => {
            let finished = sign_in(dance, request, &login, linked, finished).await?;
            Ok(with_missing_scopes(dance, request, entry, flow, &login, finished).await)
        }
        Err(error) => match error.postponed::<Postponed>() {
            Some(postponed) => postpone(dance, request, &login, postponed, next).await,
            None => {
                report_not_stored(dance, request, &storage, &login, flow, &error).await;
                Err(error)
            }
        },
    }
}

async fn authorized_login(
    dance: &Dance,
    request: &Request<'_>,
    entry: &Entry,
    flow: &Flow,
    Grant { token, profile }: Grant,
) -> Result<AuthorizedLogin> {
    let mut login = AuthorizedLogin {
        entry: entry.name.clone(),
        issuer: entry.authority().to_owned(),
        purpose: flow.purpose,
        profile,
        token,
        visitor: flow.visitor.clone(),
        session: flow.visitor.as_ref().and_then(|_| dance.sessions().id(request)),
        user_required: dance.user_required(),
        trusted_email: None,
        proven_domain: None,
        present: None,
        account: entry.account.clone(),
        admitted: false,
        merged_user: None,
        began_at_millis: flow.began_at_millis,
        now: dance.clock().now(),
        notes: flow.notes.clone(),
        answers: None,
        callback_params: BTreeMap::new(),
    };
    note_proofs(entry, &mut login);
    if flow.purpose == Purpose::SignIn {
        login.present = dance.user_uncached(request).await?.map(str::to_owned);
    }
    if flow.purpose == Purpose::Site {
        login.admitted = dance.admits_site_account(request, &entry.name).await;
    }
    Ok(login)
}

/// Notes what the provider proves about its user in `login`, as far as `entry` trusts it now.
pub(super) fn note_proofs(entry: &Entry, login: &mut AuthorizedLogin) {
    let id_token = login.token.id_token.as_ref().zip(entry.domain_claim);
    login.proven_domain = id_token.and_then(|(id_token, claim)| text_claim(id_token, claim));
    login.trusted_email = entry.trusted_email(&login.profile).map(str::to_owned);
}

async fn run_authorized_signals(
    dance: &Dance,
    request: &Request<'_>,
    entry: &Arc<Entry>,
    login: &mut AuthorizedLogin,
) -> Result<NextStep> {
    // This client has the new token only. Nothing is stored yet, so there is no token that a refresh could replace.
    let account = Account::of(login, None, None, dance.keys())?;
    let client = Client::open(entry.clone(), Arc::new(NullStorage), dance.context().clone(), account)?;
    dance.signals().authorized(request, login, &client).await
}

/// The account of `login` waits for what is `postponed`, on a page.
pub(super) async fn postpone(
    dance: &Dance,
    request: &Request<'_>,
    login: &AuthorizedLogin,
    postponed: &Postponed,
    next: Option<RedirectTarget>,
) -> Result<Finished> {
    if let Postponed::MergeUsers { owner, .. } = postponed
        && let Err(error) = check_owner(dance, request, dance.entry(&login.entry)?, owner).await
    {
        report_refused(dance, request, login, &error).await;
        return Err(error);
    }
    pending::store(dance, request, login, postponed.clone(), next).await?;
    let mut account = EventAccount::of_login(login);
    if let Postponed::SignInFirst(user) | Postponed::MergeUsers { owner: user, .. } = postponed {
        account = account.with_user(user);
    }
    dance.signals().event(Some(request), Event::AccountPending(account)).await;
    Ok(Finished::to(pending::page_of(dance, postponed)?.into()))
}

/// Checks that a login at `entry` proves its person to be `owner`, as a sign-in does: at an entry that only connects it proves
/// nothing (AL-23), and the app's own sessions may ask the owner for more than that (AL-24).
pub(super) async fn check_owner(
    dance: &Dance,
    request: &Request<'_>,
    entry: &Entry,
    owner: &str,
) -> Result<()> {
    let is_sign_in = entry.signs_in() && !dance.is_site(&entry.name);
    match is_sign_in && dance.sessions().may_merge(request, owner).await? {
        true => Ok(()),
        false => Err(account_taken()),
    }
}

/// Reports why `login` was not stored. If the storage failed after the exchange, its grant is revoked (DB-03).
async fn report_not_stored(
    dance: &Dance,
    request: &Request<'_>,
    storage: &Arc<dyn Storage>,
    login: &AuthorizedLogin,
    flow: &Flow,
    error: &Error,
) {
    match error.kind() {
        ErrorKind::Refused => report_refused(dance, request, login, error).await,
        ErrorKind::StoreUnavailable => {
            let account = EventAccount::of_login(login);
            let flow = state_handle(flow.state().expose());
            dance.signals().event(Some(request), Event::GrantOrphaned { account, flow }).await;
            if let Ok(account) = Account::of(login, None, None, dance.keys()) {
                revoke(dance.context(), storage, account, RevocationReason::StorageFailed);
            }
        }
        _ => {}
    }
}

/// The account is stored: reports it, and signs its user in.
pub(super) async fn sign_in(
    dance: &Dance,
    request: &Request<'_>,
    login: &AuthorizedLogin,
    linked: Linked,
    finished: Finished,
) -> Result<Finished> {
    report_linked(dance, Some(request), &dance.storage(request), &linked).await;
    let is_new = linked.previous.is_none();
    let Linked { account, user, .. } = linked;
    if login.purpose == Purpose::Connect {
        dance.sessions().rotate(request).await?;
    }
    let id_token = login.token.id_token.as_ref();
    let origin = SessionOrigin {
        entry: &login.entry,
        issuer: &login.issuer,
        provider_user_id: login.profile.id.as_deref(),
        sid: id_token.and_then(provider_session_id),
        openid_flow_began_at_millis: id_token.map(|_| login.began_at_millis),
        id_token: id_token.filter(|_| dance.entry(&login.entry).is_ok_and(|entry| entry.logout)),
    };
    let Some(user) = user.clone().filter(|_| login.purpose == Purpose::SignIn) else {
        if login.purpose == Purpose::SignIn {
            dance.begin_kept_session(request, &origin).await?;
        }
        let outcome = if is_new { FlashOutcome::Connected } else { FlashOutcome::Reconnected };
        flash_outcome(dance, request, dance.entry(&login.entry)?, outcome);
        return Ok(finished.with_user(user));
    };
    let (outcome, replaced) = dance.sessions().sign_in(request, &user, Some(&origin)).await?;
    pending::drop_unless_for(dance, request, &user).await;
    match outcome {
        SignInOutcome::Done => {
            let removals = dance.end_kept_sessions_after_sign_in(request).await;
            removals.into_iter().for_each(|cookie| request.cookies().add(cookie));
            report_session_began(dance, request, &user, Some(&account.entry), replaced).await;
            flash_outcome(dance, request, dance.entry(&account.entry)?, FlashOutcome::SignedIn);
            dance
                .signals()
                .event(Some(request), Event::LoginCompleted { entry: account.entry, user: user.clone() })
                .await;
            Ok(finished.with_user(Some(user)))
        }
        // The user is not signed in yet: the app completes that, and reports it.
        SignInOutcome::RedirectFirst(to) => {
            let response = redirect_response(dance, request, *to);
            Ok(finished.with_reply(Reply::Own(response)))
        }
    }
}

/// Answers as to a failed flow if the provider has not granted what it was begun for: with `after_error`, else with a page from
/// which the user can ask again. A redirect to the page of the app would lead to the provider again, without an end.
async fn with_missing_scopes(
    dance: &Dance,
    request: &Request<'_>,
    entry: &Entry,
    flow: &Flow,
    login: &AuthorizedLogin,
    finished: Finished,
) -> Finished {
    let granted: Vec<&str> = login.token.scope.iter().map(String::as_str).collect();
    let missing = entry.missing_scopes(flow.required_scopes.iter().map(String::as_str), &granted);
    if missing.is_empty() || finished.reply.is_some() {
        return finished;
    }
    let message = format!(
        "{} did not grant this app what the page needs: {}. Your account there stays connected. You can ask again.",
        entry.title,
        missing.join(", ")
    );
    let error = Error::new(ErrorKind::ScopeDenied, message).with_missing_scopes(missing);
    let error = match dance.target_after_failure(Some(entry), error.kind()) {
        Some(_) => error,
        None => error.begin_again_at(Some(&entry.name)).with_next(Some(finished.to.clone())),
    };
    let handle = state_handle(flow.state().expose());
    let response = login_response(dance, request, &entry.name, Some(handle), Err(error)).await;
    finished.with_reply(Reply::Own(response))
}

fn redirect_response(dance: &Dance, request: &Request<'_>, to: Redirect) -> Response<'static> {
    // Only the target is taken: the rest of the response may borrow from the request.
    let response = to.respond_to(request).ok();
    let target = response.and_then(|response| response.headers().get_one("Location").map(str::to_owned));
    let reply = target.map(Reply::SeeOther);
    respond(
        dance,
        request,
        reply.ok_or_else(|| Error::app("the redirect of `SignInOutcome::RedirectFirst` has no target")),
    )
}
