//! The endpoints of OAuth 1.0a (RFC 5849), and the check of signed requests.

use std::collections::BTreeMap;

use url::{Url, form_urlencoded};

use super::authorization_server::AuthorizationServer;
use super::http_request::{HttpRequest, single};
use super::http_response::{FORM, HttpResponse};
use super::issued_by_test::open_issued;
use super::oauth1_credentials::{Approval, OAuth1Credentials, TemporaryCredentials, TokenCredentials};
use super::page;
use super::registered_client::RegisteredClient;
use super::sealed::{AccessToken, random_id};
use crate::config::Signature;
use crate::flow::signature::{base_string, signature};
use crate::secret::Secret;

/// Lifetime of temporary credentials, in seconds.
const TEMPORARY_CREDENTIALS_TTL: i64 = 3600;

/// Maximum difference between a request's timestamp and the provider's clock, in seconds.
const MAX_CLOCK_SKEW: i64 = 600;

/// A request whose signature is valid.
struct SignedRequest<'s> {
    client: &'s RegisteredClient,
    /// The `oauth_…` parameters without the signature.
    oauth: BTreeMap<String, String>,
}

impl SignedRequest<'_> {
    fn parameter(&self, name: &str) -> Result<&str, OAuthProblem> {
        self.oauth.get(name).map(String::as_str).ok_or("parameter_absent")
    }
}

/// An error code of the OAuth Problem Reporting extension.
type OAuthProblem = &'static str;

/// The fields of a form response.
type Fields = Vec<(&'static str, String)>;

/// Answers the endpoint for temporary credentials (RFC 5849 §2.1).
pub(super) fn request_token(server: &AuthorizationServer, request: &HttpRequest) -> HttpResponse {
    respond(issue_temporary_credentials(server, request))
}

fn issue_temporary_credentials(
    server: &AuthorizationServer,
    request: &HttpRequest,
) -> Result<Fields, OAuthProblem> {
    let signed = check_signature(server, request, |_, _| None)?;
    let callback = signed.parameter("oauth_callback")?;
    let known = signed.client.redirect_uri.as_ref();
    if known.is_some_and(|known| known != callback) || Url::parse(callback).is_err() {
        return Err("parameter_rejected");
    }
    let (token, secret) = (random_id(), random_id());
    let temporary = TemporaryCredentials {
        secret: Secret::new(secret.as_str()),
        client_id: signed.client.id.clone(),
        callback: callback.to_owned(),
        expires_at: server.now() + TEMPORARY_CREDENTIALS_TTL,
        approval: None,
    };
    server.oauth1().temporary.insert(token.clone(), temporary);
    Ok(vec![
        ("oauth_token", token),
        ("oauth_token_secret", secret),
        ("oauth_callback_confirmed", "true".into()),
    ])
}

/// Answers the authorization endpoint of OAuth 1.0a (RFC 5849 §2.2). The user approves at once, unless the test has
/// set an error for the next authorization.
pub(super) fn authorize(server: &AuthorizationServer, request: &HttpRequest) -> HttpResponse {
    let (user, error) = {
        let mut behavior = server.behavior();
        (behavior.user.clone(), behavior.next_error.take())
    };
    let mut credentials = server.oauth1();
    let token = single(&request.query, "oauth_token").ok().flatten().unwrap_or_default();
    let valid = credentials.temporary.get_mut(token).filter(|temporary| server.now() < temporary.expires_at);
    let Some((temporary, mut callback)) = valid.and_then(|temporary| {
        let callback = Url::parse(&temporary.callback).ok()?;
        Some((temporary, callback))
    }) else {
        return page::error("This token is unknown here.");
    };
    match error.as_deref() {
        // OAuth 1.0a defines no parameter for a denial; `denied` is the common one.
        Some("access_denied") => {
            callback.query_pairs_mut().append_pair("denied", token);
            credentials.temporary.remove(token);
        }
        Some(problem) => {
            callback
                .query_pairs_mut()
                .append_pair("oauth_token", token)
                .append_pair("oauth_problem", problem);
        }
        None => {
            let verifier = random_id();
            callback
                .query_pairs_mut()
                .append_pair("oauth_token", token)
                .append_pair("oauth_verifier", &verifier);
            temporary.approval = Some(Approval { user, verifier });
        }
    }
    HttpResponse::see_other(callback.as_str())
}

/// Answers the endpoint for token credentials (RFC 5849 §2.3). A verifier is accepted once.
pub(super) fn access_token(server: &AuthorizationServer, request: &HttpRequest) -> HttpResponse {
    respond(issue_token_credentials(server, request))
}

fn issue_token_credentials(
    server: &AuthorizationServer,
    request: &HttpRequest,
) -> Result<Fields, OAuthProblem> {
    let now = server.now();
    let signed =
        check_signature(server, request, |credentials, token| credentials.temporary_secret(token, now))?;
    let (token, verifier) = (signed.parameter("oauth_token")?, signed.parameter("oauth_verifier")?);
    let mut credentials = server.oauth1();
    let temporary = credentials.temporary.get(token).ok_or("token_rejected")?;
    let Approval { user, .. } = temporary
        .approval
        .clone()
        .filter(|approval| approval.verifier == verifier && temporary.client_id == signed.client.id)
        .ok_or("token_rejected")?;
    credentials.temporary.remove(token);
    let (token, secret) = (random_id(), random_id());
    let issued = TokenCredentials { secret: Secret::new(secret.as_str()), user: user.clone() };
    credentials.tokens.insert(token.clone(), issued);
    Ok(vec![("oauth_token", token), ("oauth_token_secret", secret), ("user_id", user)])
}

/// The user whose token signed a request to the API.
pub(super) fn user_of_signature(server: &AuthorizationServer, request: &HttpRequest) -> Option<String> {
    let signed = check_signature(server, request, OAuth1Credentials::token_secret).ok()?;
    let token = signed.parameter("oauth_token").ok()?;
    if let Some(issued) = open_issued::<AccessToken>(token) {
        return server.tokens().accepts(&issued).then_some(issued.grant.user);
    }
    server.oauth1().tokens.get(token).map(|token| token.user.clone())
}

/// Checks signature, timestamp and nonce (RFC 5849 §3.2). `secret_of` returns the secret of a token, if the token is
/// valid at this endpoint.
fn check_signature<'s>(
    server: &'s AuthorizationServer,
    request: &HttpRequest,
    secret_of: impl FnOnce(&OAuth1Credentials, &str) -> Option<Secret>,
) -> Result<SignedRequest<'s>, OAuthProblem> {
    let mut oauth = parse_authorization_header(request).ok_or("parameter_absent")?;
    let given = oauth.remove("oauth_signature").ok_or("parameter_absent")?;
    let parameter = |name: &str| oauth.get(name).map(String::as_str).ok_or("parameter_absent");
    let client = server.client(parameter("oauth_consumer_key")?).ok_or("consumer_key_unknown")?;
    let method = signature_method(parameter("oauth_signature_method")?).ok_or("signature_method_rejected")?;
    let timestamp: i64 = parameter("oauth_timestamp")?.parse().map_err(|_| "timestamp_refused")?;
    if (server.now() - timestamp).abs() > MAX_CLOCK_SKEW {
        return Err("timestamp_refused");
    }
    let mut credentials = server.oauth1();
    let secret = match oauth.get("oauth_token") {
        Some(token) => Some(secret_of(&credentials, token).ok_or("token_rejected")?),
        None => None,
    };
    let url = format!("{}{}?{}", server.origin(), request.path, request.raw_query);
    let url = Url::parse(&url).map_err(|_| "parameter_rejected")?;
    // Only the parameters of a form are signed (RFC 5849 §3.4.1.3.1).
    let is_form = request.headers.get("content-type").is_some_and(|kind| kind.contains("form-urlencoded"));
    let form = if is_form { request.body.as_str() } else { "" };
    let parameters: Vec<_> = oauth.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let base = base_string(&request.method, &url, form.as_bytes(), &parameters);
    let expected = signature(&method, client.secret.as_ref(), secret.as_ref(), &base);
    if !expected.is_ok_and(|expected| expected.matches(&given)) {
        return Err("signature_invalid");
    }
    // Some providers accept only nonces of 20 to 30 letters and digits.
    let nonce = parameter("oauth_nonce")?;
    let is_portable =
        (20..=30).contains(&nonce.len()) && nonce.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_portable || !credentials.nonces.insert(nonce.to_owned()) {
        return Err("nonce_used");
    }
    drop(credentials);
    Ok(SignedRequest { client, oauth })
}

