//! `GET` and `POST /login/<name>`: the start of a flow.

use std::collections::BTreeMap;
use std::sync::Arc;

use rocket::{Request, Response};
use serde_json::json;

use super::failure::login_response;
use super::sign_in;
use crate::config::{Entry, is_loopback_host};
use crate::dance::handle::Dance;
use crate::dance::web::{
    Form, Reply, csrf, flow_cookies, page, query_param, read_scope_field, scope_field, wants_json,
    with_scopes,
};
use crate::error::{Error, Result};
use crate::flow::Flow;
use crate::link::Purpose;
use crate::paths::Path;
use crate::redirect_target::RedirectTarget;
use crate::signals::AuthorizationRequest;

/// Maximum length of the granted scopes that a request for further ones repeats, in bytes. The flow's cookie contains them.
const MAX_REPEATED_SCOPE: usize = 1024;

/// A link that begins a flow. Signed out, it leads to the provider. Signed in, it shows a page that asks first, since a link must
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
    let scopes = read_scope_field(dance, name, query_param(request, "scope").as_deref());
    if dance.user(request).await?.is_some() {
        // The page that needs the scopes would lead here again.
        let cancel = next.as_ref().filter(|_| scopes.is_empty());
        let context = json!({
            "scopes": scopes,
            "scope": scope_field(dance, name, &scopes),
            "title": entry.title,
            "action": dance.public_paths().of_entry(Path::Begin, name),
            "csrf": csrf::token(dance, request).await?,
            "cancel": dance.public_target(&dance.target_after(Purpose::SignIn, entry, cancel)),
            "next": dance.next_field(next.as_ref()),
        });
        let name = if scopes.is_empty() { "connect" } else { "allow_more" };
        return page(dance, request, name, context);
    }
    if request.headers().get_one("Sec-Fetch-Site") == Some("cross-site") {
        // Login CSRF: a link of another site shows the sign-in page and begins nothing.
        return sign_in::show(dance, request).await;
    }
    begin(dance, request, entry, None, next, scopes).await
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
    let scopes = read_scope_field(dance, name, form.get("scope").as_deref());
    let here = with_scopes(dance, dance.login_path(Some(name), next.as_ref()), name, &scopes);
    if let Some(begin) = on_base_url(dance, request, &here) {
        return Ok(redirect_browser(request, begin));
    }
    let visitor = dance.user(request).await?.map(str::to_owned);
    begin(dance, request, entry, visitor, next.clone(), scopes).await.map_err(|error| error.with_next(next))
}

/// Begins a flow of `visitor`, the signed-in user, and redirects to the provider. A page of the app needs `scopes`, beyond those of
/// the entry.
async fn begin(
    dance: &Dance,
    request: &Request<'_>,
    entry: &Arc<Entry>,
    visitor: Option<String>,
    next: Option<RedirectTarget>,
    scopes: Vec<String>,
) -> Result<Reply> {
    let (mut flow, params) = new_flow(dance, request, entry, visitor, next, scopes).await?;
    let url = dance.engine().begin(entry, &mut flow, &params).await?;
    flow_cookies::store(dance, request, flow, url.len())?;
    Ok(redirect_browser(request, url))
}

/// Creates a flow of `visitor`, the signed-in user, as the app's signals allow. Returns it with the parameters that they add to
/// the authorization request.
pub(super) async fn new_flow(
    dance: &Dance,
    request: &Request<'_>,
    entry: &Arc<Entry>,
    visitor: Option<String>,
    next: Option<RedirectTarget>,
    scopes: Vec<String>,
) -> Result<(Flow, BTreeMap<String, String>)> {
    let purpose = match &visitor {
        _ if dance.is_site(&entry.name) => Purpose::Site,
        Some(_) => Purpose::Connect,
        None if dance.is_for_visitors(entry) => Purpose::SignIn,
        None => {
            // Afterwards to a page from which the user can connect it.
            let next = next.map_or_else(|| dance.paths().to(Path::Accounts), String::from);
            let message = format!("Sign in first; then you can connect {}.", entry.title);
            return Err(Error::refused(message).begin_again_at(None).with_next(Some(next)));
        }
    };
    let mut authorization = AuthorizationRequest::new(&entry.name, purpose, next);
    dance.signals().before_login(request, &mut authorization).await?;
    let extra_scope = extra_scope(dance, request, entry, &scopes).await?;
    if !scopes.is_empty() {
        for (name, value) in incremental_params(entry) {
            authorization.params.entry((*name).into()).or_insert_with(|| (*value).into());
        }
    }
    let next = authorization.next.filter(|next| dance.may_redirect_to(next));
    let flow =
        Flow::new(entry, purpose, visitor, next, dance.clock().now_millis(), dance.settings().flow_ttl)?;
    let mut flow = flow.with_requirements(entry, &authorization.params)?;
    flow.notes = authorization.notes;
    flow.extra_scope = extra_scope;
    flow.required_scopes = scopes;
    Ok((flow, authorization.params))
}

/// What a request for `scopes` asks for, beyond the entry's scope: the account keeps what the user has granted before. A provider
/// with incremental authorization adds that by itself.
async fn extra_scope(
    dance: &Dance,
    request: &Request<'_>,
    entry: &Entry,
    scopes: &[String],
) -> Result<Vec<String>> {
    let mut asked = scopes.to_vec();
    let is_incremental = entry.oauth2().is_some_and(|options| options.incremental_params.is_some());
    if !scopes.is_empty()
        && !is_incremental
        && let Some(key) = dance.owner_key(request, &entry.name).await?
        && let Some(account) = dance.storage(request).get(&key).await?
    {
        let granted =
            account.scope.split(' ').filter(|name| !name.is_empty() && !asked.iter().any(|s| s == name));
        let mut size = 0;
        let fits = |name: &&str| {
            size += name.len() + 1;
            size <= MAX_REPEATED_SCOPE
        };
        let granted: Vec<String> = granted.take_while(fits).map(str::to_owned).collect();
        asked.extend(granted);
    }
    Ok(asked)
}

fn incremental_params(entry: &Entry) -> &'static [(&'static str, &'static str)] {
    entry.oauth2().and_then(|options| options.incremental_params).unwrap_or_default()
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
