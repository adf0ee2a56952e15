//! What several integration tests share and only they need: the example app as a process, providers as processes, and
//! their databases as text.

// Each test binary uses only a part of it.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

#[cfg(feature = "sqlite")]
pub(crate) mod app;
pub(crate) mod chromium;
#[cfg(feature = "sqlite")]
pub(crate) mod database;
pub(crate) mod faulty_proxy;
pub(crate) mod id_token_signer;
pub(crate) mod oauth1_provider;
pub(crate) mod openid_provider;
pub(crate) mod peer;
pub(crate) mod process;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
#[cfg(feature = "sqlite")]
pub(crate) mod users;
pub(crate) mod web_server;
