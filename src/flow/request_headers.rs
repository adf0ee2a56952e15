//! Headers of requests to a provider.

use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use ring::hmac;

use super::errors::reconnect_needed;
use crate::config::{Entry, OAuth2Options, Placement};
use crate::error::Result;
use crate::secret::{Secret, encode_hex};

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

/// Adds the access token to a request (RFC 6750 §2.1), where the provider reads it.
pub(super) fn add_access_token(
    entry: &Entry,
    placement: &Placement,
    request: &mut reqwest::Request,
    access_token: &Secret,
) -> Result<()> {
    let (name, text) = match placement {
        Placement::Authorization(scheme) => (AUTHORIZATION, format!("{scheme} {}", access_token.expose())),
        Placement::Header(name) => {
            let name =
                name.parse().map_err(|_| entry.misconfigured("the token's header has no valid name"))?;
            (name, access_token.expose().to_owned())
        }
        Placement::Query(name) => {
            set_query_param(request, name, access_token.expose());
            return Ok(());
        }
    };
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| reconnect_needed(entry, "the access token does not fit into a header"))?;
    value.set_sensitive(true);
    request.headers_mut().insert(name, value);
    Ok(())
}

/// Adds a proof that the client sends the request: the HMAC of the access token with the client secret.
pub(super) fn add_token_proof(
    options: &OAuth2Options,
    request: &mut reqwest::Request,
    access_token: &Secret,
) {
    let (name, Some(secret)) = (options.token_proof_param, options.client_auth.secret()) else { return };
    if !name.is_empty() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        let proof = hmac::sign(&key, access_token.expose().as_bytes());
        set_query_param(request, name, &encode_hex(proof.as_ref()));
    }
}

/// Sets a query parameter. A request that is sent again has the one of the old token.
fn set_query_param(request: &mut reqwest::Request, name: &str, value: &str) {
    let all: Vec<_> = request.url().query_pairs().into_owned().collect();
    let kept: Vec<_> = all.iter().filter(|(known, _)| known != name).collect();
    let mut query = request.url_mut().query_pairs_mut();
    if kept.len() < all.len() {
        query.clear().extend_pairs(kept);
    }
    query.append_pair(name, value);
}
