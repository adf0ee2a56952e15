//! The one error type of this crate, typed by who must act.
//!
//! An [`Error`] has a [`kind`](Error::kind), from which a stable [`code`](ErrorKind::code), an HTTP
//! [`status`](ErrorKind::status) and [who can resolve it](ErrorKind::responsible) follow; a sentence for that person; and,
//! for the log, its cause. Neither the sentence nor the cause contains a secret.

#[cfg(feature = "_sql")]
mod database;
mod error;
mod kind;
mod provider_error;
#[cfg(feature = "_sql")]
mod row_values;

#[cfg(feature = "_sql")]
pub(crate) use self::database::{database_cause, may_pass};
pub use self::error::{Error, Result};
pub use self::kind::{ErrorKind, Responsible};
pub use self::provider_error::ProviderError;
