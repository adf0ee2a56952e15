//! Every fault: what the proxy changes, and the required outcome.

use rocket::http::Status;
use serde_json::{Map, Value, json};

use crate::common::faulty_proxy::{DISCOVERY, Ending, KEYS, Reply, Spoil, TOKEN, USERINFO};
use crate::common::id_token_signer::{hs256, unsigned};
use crate::common::openid_provider::CLIENT_SECRET;
use Spoil::{Answer, Back, Claims, IdToken};
use When::{Cold, Refresh, Warm};

/// A fault.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) when: When,
    pub(crate) spoil: Spoil,
    pub(crate) outcome: Outcome,
}

/// What the user does while the provider is faulty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum When {
    /// Signs in at an app that has read metadata and keys.
    Warm,
    /// Signs in at an app that has just started, without metadata and keys.
    Cold,
    /// Calls the API with an access token that must be refreshed.
    Refresh,
}

/// The required outcome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    Survived,
    Refused {
        at: At,
        status: Status,
        code: &'static str,
        /// The numbers of token and userinfo requests.
        asked: (usize, usize),
    },
}

/// The request that is refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum At {
    Begin,
    Callback,
    Api,
}

const fn refused(at: At, status: Status, code: &'static str, asked: (usize, usize)) -> Outcome {
    Outcome::Refused { at, status, code, asked }
}

const SURVIVED: Outcome = Outcome::Survived;
const NO_METADATA: Outcome = refused(At::Begin, Status::BadGateway, "bad_provider_answer", (0, 0));
const NOT_TRUSTED: Outcome = refused(At::Callback, Status::BadRequest, "callback_not_trusted", (0, 0));
const BAD_CODE: Outcome = refused(At::Callback, Status::BadRequest, "callback_not_trusted", (1, 0));
const BAD_TOKEN: Outcome = refused(At::Callback, Status::BadGateway, "bad_provider_answer", (1, 0));
const DOWN: Outcome = refused(At::Callback, Status::ServiceUnavailable, "provider_unreachable", (1, 0));
const NEVER_ASKED: Outcome =
    refused(At::Callback, Status::ServiceUnavailable, "provider_unreachable", (0, 0));
const TOO_SLOW: Outcome = refused(At::Callback, Status::GatewayTimeout, "provider_timeout", (1, 0));
const BAD_USERINFO: Outcome = refused(At::Callback, Status::BadGateway, "bad_provider_answer", (1, 1));
const DEAD_GRANT: Outcome = refused(At::Api, Status::Unauthorized, "reconnect_needed", (1, 0));

const fn row(name: &'static str, when: When, spoil: Spoil, outcome: Outcome) -> Row {
    Row { name, when, spoil, outcome }
}

const EVIL: &str = "https://evil.example";
const SCRIPT: &str = "\"><script>alert(1)</script>";

