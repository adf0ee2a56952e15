//! The guards: what a handler takes to have a user's accounts.

mod caller;
mod outcome;
mod sentinel;
mod unauthorized_response;
mod error_responder;
mod guard_error;
mod oauth;
mod site;
mod current_user;
mod visitor;
mod accounts;
mod pending_sign_up;

pub use accounts::Accounts;
pub use guard_error::guard_error;
pub use oauth::{OAuth, RequiredScopes};
pub use pending_sign_up::PendingSignUp;
pub use site::Site;
pub use unauthorized_response::{UnauthorizedResponse, catchers, unauthorized_response};
pub use visitor::Visitor;
