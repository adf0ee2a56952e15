//! The protocols of a flow, from the redirect to the granted token, and what follows: refresh, revocation, userinfo and
//! logout.
//!
//! This module knows neither Rocket nor a storage. [`Engine::begin`] returns the URL to send the browser to; the caller
//! keeps the [`Flow`] until the callback, checks the [`Callback`] with [`Engine::check_callback`], and gets the [`Grant`]
//! from [`Engine::finish`].
//!
//! | files | what they hold |
//! |---|---|
//! | `engine` `flow` `callback` `grant` | the four types above |
//! | `authorization_request` `callback_check` `refresh` `revocation` `userinfo` `end_session` `logout_token` `api_authorization` `provider_probe` | the engine's operations |
//! | `endpoints` `client_auth` `endpoint_call` `token_request` `token_answer` `token_values` `authorization_params` `authorization_url` `pushed_authorization` | OAuth 2 at the provider's endpoints |
//! | `user_documents` `user_profile` | what the provider says about the user, and the profile in it |
//! | `metadata` `jwks` `key_set` `jwt` `claims` `id_token` `id_token_requirements` | OpenID Connect: discovery, keys, signed tokens |
//! | `oauth1` `signature` `temporary_credentials` | OAuth 1.0a |
//! | `http` `stand_ins` `timeouts` `request_headers` `document_cache` `pages` `json` `json_repair` `form` `answer_fields` `errors` `failed_request` `error_answer` `provider_words` | how requests are sent and answers are read |

mod answer_fields;
mod api_authorization;
mod authorization_params;
mod authorization_request;
mod authorization_url;
mod callback;
mod callback_check;
mod claims;
mod client_auth;
mod document_cache;
mod end_session;
mod endpoint_call;
mod endpoints;
mod engine;
mod error_answer;
mod errors;
mod failed_request;
#[allow(clippy::module_inception, reason = "it holds the type `Flow`")]
mod flow;
mod form;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod grant;
mod http;
mod id_token;
mod id_token_requirements;
pub(crate) mod json;
mod json_repair;
mod jwks;
mod jwt;
mod key_set;
mod logout_token;
mod metadata;
mod oauth1;
mod pages;
mod provider_probe;
mod provider_words;
mod pushed_authorization;
mod refresh;
mod request_headers;
mod revocation;
pub(crate) mod signature;
mod stand_ins;
mod temporary_credentials;
mod timeouts;
mod token_answer;
mod token_request;
mod user_documents;
mod token_values;
mod user_profile;
mod userinfo;

#[cfg(test)]
mod tests;

pub(crate) use self::callback::{Callback, CallbackResult};
pub(crate) use self::engine::Engine;
pub(crate) use self::errors::{
    begun_too_long_ago, not_trusted, reconnect_needed, request_failed, retry_after,
};
#[cfg(feature = "testing")]
pub(crate) use self::errors::{provider_timeout, unavailable};
pub(crate) use self::failed_request::{
    PROXY_VARIABLES, describe as describe_failure, is_untrusted_certificate,
};
pub(crate) use self::flow::{Flow, state_handle};
pub(crate) use self::grant::Grant;
#[cfg(feature = "testing")]
pub(crate) use self::http::CALL_TIMEOUT;
pub(crate) use self::http::{MAX_ANSWER, check_certificate_authorities, read_answer};
pub(crate) use self::jwt::text_claim;
pub(crate) use self::key_set::KeySet;
pub(crate) use self::logout_token::{LOGOUT_TOKEN_TTL, LogoutToken, provider_session_id};
pub(crate) use self::metadata::Metadata;
pub(crate) use self::provider_probe::ProviderProbe;
pub(crate) use self::refresh::RefreshOutcome;
pub(crate) use self::stand_ins::StandIns;
#[cfg(feature = "testing")]
pub(crate) use self::stand_ins::{RequestKind, StandIn};
pub(crate) use self::timeouts::{REFRESH_TIMEOUT, callback_timeout};
pub(crate) use self::userinfo::with_body;
