//! Fuzz targets: the parsers of everything that a stranger can send.
//!
//! Each [`Target`] feeds its input to one parser and says whether the parser accepts it. A parser must never panic and must
//! end within seconds. `tests.rs` feeds it small changes to good inputs, and the crate in `fuzz/` feeds it what cargo-fuzz
//! generates. The module exists in these two builds only.

mod fixtures;
mod parsers;
mod samples;
mod target;
#[cfg(test)]
mod tests;

pub use self::target::{TARGETS, Target, target};
