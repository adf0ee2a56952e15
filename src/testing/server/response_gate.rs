//! [`ResponseGate`]: holds a response back until a test lets it pass.

use std::fmt;
use std::sync::Arc;

use rocket::tokio::sync::watch;

/// Holds a [`FakeResponse`](crate::testing::FakeResponse) back until a test opens it, so that the test can do something
/// while a request is in progress. Clones are the same gate.
///
/// ```
/// use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, ResponseGate};
///
/// # rocket::async_test(async {
/// let fake = FakeProvider::start().await;
/// let gate = ResponseGate::new();
/// fake.respond_once(ProviderEndpoint::Authorize, FakeResponse::unmodified().hold(&gate));
///
/// let callback = "http://localhost:8000/";
/// let url = format!("{}/authorize?response_type=code&client_id=fake+client&redirect_uri={callback}", fake.issuer());
/// let request = fake.authorize(&url);
/// let test = async {
///     gate.wait_for_request().await;      // the provider has received the request
///     // … disconnect an account or sign the user out, for example …
///     gate.open();                        // the provider answers
/// };
/// let (redirect, ()) = rocket::tokio::join!(request, test);
/// assert!(redirect.starts_with(callback));
/// # });
/// ```
#[derive(Clone)]
pub struct ResponseGate(Arc<State>);

struct State {
    is_reached: watch::Sender<bool>,
    is_open: watch::Sender<bool>,
}

impl ResponseGate {
    /// Creates a closed gate.
    pub fn new() -> Self {
        Self(Arc::new(State { is_reached: watch::Sender::new(false), is_open: watch::Sender::new(false) }))
    }

    /// Waits until a response is held back: the provider has received the request.
    pub async fn wait_for_request(&self) {
        // The gate holds the sender, so waiting cannot fail.
        let _ = self.0.is_reached.subscribe().wait_for(|is_reached| *is_reached).await;
    }

    /// Lets the response pass, and every later one.
    pub fn open(&self) {
        self.0.is_open.send_replace(true);
    }

    /// Waits until the gate is open.
    pub(super) async fn pass(&self) {
        self.0.is_reached.send_replace(true);
        let _ = self.0.is_open.subscribe().wait_for(|is_open| *is_open).await;
    }
}

impl Default for ResponseGate {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ResponseGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseGate")
            .field("is_reached", &*self.0.is_reached.borrow())
            .field("is_open", &*self.0.is_open.borrow())
            .finish()
    }
}