#[rustfmt::skip]
pub(crate) const TABLE: &[Row] = &[
    // The ID token's claims.
    row("iss-wrong", Warm, Claims(|c| set(c, "iss", EVIL)), BAD_TOKEN),
    row("iss-trailing-slash", Warm, Claims(|c| change(c, "iss", |iss| json!(format!("{}/", text(iss))))), BAD_TOKEN),
    row("iss-missing", Warm, Claims(|c| without(c, "iss")), BAD_TOKEN),
    row("aud-wrong", Warm, Claims(|c| set(c, "aud", "someone-else")), BAD_TOKEN),
    row("aud-missing", Warm, Claims(|c| without(c, "aud")), BAD_TOKEN),
    row("aud-many-no-azp", Warm, Claims(|c| { without(c, "azp"); change(c, "aud", |aud| json!([aud, "other"])) }), BAD_TOKEN),
    row("aud-array-of-one", Warm, Claims(|c| change(c, "aud", |aud| json!([aud]))), SURVIVED),
    row("azp-wrong", Warm, Claims(|c| { set(c, "azp", "other"); change(c, "aud", |aud| json!([aud, "other"])) }), BAD_TOKEN),
    row("nonce-wrong", Warm, Claims(|c| set(c, "nonce", "not-yours")), BAD_TOKEN),
    row("nonce-missing", Warm, Claims(|c| without(c, "nonce")), BAD_TOKEN),
    row("exp-past", Warm, Claims(|c| { set(c, "exp", now() - 3600); set(c, "iat", now() - 7200) }), BAD_TOKEN),
    row("exp-missing", Warm, Claims(|c| without(c, "exp")), BAD_TOKEN),
    row("exp-text", Warm, Claims(|c| change(c, "exp", |exp| json!(exp.to_string()))), BAD_TOKEN),
    row("exp-float", Warm, Claims(|c| change(c, "exp", |exp| json!(exp.as_f64().unwrap() + 0.5))), SURVIVED),
    row("iat-future", Warm, Claims(|c| set(c, "iat", now() + 86_400)), BAD_TOKEN),
    row("iat-missing", Warm, Claims(|c| without(c, "iat")), BAD_TOKEN),
    row("nbf-future", Warm, Claims(|c| set(c, "nbf", now() + 86_400)), BAD_TOKEN),
    row("sub-missing", Warm, Claims(|c| without(c, "sub")), BAD_TOKEN),
    row("sub-empty", Warm, Claims(|c| set(c, "sub", "")), BAD_TOKEN),
    row("sub-number", Warm, Claims(|c| set(c, "sub", 42)), BAD_TOKEN),
    row("sub-long", Warm, Claims(|c| set(c, "sub", "x".repeat(300))), BAD_TOKEN),
    row("at_hash-wrong", Warm, Claims(|c| set(c, "at_hash", "AAAAAAAAAAAAAAAAAAAAAA")), BAD_TOKEN),
    // Its signature and its header.
    row("sig-flipped", Warm, IdToken(|mint, claims| flip(&mint.token(claims))), BAD_TOKEN),
    row("sig-empty", Warm, IdToken(|mint, claims| format!("{}.", unsigned(&mint.key.header(), claims))), BAD_TOKEN),
    row("sig-stranger", Warm, IdToken(|mint, claims| mint.stranger.token(&mint.stranger.header(), claims)), BAD_TOKEN),
    row("alg-none", Warm, IdToken(|_, claims| format!("{}.", unsigned(&json!({ "alg": "none" }), claims))), BAD_TOKEN),
    row("alg-hs256-public-key", Warm, IdToken(|mint, claims| hs256(mint.key.pem().as_bytes(), claims)), BAD_TOKEN),
    row("alg-hs256-secret", Warm, IdToken(|_, claims| hs256(CLIENT_SECRET.as_bytes(), claims)), BAD_TOKEN),
    row("kid-unknown", Warm, IdToken(|mint, claims| mint.key.token(&json!({ "alg": "RS256", "kid": "never-published" }), claims)), BAD_TOKEN),
    row("kid-missing", Warm, IdToken(|mint, claims| mint.key.token(&json!({ "alg": "RS256" }), claims)), SURVIVED),
    row("kid-rotated", Warm, IdToken(|mint, claims| { mint.rotate(); mint.next.token(&mint.next.header(), claims) }), SURVIVED),
    row("crit-unknown", Warm, IdToken(|mint, claims| mint.key.token(&json!({ "alg": "RS256", "kid": mint.key.kid, "crit": ["odd"], "odd": 1 }), claims)), BAD_TOKEN),
    row("jwk-in-header", Warm, IdToken(|mint, claims| mint.stranger.token(&json!({ "alg": "RS256", "kid": mint.key.kid, "jwk": mint.stranger.jwk() }), claims)), BAD_TOKEN),
    row("id_token-garbage", Warm, IdToken(|_, _| "garbage".into()), BAD_TOKEN),
    row("id_token-missing", Warm, Answer(TOKEN, |token| token.edit(|t| without(t, "id_token"))), BAD_TOKEN),
    // The token endpoint.
    row("token-500", Warm, Answer(TOKEN, |token| token.replace(500, JSON, r#"{"error":"server_error"}"#)), DOWN),
    row("token-html", Warm, Answer(TOKEN, hotel), BAD_TOKEN),
    row("token-empty", Warm, Answer(TOKEN, |token| token.replace(200, JSON, "")), BAD_TOKEN),
    row("token-not-object", Warm, Answer(TOKEN, |token| token.replace(200, JSON, r#"["a"]"#)), BAD_TOKEN),
    row("token-redirect", Warm, Answer(TOKEN, |token| { token.replace(307, JSON, ""); token.headers.push(("location".into(), ELSEWHERE.into())) }), BAD_TOKEN),
    row("token-slow", Warm, Answer(TOKEN, |token| token.ending = Ending::Never), TOO_SLOW),
    row("token-huge", Warm, Answer(TOKEN, |token| token.replace(200, JSON, format!(r#"{{"access_token":"{}"}}"#, "x".repeat(64 << 20)))), BAD_TOKEN),
    row("token-cut", Warm, Answer(TOKEN, |token| token.ending = Ending::Cut), DOWN),
    row("token-type-mac", Warm, Answer(TOKEN, |token| token.edit(|t| set(t, "token_type", "mac"))), BAD_TOKEN),
    row("token-type-missing", Warm, Answer(TOKEN, |token| token.edit(|t| without(t, "token_type"))), BAD_TOKEN),
    row("token-no-access-token", Warm, Answer(TOKEN, |token| token.edit(|t| without(t, "access_token"))), BAD_TOKEN),
    row("token-expires-text", Warm, Answer(TOKEN, |token| token.edit(|t| set(t, "expires_in", "3600"))), SURVIVED),
    row("token-expires-negative", Warm, Answer(TOKEN, |token| token.edit(|t| set(t, "expires_in", -5))), SURVIVED),
    row("token-bom", Warm, Answer(TOKEN, |token| token.body = [b"\xef\xbb\xbf", &token.body[..]].concat()), SURVIVED),
    row("token-temporarily-unavailable", Warm, Answer(TOKEN, |token| { token.replace(503, JSON, r#"{"error":"temporarily_unavailable"}"#); token.headers.push(("retry-after".into(), "1".into())) }), DOWN),
    row("error-text-html", Warm, Answer(TOKEN, |token| token.replace(400, JSON, r#"{"error":"invalid_grant","error_description":"<script>alert(1)</script>\r\nSet-Cookie: a=b"}"#)), BAD_CODE),
    row("refresh-not-returned", Refresh, Answer(TOKEN, |token| token.edit(|t| without(t, "refresh_token"))), SURVIVED),
    row("refresh-invalid-grant", Refresh, Answer(TOKEN, |token| token.replace(400, JSON, r#"{"error":"invalid_grant"}"#)), DEAD_GRANT),
    // Metadata, keys, userinfo.
    row("discovery-issuer", Cold, Answer(DISCOVERY, |metadata| metadata.edit(|m| set(m, "issuer", EVIL))), NO_METADATA),
    row("discovery-404", Cold, Answer(DISCOVERY, |metadata| metadata.replace(404, JSON, "{}")), NO_METADATA),
    row("discovery-html", Cold, Answer(DISCOVERY, hotel), NO_METADATA),
    row("discovery-endpoint-elsewhere", Cold, Answer(DISCOVERY, |metadata| metadata.edit(|m| set(m, "token_endpoint", "http://127.0.0.1:9/token"))), NEVER_ASKED),
    row("jwks-500", Cold, Answer(KEYS, |keys| keys.replace(500, JSON, "{}")), DOWN),
    row("jwks-empty", Cold, Answer(KEYS, |keys| keys.replace(200, JSON, r#"{"keys":[]}"#)), BAD_TOKEN),
    row("jwks-extra-odd-keys", Cold, Answer(KEYS, |keys| keys.edit(|set| change(set, "keys", odd_keys_before))), SURVIVED),
    row("jwks-slow", Cold, Answer(KEYS, |keys| keys.ending = Ending::Never), TOO_SLOW),
    row("userinfo-sub", Warm, Answer(USERINFO, |user| user.edit(|u| set(u, "sub", "mallory"))), BAD_USERINFO),
    row("userinfo-401", Warm, Answer(USERINFO, |user| { user.replace(401, JSON, ""); user.headers.push(("www-authenticate".into(), r#"Bearer error="invalid_token""#.into())) }), SURVIVED),
    row("userinfo-html", Warm, Answer(USERINFO, hotel), SURVIVED),
    // The callback.
    row("back-iss-wrong", Warm, Back(|query| put(query, "iss", EVIL)), NOT_TRUSTED),
    row("back-iss-missing", Warm, Back(|query| drop_from(query, "iss")), NOT_TRUSTED),
    row("back-state-wrong", Warm, Back(|query| put(query, "state", "mallory")), NOT_TRUSTED),
    row("back-state-missing", Warm, Back(|query| drop_from(query, "state")), NOT_TRUSTED),
    row("back-state-twice", Warm, Back(|query| query.push(("state".into(), "mallory".into()))), NOT_TRUSTED),
    row("back-code-missing", Warm, Back(|query| drop_from(query, "code")), NOT_TRUSTED),
    row("back-code-wrong", Warm, Back(|query| put(query, "code", "mallory")), BAD_CODE),
    row("back-error-and-code", Warm, Back(|query| put(query, "error", "access_denied")), NOT_TRUSTED),
    row("back-error-html", Warm, Back(|query| put(query, "error", SCRIPT)), NOT_TRUSTED),
];

/// The target of redirects that must not be followed. The proxy counts requests for it.
pub(crate) const ELSEWHERE: &str = "/elsewhere";
const JSON: &str = "application/json";

type Fields = Map<String, Value>;

fn set(fields: &mut Fields, name: &str, value: impl Into<Value>) {
    fields.insert(name.into(), value.into());
}

fn without(fields: &mut Fields, name: &str) {
    fields.remove(name);
}

fn change(fields: &mut Fields, name: &str, change: impl FnOnce(&Value) -> Value) {
    let value = change(&fields[name]);
    set(fields, name, value);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

/// The page of a captive portal instead of the provider's response.
fn hotel(reply: &mut Reply) {
    reply.replace(200, "text/html", "<html><body>Welcome! Please accept our terms first.</body></html>");
}

fn odd_keys_before(keys: &Value) -> Value {
    let mut all = vec![
        json!({ "kty": "OKP", "crv": "Ed448", "x": "AA", "kid": "odd" }),
        json!({ "kty": "future", "kid": "odd-too" }),
        json!({ "kid": "no-kty" }),
    ];
    all.extend(keys.as_array().unwrap().iter().cloned());
    Value::Array(all)
}

/// The token with the first character of its signature changed.
fn flip(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{other}{}", &signature[1..])
}

type Query = Vec<(String, String)>;

fn drop_from(query: &mut Query, name: &str) {
    query.retain(|(known, _)| known != name);
}

fn put(query: &mut Query, name: &str, value: &str) {
    drop_from(query, name);
    query.push((name.into(), value.into()));
}
