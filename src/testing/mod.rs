//! Helpers for an app's own tests (feature `testing`): users and accounts without a sign-in, a fake provider, and recordings of
//! a real one. [`guide::tests`](crate::guide::tests) is a whole file of tests.
//!
//! | you want | take |
//! |---|---|
//! | a provider that answers as a test says | [`FakeProvider`], in place of one of the app's entries: [`FakeProvider::stand_in`] |
//! | a whole sign-in | [`sign_in`] |
//! | a signed-in user, without a sign-in | [`sign_in_as`] |
//! | a form of a page, as a browser submits it | [`submit`] |
//! | an account at a provider, without a sign-in | [`connect`] with a [`TestAccount`] |
//! | answers of the API, by method and path | [`FakeProvider::api`] |
//! | answers of a real API, recorded once | [`Cassette`] |
//! | several people | a [`Browser`] for each |
//! | another time | [`Clock`] |
//! | another storage in a finished app | [`replace_storage`] |
//! | to test a storage of your own | [`storage_suite`] |
//! | to click through a sign-in | [`DemoProvider`] |
//!
//! Everything here is for tests. If a test uses it wrongly, it panics with a message that names the fault and what to write.
//!
//! ```no_run
//! use rocket::local::asynchronous::Client;
//! use rocket_dance::testing::{FakeProvider, sign_in};
//!
//! # async fn test(rocket: rocket::Rocket<rocket::Build>) {
//! let fake = FakeProvider::new();
//! let client = Client::tracked(fake.stand_in(rocket, "github")).await.unwrap();
//! sign_in(&client, "github").await;
//! # }
//! ```

mod app_response;
mod authorization_response;
mod browser;
mod browser_cookies;
mod cassette;
mod clock;
mod connect;
mod demo_provider;
mod entry_config;
mod fake_provider;
mod html_page;
mod in_process;
mod local_client;
mod misbehavior;
mod replace_storage;
mod server;
mod server_thread;
mod sign_in;
mod sign_in_as;
mod stand_in;
mod storage_suite;
mod submit;
mod test_account;
#[cfg(test)]
mod tests;

pub use self::app_response::AppResponse;
pub use self::browser::Browser;
pub use self::cassette::Cassette;
pub use self::clock::Clock;
pub use self::connect::{ConnectTarget, EntryName, connect, connect_blocking};
pub use self::demo_provider::DemoProvider;
pub use self::fake_provider::FakeProvider;
pub use self::local_client::LocalClient;
pub use self::replace_storage::replace_storage;
pub use self::server::{
    ApiRoute, FakeResponse, ProviderEndpoint, RecordedRequest, RegisteredClient, ResponseGate,
};
pub use self::sign_in::{sign_in, sign_in_blocking};
pub use self::sign_in_as::{sign_in_as, sign_in_as_blocking};
pub use self::storage_suite::{StorageFeatures, storage_suite};
pub use self::submit::{submit, submit_blocking};
pub use self::test_account::TestAccount;
