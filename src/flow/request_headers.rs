//! Headers of requests to a provider.

use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};

use super::errors::reconnect_needed;
use crate::config::Entry;
use crate::error::Result;
use crate::secret::Secret;

/// Adds the entry's `headers` to a request. They replace our own headers, except those that authenticate the request or
/// describe its body.
pub(super) fn add_entry_headers(entry: &Entry, request: &mut reqwest::Request) -> Result<()> {
    for (name, value) in &entry.additions.headers {
        let header = name.parse::<HeaderName>().ok().zip(value.parse::<HeaderValue>().ok());
        let (header, value) =
            header.ok_or_else(|| entry.misconfigured(format!("`headers`: `{name}` can't be sent")))?;
        if ![AUTHORIZATION, CONTENT_TYPE, CONTENT_LENGTH].contains(&header) {
            request.headers_mut().insert(header, value);
        }
    }
    Ok(())
}

/// Adds the access token to a request (RFC 6750 §2.1).
pub(super) fn add_bearer_token(
    entry: &Entry,
    request: &mut reqwest::Request,
    access_token: &Secret,
) -> Result<()> {
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", access_token.expose()))
        .map_err(|_| reconnect_needed(entry, "the access token does not fit into a header"))?;
    bearer.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, bearer);
    Ok(())
}
