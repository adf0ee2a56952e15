//! OAuth 2 on the oauth2 crate.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::oauth2::basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse};
use ::oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, HttpRequest, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, Scope, StandardRevocableToken, TokenUrl,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

use super::callback::{not_trusted, printable};
use super::http::{Response, bad_answer, failed, hinted, unavailable, unreachable};
use super::token_answer::{TokenAnswer, fields};
use super::{Flow, Http};
use crate::config::{AUTHORIZATION_PARAMS, Entry, TOKEN_PARAMS};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::{ClientAuth, Protocol, ResponseMode};
use crate::secret::Secret;

type Client = ::oauth2::Client<
    BasicErrorResponse,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// What is being asked for, which decides what an answer means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// With the code, for the first token.
    Exchange,
    /// With the refresh token, for the next one.
    Refresh,
    /// To keep an authorization request.
    Push,
    /// To end a token.
    Revoke,
}

impl Asking {
    /// The endpoint that is asked.
    fn endpoint(self) -> &'static str {
        match self {
            Asking::Exchange | Asking::Refresh => "token endpoint",
            Asking::Push => "pushed authorization request endpoint",
            Asking::Revoke => "revocation endpoint",
        }
    }
}

/// One entry at its endpoints.
pub(crate) struct Endpoint<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) authorization: Url,
    pub(crate) token: Url,
    /// What the provider takes of client assertions, where it says so.
    pub(crate) signing_algorithms: Option<Vec<String>>,
    pub(crate) now: i64,
}

impl Endpoint<'_> {
    fn client(&self) -> Client {
        let client = ::oauth2::Client::new(ClientId::new(self.entry.client_id.clone()))
            .set_auth_uri(AuthUrl::from_url(self.authorization.clone()))
            .set_token_uri(TokenUrl::from_url(self.token.clone()));
        match (self.entry.auth, &self.entry.client_secret) {
            (ClientAuth::None | ClientAuth::PrivateKeyJwt, _) | (_, None) => {
                client.set_auth_type(AuthType::RequestBody)
            }
            (auth, Some(secret)) => client
                .set_auth_type(if auth == ClientAuth::Basic {
                    AuthType::BasicAuth
                } else {
                    AuthType::RequestBody
                })
                .set_client_secret(ClientSecret::new(secret.expose().to_owned())),
        }
    }

    fn redirecting(&self, flow: &Flow) -> Result<Client> {
        RedirectUrl::new(flow.redirect_uri.clone())
            .map(|url| self.client().set_redirect_uri(url))
            .map_err(|error| self.entry.misconfigured(format!("`redirect_uri`: {error}")))
    }

    /// The authorization request (RFC 6749 §4.1.1).
    pub(crate) fn authorize(&self, flow: &Flow, extra: &BTreeMap<String, String>) -> Result<Url> {
        let client = self.redirecting(flow)?;
        let state = || CsrfToken::new(flow.state().expose().to_owned());
        let mut request = client.authorize_url(state);
        if !self.entry.scope.is_empty() {
            // One text, so that the entry's own separator stands in it.
            request = request.add_scope(Scope::new(self.entry.scope.join(&self.entry.scope_separator)));
        }
        if self.entry.pkce {
            let verifier = PkceCodeVerifier::new(flow.verifier().expose().to_owned());
            request = request.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        }
        if self.entry.response_mode == ResponseMode::FormPost {
            request = request.add_extra_param("response_mode", "form_post");
        }
        if self.entry.protocol == Protocol::OpenIdConnect {
            request = request.add_extra_param("nonce", flow.nonce().expose().to_owned());
        }
        Ok(parameters(self.entry, extra)
            .into_iter()
            .fold(request, |request, (name, value)| request.add_extra_param(name, value))
            .url()
            .0)
    }

    /// The token for a code (RFC 6749 §4.1.3): asked for once, whatever happens.
    pub(crate) async fn exchange(&self, http: &Http, flow: &Flow, code: &Secret) -> Result<TokenAnswer> {
        let client = self.redirecting(flow)?;
        let mut request = client.exchange_code(AuthorizationCode::new(code.expose().to_owned()));
        if self.entry.pkce {
            request = request.set_pkce_verifier(PkceCodeVerifier::new(flow.verifier().expose().to_owned()));
        }
        for (name, value) in self.token_params()? {
            request = request.add_extra_param(name, value);
        }
        let sender = Sender::new(http, self.entry, Asking::Exchange);
        request.request_async(&sender).await.map_err(told)
    }

    /// The next token (RFC 6749 §6).
    pub(crate) async fn refresh(&self, http: &Http, refresh_token: &Secret) -> Result<TokenAnswer> {
        let client = self.client();
        let refresh_token = RefreshToken::new(refresh_token.expose().to_owned());
        let mut request = client.exchange_refresh_token(&refresh_token);
        for (name, value) in self.token_params()? {
            request = request.add_extra_param(name, value);
        }
        let sender = Sender::new(http, self.entry, Asking::Refresh);
        request.request_async(&sender).await.map_err(told)
    }

    fn token_params(&self) -> Result<Vec<(String, String)>> {
        let params = self.entry.token_params.clone().into_iter();
        let params = params.filter(|(name, _)| !TOKEN_PARAMS.contains(&name.as_str()));
        let assertion = self.assertion()?.into_iter().map(|(name, value)| (name.to_owned(), value));
        Ok(params.chain(assertion).collect())
    }

    /// Sends a request of ours that isn't the oauth2 crate's; the answer's fields, where it has any.
    pub(super) async fn ask(
        &self,
        http: &Http,
        asking: Asking,
        request: HttpRequest,
    ) -> Result<Option<Map<String, Value>>> {
        Sender::new(http, self.entry, asking).ask(request).await
    }
}

