//! Calls of the provider's OAuth 2 endpoints, with client authentication.
//!
//! Every call is one POST of a form, or of JSON if the provider reads only that. Any 2xx status is a success, unless the answer
//! says that it is an error. An error answer (RFC 6749 §5.2, [`ErrorAnswer`]) has the first of these meanings that fits:
//!
//! | error | at | meaning |
//! |---|---|---|
//! | `invalid_token`, `unsupported_token_type` | revocation | there is nothing to revoke: success |
//! | `invalid_grant`, `bad_verification_code` | code exchange | the code is wrong, used or too old: [`not_trusted`] |
//! | `invalid_grant`, with another status than 429 | refresh | the grant has ended: [`reconnect_needed`] |
//! | `invalid_client`, `invalid_scope`, `redirect_uri_mismatch` and the like | any | the operator must correct the entry |
//! | `temporarily_unavailable`, `server_error`, a rate limit; status 429, 5xx | any | an outage: [`unavailable`] |
//! | others, with status 2xx, 400, 401 or 403 | refresh | the grant has ended: [`reconnect_needed`] |
//! | none, with status 401 | any | the operator must correct the entry |
//! | others | any | [`bad_answer`] |
//!
//! At a refresh, the media type of the answer does not matter. A firewall's page cannot be distinguished from the answer of a
//! provider that writes its errors in HTML; and if a grant has ended, an outage would be reported forever, with a request for
//! each page.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use serde_json::{Map, Value};
use url::Url;
use url::form_urlencoded::Serializer;

use super::answer_fields::answer_fields;
use super::client_auth::{Form, authenticate};
use super::endpoints::Endpoints;
use super::engine::Engine;
use super::error_answer::ErrorAnswer;
use super::errors::{
    bad_answer, not_trusted, reconnect_needed, request_failed, unavailable, unexpected_status,
    with_retry_after,
};
use super::failed_request;
use super::http::Response;
use super::provider_words::provider_words;
use super::request_headers::add_entry_headers;
use crate::error::{Error, ProviderError, Result};
use crate::profile::text::printable;
use crate::provider::TokenRequestFormat;
use crate::secret::Secret;

/// What a call asks for. It decides what the provider's error codes mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum EndpointCall {
    /// The first token, for an authorization code (RFC 6749 §4.1.3).
    CodeExchange,
    /// The next token, for a refresh token (RFC 6749 §6).
    Refresh,
    /// A handle for an authorization request (RFC 9126 §2).
    PushedAuthorization,
    /// The end of a token (RFC 7009 §2).
    Revocation,
}

