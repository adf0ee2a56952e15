//! Calls of the provider's OAuth 2 endpoints, with client authentication.
//!
//! Every call is one POST of a form, or of JSON if the provider reads only that. An error response (RFC 6749 §5.2) has these meanings:
//!
//! | `error` | at | meaning |
//! |---|---|---|
//! | `invalid_grant`, `bad_verification_code` | code exchange | the code is wrong, used or too old: [`not_trusted`] |
//! | `invalid_grant`, `bad_refresh_token` | refresh | the grant has ended: [`reconnect_needed`] |
//! | `invalid_client`, `redirect_uri_mismatch` and the like | any | the operator must correct the entry |
//! | `temporarily_unavailable`, `server_error`, `slow_down` | any | an outage: [`unavailable`] |
//! | `invalid_token` | revocation | the token is invalid already: success |
//! | others | any | [`unavailable`] with status 429 or 5xx, otherwise [`bad_answer`] |

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde_json::{Map, Value};
use url::Url;
use url::form_urlencoded::Serializer;

use super::answer_fields::answer_fields;
use super::client_auth::{Form, authenticate};
use super::endpoints::Endpoints;
use super::engine::Engine;
use super::errors::{
    bad_answer, not_trusted, reconnect_needed, request_failed, unavailable, unexpected_status,
    with_retry_after,
};
use super::http::Response;
use super::request_headers::add_entry_headers;
use crate::error::{Error, Result};
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

    /// Whether an answer with this HTTP status is a success, if it is no error response.
    fn is_success(self, status: u16) -> bool {
        status == 200 || status == 201 && self == Self::PushedAuthorization
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
        let authorization = authenticate(endpoints, &mut form, engine.clock.now())?;
        let (content_type, body) = self.body(endpoints.options.token_request_format, &form);
        let mut request = engine.http.0.post(url.clone()).body(body).build().map_err(request_failed)?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
        add_entry_headers(endpoints.entry, &mut request)?;
        let answer = engine.http.send(request).await?;
        self.read(endpoints, &form, &answer).map_err(|error| with_retry_after(error, answer.headers()))
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
    fn read(
        self,
        endpoints: Endpoints<'_>,
        form: &Form,
        answer: &Response,
    ) -> Result<Option<Map<String, Value>>> {
        let status = answer.status().as_u16();
        let fields = answer_fields(endpoints.options, answer);
        if let Some(fields) = fields.as_ref().filter(|fields| fields.contains_key("error")) {
            return self.refusal(endpoints, status, fields, form).map_or(Ok(None), Err);
        }
        if self.is_success(status) {
            return Ok(fields);
        }
        let name = self.endpoint_name();
        Err(match status {
            401 => endpoints.entry.misconfigured(format!("the {name} doesn't know this client (401)")),
            status => unexpected_status(&format!("the request to the {name}"), status),
        })
    }

    /// The error for an error response (RFC 6749 §5.2), also if its status is 200, as GitHub's is. None if the error means
    /// that the wanted state exists already.
    fn refusal(
        self,
        endpoints: Endpoints<'_>,
        status: u16,
        fields: &Map<String, Value>,
        form: &Form,
    ) -> Option<Error> {
        let Endpoints { entry, options, .. } = endpoints;
        let text = |name| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let code = printable(text("error"), 64);
        // Some providers quote what they were sent.
        let has_secrets = |text: &str| {
            let secret = options.client_auth.secret().map(Secret::expose);
            secret.is_some_and(|secret| text.contains(secret))
                || form.iter().any(|(name, value)| {
                    name != "grant_type" && value.len() > 3 && text.contains(value.as_str())
                })
        };
        // The search comes before the cut: the beginning of a secret would still be a part of it.
        let quoted = |name, max| {
            let whole = printable(text(name), usize::MAX);
            if has_secrets(&whole) { "(what it was sent)".to_owned() } else { printable(&whole, max) }
        };
        let (error, description) = (quoted("error", 64), quoted("error_description", 300));
        let cause = format!("the {} said `{error}` ({status}): {description}", self.endpoint_name());
        Some(match code.as_str() {
            // The token is invalid already. Google answers so where RFC 7009 §2.2 requires a 200.
            "invalid_token" if self == Self::Revocation => return None,
            "invalid_grant" | "bad_verification_code" if self == Self::CodeExchange => {
                not_trusted("the provider refused the code").with_source(cause)
            }
            "invalid_grant" | "bad_refresh_token" if self == Self::Refresh => reconnect_needed(entry, cause),
            "invalid_client"
            | "unauthorized_client"
            | "incorrect_client_credentials"
            | "invalid_redirect_uri"
            | "redirect_uri_mismatch" => entry.misconfigured(cause),
            "temporarily_unavailable" | "server_error" | "slow_down" => unavailable(cause),
            _ if status >= 500 || status == 429 => unavailable(cause),
            _ => bad_answer(cause),
        })
    }
}
