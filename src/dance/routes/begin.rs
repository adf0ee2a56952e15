//! `GET` and `POST /login/<name>`: the start of a flow.

use std::sync::Arc;

use rocket::{Request, Response};
use serde_json::json;

use super::failure::login_response;
use super::sign_in;
use crate::config::{Entry, is_loopback_host};
use crate::dance::handle::Dance;
use crate::dance::web::{Form, Reply, csrf, flow_cookies, page, query_param, wants_json};
use crate::error::{Error, Result};
use crate::flow::Flow;
use crate::link::Purpose;
use crate::local_path::LocalPath;
use crate::paths::Path;
use crate::signals::AuthorizationRequest;

/// A link to a begin. Signed out, it leads to the provider. Signed in, it shows a page that asks first, since a link must
/// not connect anything.
pub(super) async fn by_link(dance: &Dance, request: &Request<'_>, name: &str) -> Response<'static> {
    let reply = try_by_link(dance, request, name).await;
    login_response(dance, request, name, None, reply).await
}

async fn try_by_link(dance: &Dance, request: &Request<'_>, name: &str) -> Result<Reply> {
    let entry = dance.entry(name)?;
    if let Some(begin) = on_base_url(dance, request, &request.uri().to_string()) {
        return Ok(Reply::SeeOther(begin));
    }
    let next = dance.checked_next(query_param(request, "next").as_deref());
    if dance.user(request).await?.is_some() {
        let context = json!({
            "title": entry.title,
            "action": dance.public_paths().of_entry(Path::Begin, name),
            "csrf": csrf::token(dance, request).await?,
            "cancel": dance.base_path().public(next.as_ref().unwrap_or(&dance.settings().after_login).as_str()),
            "next": dance.next_field(next.as_ref()),
        });
        return page(dance, request, "confirm.html", context);
    }
    if request.headers().get_one("Sec-Fetch-Site") == Some("cross-site") {
        // Login CSRF: a link of another site shows the sign-in page and begins nothing.
        return sign_in::show(dance, request).await;
    }
    begin(dance, request, entry, None, next).await
}

/// The form that begins a flow.
pub(super) async fn by_form(
    dance: &Dance,
    request: &Request<'_>,
    name: &str,
    form: &Form,
) -> Response<'static> {
    let reply = try_by_form(dance, request, name, form).await;
    login_response(dance, request, name, None, reply).await
}

async fn try_by_form(dance: &Dance, request: &Request<'_>, name: &str, form: &Form) -> Result<Reply> {
    let entry = dance.entry(name)?;
    csrf::check(dance, request, form.get("csrf").as_deref()).await?;
    let next = dance.checked_next(form.get("next").as_deref());
    if let Some(begin) = on_base_url(dance, request, &dance.login_path(Some(name), next.as_ref())) {
        return Ok(redirect_browser(request, begin));
    }
    let visitor = dance.user(request).await?.map(str::to_owned);
    begin(dance, request, entry, visitor, next).await
}

/// Begins a flow of `visitor`, the signed-in user, and redirects to the provider.
async fn begin(
    dance: &Dance,
    request: &Request<'_>,
    entry: &Arc<Entry>,
    visitor: Option<String>,
    next: Option<LocalPath>,
) -> Result<Reply> {
    let purpose = match &visitor {
        _ if dance.is_site(&entry.name) => Purpose::Site,
        Some(_) => Purpose::Connect,
        None if entry.login => Purpose::SignIn,
        None => {
            // Afterwards to a page from which the user can connect it.
            let next = next.map_or_else(|| dance.paths().to(Path::Accounts), String::from);
            let message = format!("Sign in first; then you can connect {}.", entry.title);
            return Err(Error::refused(message).begin_again_at(None, Some(&next)));
        }
    };
    let mut authorization = AuthorizationRequest::new(&entry.name, purpose, next);
    dance.signals().before_login(request, &mut authorization).await?;
    let next = authorization.next.filter(|next| dance.may_redirect_to(next));
    let flow = Flow::new(entry, purpose, visitor, next, dance.clock().now(), dance.settings().flow_ttl)?;
    let mut flow = flow.with_requirements(entry, &authorization.params)?;
    flow.notes = authorization.notes;
    let url = dance.engine().begin(entry, &mut flow, &authorization.params).await?;
    flow_cookies::store(dance, request, flow)?;
    Ok(redirect_browser(request, url.into()))
}

/// Sends the browser to `url`. A script gets the URL: a redirect would be followed by its fetch, and not by the browser.
fn redirect_browser(request: &Request<'_>, url: String) -> Reply {
    match wants_json(request) {
        true => Reply::Json(json!({ "authorization_url": url })),
        false => Reply::SeeOther(url),
    }
}

/// The URL of `begin`, a path of the app, on the base URL, if the visitor uses another name of the loopback host. The flow's
/// cookie would not come back with the callback, which is on the base URL.
///
/// `Host` has another port if a proxy has sent its own: then the visitor is at the base URL already.
fn on_base_url(dance: &Dance, request: &Request<'_>, begin: &str) -> Option<String> {
    let base = &dance.settings().base_url;
    let host = request.host()?;
    let (name, base_name) = (host.domain().as_str(), base.host_str()?);
    let default_port = if dance.settings().secure() { 443 } else { 80 };
    let is_same_port = base.port_or_known_default() == host.port().or(Some(default_port));
    let is_other_name =
        is_loopback_host(base_name) && is_loopback_host(name) && !base_name.eq_ignore_ascii_case(name);
    (is_other_name && is_same_port).then(|| format!("{}{begin}", dance.settings().base()))
}