impl EndpointCall {
    /// The name of the endpoint in messages.
    fn endpoint_name(self) -> &'static str {
        match self {
            Self::CodeExchange | Self::Refresh => "token endpoint",
            Self::PushedAuthorization => "pushed authorization request endpoint",
            Self::Revocation => "revocation endpoint",
        }
    }

    /// Sends `form` to `url`, once. Returns the fields of the answer, or none if a successful answer has none.
    ///
    /// # Errors
    /// The provider's refusal, by what it means for this call.
    pub(super) async fn send(
        self,
        engine: &Engine,
        endpoints: Endpoints<'_>,
        url: &Url,
        mut form: Form,
    ) -> Result<Option<Map<String, Value>>> {
        let answer = self.request(engine, endpoints, url, &mut form).await?;
        self.read(endpoints, &form, &answer).map_err(|error| failed_request::name_host(url, error))
    }

    /// Sends `form` to `url`, once, and adds the client's authentication to it. Returns the answer, whatever it is.
    pub(super) async fn request(
        self,
        engine: &Engine,
        endpoints: Endpoints<'_>,
        url: &Url,
        form: &mut Form,
    ) -> Result<Response> {
        let authorization = authenticate(endpoints, form, engine.clock.now())?;
        let (content_type, body) = self.body(endpoints.options.token_request_format, form);
        let mut request = engine.http.client.post(url.clone()).body(body).build().map_err(request_failed)?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
        add_entry_headers(endpoints.entry, &mut request)?;
        engine.http.send(request).await
    }

    /// The Content-Type and the body of a request with this `form`. Pushed requests are always forms (RFC 9126 §2.1).
    fn body(self, format: TokenRequestFormat, form: &Form) -> (&'static str, String) {
        if format == TokenRequestFormat::Json && self != Self::PushedAuthorization {
            let fields = form.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
            return ("application/json", Value::Object(fields.collect()).to_string());
        }
        let form = Serializer::new(String::new()).extend_pairs(form).finish();
        ("application/x-www-form-urlencoded", form)
    }

    /// Reads the answer to a call with this `form`.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub(super) fn read(
        self,
        endpoints: Endpoints<'_>,
        form: &Form,
        answer: &Response,
    ) -> Result<Option<Map<String, Value>>> {
        let fields = answer_fields(endpoints.options, answer);
        let error = match &fields {
            Some(fields) if ErrorAnswer::is_in(fields) => ErrorAnswer::read(fields),
            _ if answer.status().is_success() => return Ok(fields),
            Some(fields) => ErrorAnswer::read(fields),
            None => ErrorAnswer::default(),
        };
        match self.refusal(endpoints, form, answer, &error) {
            Some(error) => Err(with_retry_after(error, answer.headers())),
            None => Ok(None),
        }
    }

    /// The error for an error answer, also if its status is a success, as GitHub's is. None if the error means that the
    /// wanted state exists already.
    fn refusal(
        self,
        endpoints: Endpoints<'_>,
        form: &Form,
        answer: &Response,
        error: &ErrorAnswer,
    ) -> Option<Error> {
        let entry = endpoints.entry;
        let status = answer.status().as_u16();
        let name = error.name();
        let said = words(endpoints, form, error);
        let text = said.description.as_deref().unwrap_or_default();
        let answered = self.endpoint_name();
        let cause = match (&*said.error, text) {
            ("", "") => format!("the {answered} answered with {status}"),
            (code, text) => format!("the {answered} said `{code}` ({status}): {text}"),
        };
        // Some providers limit requests with a 403.
        let is_busy = status >= 500 || status == 429 || answer.headers().contains_key(RETRY_AFTER);
        let refusal = match (self, &*name) {
            // Google answers so where RFC 7009 §2.2 requires a 200.
            (Self::Revocation, "invalid_token" | "unsupported_token_type") => return None,
            (Self::CodeExchange, "invalid_grant" | "bad_verification_code") => not_trusted(cause),
            // Whatever the status and the text are, which may mention a timeout: this is the code of a dead grant.
            (Self::Refresh, "invalid_grant") if status != 429 => reconnect_needed(entry, cause),
            _ if error.is_clients() => entry.misconfigured(cause),
            _ if error.is_temporary() || is_busy => unavailable(cause),
            (Self::Refresh, _) if matches!(status, 200..=299 | 400 | 401 | 403) => {
                reconnect_needed(entry, cause)
            }
            (_, "") if status == 401 => {
                entry.misconfigured(format!("the {} doesn't know this client (401)", self.endpoint_name()))
            }
            (_, "") => unexpected_status(&format!("the request to the {}", self.endpoint_name()), status),
            _ => bad_answer(cause),
        };
        Some(match said == ProviderError::default() {
            true => refusal,
            false => refusal.with_provider_error(said),
        })
    }
}

/// What the provider said.
fn words(endpoints: Endpoints<'_>, form: &Form, error: &ErrorAnswer) -> ProviderError {
    // Some providers quote what they were sent.
    let has_secrets = |text: &str| {
        let secret = endpoints.options.client_auth.secret().map(Secret::expose);
        secret.is_some_and(|secret| text.contains(secret))
            || form
                .iter()
                .any(|(name, value)| name != "grant_type" && value.len() > 3 && text.contains(value.as_str()))
    };
    // The search comes before the cut: the beginning of a secret would still be a part of it.
    let quoted = |text: &str| {
        let whole = printable(text, usize::MAX);
        if has_secrets(&whole) { "(what it was sent)".to_owned() } else { whole }
    };
    // In a URL they may be encoded.
    let uri = Url::parse(&error.uri).ok();
    let quotes = uri.is_some_and(|uri| uri.query_pairs().any(|(_, value)| has_secrets(&value)));
    let uri = Some(quoted(&error.uri)).filter(|_| !quotes);
    provider_words(&quoted(&error.code), Some(&quoted(&error.text)), uri.as_deref())
}
