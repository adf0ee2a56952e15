//! The userinfo: what the provider's API says about the user.
//!
//! With OpenID Connect the ID token decides who the user is. A userinfo answer about another `sub` is refused.

use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::{Map, Value};
use url::Url;

use super::claims::{Cause, check_lifetime, check_named_parties};
use super::endpoints::userinfo_endpoint;
use super::engine::Engine;
use super::errors::{bad_answer, request_failed, unexpected_status, with_retry_after};
use super::http::{Response, is_of_type};
use super::json;
use super::jwt::{self, JwtKind};
use super::metadata::Metadata;
use super::pages::{MAX_PAGES, next_page};
use super::request_headers::add_entry_headers;
use super::token_values::token_value;
use super::user_documents::{UserDocuments, without_nonce};
use super::user_profile::user_profile;
use crate::config::{Entry, UserinfoOptions};
use crate::error::{ErrorKind, Result};
use crate::placeholders;
use crate::profile::claims;
use crate::provider::{Protocol, RequestBody, UserinfoMethod};
use crate::token::Token;

/// Claims of a signed userinfo that describe the token, not the user.
const TOKEN_CLAIMS: &[&str] = &["iss", "aud", "exp", "iat", "nbf", "jti"];

impl Engine {
    /// Returns the userinfo URL of the entry, or else of the provider's metadata.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if there is none.
    pub(crate) async fn userinfo_url(&self, entry: &Entry) -> Result<Url> {
        let metadata = self.metadata(entry).await?;
        entry.need(userinfo_endpoint(entry, metadata.as_deref()), "userinfo_url").cloned()
    }

    /// Reads a userinfo answer that was fetched after the sign-in, for the account with this `provider_user_id`.
    ///
    /// # Errors
    /// [`ErrorKind::BadProviderAnswer`] if it is about another user (TR-15), or can't be read.
    pub(crate) async fn read_userinfo(
        &self,
        entry: &Entry,
        answer: &Response,
        token: &Token,
        provider_user_id: Option<&str>,
    ) -> Result<Value> {
        let metadata = self.metadata(entry).await?;
        let userinfo = read(self, entry, metadata.as_deref(), answer).await?;
        let id = match entry.protocol() {
            Protocol::OpenIdConnect => claims::id(&userinfo, "sub")?,
            // A preset may refuse a user (a hosted domain, a blocked user). That is decided at sign-in; here, such an
            // answer has no id to compare.
            Protocol::OAuth2 | Protocol::OAuth1 => {
                match user_profile(entry, &UserDocuments::one(userinfo.clone(), token)) {
                    Err(error) if error.kind() == ErrorKind::Refused => return Ok(userinfo),
                    profile => profile?.id,
                }
            }
        };
        if provider_user_id.is_some() && id.as_deref() != provider_user_id {
            return Err(bad_answer("the userinfo is another user's than the account"));
        }
        Ok(userinfo)
    }
}

/// Fetches what the provider says about the user of `token`: the userinfo, which is put beside the claims of the ID token, and
/// the answers of the entry's further userinfo URLs.
///
/// # Errors
/// If the userinfo is another user's than the ID token (OpenID Connect Core §5.3.2). Without an ID token: if the userinfo can't
/// be fetched or read.
pub(super) async fn user_documents(
    engine: &Engine,
    entry: &Entry,
    metadata: Option<&Metadata>,
    token: &Token,
    id_token: Option<Map<String, Value>>,
) -> Result<UserDocuments> {
    let userinfo = match userinfo_endpoint(entry, metadata) {
        Some(url) => match request_userinfo(engine, entry, metadata, url, token).await {
            // It is known already who the user is: only a userinfo of another user is a reason to refuse.
            Err(error) if id_token.is_some() || entry.userinfo.is_id_in_token() => {
                log::warn!("oauth: `{}`: the sign-in goes on without the userinfo: {error:?}", entry.name);
                None
            }
            userinfo => Some(userinfo?),
        },
        None => None,
    };
    let mut documents = UserDocuments::new(id_token.map(without_nonce), userinfo, token)?;
    for (name, template) in &entry.userinfo.extra_urls {
        // A further answer that fails is left out: the sign-in works without it.
        let answer = match extra_url(entry, token, &documents.apart()[0], template) {
            Some(url) => fetch_all(engine, entry, &url, token).await.ok(),
            None => None,
        };
        documents.add(name, answer);
    }
    Ok(documents)
}

/// The URL of a further request, with the fields of the answers so far. If an answer has the whole URL, it must be on the
/// host of the userinfo: no other host gets the token.
fn extra_url(entry: &Entry, token: &Token, answers: &Value, template: &str) -> Option<Url> {
    let value = |name: &str| token_value(entry, token, name).or_else(|| claims::id(answers, name).ok()?);
    let url = Url::parse(&placeholders::fill_url(template, value)?).ok()?;
    let is_known = !template.starts_with('{')
        || entry.userinfo.url.as_ref().is_some_and(|userinfo| userinfo.origin() == url.origin());
    is_known.then_some(url)
}

