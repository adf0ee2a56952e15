//! [`Cassette`]: calls of a real API, recorded once and replayed offline.

#[allow(clippy::module_inception, reason = "it holds the type `Cassette`")]
mod cassette;
mod recorded_call;
mod scrubber;

pub use self::cassette::Cassette;
