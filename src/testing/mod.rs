//! Helpers for an app's own tests (feature `testing`): a provider that runs beside the test, a whole sign-in in one
//! call, and a demo provider for the development server.
//!
//! Most tests need three names:
//!
//! - [`FakeProvider::start`] starts an OpenID Connect, OAuth 2 and OAuth 1.0a provider on a free loopback port;
//! - [`FakeProvider::stand_in`] configures it in place of one of the app's entries;
//! - [`sign_in`] signs a user in with Rocket's local client, as a browser would.
//!
//! [`storage_suite`] tests an app's own [`Storage`](crate::storage::Storage).
//!
//! [`FakeResponse`] scripts what the provider answers, and [`RecordedRequest`] is what it received. [`DemoProvider`] is
//! the same provider with a consent page, on the app's own port.
//!
//! Everything here is for tests. If a test uses it wrongly, it panics with a message that names the fault.
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

mod browser;
mod demo_provider;
mod entry_config;
mod fake_provider;
mod server;
mod server_thread;
mod sign_in;
mod storage_suite;
#[cfg(test)]
mod tests;

pub use self::demo_provider::DemoProvider;
pub use self::fake_provider::FakeProvider;
pub use self::server::{FakeResponse, ProviderEndpoint, RecordedRequest, RegisteredClient, ResponseGate};
pub use self::sign_in::{CallbackResponse, sign_in, sign_in_blocking};
pub use self::storage_suite::{StorageFeatures, storage_suite};