/// Fetches the JSON at `url`. If it is a list whose `Link` header names a next page on the same host (RFC 8288), as GitHub's
/// are, the lists of all pages are joined.
///
/// # Errors
/// If the first page can't be fetched or read. The pages after one that fails are left out.
async fn fetch_all(engine: &Engine, entry: &Entry, url: &Url, token: &Token) -> Result<Value> {
    let answer = fetch(engine, entry, url, None, token).await?;
    let mut all = read_json(&answer)?;
    let mut next = next_page(answer.headers(), url);
    for _ in 1..MAX_PAGES {
        let (Value::Array(all), Some(url)) = (&mut all, next) else { break };
        let Ok(answer) = fetch(engine, entry, &url, None, token).await else { break };
        let Ok(Value::Array(page)) = read_json(&answer) else { break };
        all.extend(page);
        next = next_page(answer.headers(), &url);
    }
    Ok(all)
}

/// Requests the userinfo with the access token of `token`, and reads it.
async fn request_userinfo(
    engine: &Engine,
    entry: &Entry,
    metadata: Option<&Metadata>,
    url: &Url,
    token: &Token,
) -> Result<Value> {
    let answer = fetch(engine, entry, url, Some(&entry.userinfo), token).await?;
    match read(engine, entry, metadata, &answer).await? {
        userinfo if metadata.is_some() && !userinfo.is_object() => {
            Err(bad_answer("the userinfo is not a JSON object"))
        }
        userinfo => Ok(userinfo),
    }
}

/// Fetches a userinfo URL with the access token of `token`: by GET, or as `options` say.
async fn fetch(
    engine: &Engine,
    entry: &Entry,
    url: &Url,
    options: Option<&UserinfoOptions>,
    token: &Token,
) -> Result<Response> {
    let accept = match entry.protocol() {
        Protocol::OpenIdConnect => "application/json, application/jwt",
        Protocol::OAuth2 | Protocol::OAuth1 => "application/json",
    };
    let request = match options {
        Some(UserinfoOptions { method: UserinfoMethod::Post, body, .. }) => {
            with_body(entry, token, engine.http.client.post(url.clone()), *body)
        }
        _ => engine.http.client.get(url.clone()),
    };
    let mut request = request.header(ACCEPT, accept).build().map_err(request_failed)?;
    add_entry_headers(entry, &mut request)?;
    engine.authorize_request(entry, &mut request, token)?;
    let answer = engine.http.send(request).await?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    let error = unexpected_status("the userinfo request", answer.status().as_u16());
    Err(with_retry_after(error, answer.headers()))
}

/// Adds a body with the values of `token` to a request.
pub(crate) fn with_body(
    entry: &Entry,
    token: &Token,
    request: reqwest::RequestBuilder,
    body: RequestBody,
) -> reqwest::RequestBuilder {
    let value = |name: &str| match name {
        "client_secret" => entry.oauth2()?.client_auth.secret().map(|secret| secret.expose().to_owned()),
        _ => token_value(entry, token, name),
    };
    let fill = |text: &str| placeholders::fill(text, value).unwrap_or_default();
    match body {
        // Some servers answer 411 to a POST without a length.
        RequestBody::Empty => request.header(CONTENT_LENGTH, 0),
        RequestBody::Form(fields) => {
            request.form(&fields.iter().map(|(name, text)| (*name, fill(text))).collect::<Vec<_>>())
        }
        RequestBody::Json(text) => {
            let escaped = |name: &str| {
                let text = Value::String(value(name)?).to_string();
                text.get(1..text.len() - 1).map(str::to_owned)
            };
            let body = placeholders::fill(text, escaped).unwrap_or_default();
            request.header(CONTENT_TYPE, "application/json").body(body)
        }
    }
}

/// Reads a userinfo answer: JSON, or a JWT of an OpenID provider (Core §5.3.2), which is verified like an ID token
/// (ID-19).
async fn read(
    engine: &Engine,
    entry: &Entry,
    metadata: Option<&Metadata>,
    answer: &Response,
) -> Result<Value> {
    let (true, Some(metadata)) = (is_of_type(answer.headers(), "application/jwt"), metadata) else {
        return read_json(answer);
    };
    let refused = |cause: Cause| JwtKind::Userinfo.refused(cause);
    let token = std::str::from_utf8(answer.body()).map_err(|_| refused("it is not a text".into()))?;
    let mut claims = jwt::verify(engine, entry, metadata, JwtKind::Userinfo, token.trim()).await?.claims;
    check_named_parties(entry, &claims).map_err(refused)?;
    check_lifetime(entry, &claims, engine.clock.now()).map_err(refused)?;
    claims.retain(|name, _| !TOKEN_CLAIMS.contains(&name.as_str()));
    Ok(Value::Object(claims))
}

/// Reads a JSON answer.
fn read_json(answer: &Response) -> Result<Value> {
    json::value(answer.body()).map_err(|cause| bad_answer(format!("the userinfo is {cause}")))
}
