//! `GET` and `POST /login/<name>`: the begin of a dance.

use std::sync::Arc;

use rocket::{Request, Response};
use serde_json::json;

use super::Dance;
use super::reply::Reply;
use super::route::{Form, query};
use crate::config::{Entry, is_loopback_host};
use crate::error::{Error, Result};
use crate::flow::Flow;
use crate::link::Purpose;
use crate::local_path::LocalPath;
use crate::signals::AuthorizationRequest;

impl Dance {
    /// Signed out: to the provider. Signed in: a page that asks, since a link must not bind anything.
    pub(super) async fn get_begin(&self, request: &Request<'_>, name: &str) -> Response<'static> {
        let next = query(request.uri(), "next");
        let reply = self.try_get_begin(request, name, next).await;
        self.ended(request, name, None, reply).await
    }

    async fn try_get_begin(&self, request: &Request<'_>, name: &str, next: Option<String>) -> Result<Reply> {
        let entry = self.entry(name)?;
        if let Some(home) = self.other_loopback_name(request) {
            return Ok(Reply::SeeOther(home));
        }
        let next = self.checked_next(next.as_deref());
        if self.user(request).await?.is_some() {
            let context = json!({
                "title": entry.title,
                "action": self.path(&format!("/{name}")),
                "csrf": self.csrf(request).await?,
                "next": next,
                "cancel": next.as_ref().unwrap_or(&self.settings.after_login),
            });
            return self.page(request, "confirm.html", context);
        }
        if request.headers().get_one("Sec-Fetch-Site") == Some("cross-site") {
            // Login CSRF: another site's link shows the page, it doesn't dance.
            return self.get_sign_in(request).await;
        }
        self.begin(request, entry, None, next).await
    }

    /// The form of that page.
    pub(super) async fn post_begin(
        &self,
        request: &Request<'_>,
        name: &str,
        form: &Form,
    ) -> Response<'static> {
        let reply = self.try_post_begin(request, name, form).await;
        self.ended(request, name, None, reply).await
    }

    async fn try_post_begin(&self, request: &Request<'_>, name: &str, form: &Form) -> Result<Reply> {
        let entry = self.entry(name)?;
        self.check_csrf(request, form.get("csrf").as_deref()).await?;
        if let Some(home) = self.other_loopback_name(request) {
            return Ok(Reply::SeeOther(home));
        }
        let visitor = self.user(request).await?.map(str::to_owned);
        self.begin(request, entry, visitor, self.checked_next(form.get("next").as_deref())).await
    }

    async fn begin(
        &self,
        request: &Request<'_>,
        entry: &Arc<Entry>,
        visitor: Option<String>,
        next: Option<LocalPath>,
    ) -> Result<Reply> {
        let purpose = match &visitor {
            _ if self.is_site(&entry.name) => Purpose::Site,
            Some(_) => Purpose::Connect,
            None if entry.login => Purpose::SignIn,
            None => {
                return Err(Error::refused(format!("Sign in first; then you can connect {}.", entry.title)));
            }
        };
        let mut begin = AuthorizationRequest::new(&entry.name, purpose, next);
        self.signals.before_login(request, &mut begin).await?;
        let next = begin.next.filter(|next| self.may_go_to(next));
        let flow = Flow::new(entry, purpose, visitor, next, self.clock().now())?;
        let mut flow = flow.with_requirements(entry, &begin.params)?;
        flow.carried = begin.carried;
        let url = self.context.engine.begin(entry, &mut flow, &begin.params).await?;
        self.remember(request, &flow)?;
        Ok(Reply::SeeOther(url.into()))
    }

    /// The begin under the base URL, where the visitor came by another name of the loopback host: the flow's cookie
    /// would not come back from the callback, which is under the base URL.
    fn other_loopback_name(&self, request: &Request<'_>) -> Option<String> {
        let base = &self.settings.base_url;
        let host = request.host()?.domain().as_str();
        let ours = base.host_str()?;
        let elsewhere = is_loopback_host(ours) && is_loopback_host(host) && !ours.eq_ignore_ascii_case(host);
        let origin = || base.origin().ascii_serialization();
        elsewhere.then(|| format!("{}{}", origin(), request.uri()))
    }
}
