//! `flash = true`: a flash message per outcome of a flow.

use rocket::Request;

use super::language::language;
use super::reply::wants_json;
use crate::config::Entry;
use crate::dance::handle::Dance;
use crate::error::Error;
use crate::flash::{flash, has_flash};
use crate::placeholders::fill;

/// An outcome that has a flash message.
#[derive(Clone, Copy)]
pub(crate) enum FlashOutcome<'e> {
    /// A user is signed in.
    SignedIn,
    /// An account was connected for the first time.
    Connected,
    /// An account that was connected before has a new token.
    Reconnected,
    /// At least one account was disconnected.
    Disconnected,
    /// The user or the provider denied the authorization.
    Denied,
    /// The flow failed with this error.
    Failed(&'e Error),
}

impl FlashOutcome<'_> {
    /// The kind of the message, as Flask-Social has it, and the key of its text.
    fn kind_and_key(self) -> (&'static str, &'static str) {
        match self {
            FlashOutcome::SignedIn => ("success", "flash_signed_in"),
            FlashOutcome::Connected => ("success", "flash_connected"),
            FlashOutcome::Reconnected => ("info", "flash_reconnected"),
            FlashOutcome::Disconnected => ("info", "flash_disconnected"),
            FlashOutcome::Denied => ("error", "flash_denied"),
            FlashOutcome::Failed(_) => ("error", "flash_failed"),
        }
    }
}

/// Sets the flash message of `outcome` at `entry`, if the app wants them. A message that a signal has set stays. A client that asks
/// for JSON gets none: the message would appear on a page that has nothing to do with it.
pub(crate) fn flash_outcome(dance: &Dance, request: &Request<'_>, entry: &Entry, outcome: FlashOutcome<'_>) {
    if !dance.settings().flash || wants_json(request) || has_flash(request) {
        return;
    }
    let (kind, key) = outcome.kind_and_key();
    let language = language(dance, request);
    let message = fill(language.text(key), |name| match (name, outcome) {
        ("title", _) => Some(entry.title.clone()),
        ("message", FlashOutcome::Failed(error)) => Some(language.message(&error.to_string()).into_owned()),
        _ => None,
    });
    flash(request, kind, &message.unwrap_or_default());
}
