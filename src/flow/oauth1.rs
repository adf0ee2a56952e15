//! OAuth 1.0a: temporary credentials, the person's word, the token (RFC 5849 §2).

use std::collections::BTreeMap;

use http::header::{CONTENT_LENGTH, DATE, HeaderValue};
use reqwest::Method;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::Url;

use super::callback::{not_trusted, parameters};
use super::http::{Response, bad_answer, failed, unreachable};
use super::oauth2::add_headers;
use super::signature::{Credentials, sign};
use super::{Flow, Http, Temporary};
use crate::config::{Entry, OAUTH1_PARAMS};
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::token::Token;

/// How long a temporary token and its secret may be, in bytes: they go into a URL and a cookie.
const MAX_TEMPORARY: usize = 1 << 10;
/// From how many seconds on two clocks are worth a word.
const SKEW: i64 = 60;

/// What is being asked for, which decides what a "no" means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asking {
    /// For temporary credentials.
    Temporary,
    /// With the verifier, for the token.
    Token,
}

/// Temporary credentials for `flow` (RFC 5849 §2.1).
pub(super) async fn temporary(http: &Http, entry: &Entry, flow: &Flow, now: i64) -> Result<Temporary> {
    let url = entry.need(entry.request_token_url.as_ref(), "request_token_url")?;
    let callback = [("oauth_callback", flow.redirect_uri.as_str())];
    let params = || entry.token_params.iter().filter(|(name, _)| !name.starts_with(OAUTH1_PARAMS));
    let mut request = http.0.request(Method::POST, url.clone());
    if params().next().is_some() {
        request = request.form(&params().collect::<Vec<_>>());
    }
    let mut answer = ask(http, entry, request, None, &callback, Asking::Temporary, now).await?;
    // Without it the provider doesn't do 1.0a: anybody could finish somebody else's dance.
    if answer.remove("oauth_callback_confirmed").as_deref() != Some("true") {
        return Err(bad_answer("the provider doesn't confirm the callback (`oauth_callback_confirmed`)"));
    }
    let (token, secret) = credentials(&mut answer)?;
    if token.expose().len() > MAX_TEMPORARY || secret.expose().len() > MAX_TEMPORARY {
        return Err(bad_answer("the temporary credentials are too long"));
    }
    Ok(Temporary::new(&token, &secret))
}

/// The authorization request of `flow` (RFC 5849 §2.2).
pub(super) fn authorize(entry: &Entry, flow: &Flow, extra: &BTreeMap<String, String>) -> Result<Url> {
    let mut url = entry.need(entry.authorization_url.as_ref(), "authorization_url")?.clone();
    let mut parameters = entry.authorization_params.clone();
    parameters.extend(extra.clone());
    parameters.retain(|name, _| !name.starts_with(OAUTH1_PARAMS));
    url.query_pairs_mut().append_pair("oauth_token", flow.state().expose()).extend_pairs(parameters);
    Ok(url)
}

/// The token for a verifier (RFC 5849 §2.3): asked for once, whatever happens.
pub(super) async fn exchange(
    http: &Http,
    entry: &Entry,
    temporary: &Temporary,
    verifier: &Secret,
    now: i64,
) -> Result<Token> {
    let url = entry.need(entry.token_url.as_ref(), "access_token_url")?;
    let (token, secret) = (temporary.token(), temporary.secret());
    let verifier = [("oauth_verifier", verifier.expose())];
    let request = http.0.request(Method::POST, url.clone());
    let mut answer =
        ask(http, entry, request, Some((&token, &secret)), &verifier, Asking::Token, now).await?;
    let (token, secret) = credentials(&mut answer)?;
    let mut token = Token::oauth1(token.expose(), secret.expose());
    token.extra = answer.into_iter().map(|(name, value)| (name, value.into())).collect();
    token.obtained_at = now;
    Ok(token)
}

/// One signed request, and the fields of its answer.
async fn ask(
    http: &Http,
    entry: &Entry,
    request: reqwest::RequestBuilder,
    token: Option<Credentials<'_>>,
    more: &[(&str, &str)],
    asking: Asking,
    now: i64,
) -> Result<BTreeMap<String, String>> {
    let mut request = request.build().map_err(unreachable)?;
    // Some servers answer 411 to a POST without a length.
    if request.body().is_none() {
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    add_headers(entry, &mut request)?;
    sign(entry, &mut request, token, more, now)?;
    let answer = http.send(request).await?;
    if answer.status().as_u16() != 200 {
        return Err(refusal(entry, &answer, asking, now));
    }
    // A form, whatever its Content-Type says: Twitter called it text/html for years.
    fields(answer.body()).map_err(|cause| bad_answer(format!("the answer is no form with a token: {cause}")))
}

pub(super) fn fields(body: &[u8]) -> Result<BTreeMap<String, String>, &'static str> {
    parameters(std::str::from_utf8(body).map_err(|_| "not UTF-8")?.trim())
}

pub(super) fn credentials(answer: &mut BTreeMap<String, String>) -> Result<(Secret, Secret)> {
    let token = answer.remove("oauth_token").filter(|token| !token.is_empty());
    match (token, answer.remove("oauth_token_secret")) {
        (Some(token), Some(secret)) => Ok((Secret::new(token), Secret::new(secret))),
        _ => Err(bad_answer("no `oauth_token` with its `oauth_token_secret` in the answer")),
    }
}

/// The "no" of an endpoint. Its own words stay out, since it may quote what it was sent: but for a problem of the known
/// ones (OAuth Problem Reporting), and the clock.
fn refusal(entry: &Entry, answer: &Response, asking: Asking, now: i64) -> Error {
    const CLOCK: &str = "timestamp_refused";
    /// They are about the person's word, not about the client.
    const TOKEN: &[&str] =
        &["permission_denied", "token_expired", "token_rejected", "token_revoked", "token_used"];
    const CLIENT: &[&str] = &[
        CLOCK,
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
        return failed("the token request", status);
    }
    let said = fields(answer.body()).ok().and_then(|mut fields| fields.remove("oauth_problem"));
    let problem = said.and_then(|said| TOKEN.iter().chain(CLIENT).copied().find(|problem| *problem == said));
    let skew = skew(answer, now).filter(|skew| skew.abs() > SKEW);
    let mut cause = format!("the token request was answered with {status}");
    if let Some(problem) = problem {
        cause.push_str(&format!(", `{problem}`"));
    }
    match skew {
        Some(skew) => cause
            .push_str(&format!("; this machine's clock is {skew} s ahead of the provider's: set it right")),
        None if problem == Some(CLOCK) => cause.push_str("; set this machine's clock right"),
        None => {}
    }
    match problem {
        Some(problem) if TOKEN.contains(&problem) && asking == Asking::Token => refused(cause),
        // With the same key and clock temporary credentials were had: it is the verifier that it doesn't like.
        None if asking == Asking::Token && skew.is_none() => refused(cause),
        _ => entry.misconfigured(format!(
            "{cause}. Is the consumer key right, the secret or key, the callback registered?"
        )),
    }
}

fn refused(cause: String) -> Error {
    not_trusted("the provider refused the verifier").with_source(cause)
}

/// By how many seconds this machine is ahead of who answered.
fn skew(answer: &Response, now: i64) -> Option<i64> {
    let date = answer.headers().get(DATE)?.to_str().ok()?;
    // HTTP says GMT, which is UTC's old name in mails.
    let theirs = OffsetDateTime::parse(date, &Rfc2822).ok()?;
    Some(now.saturating_sub(theirs.unix_timestamp()))
}
