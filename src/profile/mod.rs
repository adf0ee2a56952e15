//! Profiles: the provider's user in the terms of OpenID Connect.

pub mod claims;
mod profile;

pub use self::profile::Profile;
