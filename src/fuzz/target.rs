//! The list of targets.

use super::fixtures::{ACCOUNT_COOKIE, FLOW_COOKIE, STORED_TOKEN, entry, seal_sample};
use super::{parsers, samples};
use crate::flow::fuzz as flow;

/// A parser of what a stranger can send.
#[derive(Debug)]
pub struct Target {
    /// The target's name.
    pub name: &'static str,
    /// Feeds an input to the parser and returns whether the parser accepts it.
    pub accepts: fn(&[u8]) -> bool,
    /// Returns inputs that the parser must accept, from which fuzzing starts.
    pub good: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "callback", accepts: parsers::callback, good: samples::callbacks },
    Target { name: "token_answer", accepts: parsers::token_answer, good: samples::token_answers },
    Target { name: "oauth1_answer", accepts: flow::oauth1_answer, good: samples::oauth1_answers },
    Target { name: "userinfo", accepts: parsers::userinfo, good: samples::userinfos },
    Target { name: "discovery", accepts: |data| flow::discovery(entry("op"), data), good: samples::metadata },
    Target { name: "jwks", accepts: flow::jwks, good: || vec![flow::published_keys()] },
    Target { name: "id_token", accepts: parsers::id_token, good: samples::id_tokens },
    Target { name: "next", accepts: parsers::next, good: samples::nexts },
    Target {
        name: "flow_cookie",
        accepts: parsers::flow_cookie,
        good: || seal_sample(&flow::flow(entry("op")), FLOW_COOKIE),
    },
    Target {
        name: "account_cookie",
        accepts: parsers::account_cookie,
        good: || seal_sample(&samples::account(), ACCOUNT_COOKIE),
    },
    Target {
        name: "token",
        accepts: parsers::stored_token,
        good: || seal_sample(&samples::token().to_plain(), STORED_TOKEN),
    },
];

/// Returns the target with this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
