//! The same provider in OAuth 1.0a (RFC 5849): temporary credentials, the person's word, tokens, signed requests.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::json;
use url::{Url, form_urlencoded};

use super::door::{FORM, Reply, Request, one};
use super::grants::id;
use super::issuer::{Client, Issuer, lock};
use super::page;
use crate::config::Signature;
use crate::flow::signature::{base_string, signature};
use crate::secret::Secret;

/// How long temporary credentials live, and how far two clocks may be apart, in seconds.
const PATIENCE: i64 = 600;

/// Credentials under their token, and nonces: what is not in here is not good.
#[derive(Default)]
pub(super) struct Book {
    temporary: HashMap<String, Temporary>,
    granted: HashMap<String, Granted>,
    nonces: HashSet<String>,
}

struct Temporary {
    secret: Secret,
    client_id: String,
    callback: String,
    expires_at: i64,
    /// Who has said yes, and the verifier that came of it.
    approved: Option<(String, String)>,
}

struct Granted {
    secret: Secret,
    user: String,
}

impl Book {
    /// Refuses every token so far.
    pub(super) fn expire_access_tokens(&mut self) {
        self.granted.clear();
    }

    /// Refuses every token of `user` so far.
    pub(super) fn revoke(&mut self, user: &str) {
        self.granted.retain(|_, granted| granted.user != user);
    }
}

/// What a signed request says, signed rightly.
struct Signed<'i> {
    client: &'i Client,
    oauth: BTreeMap<String, String>,
}

/// A problem in the words of OAuth Problem Reporting.
type Problem = &'static str;

impl Issuer {
    /// Temporary credentials (RFC 5849 §2.1).
    pub(super) fn temporary(&self, request: &Request) -> Reply {
        let made = self.check_signature(request, |_, _| None).and_then(|signed| {
            let callback = signed.oauth.get("oauth_callback").ok_or("parameter_absent")?;
            let known = signed.client.redirect_uri.as_ref();
            if known.is_some_and(|known| known != callback) || Url::parse(callback).is_err() {
                return Err("parameter_rejected");
            }
            let (token, secret) = (id(), id());
            let temporary = Temporary {
                secret: Secret::new(secret.as_str()),
                client_id: signed.client.id.clone(),
                callback: callback.clone(),
                expires_at: self.now() + PATIENCE,
                approved: None,
            };
            lock(&self.0.book).temporary.insert(token.clone(), temporary);
            Ok(vec![
                ("oauth_token", token),
                ("oauth_token_secret", secret),
                ("oauth_callback_confirmed", "true".into()),
            ])
        });
        answer(made)
    }

    /// The person's word (RFC 5849 §2.2): given at once, unless a test has said otherwise.
    pub(super) fn authorize_oauth1(&self, request: &Request) -> Reply {
        let (user, error) = {
            let mut play = lock(&self.0.play);
            (play.user.clone(), play.error_next.take())
        };
        let mut book = lock(&self.0.book);
        let token = one(&request.query, "oauth_token").ok().flatten().unwrap_or_default();
        let fresh = book.temporary.get_mut(token).filter(|temporary| self.now() < temporary.expires_at);
        let Some((temporary, mut to)) = fresh.and_then(|temporary| {
            let to = Url::parse(&temporary.callback).ok()?;
            Some((temporary, to))
        }) else {
            return page::error("The token is not known here.");
        };
        match error.as_deref() {
            // As Twitter says no.
            Some("access_denied") => {
                to.query_pairs_mut().append_pair("denied", token);
                book.temporary.remove(token);
            }
            Some(problem) => {
                to.query_pairs_mut().append_pair("oauth_token", token).append_pair("oauth_problem", problem);
            }
            None => {
                let verifier = id();
                to.query_pairs_mut()
                    .append_pair("oauth_token", token)
                    .append_pair("oauth_verifier", &verifier);
                temporary.approved = Some((user, verifier));
            }
        }
        Reply::see(to.as_str())
    }

    /// The token for a verifier (RFC 5849 §2.3), once.
    pub(super) fn token_oauth1(&self, request: &Request) -> Reply {
        let secret = |book: &Book, token: &str| {
            let temporary = book.temporary.get(token).filter(|temporary| self.now() < temporary.expires_at);
            temporary.map(|temporary| temporary.secret.clone())
        };
        let made = self.check_signature(request, secret).and_then(|signed| {
            let said = |name| signed.oauth.get(name).map(String::as_str).ok_or("parameter_absent");
            let (token, verifier) = (said("oauth_token")?, said("oauth_verifier")?);
            let mut book = lock(&self.0.book);
            let temporary = book.temporary.get(token).ok_or("token_rejected")?;
            let (user, _) = temporary
                .approved
                .clone()
                .filter(|(_, wanted)| wanted == verifier && temporary.client_id == signed.client.id)
                .ok_or("token_rejected")?;
            book.temporary.remove(token);
            let (token, secret) = (id(), id());
            let granted = Granted { secret: Secret::new(secret.as_str()), user: user.clone() };
            book.granted.insert(token.clone(), granted);
            Ok(vec![("oauth_token", token), ("oauth_token_secret", secret), ("user_id", user)])
        });
        answer(made)
    }

