//! The OAuth dance for Rocket, with Diesel-backed accounts.

#![forbid(unsafe_code)]

// In the order of the rooms: a module uses only those above it.
mod error;
mod secret;
mod clock;
mod user;
mod profile;
mod token;
pub mod provider;
mod config;
mod link;
pub mod storage;
mod flow;

pub use error::{Error, ErrorKind, Result, Who};
pub use link::{Arrival, Domain, LinkPolicy, Login, Purpose, Standing, Verdict};
pub use profile::Profile;
pub use secret::Secret;
pub use token::Token;
pub use user::UserId;
