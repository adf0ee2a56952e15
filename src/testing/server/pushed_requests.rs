//! [`PushedRequests`]: the authorization requests that were pushed (RFC 9126).

use std::collections::HashMap;

use super::sealed::random_id;

/// The prefix of a `request_uri` (RFC 9126 §2.2).
const REQUEST_URI_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// Lifetime of a pushed request, in seconds.
pub(super) const PUSHED_REQUEST_TTL: i64 = 60;

/// The pushed authorization requests, by their id.
#[derive(Debug, Default)]
pub(crate) struct PushedRequests(HashMap<String, PushedRequest>);

#[derive(Debug)]
struct PushedRequest {
    client_id: String,
    parameters: Vec<(String, String)>,
    /// Unix time, in seconds.
    expires_at: i64,
}

impl PushedRequests {
    /// Stores a request of `client_id` and returns its `request_uri`. `now` is in unix seconds.
    pub(super) fn insert(
        &mut self,
        client_id: String,
        parameters: Vec<(String, String)>,
        now: i64,
    ) -> String {
        self.0.retain(|_, pushed| now < pushed.expires_at);
        let id = random_id();
        let expires_at = now + PUSHED_REQUEST_TTL;
        self.0.insert(id.clone(), PushedRequest { client_id, parameters, expires_at });
        format!("{REQUEST_URI_PREFIX}{id}")
    }

    /// Removes the request behind `request_uri` and returns its parameters, if it is of `client_id` and has not expired.
    pub(super) fn take(
        &mut self,
        request_uri: &str,
        client_id: Option<&str>,
        now: i64,
    ) -> Option<Vec<(String, String)>> {
        let pushed = self.0.remove(request_uri.strip_prefix(REQUEST_URI_PREFIX)?)?;
        (client_id? == pushed.client_id && now < pushed.expires_at).then_some(pushed.parameters)
    }
}
