//! What requests of one process agree on: claims of callbacks, and turns.

mod claims;
mod lock;
mod turn;

pub(super) use self::claims::{claim, settle, settled};
pub(super) use self::lock::lock;
pub(crate) use self::turn::{Turn, turn};
