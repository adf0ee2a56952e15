//! `POST /login/<name>/authorized`: a callback by form (OAuth 2.0 Form Post Response Mode).
//!
//! The provider's page sends the form from another site, and browsers send no Lax cookies with it: neither the flow's nor
//! the session's (ST-11). SameSite=None would weaken both for all other pages, and requires https. Therefore a POST
//! without its flow is answered with a page that sends the same form once more: from this site, with all cookies.

use rocket::data::Data;
use rocket::{Request, Response};
use serde_json::json;

use super::callback;
use crate::config::Entry;
use crate::dance::handle::Dance;
use crate::dance::web::{Form, Reply, flow_cookies, page, read_form, respond};
use crate::error::{Error, Result};
use crate::flow::{Callback, not_trusted};
use crate::paths::Path;

/// The field in which our page sends the callback again, and the purpose for which it is sealed: no page shows code or
/// state.
const AGAIN: &str = "again";

/// A form that came to the callback.
enum Posted {
    Callback(Callback),
    /// The sealed callback, which our page sends again.
    SendAgain(String),
}

/// A callback by POST.
pub(super) async fn by_form(
    dance: &Dance,
    request: &Request<'_>,
    name: &str,
    data: Data<'_>,
) -> Response<'static> {
    let unreadable =
        |error: Error| not_trusted("the body of the callback is no form, or is too long").with_source(error);
    let posted = match (read_form(request, data).await.map_err(unreadable), dance.entry(name)) {
        (Ok(form), Ok(entry)) => posted(dance, request, entry, &form),
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    match posted {
        Ok(Posted::Callback(callback)) => callback::receive(dance, request, name, Ok(callback)).await,
        Ok(Posted::SendAgain(sealed)) => {
            let page = send_again_page(dance, request, name, &sealed);
            respond(dance, request, page)
        }
        Err(error) => callback::receive(dance, request, name, Err(error)).await,
    }
}

fn posted(dance: &Dance, request: &Request<'_>, entry: &Entry, form: &Form) -> Result<Posted> {
    if let Some(sealed) = form.get(AGAIN) {
        let plain = dance.browser_keys().open(AGAIN, &[&entry.name], &sealed).ok();
        let query = plain.and_then(|plain| String::from_utf8(plain).ok());
        let query = query.ok_or_else(|| not_trusted("the form that was sent again is not ours"))?;
        return Callback::parse(entry, &query).map(Posted::Callback);
    }
    let callback = Callback::parse(entry, form.encoded())?;
    let state = callback.state.expose();
    // A provider of the same site, or a browser without SameSite.
    if flow_cookies::exists(dance, request, state) || flow_cookies::outcome(dance, request, state).is_some() {
        return Ok(Posted::Callback(callback));
    }
    let sealed = dance.browser_keys().seal(AGAIN, &[&entry.name], callback.to_query().as_bytes())?;
    Ok(Posted::SendAgain(sealed))
}

fn send_again_page(dance: &Dance, request: &Request<'_>, name: &str, sealed: &str) -> Result<Reply> {
    let context = json!({
        "title": dance.entry(name)?.title,
        "action": dance.public_paths().of_entry(Path::Callback, name),
        "again": sealed,
    });
    page(dance, request, "form_post", context)
}
