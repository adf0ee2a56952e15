//! How a test makes a [`FakeProvider`] misbehave.

use std::sync::Arc;
use std::time::Duration;

use rocket::http::Method;
use serde_json::Value;

use super::fake_provider::FakeProvider;
use super::server::{ApiRoute, FakeResponse, ProviderEndpoint, RefreshTokenRule, Script};

impl FakeProvider {
    /// Makes the user deny the next authorization (`access_denied`).
    pub fn deny_next_authorization(&self) -> &Self {
        self.fail_next_authorization("access_denied")
    }

    /// Makes the next authorization fail with this error code (RFC 6749 §4.1.2.1).
    pub fn fail_next_authorization(&self, error: &str) -> &Self {
        self.server().behavior().next_error = Some(error.to_owned());
        self
    }

    /// Makes the provider accept only pushed authorization requests (RFC 9126), and announce that in its metadata.
    pub fn require_pushed_authorization(&self) -> &Self {
        self.server().behavior().requires_pushed_authorization = true;
        self
    }

    /// Takes the provider down: no request is answered, as if no connection could be made, until
    /// [`reset_behavior`](FakeProvider::reset_behavior). With a port, it answers with status 503.
    pub fn go_down(&self) -> &Self {
        self.server().behavior().is_down = true;
        self
    }

    /// Makes every answer take `delay`. For a provider that does not answer in time, see [`FakeResponse::hang`].
    pub fn slow_down(&self, delay: Duration) -> &Self {
        self.server().behavior().delay = delay;
        self
    }

    /// Grants `scope` from now on, whatever scope is requested, for example because the user has unticked a box.
    pub fn grant_scope(&self, scope: &str) -> &Self {
        self.server().behavior().granted_scope = Some(scope.to_owned());
        self
    }

    /// Leaves out the user's e-mail address from now on, in the userinfo and wherever else a preset reads it.
    pub fn omit_email(&self) -> &Self {
        self.server().behavior().has_email = false;
        self
    }

    /// Makes one refresh token last for all refreshes, which bring no new one. By default, each refresh brings a new refresh
    /// token, and the old one is used up.
    pub fn keep_refresh_tokens(&self) -> &Self {
        self.server().behavior().refresh_tokens = RefreshTokenRule::Keep;
        self
    }

    /// Grants no refresh tokens from now on.
    pub fn omit_refresh_tokens(&self) -> &Self {
        self.server().behavior().refresh_tokens = RefreshTokenRule::Omit;
        self
    }

    /// Answers calls of the API with this method and path, which is relative to the API base. The returned [`ApiRoute`] takes the
    /// answer and counts the calls.
    ///
    /// Without any route, the API echoes each call as JSON. From the first route on, every other call is a fault of the test: it
    /// gets status 501 with a text that says what to write, and the provider panics with this text when the test ends. The
    /// access token of a call is checked as before.
    pub fn api(&self, method: Method, path: &str) -> ApiRoute {
        self.server().behavior().api.route(method, path)
    }

    /// Answers the next request to `endpoint` with `response`. Several calls queue up.
    pub fn respond_once(&self, endpoint: ProviderEndpoint, response: FakeResponse) -> &Self {
        self.with_script(|script| script.push_once(endpoint, response));
        self
    }

    /// Answers every request to `endpoint` with `response`, after the queue of
    /// [`respond_once`](FakeProvider::respond_once) is empty.
    pub fn respond_always(&self, endpoint: ProviderEndpoint, response: FakeResponse) -> &Self {
        self.with_script(|script| script.set_always(endpoint, response));
        self
    }

    /// Changes the claims of every ID token before it is signed.
    pub fn edit_claims(&self, edit: impl Fn(&mut Value) + Send + Sync + 'static) -> &Self {
        self.server().behavior().edit_claims = Some(Arc::new(edit));
        self
    }

    /// Changes every ID token after it is signed.
    pub fn edit_id_token(&self, edit: impl Fn(String) -> String + Send + Sync + 'static) -> &Self {
        self.server().behavior().edit_id_token = Some(Arc::new(edit));
        self
    }

    /// Restores the provider's own behavior: it undoes [`respond_once`](FakeProvider::respond_once),
    /// [`respond_always`](FakeProvider::respond_always), [`edit_claims`](FakeProvider::edit_claims),
    /// [`edit_id_token`](FakeProvider::edit_id_token), [`fail_next_authorization`](FakeProvider::fail_next_authorization),
    /// [`go_down`](FakeProvider::go_down), [`slow_down`](FakeProvider::slow_down), [`grant_scope`](FakeProvider::grant_scope),
    /// [`omit_email`](FakeProvider::omit_email) and the two methods for refresh tokens.
    pub fn reset_behavior(&self) -> &Self {
        self.with_script(Script::clear_responses);
        let mut behavior = self.server().behavior();
        behavior.edit_claims = None;
        behavior.edit_id_token = None;
        behavior.next_error = None;
        behavior.is_down = false;
        behavior.delay = Duration::ZERO;
        behavior.granted_scope = None;
        behavior.has_email = true;
        behavior.refresh_tokens = RefreshTokenRule::Rotate;
        drop(behavior);
        self
    }
}

impl Drop for FakeProvider {
    /// Fails the test if the API was called in a way that it does not expect.
    fn drop(&mut self) {
        let unexpected = self.server().behavior().api.unexpected().join("\n");
        assert!(unexpected.is_empty() || std::thread::panicking(), "{unexpected}");
    }
}
