//! OAuth 2 on the oauth2 crate.
