//! The signatures of OAuth 1 requests (RFC 5849 §3).
//!
//! The base string holds the method, the URL and all parameters, in a normal form that client and provider compute alike. It
//! is signed with the client secret and the token secret, or with the client's RSA key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderValue};
use ring::hmac;
use url::{Position, Url};

use super::http::is_of_type;
use crate::config::{OAuth1Options, Signature};
use crate::error::{Error, Result};
use crate::secret::{Secret, random};

/// A token and its secret: the temporary ones, or those of the granted token.
pub(crate) type Credentials<'a> = (&'a Secret, &'a Secret);

/// The protocol parameters of OAuth 1, which are sent in the header (RFC 5849 §3.5.1).
type Parameters<'a> = Vec<(&'a str, &'a str)>;

/// Signs `request` at `now` (unix seconds) as the client `client_id`, with `token` on behalf of a user. The signature and the
/// parameters of OAuth, including `oauth_params`, go into the `Authorization` header and replace an earlier one.
///
/// # Errors
/// If the request's body is a form that is a stream, or the key can't sign.
pub(super) fn sign(
    client_id: &str,
    options: &OAuth1Options,
    request: &mut reqwest::Request,
    token: Option<Credentials<'_>>,
    oauth_params: &[(&str, &str)],
    now: i64,
) -> Result<()> {
    let (nonce, timestamp) = (nonce()?, now.to_string());
    let mut oauth: Parameters<'_> = vec![
        ("oauth_consumer_key", client_id),
        ("oauth_nonce", &nonce),
        ("oauth_signature_method", options.signature.method().name()),
        ("oauth_timestamp", &timestamp),
        ("oauth_version", "1.0"),
    ];
    oauth.extend(token.map(|(token, _)| ("oauth_token", token.expose())));
    oauth.extend(oauth_params);
    let base = base_string(request.method().as_str(), request.url(), signed_form(request)?, &oauth);
    let token_secret = token.map(|(_, secret)| secret);
    let signature = signature(&options.signature, options.client_secret.as_ref(), token_secret, &base)?;
    oauth.push(("oauth_signature", signature.expose()));
    let pairs: Vec<_> =
        oauth.iter().map(|(name, value)| format!("{name}=\"{}\"", encode(value.as_bytes()))).collect();
    // The realm is neither signed nor encoded (§3.4.1.3.1, §3.5.1).
    let realm = options.realm.as_ref().map(|realm| format!("realm=\"{realm}\", ")).unwrap_or_default();
    let header = format!("OAuth {realm}{}", pairs.join(", "));
    let mut header = HeaderValue::try_from(header).map_err(Error::app)?;
    header.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, header);
    Ok(())
}

/// Returns the signature of the base string `base` (RFC 5849 §3.4.2 to §3.4.4).
pub(crate) fn signature(
    method: &Signature,
    client_secret: Option<&Secret>,
    token_secret: Option<&Secret>,
    base: &str,
) -> Result<Secret> {
    let encoded = |secret: Option<&Secret>| encode(secret.map_or("", Secret::expose).as_bytes());
    // The `&` is required even if there is no token yet.
    let key = format!("{}&{}", encoded(client_secret), encoded(token_secret));
    let hmac = |algorithm| {
        let tag = hmac::sign(&hmac::Key::new(algorithm, key.as_bytes()), base.as_bytes());
        Secret::new(STANDARD.encode(tag))
    };
    Ok(match method {
        Signature::HmacSha1 => hmac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        Signature::HmacSha256 => hmac(hmac::HMAC_SHA256),
        Signature::Plaintext => Secret::new(key),
        #[cfg(feature = "rsa-sha1")]
        Signature::RsaSha1(key) => {
            Secret::new(STANDARD.encode(key.sign_sha1(base.as_bytes()).map_err(Error::app)?))
        }
    })
}

/// Returns the signature base string of a request (RFC 5849 §3.4.1).
pub(crate) fn base_string(method: &str, url: &Url, form: &[u8], oauth: &[(&str, &str)]) -> String {
    let own = |text: &str| encode(text.as_bytes());
    let query = pairs(url.query().unwrap_or_default().as_bytes()).chain(pairs(form));
    // Sorted after the encoding (§3.4.1.3.2): unencoded, `ü` and `~` would have another order.
    let mut parameters: Vec<(String, String)> =
        query.chain(oauth.iter().map(|(name, value)| (own(name), own(value)))).collect();
    parameters.retain(|(name, _)| name != "oauth_signature");
    parameters.sort();
    let parameters: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    // The URL parser has lowercased scheme and host and removed a default port.
    let uri =
        format!("{}{}", url.origin().ascii_serialization(), &url[Position::BeforePath..Position::AfterPath]);
    [method.to_ascii_uppercase(), own(&uri), own(&parameters.join("&"))].join("&")
}

/// Returns the part of the body that is signed: a form, and nothing else (RFC 5849 §3.4.1.3.1).
fn signed_form(request: &reqwest::Request) -> Result<&[u8]> {
    let is_form = is_of_type(request.headers(), "application/x-www-form-urlencoded");
    match request.body().filter(|_| is_form) {
        None => Ok(&[]),
        Some(body) => body.as_bytes().ok_or_else(|| Error::app("a form that is a stream can't be signed")),
    }
}

/// The pairs of a query or a form, each decoded and encoded again: the signature covers what `+` and `%7e` stand for.
fn pairs(text: &[u8]) -> impl Iterator<Item = (String, String)> {
    text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at(at);
        (encode(&decode(name)), encode(&decode(value.get(1..).unwrap_or_default())))
    })
}

/// Decodes a part of a query or a form, byte for byte: bytes that are not UTF-8 stay as they are.
fn decode(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let escaped = digit(at + 1).zip(digit(at + 2)).filter(|_| *byte == b'%');
        let escaped = escaped.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        at += if escaped.is_some() { 3 } else { 1 };
        decoded.push(escaped.unwrap_or(if *byte == b'+' { b' ' } else { *byte }));
    }
    decoded
}

/// Percent-encodes all bytes except the unreserved characters, with capital digits (RFC 5849 §3.6).
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(*byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Returns 128 random bits as 22 letters and digits. Some servers accept only 20 to 30 of them.
pub(super) fn nonce() -> Result<String> {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = u128::from_be_bytes(random()?);
    let mut nonce = String::with_capacity(22);
    for _ in 0..22 {
        nonce.push(char::from(DIGITS[(rest % 62) as usize]));
        rest /= 62;
    }
    Ok(nonce)
}
