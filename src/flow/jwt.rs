//! Signed ID tokens.
