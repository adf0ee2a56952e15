//! The flows' cookies: one sealed cookie per flow, and one that remembers the finished ones.

use rocket::Request;
use rocket::http::{Cookie, SameSite};
use rocket::time::Duration;
use serde::{Deserialize, Serialize};

use super::Dance;
use super::outcome::Outcome;
use crate::cookies;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{FLOW_TTL, Flow, state_handle};
use crate::storage::ACCOUNT_TTL;

/// Before the entry's name: the account that `CookieStorage` keeps.
pub(super) const ACCOUNT: &str = "rocket_dance_account_";
const FLOW: &str = "rocket_dance_flow_";
const DONE: &str = "rocket_dance_done";
/// What one cookie may take, in bytes: browsers drop larger ones in silence.
const COOKIE: usize = 3800;
/// What all flows together may take, in bytes: proxies refuse request headers of 8 KiB and more.
const FLOWS: usize = 4608;
/// What the cookie of finished dances may take, in bytes.
const FINISHED: usize = 1200;

/// Whether a `Set-Cookie` header sets one of our cookies, the session's included.
pub(super) fn is_ours(set_cookie: &str) -> bool {
    set_cookie.strip_prefix("__Host-").unwrap_or(set_cookie).starts_with("rocket_dance_")
}

/// A finished dance, as the browser that finished it remembers it.
#[derive(Serialize, Deserialize)]
struct Done {
    handle: String,
    outcome: Outcome,
    until: i64,
}

impl Dance {
    fn cookie(&self, name: String, value: String, max_age: i64) -> Cookie<'static> {
        // Lax: the callback is a top-level navigation from the provider's site; Strict would not come along.
        Cookie::build((name, value))
            .path("/")
            .http_only(true)
            .secure(self.settings.secure())
            .same_site(SameSite::Lax)
            .max_age(Duration::seconds(max_age))
            .build()
    }

    pub(super) fn set_cookie(&self, request: &Request<'_>, name: String, value: String, max_age: i64) {
        request.cookies().add(self.cookie(name, value, max_age));
    }

    pub(super) fn unset_cookie(&self, request: &Request<'_>, name: &str) {
        // The same attributes, Secure included: Chromium keeps a `__Host-` cookie otherwise.
        if cookies::get(request, name).is_some() {
            request.cookies().remove(self.cookie(name.to_owned(), String::new(), 0));
        }
    }

    fn flow_cookie(&self, handle: &str) -> String {
        format!("{}{handle}", self.settings.cookie_name(FLOW))
    }

    /// Remembers `flow` in a cookie of its own; the oldest ones make room.
    pub(super) fn remember(&self, request: &Request<'_>, flow: &Flow) -> Result<()> {
        let name = self.flow_cookie(&state_handle(flow.state().expose()));
        let sealed = flow.seal(self.keys(), &name)?;
        let size = name.len() + sealed.len();
        if size > COOKIE {
            return Err(Error::new(ErrorKind::BadRequest, "There is too much to remember for this sign-in.")
                .with_source(format!(
                    "a flow of {size} bytes: `next` or what a signal carries is too long"
                )));
        }
        let prefix = self.settings.cookie_name(FLOW);
        let now = self.clock().now();
        let mut flows: Vec<(i64, usize, String)> = cookies::with_prefix(request, &prefix)
            .into_iter()
            .map(|(name, value)| {
                let began_at =
                    Flow::unseal(self.keys(), name, value, now).map_or(i64::MIN, |flow| flow.began_at);
                (began_at, name.len() + value.len(), name.to_owned())
            })
            .collect();
        flows.sort();
        let mut total: usize = size + flows.iter().map(|(_, size, _)| size).sum::<usize>();
        for (began_at, size, name) in flows {
            // What doesn't open, or is too old, goes anyway.
            if began_at == i64::MIN || total > FLOWS {
                self.unset_cookie(request, &name);
                total -= size;
            }
        }
        self.set_cookie(request, name, sealed, FLOW_TTL);
        Ok(())
    }

    /// The flow that this browser began with `state`.
    pub(super) fn recall(&self, request: &Request<'_>, state: &str) -> Option<Flow> {
        let name = self.flow_cookie(&state_handle(state));
        let cookie = cookies::get(request, &name)?;
        let flow = Flow::unseal(self.keys(), &name, cookie, self.clock().now());
        flow.filter(|flow| flow.state().matches(state))
    }

    /// Forgets the flow of `state` and remembers its outcome, for a repeat in this browser.
    pub(super) fn finish(&self, request: &Request<'_>, state: &str, outcome: &Outcome) {
        self.unset_cookie(request, &self.flow_cookie(&state_handle(state)));
        let now = self.clock().now();
        let mut done = self.finished(request);
        done.push(Done { handle: state_handle(state), outcome: outcome.clone(), until: now + FLOW_TTL });
        let name = self.settings.cookie_name(DONE);
        while !done.is_empty() {
            let sealed = serde_json::to_vec(&done)
                .ok()
                .and_then(|plain| self.keys().seal("done", &[&name], &plain).ok());
            match sealed {
                Some(sealed) if name.len() + sealed.len() <= FINISHED => {
                    return self.set_cookie(request, name, sealed, FLOW_TTL);
                }
                _ => drop(done.remove(0)),
            }
        }
    }

    fn finished(&self, request: &Request<'_>) -> Vec<Done> {
        let name = self.settings.cookie_name(DONE);
        let now = self.clock().now();
        let plain =
            cookies::get(request, &name).and_then(|cookie| self.keys().open("done", &[&name], cookie).ok());
        let mut done: Vec<Done> =
            plain.and_then(|plain| serde_json::from_slice(&plain).ok()).unwrap_or_default();
        done.retain(|done| now < done.until);
        done
    }

    /// The outcome of the dance of `state`, if this browser has finished it.
    pub(super) fn repeated(&self, request: &Request<'_>, state: &str) -> Option<Outcome> {
        let handle = state_handle(state);
        self.finished(request).into_iter().find(|done| done.handle == handle).map(|done| done.outcome)
    }
}

impl Dance {
    /// The cookies that this request's changes to its browser's own accounts come to.
    pub(super) fn account_cookies(&self, request: &Request<'_>) -> Vec<Cookie<'static>> {
        let cookie = |(name, value)| match value {
            Some(value) => self.cookie(name, value, ACCOUNT_TTL),
            None => {
                let mut cookie = self.cookie(name, String::new(), 0);
                // With `Expires` in the past too: Rocket's local client knows no Max-Age.
                cookie.make_removal();
                cookie
            }
        };
        self.browser(request).changes().into_iter().map(cookie).collect()
    }
}
