//! `POST /login/<name>/native` and `POST /login/<name>/native/finish`: a sign-in by a device's own SDK.
//!
//! The device begins here and gets a nonce. Its SDK (Sign in with Apple, Google's Credential Manager) asks the user and returns
//! an ID token with that nonce, and the device finishes here with it. A device may keep no cookies between the two requests, so
//! the flow is sealed in the answer. What binds the three together is the nonce: an ID token of another sign-in does not finish
//! this flow, and this ID token finishes no other one.
//!
//! A page of another site must sign no visitor in as another user (login CSRF): it could send a flow and an ID token of the
//! attacker's. Signed out, a flow is therefore finished by JSON, which browsers send to another origin only after a preflight
//! request, or with the CSRF token. Signed in, both requests need the token.

use std::collections::BTreeMap;
use std::sync::Arc;

use rocket::{Request, Response};
use serde_json::json;

use super::begin::new_flow;
use super::callback::check_flow;
use super::failure::login_response;
use super::finish::complete;
use crate::config::Entry;
use crate::dance::handle::Dance;
use crate::dance::web::{Form, Reply, csrf};
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{Flow, not_trusted};
use crate::secret::Secret;
use crate::storage::ClaimState;

/// The place for which native flows are sealed. A flow cookie has its name there, so that neither is accepted as the other.
const PLACE: &str = "native";

/// Begins a flow, which connects the account if a user is signed in. Answers with the sealed flow and its nonce.
pub(super) async fn begin(
    dance: &Dance,
    request: &Request<'_>,
    name: &str,
    form: &Form,
) -> Response<'static> {
    let reply = try_begin(dance, request, name, form).await;
    login_response(dance, request, name, None, reply).await
}

async fn try_begin(dance: &Dance, request: &Request<'_>, name: &str, form: &Form) -> Result<Reply> {
    let entry = native_entry(dance, name)?;
    let visitor = dance.user_uncached(request).await?.map(str::to_owned);
    match &visitor {
        Some(_) => csrf::check(dance, request, form.get("csrf").as_deref()).await?,
        None => csrf::check_visitor(dance, request, form.get("csrf").as_deref()).await?,
    }
    let (flow, _) = new_flow(dance, request, entry, visitor, None, Vec::new()).await?;
    let sealed = flow.seal(dance.browser_keys(), PLACE)?;
    Ok(Reply::Json(json!({ "flow": sealed, "nonce": flow.nonce().expose() })))
}

/// Finishes a flow with the ID token of the device, as a callback does.
pub(super) async fn finish(
    dance: &Dance,
    request: &Request<'_>,
    name: &str,
    form: &Form,
) -> Response<'static> {
    let reply = try_finish(dance, request, name, form).await;
    login_response(dance, request, name, None, reply).await
}

async fn try_finish(dance: &Dance, request: &Request<'_>, name: &str, form: &Form) -> Result<Reply> {
    let entry = native_entry(dance, name)?;
    let (Some(sealed), Some(id_token)) = (form.get("flow"), form.get("id_token")) else {
        return Err(Error::new(ErrorKind::BadRequest, "The request has no `flow` or no `id_token`."));
    };
    let flow = Flow::unseal(dance.browser_keys(), PLACE, &sealed)
        .ok_or_else(|| not_trusted("the flow is not one of this app's, or was begun by a browser"))?;
    let now = dance.clock().now();
    if !flow.is_valid(now) {
        return Err(not_trusted("the flow has expired: see `flow` in [default.dance]"));
    }
    check_flow(dance, request, entry, &flow).await?;
    check_sender(dance, request, form).await?;
    let grant = dance.engine().finish_native(entry, &flow, Secret::new(id_token)).await?;
    // Claimed when the token is verified: an outage of the provider, or a wrong token, does not use the flow up.
    if dance.storage(request).claim(&flow.claim_id(), now, flow.claimed_until()).await? != ClaimState::First {
        return Err(not_trusted("the flow was used up"));
    }
    let finished = complete(dance, request, entry, &flow, grant, BTreeMap::new()).await?;
    Ok(finished.into_json(dance))
}

/// The entry `name`, if devices can sign in with it.
///
/// # Errors
/// [`ErrorKind::UnknownProvider`].
fn native_entry<'d>(dance: &'d Dance, name: &str) -> Result<&'d Arc<Entry>> {
    let entry = dance.entry(name)?;
    if entry.native_client_ids().is_empty() || dance.is_site(name) {
        let error = Error::new(ErrorKind::UnknownProvider, "Devices can't sign in here with this provider.");
        return Err(error.with_source("the entry has no `native_client_ids`, or its account is the site's"));
    }
    Ok(entry)
}

/// Rejects a request that a page of another site may have sent.
async fn check_sender(dance: &Dance, request: &Request<'_>, form: &Form) -> Result<()> {
    let token = form.get("csrf");
    match (form, dance.user_uncached(request).await?) {
        (Form::Json(_), None) => csrf::check_visitor(dance, request, token.as_deref()).await,
        _ => csrf::check(dance, request, token.as_deref()).await,
    }
}
