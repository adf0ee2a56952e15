//! `POST /login/<name>/authorized`: a callback by form (OAuth 2.0 Form Post Response Mode).
//!
//! It comes as a POST from the provider's site, and browsers leave Lax cookies at home then: the flow's, and the
//! session's, without which nobody knows who is signed in (ST-11). SameSite=None for either would weaken it for every
//! other page, and needs https. So a POST without its flow is answered by a page of ours that posts it once more: from
//! this site to this site, with every cookie.

use rocket::data::Data;
use rocket::{Request, Response};
use serde_json::json;

use super::Dance;
use super::reply::Reply;
use super::route::{Form, form};
use crate::config::Entry;
use crate::error::{Error, Result};
use crate::flow::{Callback, not_trusted};

/// The field in which our page sends what came, and what it is sealed for: code and state stand on no page.
const AGAIN: &str = "again";

/// What a callback came to.
enum Posted {
    Callback(Callback),
    /// To be posted again.
    Again(String),
}

impl Dance {
    pub(super) async fn post_callback(
        &self,
        request: &Request<'_>,
        name: &str,
        data: Data<'_>,
    ) -> Response<'static> {
        let unread = |error: Error| not_trusted("the callback is no form, or too long").with_source(error);
        let posted = match (form(request, data).await.map_err(unread), self.entry(name)) {
            (Ok(form), Ok(entry)) => self.posted(request, entry, &form),
            (Err(error), _) | (_, Err(error)) => Err(error),
        };
        match posted {
            Ok(Posted::Callback(callback)) => self.called_back(request, name, Ok(callback)).await,
            Ok(Posted::Again(again)) => {
                let page = self.again(request, name, &again);
                self.respond(request, page)
            }
            Err(error) => self.called_back(request, name, Err(error)).await,
        }
    }

    fn posted(&self, request: &Request<'_>, entry: &Entry, form: &Form) -> Result<Posted> {
        if let Some(sealed) = form.get(AGAIN) {
            let plain = self.keys().open(AGAIN, &[&entry.name], &sealed).ok();
            let query = plain.and_then(|plain| String::from_utf8(plain).ok());
            let query = query.ok_or_else(|| not_trusted("what was to be posted again is not ours"))?;
            return Callback::parse(entry.protocol(), &query).map(Posted::Callback);
        }
        let callback = Callback::parse(entry.protocol(), form.encoded())?;
        let state = callback.state.expose();
        // A provider of the same site, or a browser that makes no difference.
        if self.recall(request, state).is_some() || self.repeated(request, state).is_some() {
            return Ok(Posted::Callback(callback));
        }
        let sealed = self.keys().seal(AGAIN, &[&entry.name], callback.to_query().as_bytes())?;
        Ok(Posted::Again(sealed))
    }

    fn again(&self, request: &Request<'_>, name: &str, again: &str) -> Result<Reply> {
        let context = json!({
            "title": self.entry(name)?.title,
            "action": self.path(&format!("/{name}/authorized")),
            "again": again,
        });
        self.page(request, "form_post.html", context)
    }
}
