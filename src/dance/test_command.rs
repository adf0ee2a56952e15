//! What a test does inside a request of a local client, before the request is routed: for example to sign a user in.

use std::fmt;
use std::sync::Mutex;

use futures::future::BoxFuture;
use rocket::Request;

use super::handle::Dance;
use crate::lock::lock;

type Command = Box<dyn for<'r> FnOnce(&'r Dance, &'r Request<'_>) -> BoxFuture<'r, ()> + Send>;

/// What a test does inside a request. It is in the request's local cache, which no sender of a request can reach.
pub(crate) struct TestCommand(Mutex<Option<Command>>);

impl TestCommand {
    pub(crate) fn new(
        command: impl for<'r> FnOnce(&'r Dance, &'r Request<'_>) -> BoxFuture<'r, ()> + Send + 'static,
    ) -> Self {
        Self(Mutex::new(Some(Box::new(command))))
    }

    /// Runs the command of `request`, if there is one.
    pub(super) async fn run(dance: &Dance, request: &Request<'_>) {
        let command = request.local_cache(|| Self(Mutex::new(None)));
        let command = lock(&command.0).take();
        if let Some(command) = command {
            command(dance, request).await;
        }
    }
}

impl fmt::Debug for TestCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestCommand")
    }
}
