//! The authorization server that [`FakeProvider`](super::FakeProvider) and [`DemoProvider`](super::DemoProvider) share.
//!
//! [`AuthorizationServer`] holds the state. Each file below it that is named for an endpoint has the functions that
//! answer it; `routes` mounts them.

mod api;
mod api_route;
mod authorization_server;
mod authorize;
mod behavior;
mod client_authentication;
mod client_key;
mod discovery;
mod end_session;
mod endpoints;
mod fake_response;
mod http_request;
mod http_response;
mod issued_by_test;
mod oauth1;
mod oauth1_credentials;
mod page;
mod preset_answers;
mod provider_endpoint;
mod push;
mod pushed_requests;
mod recorded_request;
mod registered_client;
mod respond;
mod response_gate;
mod revoke;
mod routes;
mod script;
mod sealed;
mod signing_key;
mod token;
mod token_error;
mod token_log;

pub use self::api_route::ApiRoute;
pub use self::fake_response::FakeResponse;
pub use self::provider_endpoint::ProviderEndpoint;
pub use self::recorded_request::RecordedRequest;
pub use self::registered_client::RegisteredClient;
pub use self::response_gate::ResponseGate;

pub(super) use self::authorization_server::AuthorizationServer;
pub(super) use self::behavior::RefreshTokenRule;
pub(super) use self::client_key::ClientKey;
pub(super) use self::http_request::HttpRequest;
pub(super) use self::issued_by_test::{IssuedTokens, TokenState, issue_for_test};
#[cfg(feature = "rsa-sha1")]
pub(super) use self::oauth1::rsa_key;
pub(super) use self::preset_answers::{email, name};
pub(super) use self::respond::{Response, respond_at};
pub(super) use self::routes::{hide_authorization, routes};
pub(super) use self::script::Script;
pub(super) use self::sealed::random_id;
pub(super) use self::signing_key::SigningKey;
pub(super) use self::token::native_id_token;
