//! For an app's own tests, and for trying out (feature `testing`): a provider that runs beside the test, a whole sign-in
//! in one line, and the demo provider.
//!
//! [`FakeProvider`] is a real OpenID provider, OAuth 2 and OAuth 1 server on a free loopback port; [`sign_in`] rides a sign-in
//! with Rocket's local client, as a browser would. [`Issuer`] is the same provider with a consent page, on the app's
//! own port. Everything here is for tests: it panics, with a sentence, where something isn't as it should be.
//!
//! ```no_run
//! use rocket::local::asynchronous::Client;
//! use rocket_dance::testing::{FakeProvider, sign_in};
//!
//! # async fn test(rocket: rocket::Rocket<rocket::Build>) {
//! let fake = FakeProvider::start().await;
//! let client = Client::tracked(fake.stand_in(rocket, "github")).await.unwrap();
//! sign_in(&client, "github").await;
//! # }
//! ```

mod answer;
mod browser;
mod client_key;
mod demo;
mod door;
mod fake;
mod grants;
mod issuer;
mod logout;
mod oauth1;
mod page;
mod protocol;
mod pushed;
mod sign_in;
mod signer;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Endpoint, Recorded};
pub use demo::Demo;
pub use fake::FakeProvider;
pub use issuer::{Client, Issuer};
pub use sign_in::{Landed, sign_in, sign_in_blocking};