/// The entry's parameters of an authorization request, `extra` ones over them, none over the protocol's own.
pub(super) fn parameters(entry: &Entry, extra: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut parameters = entry.authorization_params.clone();
    parameters.extend(extra.clone());
    parameters.retain(|name, _| !AUTHORIZATION_PARAMS.contains(&name.as_str()));
    parameters
}

/// Our HTTP client, as the oauth2 crate asks for one. It borrows nothing: the compiler can't see that the crate's
/// futures are `Send` where it does (rust-lang/rust#64552).
#[derive(Clone)]
struct Sender {
    http: Http,
    entry: Arc<Entry>,
    asking: Asking,
}

impl AsyncHttpClient<'_> for Sender {
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response>>;

    fn call(&self, request: HttpRequest) -> Self::Future {
        let sender = self.clone();
        async move { sender.send(request).await }.boxed()
    }
}

impl Sender {
    fn new(http: &Http, entry: &Entry, asking: Asking) -> Self {
        Self { http: http.clone(), entry: Arc::new(entry.clone()), asking }
    }

    /// Between the oauth2 crate and the world.
    async fn send(&self, request: HttpRequest) -> Result<Response> {
        let fields = self
            .ask(request)
            .await?
            .ok_or_else(|| bad_answer("the token endpoint's answer is not JSON, or says something twice"))?;
        Ok(Response::new(Value::Object(fields).to_string().into_bytes()))
    }

    /// The entry's headers on the way out, the providers' own ways of answering on the way back.
    async fn ask(&self, request: HttpRequest) -> Result<Option<Map<String, Value>>> {
        let sent = String::from_utf8_lossy(request.body()).into_owned();
        let mut request = reqwest::Request::try_from(request).map_err(unreachable)?;
        add_headers(&self.entry, &mut request)?;
        let answer = self.http.send(request).await?;
        let status = answer.status().as_u16();
        let is_good = status == 200 || status == 201 && self.asking == Asking::Push;
        let end = match fields(&self.entry, &answer) {
            Some(fields) if fields.contains_key("error") => match self.refusal(status, &fields, &sent) {
                Some(error) => Err(error),
                None => Ok(None),
            },
            fields if is_good => Ok(fields),
            _ if status == 401 => Err(self
                .entry
                .misconfigured(format!("the {} doesn't know this client (401)", self.asking.endpoint()))),
            _ => Err(failed(&format!("the request to the {}", self.asking.endpoint()), status)),
        };
        end.map_err(|error| hinted(error, &answer))
    }

