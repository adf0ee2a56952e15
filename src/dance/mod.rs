//! The library in Rocket: a fairing that mounts the routes, and the handle in managed state.
//!
//! The files form floors. Each uses only those above it:
//!
//! 1. `key_source`: the keys that seal tokens, flows and sessions; `examination`: what a launch leaves for the doctor;
//! 2. `handle`: [`Dance`] and what it holds; `owner`: whose accounts a request has; `targets`: where redirects lead; `builder`: [`DanceFairing`];
//! 3. `web`: forms, cookies, CSRF, outcomes, replies;
//! 4. `accounts`: the accounts of a user, in a request and outside of one;
//! 5. `routes`: one file per route, as functions over `&Dance` and `&Request`;
//! 6. `catchers`: answers failed guards; `unusable_entries`: warns at launch of entries that no visitor can use, `missing_storage` of an app with users and without a storage; `test_setup`, `test_command`: what a test changes; `ignite`: builds the handle at launch; `fairing`: what runs at launch, at shutdown and around each request.

mod key_source;
mod examination;
mod handle;
mod owner;
mod targets;
mod builder;
mod web;
mod accounts;
mod routes;
mod catchers;
mod unusable_entries;
mod missing_storage;
#[cfg(feature = "testing")]
mod test_command;
mod test_setup;
mod ignite;
mod fairing;

pub use accounts::{AccountClients, Reseal, ResealReport, Tokens};
pub(crate) use accounts::{Viewer, accounts_context, key_use, waiting_sign_up};
pub use builder::DanceFairing;
pub(crate) use examination::{Examination, Examined};
pub(crate) use fairing::FAIRING_NAME;
pub use handle::Dance;
pub(crate) use key_source::KeySource;
pub(crate) use routes::{backchannel_logout_uri, post_logout_redirect_uri};
#[cfg(feature = "testing")]
pub(crate) use test_command::TestCommand;
#[cfg(feature = "testing")]
pub(crate) use test_setup::TestSetup;
pub(crate) use web::{
    AnswerOrigin, Reply, answer_origin, error_json, guard_failure, respond, store_guard_failure, wants_json,
    with_missing_scopes,
};
