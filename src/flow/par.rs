//! Pushed authorization requests (RFC 9126): the request goes to the provider directly, the browser carries a handle.

use serde_json::Value;
use url::Url;

use super::Http;
use super::http::bad_answer;
use super::oauth2::{Asking, Endpoint};
use super::oidc::Metadata;
use crate::config::Entry;
use crate::error::Result;

/// How long a handle may be: it goes into a URL.
const LONGEST: usize = 2048;

/// Where the entry's authorization requests are pushed to; none where they go through the browser.
pub(super) fn endpoint<'a>(entry: &'a Entry, metadata: Option<&'a Metadata>) -> Result<Option<&'a Url>> {
    let required = metadata.is_some_and(|metadata| metadata.require_pushed_authorization_requests);
    if !entry.par.unwrap_or(required) {
        return Ok(None);
    }
    let discovered = metadata.and_then(|metadata| metadata.pushed_authorization_request_endpoint.as_ref());
    entry.need(entry.par_url.as_ref().or(discovered), "par_url").map(Some)
}

impl Endpoint<'_> {
    /// Pushes the authorization request `request`, and gives the URL that stands for it (RFC 9126 §2, §4). The handle
    /// in it is good once, and soon over: every begin pushes a request of its own.
    pub(super) async fn push(&self, http: &Http, par: &Url, request: &Url) -> Result<Url> {
        let form = self.form(par, request.query_pairs().into_owned().collect())?;
        let answer = self.ask(http, Asking::Push, form).await?.unwrap_or_default();
        let handle = answer.get("request_uri").and_then(Value::as_str).unwrap_or_default();
        let is_fit = |c: char| c.is_ascii_graphic();
        if handle.is_empty() || handle.len() > LONGEST || !handle.chars().all(is_fit) {
            return Err(bad_answer("the pushed authorization request was answered without a `request_uri`"));
        }
        let mut url = self.authorization.clone();
        url.query_pairs_mut()
            .append_pair("client_id", &self.entry.client_id)
            .append_pair("request_uri", handle);
        Ok(url)
    }
}
