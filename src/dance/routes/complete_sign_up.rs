//! `GET` and `POST /login/complete`: the visitor answers what the policy asks before it creates a user.
//!
//! The policy has answered `Ask`. It runs again with the answers, as it does at a callback, so that the answers give nothing
//! that a sign-in could not give.

use rocket::Request;

use super::finish::{Finished, note_proofs, postpone, sign_in};
use crate::dance::accounts::pending::{self, Pending, nothing_waits, page_of};
use crate::dance::accounts::{report_refused, sign_up_context};
use crate::dance::handle::Dance;
use crate::dance::web::{Form, Reply, csrf, done, page, wants_json};
use crate::error::{Error, ErrorKind, Result};
use crate::flow::not_trusted;
use crate::link::{Postponed, Purpose, SignUpForm};

/// Shows the form, or redirects to the app's own page that does. JSON shows it always.
pub(super) async fn show(dance: &Dance, request: &Request<'_>) -> Result<Reply> {
    let pending = pending::find(dance, request).await?.require()?;
    match &pending.postponed {
        Postponed::SignUp(form) if form.page().is_none() || wants_json(request) => {
            if dance.user(request).await?.is_some() {
                // Perhaps another person has signed in: they must not read whose account waits.
                return Err(Error::refused("You are signed in as another user: nothing was connected."));
            }
            let context = sign_up_context(dance, request, &pending, form).await?;
            page(dance, request, "complete_sign_up", context)
        }
        postponed => Ok(Reply::SeeOther(page_of(dance, postponed)?.into())),
    }
}

/// Signs the visitor up with the answers of the form, or drops the account if the form has the field `cancel`.
pub(super) async fn complete(dance: &Dance, request: &Request<'_>, form: &Form) -> Result<Reply> {
    let waiting = pending::find(dance, request).await?;
    if let Some(pending) = waiting.pending() {
        // As at a callback: see `confirm`.
        dance.user_in_flow(request, pending.stored_at).await?;
    }
    csrf::check(dance, request, form.get("csrf").as_deref()).await?;
    let pending = waiting.require()?;
    let Postponed::SignUp(asked) = &pending.postponed else { return Err(nothing_waits()) };
    if form.says("cancel") {
        pending::drop_pending(dance, request).await;
        return Ok(done(request, dance.login_path(None, None)));
    }
    let answers = match asked.clone().read(|name| form.get(name)) {
        Ok(answers) => answers,
        Err(asked) => return ask_again(dance, request, pending, asked).await,
    };
    let entry = dance.entry(&pending.entry)?.clone();
    let next = dance.checked_next(form.get("next").as_deref()).or_else(|| pending.next.clone());
    let mut login = pending.clone().into_login(dance.clock().now()).ok_or_else(nothing_waits)?;
    // AL-23: the configuration may have changed in the meantime.
    if login.issuer != entry.authority() || dance.is_site(&entry.name) || !entry.signs_in() {
        return Err(not_trusted("the entry has another server or purpose than at the time of the dance"));
    }
    login.user_required = dance.user_required();
    login.present = dance.user(request).await?.map(str::to_owned);
    login.answers = Some(answers);
    note_proofs(&entry, &mut login);
    // The account waits until it is stored. Two requests at the same time sign up one user: the second one finds the account.
    let finished = Finished::to(dance.target_after(Purpose::SignIn, &entry, next.as_ref()));
    let finished = match dance.storage(request).link(&login, dance.keys()).await {
        Ok(linked) => {
            pending::drop_pending(dance, request).await;
            sign_in(dance, request, &login, linked, finished).await?
        }
        Err(error) => match error.postponed::<Postponed>() {
            Some(Postponed::SignUp(asked)) => return ask_again(dance, request, pending, asked.clone()).await,
            Some(postponed) => postpone(dance, request, &login, postponed, next).await?,
            None => {
                if error.kind() == ErrorKind::Refused {
                    report_refused(dance, request, &login, &error).await;
                }
                return Err(error);
            }
        },
    };
    Ok(match wants_json(request) {
        true => finished.into_json(dance),
        false => finished.reply.unwrap_or_else(|| Reply::SeeOther(finished.to.into())),
    })
}

/// Shows the form again, with the visitor's answers and what is wrong with them.
async fn ask_again(
    dance: &Dance,
    request: &Request<'_>,
    pending: Pending,
    asked: SignUpForm,
) -> Result<Reply> {
    let pending = pending.waiting_for(Postponed::SignUp(asked));
    pending::replace(dance, request, &pending).await?;
    match wants_json(request) {
        true => Err(Error::from(pending.postponed)),
        false => Ok(Reply::SeeOther(page_of(dance, &pending.postponed)?.into())),
    }
}
