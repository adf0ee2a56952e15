//! The OAuth dance for Rocket, with Diesel-backed accounts.

#![forbid(unsafe_code)]

// In the order of the rooms: a module uses only those above it.
mod error;
mod secret;
mod clock;
mod next;
mod user;
mod profile;
mod token;
pub mod provider;
mod config;
mod link;
pub mod storage;
mod flow;
mod client;
mod signals;
mod session;
mod page;
mod dance;
mod guard;
#[cfg(feature = "testing")]
pub mod testing;

pub use client::{ApiRequest, Client};
pub use dance::{Dance, DanceFairing, Each};
pub use error::{Error, ErrorKind, Result, Who};
pub use guard::{Accounts, OAuth, Site, catchers, unauthorized};
pub use link::{Arrival, Domain, LinkCurrentUser, LinkPolicy, Login, Purpose, Standing, Verdict};
pub use profile::Profile;
pub use reqwest;
pub use secret::Secret;
pub use session::{CurrentUser, Sessions, SignedIn};
pub use signals::{Authorized, Begin, Event, Signals};
pub use token::Token;
pub use user::UserId;
