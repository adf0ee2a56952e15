//! What rides are made of: child processes, a browser that knows only HTML, and looks into what they leave behind.

// Each test file uses the part it needs, and may fail as loudly as it likes.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

#[cfg(feature = "sqlite")]
pub(crate) mod app;
pub(crate) mod browser;
pub(crate) mod chromium;
pub(crate) mod cookies;
#[cfg(feature = "sqlite")]
pub(crate) mod database;
pub(crate) mod ear;
pub(crate) mod faulty;
pub(crate) mod html;
pub(crate) mod leaks;
pub(crate) mod mint;
pub(crate) mod oauth1_provider;
pub(crate) mod peer;
pub(crate) mod process;
pub(crate) mod provider;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
