//! The dance from outside: Rocket's local client on one side, a provider on loopback on the other.
//!
//! One file per concern; all in one binary, which links once.

mod app;
mod races;
mod ride;
