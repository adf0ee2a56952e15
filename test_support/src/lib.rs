//! What the integration tests and the races share.
//!
//! - [`http_client`]: a client for servers on loopback addresses;
//! - [`Browser`]: a browser without JavaScript, with [`Cookies`], [`Html`] and forms;
//! - [`SecretSearch`]: finds secrets in logs, pages and databases;
//! - [`CapturedLog`]: the log of the process;
//! - [`Watchdog`], [`within`], [`wait_until`]: deadlines, so that no test hangs.
//!
//! It panics with a message where a test uses it wrongly.

#![allow(clippy::unwrap_used)]

mod browser;
mod captured_log;
mod cookies;
mod deadline;
mod html;
mod http_client;
mod navigation;
mod secret_search;

pub use self::browser::{Browser, Page};
pub use self::captured_log::CapturedLog;
pub use self::cookies::{Cookie, Cookies};
pub use self::deadline::{Watchdog, wait_until, wait_until_blocking, within};
pub use self::html::{Form, Html, Link};
pub use self::http_client::http_client;
pub use self::navigation::Navigation;
pub use self::secret_search::{KnownSecret, SecretLog, SecretSearch};
