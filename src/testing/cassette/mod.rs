//! [`Cassette`]: calls of a real API, recorded once and replayed offline.

#[allow(clippy::module_inception, reason = "it holds the type `Cassette`")]
mod cassette;
mod character;
mod credentials;
mod markup;
mod parameters;
mod recorded_call;
mod scrubber;
mod secret_names;
#[cfg(test)]
mod tests;

pub use self::cassette::Cassette;
