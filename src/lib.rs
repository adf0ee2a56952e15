//! The OAuth dance for Rocket, with Diesel-backed accounts.

#![forbid(unsafe_code)]

// In the order of the rooms: a module uses only those above it.
mod clock;
mod config;
mod error;
mod flow;
mod link;
mod next;
mod profile;
pub mod provider;
mod secret;
pub mod storage;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
mod user;

pub use error::{Error, ErrorKind, Result, Who};
pub use link::{Arrival, Domain, LinkPolicy, Login, Purpose, Standing, Verdict};
pub use profile::Profile;
pub use secret::Secret;
pub use token::Token;
pub use user::UserId;
