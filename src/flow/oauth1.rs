//! OAuth 1.0a (RFC 5849 §2), in three steps: the app requests temporary credentials, the user's browser brings the temporary
//! token to the provider and a verifier back, and the app exchanges both for the token. Each request of the app is signed.

use std::collections::BTreeMap;

use http::header::{CONTENT_LENGTH, HeaderValue};
use reqwest::Method;

use super::authorization_url::with_parameters;
use super::engine::Engine;
use super::errors::{bad_answer, not_trusted, request_failed, unexpected_status, with_retry_after};
use super::flow::Flow;
use super::form::Parameters;
use super::http::{Http, Response, clock_skew};
use super::request_headers::add_entry_headers;
use super::signature::{Credentials, sign};
use super::temporary_credentials::TemporaryCredentials;
use crate::config::{Entry, OAUTH1_PARAMS, OAuth1Options};
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::token::Token;

/// Maximum length of a temporary token and of its secret, in bytes: they become part of a URL and of a cookie.
const MAX_TEMPORARY: usize = 1 << 10;
/// Difference of two clocks from which on an error mentions it, in seconds.
const NOTABLE_SKEW: i64 = 60;

/// The client of an OAuth 1 entry at its provider, at one moment.
pub(super) struct Consumer<'a> {
    http: &'a Http,
    entry: &'a Entry,
    options: &'a OAuth1Options,
    /// Unix time in seconds.
    now: i64,
}

impl<'a> Consumer<'a> {
    pub(super) fn new(engine: &'a Engine, entry: &'a Entry, options: &'a OAuth1Options) -> Self {
        Self { http: &engine.http, entry, options, now: engine.clock.now() }
    }
}

/// What a request asks for. It decides what a refusal means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RequestedCredentials {
    Temporary,
    Token,
}

/// Requests temporary credentials for `flow` (RFC 5849 §2.1).
pub(super) async fn request_temporary_credentials(
    consumer: &Consumer<'_>,
    flow: &Flow,
) -> Result<TemporaryCredentials> {
    read_temporary_credentials(consumer, &ask_for_temporary_credentials(consumer, flow).await?)
}

/// Sends the request for temporary credentials. The answer may be a refusal.
pub(super) async fn ask_for_temporary_credentials(consumer: &Consumer<'_>, flow: &Flow) -> Result<Response> {
    let additions = &consumer.entry.additions;
    let callback = [("oauth_callback", flow.redirect_uri.as_str())];
    let params = || additions.token_params.iter().filter(|(name, _)| !name.starts_with(OAUTH1_PARAMS));
    let mut request = consumer.http.client.request(Method::POST, consumer.options.request_token_url.clone());
    if params().next().is_some() {
        request = request.form(&params().collect::<Vec<_>>());
    }
    send(consumer, request, None, &callback).await
}

/// Reads the answer to a request for temporary credentials.
pub(super) fn read_temporary_credentials(
    consumer: &Consumer<'_>,
    answer: &Response,
) -> Result<TemporaryCredentials> {
    let mut answer = read(consumer, answer, RequestedCredentials::Temporary)?;
    // Without it the provider speaks OAuth 1.0, in which an attacker could finish another user's flow.
    // Authlib's server writes `True`.
    if !answer.remove("oauth_callback_confirmed").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(bad_answer("the provider doesn't confirm the callback (`oauth_callback_confirmed`)"));
    }
    let (token, secret) = take_credentials(&mut answer)?;
    if token.expose().len() > MAX_TEMPORARY || secret.expose().len() > MAX_TEMPORARY {
        return Err(bad_answer("the temporary credentials are too long"));
    }
    Ok(TemporaryCredentials::new(&token, &secret))
}

/// Returns the URL of the authorization request of `flow` (RFC 5849 §2.2).
pub(super) fn authorization_url(
    consumer: &Consumer<'_>,
    flow: &Flow,
    extra: &BTreeMap<String, String>,
) -> String {
    let mut params = consumer.entry.additions.authorization_params.clone();
    params.extend(extra.clone());
    params.retain(|name, _| !name.starts_with(OAUTH1_PARAMS));
    let params = params.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let token = flow.state();
    let params = [("oauth_token", token.expose())].into_iter().chain(params);
    with_parameters(&consumer.options.authorization_url, params)
}

/// Exchanges temporary credentials and a verifier for the token (RFC 5849 §2.3). The request is sent once, whatever
/// happens.
pub(super) async fn request_token(
    consumer: &Consumer<'_>,
    temporary: &TemporaryCredentials,
    verifier: &Secret,
) -> Result<Token> {
    let (token, secret) = (temporary.token(), temporary.secret());
    let verifier = [("oauth_verifier", verifier.expose())];
    let request = consumer.http.client.request(Method::POST, consumer.options.access_token_url.clone());
    let credentials = Some((&token, &secret));
    let answer = send(consumer, request, credentials, &verifier).await?;
    let mut answer = read(consumer, &answer, RequestedCredentials::Token)?;
    let (token, secret) = take_credentials(&mut answer)?;
    let mut token = Token::oauth1(token.expose(), secret.expose());
    token.extra = answer.into_iter().map(|(name, value)| (name, value.into())).collect();
    token.obtained_at = consumer.now;
    Ok(token.cleaned())
}

