//! What most tests of the suite use: an app with a database of its own, browsers before it, and the assertion that every
//! refused request goes through.

mod browser;
mod refusal;
mod request;
mod response;
mod test_app;
mod uri;

pub(crate) use self::browser::Browser;
pub(crate) use self::refusal::{NOT_TRUSTED, Refusal, assert_guarded, assert_refused};
pub(crate) use self::request::TestRequest;
pub(crate) use self::response::TestResponse;
pub(crate) use self::test_app::TestApp;
pub(crate) use self::uri::{query_parameter, with_parameter};
pub(crate) use crate::users::sign_up;

/// The name of the session cookie at `http://localhost:8000`. All names end with the tag of that address.
pub(crate) const SESSION: &str = "rocket_dance_session_VuWjeEX0";
/// The prefix of a flow cookie's name.
pub(crate) const FLOW: &str = "rocket_dance_flow_VuWjeEX0_";
/// The name of the CSRF cookie.
pub(crate) const CSRF: &str = "rocket_dance_csrf_VuWjeEX0";
/// The name of the cookie that remembers finished flows.
pub(crate) const DONE: &str = "rocket_dance_done_VuWjeEX0";
/// The name of the cookie of an account that waits for its user.
pub(crate) const PENDING: &str = "rocket_dance_pending_VuWjeEX0";
/// The name of the cookie of a sign-out at the provider.
pub(crate) const LOGOUT: &str = "rocket_dance_logout_VuWjeEX0";
/// The name of the cookie with the account of the entry `op`.
pub(crate) const ACCOUNT: &str = "rocket_dance_account_VuWjeEX0_op";

/// The log of this process so far, of all its tests. `None` if another logger is set.
pub(crate) fn captured_log() -> Option<String> {
    test_support::CapturedLog::start().map(|log| log.text())
}
