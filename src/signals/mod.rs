//! Signals: the app's hooks around the flow.
//!
//! An app implements [`Signals`] and attaches it with [`DanceFairing::signals`](crate::DanceFairing::signals), or with
//! [`signals_for`](crate::DanceFairing::signals_for) for one entry only. `Receivers` runs all of them.

mod authorization_request;
mod event;
mod next_step;
mod receivers;
mod session_end_reason;
mod signals;

pub use self::authorization_request::AuthorizationRequest;
pub use self::event::{Event, EventAccount};
pub use self::next_step::NextStep;
pub(crate) use self::receivers::Receivers;
pub use self::session_end_reason::SessionEndReason;
pub use self::signals::Signals;
