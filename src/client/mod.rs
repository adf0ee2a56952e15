//! Calls to a provider's API on behalf of one account, with a token that is refreshed when it is due.
//!
//! [`Client`] is the handle of an app, [`ApiRequest`] one request. Both share a `LiveAccount`. `refresh` gets a new token,
//! `store_refreshed` stores it, and `revoke` ends the tokens of removed accounts at their provider. `ClientContext` is what
//! all API clients of an app share.

mod api_request;
mod client;
mod context;
mod live_account;
mod refresh;
mod refreshes;
mod revocations;
mod revoke;
mod sent_request;
mod store_refreshed;
mod unsealed_account;

pub use self::api_request::ApiRequest;
pub use self::client::Client;
pub(crate) use self::context::{ClientContext, TokenEvent, TokenEventListener};
pub(crate) use self::refreshes::Refreshes;
pub(crate) use self::revocations::Revocations;
pub(crate) use self::revoke::{RevocationReason, revoke};