    /// On whose behalf a request to the API is signed.
    pub(super) fn signed_by(&self, request: &Request) -> Option<String> {
        let secret = |book: &Book, token: &str| book.granted.get(token).map(|granted| granted.secret.clone());
        let signed = self.check_signature(request, secret).ok()?;
        let book = lock(&self.0.book);
        book.granted.get(signed.oauth.get("oauth_token")?).map(|granted| granted.user.clone())
    }

    /// Checks signature, clock and nonce (RFC 5849 §3.2). `secret_of` a token says whether it is good here.
    fn check_signature(
        &self,
        request: &Request,
        secret_of: impl FnOnce(&Book, &str) -> Option<Secret>,
    ) -> Result<Signed<'_>, Problem> {
        let mut oauth = header(request).ok_or("parameter_absent")?;
        let signed = oauth.remove("oauth_signature").ok_or("parameter_absent")?;
        let said = |name: &str| oauth.get(name).map(String::as_str).ok_or("parameter_absent");
        let client = self.client(said("oauth_consumer_key")?).ok_or("consumer_key_unknown")?;
        let method = method(said("oauth_signature_method")?).ok_or("signature_method_rejected")?;
        let timestamp: i64 = said("oauth_timestamp")?.parse().map_err(|_| "timestamp_refused")?;
        if (self.now() - timestamp).abs() > PATIENCE {
            return Err("timestamp_refused");
        }
        let mut book = lock(&self.0.book);
        let secret = match oauth.get("oauth_token") {
            Some(token) => Some(secret_of(&book, token).ok_or("token_rejected")?),
            None => None,
        };
        let url = format!("{}{}?{}", self.origin(), request.path, request.raw_query);
        let url = Url::parse(&url).map_err(|_| "parameter_rejected")?;
        let form = if request.form.is_empty() { "" } else { &request.body };
        let parameters: Vec<_> = oauth.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let base = base_string(&request.method, &url, form.as_bytes(), &parameters);
        let wanted = signature(&method, client.secret.as_ref(), secret.as_ref(), &base);
        if !wanted.is_ok_and(|wanted| wanted.matches(&signed)) {
            return Err("signature_invalid");
        }
        let nonce = said("oauth_nonce")?;
        let fits = (20..=30).contains(&nonce.len()) && nonce.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !fits || !book.nonces.insert(nonce.to_owned()) {
            return Err("nonce_used");
        }
        drop(book);
        Ok(Signed { client, oauth })
    }

    /// Scheme, host and port of its URL.
    fn origin(&self) -> String {
        Url::parse(self.url()).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }
}

fn answer(made: Result<Vec<(&str, String)>, Problem>) -> Reply {
    let (status, fields) = match made {
        Ok(fields) => (200, fields),
        Err(problem) => (401, vec![("oauth_problem", problem.to_owned())]),
    };
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    Reply::body(status, FORM, body)
}

/// The parameters of an `Authorization` header (RFC 5849 §3.5.1), each once.
fn header(request: &Request) -> Option<BTreeMap<String, String>> {
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

fn method(name: &str) -> Option<Signature> {
    match name {
        "HMAC-SHA1" => Some(Signature::HmacSha1),
        "HMAC-SHA256" => Some(Signature::HmacSha256),
        "PLAINTEXT" => Some(Signature::Plaintext),
        #[cfg(feature = "rsa-sha1")]
        "RSA-SHA1" => crate::secret::RsaKey::from_pem(rsa_key()).ok().map(Signature::RsaSha1),
        _ => None,
    }
}

/// The client's own key, made once for the process: a signature is checked by making it again.
#[cfg(feature = "rsa-sha1")]
pub(super) fn rsa_key() -> &'static str {
    static KEY: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let key = openssl::rsa::Rsa::generate(2048).and_then(|key| key.private_key_to_pem());
        String::from_utf8(key.expect("OpenSSL makes keys")).expect("PEM is a text")
    });
    &KEY
}

/// What an entry of the fake needs of its own to sign as its preset wants it.
pub(super) fn own_keys(preset: &crate::provider::Preset, url: &str, entry: &mut serde_json::Value) {
    use crate::provider::ParameterKind;
    for (key, effect) in preset.parameters {
        if matches!(effect, ParameterKind::BaseUrl) {
            entry[*key] = json!(url);
        }
    }
    #[cfg(feature = "rsa-sha1")]
    if preset.signature_method == crate::provider::SignatureMethod::RsaSha1 {
        entry["rsa_key"] = json!(rsa_key());
    }
}
