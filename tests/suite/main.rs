//! The dance from outside: Rocket's local client on one side, a provider on loopback on the other.
//!
//! One file per concern; all in one binary, which links once.

#![allow(unreachable_pub, clippy::unwrap_used)]

mod accounts;
mod api;
mod app;
mod callback;
mod client_auth;
mod cookies;
mod crash;
#[path = "../common/ear.rs"]
mod ear;
mod examples;
mod faults;
mod form_post;
mod guards;
#[path = "../common/html.rs"]
#[allow(dead_code)]
mod html;
mod leakage;
mod linking;
mod logout;
mod mix_up;
mod oauth1;
mod openid;
mod oracle;
mod people;
mod pkce;
mod provider_logout;
mod proxy;
mod races;
mod redirect;
mod refresh;
mod revocation;
mod ride;
mod routes;
mod sealing;
mod server;
mod sessions;
mod shutdown;
mod signals;
mod silence;
mod site;
#[path = "../common/sqlite.rs"]
mod sqlite;
mod state;
mod tls;
mod tokens;
