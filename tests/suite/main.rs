//! The library from outside: Rocket's local client on one side, a provider on a loopback port on the other.
//!
//! One file per concern. They are one binary, which links once.

#![allow(unreachable_pub, clippy::unwrap_used)]

mod accounts;
mod api;
mod app;
mod base_path;
mod callback;
mod client_auth;
mod confirm;
mod cookies;
mod cookie_budget;
mod crash;
mod csrf;
mod examples;
mod expired_flow;
mod faults;
mod form_post;
mod guards;
mod guard_errors;
mod guard_launch;
mod harness;
mod json;
mod leakage;
mod linking;
mod second_factor;
mod merging;
mod logout;
mod session_cookie;
mod mix_up;
mod near_misses;
mod oauth1;
mod oauth1_state;
mod openid;
mod token_answers;
mod openid_outage;
mod own_sessions;
mod people;
mod pkce;
mod primary;
mod profiles;
mod provider_logout;
mod backchannel_logout;
mod provider_answers;
mod provider_log;
mod proxy;
mod races;
mod redirect;
mod refresh;
mod refresh_answers;
mod removal;
mod revocation;
mod ride;
mod routes;
mod sealing;
mod separation;
mod server;
mod sessions;
mod sign_in_page;
mod shutdown;
mod signals;
mod signal_context;
mod signal_events;
mod signal_order;
mod silence;
mod site;
#[path = "../common/sqlite.rs"]
mod sqlite;
mod statements;
mod state;
mod three_methods;
mod tls;
mod tokens;
#[path = "../common/users.rs"]
mod users;