    /// The endpoint's "no" (RFC 6749 §5.2), also where it comes with 200 as GitHub's does. None where it is none.
    fn refusal(&self, status: u16, fields: &Map<String, Value>, sent: &str) -> Option<Error> {
        let text = |name| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let code = printable(text("error"), 64);
        // Some providers quote what they were sent.
        let quotes = |text: &str| {
            let mut sent = url::form_urlencoded::parse(sent.as_bytes());
            let secret = self.entry.client_secret.as_ref().map(Secret::expose);
            secret.is_some_and(|secret| text.contains(secret))
                || sent.any(|(name, value)| name != "grant_type" && value.len() > 3 && text.contains(&*value))
        };
        // Looked at whole: what is cut in the middle is a part of a secret still.
        let said = |name, max| {
            let whole = printable(text(name), usize::MAX);
            if quotes(&whole) { "(what it was sent)".to_owned() } else { printable(&whole, max) }
        };
        let (error, description) = (said("error", 64), said("error_description", 300));
        let cause = format!("the {} said `{error}` ({status}): {description}", self.asking.endpoint());
        Some(match code.as_str() {
            // Ended already, as was wanted: Google says so where RFC 7009 §2.2 wants a 200.
            "invalid_token" if self.asking == Asking::Revoke => return None,
            "invalid_grant" | "bad_verification_code" if self.asking == Asking::Exchange => {
                not_trusted("the provider refused the code").with_source(cause)
            }
            "invalid_grant" | "bad_refresh_token" if self.asking == Asking::Refresh => {
                reconnect(&self.entry, cause)
            }
            "invalid_client"
            | "unauthorized_client"
            | "incorrect_client_credentials"
            | "invalid_redirect_uri"
            | "redirect_uri_mismatch" => self.entry.misconfigured(cause),
            "temporarily_unavailable" | "server_error" | "slow_down" => unavailable(cause),
            _ if status >= 500 || status == 429 => unavailable(cause),
            _ => bad_answer(cause),
        })
    }
}

/// A grant that is dead.
pub(crate) fn reconnect(entry: &Entry, cause: impl Into<String>) -> Error {
    Error::new(ErrorKind::ReconnectNeeded, format!("Please connect {} again.", entry.title))
        .with_source(cause.into())
}

/// Puts the access token on `request` (RFC 6750 §2.1).
pub(crate) fn bear(entry: &Entry, request: &mut reqwest::Request, access_token: &Secret) -> Result<()> {
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", access_token.expose()))
        .map_err(|_| reconnect(entry, "the access token does not fit into a header"))?;
    bearer.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, bearer);
    Ok(())
}

/// Puts the entry's headers on a request to its provider: over ours, but never over who we are.
pub(crate) fn add_headers(entry: &Entry, request: &mut reqwest::Request) -> Result<()> {
    for (name, value) in &entry.headers {
        let header = name.parse::<HeaderName>().ok().zip(value.parse::<HeaderValue>().ok());
        let (header, value) =
            header.ok_or_else(|| entry.misconfigured(format!("`headers`: `{name}` can't be sent")))?;
        if ![AUTHORIZATION, CONTENT_TYPE, CONTENT_LENGTH].contains(&header) {
            request.headers_mut().insert(header, value);
        }
    }
    Ok(())
}

fn told(error: RequestTokenError<Error, BasicErrorResponse>) -> Error {
    match error {
        RequestTokenError::Request(error) => error,
        // Our own sentence about a field; never the body beside it.
        RequestTokenError::Parse(error, _) => bad_answer(format!("the token answer: {}", error.into_inner())),
        _ => bad_answer("the token answer can't be read"),
    }
}