fn respond(result: Result<Fields, OAuthProblem>) -> HttpResponse {
    let (status, fields) = match result {
        Ok(fields) => (200, fields),
        Err(problem) => (401, vec![("oauth_problem", problem.to_owned())]),
    };
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    HttpResponse::body(status, FORM, body)
}

/// The parameters of an `Authorization` header (RFC 5849 §3.5.1). A repeated parameter makes the header invalid.
fn parse_authorization_header(request: &HttpRequest) -> Option<BTreeMap<String, String>> {
    let (scheme, rest) = request.headers.get("authorization")?.split_once(' ')?;
    let mut parameters = BTreeMap::new();
    for pair in rest.split(',').filter(|_| scheme.eq_ignore_ascii_case("oauth")) {
        let (name, value) = pair.trim().split_once('=')?;
        let value = value.strip_prefix('"')?.strip_suffix('"')?;
        let decoded = form_urlencoded::parse(value.as_bytes()).next().map(|(value, _)| value.into_owned());
        if parameters.insert(name.to_owned(), decoded.unwrap_or_default()).is_some() {
            return None;
        }
    }
    Some(parameters)
}

fn signature_method(name: &str) -> Option<Signature> {
    match name {
        "HMAC-SHA1" => Some(Signature::HmacSha1),
        "HMAC-SHA256" => Some(Signature::HmacSha256),
        "PLAINTEXT" => Some(Signature::Plaintext),
        #[cfg(feature = "rsa-sha1")]
        "RSA-SHA1" => crate::secret::RsaKey::from_pem(rsa_key()).ok().map(Signature::RsaSha1),
        _ => None,
    }
}

/// The client's RSA private key in PEM format, generated once per process. The provider checks a signature by making it
/// again with the same key.
#[cfg(feature = "rsa-sha1")]
pub(crate) fn rsa_key() -> &'static str {
    static KEY: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let key = openssl::rsa::Rsa::generate(2048).and_then(|key| key.private_key_to_pem());
        String::from_utf8(key.expect("OpenSSL generates RSA keys")).expect("PEM is ASCII text")
    });
    &KEY
}
