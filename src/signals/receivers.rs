//! The app's receivers, in their order.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use rocket::{Request, Response};

use super::{AuthorizationRequest, Event, NextStep, Signals};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::link::AuthorizedLogin;

/// The app's [`Signals`] in the order in which they were attached, each for all entries or for one.
#[derive(Default, Clone)]
pub(crate) struct Receivers(Vec<Receiver>);

#[derive(Clone)]
struct Receiver {
    /// The only entry that this receiver is for; `None` for all entries.
    entry: Option<String>,
    signals: Arc<dyn Signals>,
}

impl Receivers {
    /// Adds `signals`, for `entry` only or for all entries.
    pub(crate) fn add(&mut self, entry: Option<String>, signals: Arc<dyn Signals>) {
        self.0.push(Receiver { entry, signals });
    }

    /// The names of the entries that receivers are attached to.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|receiver| receiver.entry.as_deref())
    }

    /// The receivers for what happens at `entry`, or at no entry, in their order.
    fn for_entry<'a>(&'a self, entry: Option<&'a str>) -> impl Iterator<Item = &'a Arc<dyn Signals>> {
        self.0
            .iter()
            .filter(move |receiver| receiver.entry.is_none() || receiver.entry.as_deref() == entry)
            .map(|receiver| &receiver.signals)
    }

    /// Runs every `before_login`, until one fails.
    pub(crate) async fn before_login(
        &self,
        request: &Request<'_>,
        authorization: &mut AuthorizationRequest,
    ) -> Result<()> {
        let entry = authorization.entry.clone();
        for signals in self.for_entry(Some(&entry)) {
            catch_panic(signals.before_login(request, authorization)).await??;
        }
        Ok(())
    }

    /// Runs every `authorized` and returns the strictest answer.
    pub(crate) async fn authorized(
        &self,
        request: &Request<'_>,
        login: &mut AuthorizedLogin,
        client: &Client,
    ) -> Result<NextStep> {
        let mut strictest = Ok(NextStep::Continue);
        let entry = login.entry.clone();
        for signals in self.for_entry(Some(&entry)) {
            let next = catch_panic(signals.authorized(request, login, client)).await.flatten();
            strictest = match (strictest, next) {
                (Err(error), _) | (Ok(_), Err(error)) => Err(error),
                (Ok(step), Ok(next)) if next.strictness() > step.strictness() => Ok(next),
                (step, _) => step,
            };
        }
        strictest
    }

    /// Runs every `error` and returns the first response.
    pub(crate) async fn error(
        &self,
        request: &Request<'_>,
        entry: &str,
        error: &Error,
    ) -> Option<Response<'static>> {
        let mut response = None;
        for signals in self.for_entry(Some(entry)) {
            let next = catch_panic(signals.error(request, entry, error)).await.unwrap_or_else(|panic| {
                log::error!("oauth: `{entry}`: `Signals::error` panicked: {panic:?}");
                None
            });
            response = response.or(next);
        }
        response
    }

    /// Runs every `event`. `request` is the request in which it has happened, if there is one.
    pub(crate) async fn event(&self, request: Option<&Request<'_>>, event: Event) {
        for signals in self.for_entry(event.entry()) {
            if let Err(panic) = catch_panic(signals.event(request, &event)).await {
                let entry = event.entry().unwrap_or("-");
                log::error!("oauth: `{entry}`: `Signals::event` panicked: {panic:?}");
            }
        }
    }
}

/// The output of `work`. A panic in the app's code becomes an [`Error::app`].
async fn catch_panic<T>(work: impl Future<Output = T>) -> Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_| Error::app("a signal panicked"))
}
