//! The guards: what a handler asks for.

mod accounts;
mod challenge;
mod current_user;
mod oauth;
mod site;

pub use accounts::Accounts;
pub use challenge::{Unauthorized, catchers, unauthorized};
pub use oauth::OAuth;
pub use site::Site;
