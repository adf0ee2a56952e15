//! What requests of one process agree on: claims of callbacks, and turns.

mod claims;
mod turn;

pub(super) use self::claims::{claim, settle, settled};
pub(crate) use self::turn::{Turn, turn};
