//! Profiles: the provider's user in the terms of OpenID Connect.

pub mod claims;
mod mailbox;
mod profile;
pub(crate) mod text;

pub(crate) use self::mailbox::Mailbox;
pub use self::profile::Profile;
