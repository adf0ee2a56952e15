//! Pushed authorization requests (RFC 9126).

use std::collections::HashMap;

use serde_json::json;

use super::door::{Reply, Request, one};
use super::grants::id;
use super::issuer::{Issuer, lock};
use super::protocol::Refusal;

const HANDLE: &str = "urn:ietf:params:oauth:request_uri:";
/// How long a pushed request waits, in seconds.
const TTL: i64 = 60;

/// What was pushed, by its id.
#[derive(Debug, Default)]
pub(super) struct PushedRequests(HashMap<String, Pushed>);

#[derive(Debug)]
struct Pushed {
    client_id: String,
    parameters: Vec<(String, String)>,
    expires_at: i64,
}

impl Issuer {
    /// The pushed authorization request endpoint.
    pub(super) fn push(&self, request: &Request) -> Reply {
        match self.keep(request) {
            Ok(handle) => Reply::json(201, &json!({ "request_uri": handle, "expires_in": TTL })),
            Err(refusal) => refusal.reply(),
        }
    }

    fn keep(&self, request: &Request) -> Result<String, Refusal> {
        let client_id = self.authenticate(request)?.id.clone();
        if request.form.iter().any(|(name, _)| name == "request_uri") {
            return Err(Refusal::request("a pushed request has no request_uri"));
        }
        // Who the client is was said to us; it is no part of the request.
        let authenticates = |name: &str| name == "client_secret" || name.starts_with("client_assertion");
        let mut parameters = request.form.clone();
        parameters.retain(|(name, _)| !authenticates(name) && name != "client_id");
        parameters.push(("client_id".into(), client_id.clone()));
        let (id, now) = (id(), self.now());
        let mut all = lock(&self.0.pushed);
        all.0.retain(|_, pushed| now < pushed.expires_at);
        all.0.insert(id.clone(), Pushed { client_id, parameters, expires_at: now + TTL });
        Ok(format!("{HANDLE}{id}"))
    }

    /// The authorization request that `query` stands for: what was pushed, once, or what it says itself.
    pub(super) fn unfolded(&self, query: &[(String, String)]) -> Option<Vec<(String, String)>> {
        let Ok(handle) = one(query, "request_uri") else { return None };
        let Some(handle) = handle else {
            let required = lock(&self.0.play).require_par;
            return (!required).then(|| query.to_vec());
        };
        let pushed = lock(&self.0.pushed).0.remove(handle.strip_prefix(HANDLE)?)?;
        let client_id = one(query, "client_id").ok().flatten()?;
        (client_id == pushed.client_id && self.now() < pushed.expires_at).then_some(pushed.parameters)
    }
}
