//! The guards: what a handler takes to have a user's accounts.

mod challenge;
mod sentinel;
mod unauthorized_response;
mod error_responder;
mod oauth;
mod site;
mod current_user;
mod accounts;

pub use accounts::Accounts;
pub use oauth::OAuth;
pub use site::Site;
pub use unauthorized_response::{UnauthorizedResponse, catchers, unauthorized_response};
