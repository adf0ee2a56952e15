//! What all API clients of an app share.

use futures::future::BoxFuture;

use super::refreshes::Refreshes;
use super::revocations::Revocations;
use crate::flow::Engine;
use crate::secret::KeyRing;
use crate::storage::Account;

/// Something that happened to an account's token. It is reported after it was committed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TokenEvent {
    Refreshed,
    GrantLost,
    RevocationFailed,
}

/// Receives the token events of all clients.
pub(crate) type TokenEventListener = dyn Fn(TokenEvent, Account) -> BoxFuture<'static, ()> + Send + Sync;

/// What all API clients of an app share.
pub(crate) struct ClientContext {
    pub(crate) engine: Engine,
    pub(crate) keys: KeyRing,
    pub(crate) report: Box<TokenEventListener>,
    pub(crate) refreshes: Refreshes,
    pub(crate) revocations: Revocations,
}
