//! The accounts of a user: in a request, outside of one, waiting for their user, and their tokens.

mod events;
mod connected;
mod each;
mod health;
mod off_request;
mod primary;
mod reseal;
mod sign_up;
mod tokens;
pub(super) mod pending;
pub(super) mod session_change;
pub(super) mod sessions;

pub(crate) use connected::{Viewer, accounts_context};
pub use each::AccountClients;
pub(super) use events::{
    report_dropped, report_ended, report_linked, report_refused, report_removed, report_session_began,
    report_sessions_ended,
};
pub(crate) use reseal::key_use;
pub(super) use reseal::log_lost_keys;
pub use reseal::{Reseal, ResealReport};
pub(crate) use sign_up::{sign_up_context, waiting_sign_up};
pub use tokens::Tokens;
