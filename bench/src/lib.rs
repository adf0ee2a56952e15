//! What the benches share: the servers that they compare, a provider that answers at once, and a driver that speaks HTTP.

pub mod child;
pub mod connection;
pub mod peer;
pub mod provider;
pub mod reference;
pub mod server;
pub mod wrk;
