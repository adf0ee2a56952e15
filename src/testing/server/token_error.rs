//! [`TokenError`]: an error response of the token endpoint.

use serde_json::json;

use super::http_request::RepeatedParameter;
use super::http_response::HttpResponse;

/// An error response of the token endpoint, or of another endpoint that clients call (RFC 6749 §5.2).
#[derive(Debug)]
pub(super) struct TokenError {
    status: u16,
    error: &'static str,
    description: &'static str,
}

impl TokenError {
    pub(super) fn invalid_grant(description: &'static str) -> Self {
        Self { status: 400, error: "invalid_grant", description }
    }

    pub(super) fn invalid_request(description: &'static str) -> Self {
        Self { status: 400, error: "invalid_request", description }
    }

    pub(super) fn invalid_client() -> Self {
        Self {
            status: 401,
            error: "invalid_client",
            description: "the client is unknown or its secret is wrong",
        }
    }

    pub(super) fn unsupported_grant_type() -> Self {
        let description = "the provider supports authorization_code and refresh_token";
        Self { status: 400, error: "unsupported_grant_type", description }
    }

    pub(super) fn into_response(self) -> HttpResponse {
        let Self { status, error, description } = self;
        let response = HttpResponse::json(status, &json!({"error": error, "error_description": description}));
        match status {
            401 => response.with_header("WWW-Authenticate", "Basic realm=\"token\""),
            _ => response,
        }
    }
}

impl From<RepeatedParameter> for TokenError {
    fn from(_: RepeatedParameter) -> Self {
        Self::invalid_request("a parameter is repeated")
    }
}