/// Signs and sends one request. Returns its answer, whatever it is.
async fn send(
    consumer: &Consumer<'_>,
    request: reqwest::RequestBuilder,
    token: Option<Credentials<'_>>,
    oauth_params: &[(&str, &str)],
) -> Result<Response> {
    let Consumer { http, entry, options, now } = *consumer;
    let mut request = request.build().map_err(request_failed)?;
    // Some servers answer 411 to a POST without a length.
    if request.body().is_none() {
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    add_entry_headers(entry, &mut request)?;
    sign(&entry.client_id, options, &mut request, token, oauth_params, now)?;
    http.send(request).await
}

/// Reads the fields of an answer.
fn read(
    consumer: &Consumer<'_>,
    answer: &Response,
    requested: RequestedCredentials,
) -> Result<BTreeMap<String, String>> {
    if !answer.status().is_success() {
        return Err(refusal(consumer.entry, answer, requested, consumer.now));
    }
    // The answer is a form, whatever its Content-Type is: Twitter named it text/html for years.
    fields(answer.body()).map_err(|cause| bad_answer(format!("the answer is no form with a token: {cause}")))
}

/// Reads the fields of an answer. The credentials and the confirmation may occur once.
pub(super) fn fields(body: &[u8]) -> Result<BTreeMap<String, String>, &'static str> {
    let text = String::from_utf8_lossy(body);
    let parameters = Parameters::parse(text.trim_start_matches('\u{feff}').trim())?;
    let mut fields: BTreeMap<_, _> = parameters.all().collect();
    for name in ["oauth_token", "oauth_token_secret", "oauth_callback_confirmed"] {
        if let Some(value) = parameters.unique(name)? {
            fields.insert(name.to_owned(), value);
        }
    }
    Ok(fields)
}

/// Takes the token and its secret from an answer.
pub(super) fn take_credentials(answer: &mut BTreeMap<String, String>) -> Result<(Secret, Secret)> {
    let token = answer.remove("oauth_token").filter(|token| !token.is_empty());
    match (token, answer.remove("oauth_token_secret")) {
        (Some(token), Some(secret)) => Ok((Secret::new(token), Secret::new(secret))),
        _ => Err(bad_answer("no `oauth_token` with its `oauth_token_secret` in the answer")),
    }
}

/// The error for an answer that is not a success. It quotes of the answer only a known problem (OAuth Problem Reporting),
/// because other texts may repeat what was sent. It also mentions a wrong clock.
fn refusal(entry: &Entry, answer: &Response, requested: RequestedCredentials, now: i64) -> Error {
    const CLOCK_PROBLEM: &str = "timestamp_refused";
    // These are about the temporary credentials or the verifier, not about the client.
    const TOKEN_PROBLEMS: &[&str] =
        &["permission_denied", "token_expired", "token_rejected", "token_revoked", "token_used"];
    const CLIENT_PROBLEMS: &[&str] = &[
        CLOCK_PROBLEM,
        "consumer_key_refused",
        "consumer_key_rejected",
        "consumer_key_unknown",
        "nonce_used",
        "parameter_absent",
        "parameter_rejected",
        "signature_invalid",
        "signature_method_rejected",
        "version_rejected",
    ];
    let status = answer.status().as_u16();
    if !(400..500).contains(&status) || status == 429 {
        return with_retry_after(unexpected_status("the token request", status), answer.headers());
    }
    let given = fields(answer.body()).ok().and_then(|mut fields| fields.remove("oauth_problem"));
    let problem = given.and_then(|given| {
        TOKEN_PROBLEMS.iter().chain(CLIENT_PROBLEMS).copied().find(|problem| *problem == given)
    });
    let skew = clock_skew(answer.headers(), now).filter(|skew| skew.abs() > NOTABLE_SKEW);
    let mut cause = format!("the token request was answered with {status}");
    if let Some(problem) = problem {
        cause.push_str(&format!(", `{problem}`"));
    }
    match skew {
        Some(skew) => cause.push_str(&format!(
            "; the clock of this machine is {skew} s ahead of the provider's: correct it"
        )),
        None if problem == Some(CLOCK_PROBLEM) => cause.push_str("; correct the clock of this machine"),
        None => {}
    }
    match problem {
        Some(problem) if TOKEN_PROBLEMS.contains(&problem) && requested == RequestedCredentials::Token => {
            not_trusted(cause)
        }
        // The request for temporary credentials succeeded with the same key and clock, so the verifier is refused.
        None if requested == RequestedCredentials::Token && skew.is_none() => not_trusted(cause),
        _ => entry.misconfigured(format!(
            "{cause}. Check the consumer key, its secret or private key, and the registered callback URL."
        )),
    }
}
