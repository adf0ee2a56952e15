//! Pushed authorization requests (RFC 9126): the app sends the request to the provider directly, and the browser carries
//! only a handle.

use std::borrow::Cow;

use serde_json::Value;
use url::Url;

use super::authorization_url::with_parameters;
use super::endpoint_call::EndpointCall;
use super::endpoints::Endpoints;
use super::engine::Engine;
use super::errors::bad_answer;
use crate::error::Result;

/// Maximum length of a handle, in bytes: it becomes part of a URL.
const MAX_HANDLE: usize = 2048;

/// Pushes the authorization request with the parameters `params` to the endpoint `url`. Returns the URL that stands for it
/// (RFC 9126 §2, §4). The handle in that URL is short-lived and can be used once, so each flow pushes its own request.
pub(super) async fn push(
    engine: &Engine,
    endpoints: Endpoints<'_>,
    url: &Url,
    params: impl IntoIterator<Item = (Cow<'static, str>, String)>,
) -> Result<String> {
    let authorization = endpoints.authorization()?;
    let own = authorization.query_pairs().into_owned();
    let form = own.chain(params.into_iter().map(|(name, value)| (name.into_owned(), value))).collect();
    let fields = EndpointCall::PushedAuthorization.send(engine, endpoints, url, form).await?;
    let fields = fields.unwrap_or_default();
    let handle = fields.get("request_uri").and_then(Value::as_str).unwrap_or_default();
    if handle.is_empty() || handle.len() > MAX_HANDLE || !handle.chars().all(|c| c.is_ascii_graphic()) {
        return Err(bad_answer("the pushed authorization request was answered without a `request_uri`"));
    }
    let params = [("client_id", endpoints.entry.client_id.as_str()), ("request_uri", handle)];
    Ok(with_parameters(authorization, params))
}
