//! The flow's parsers as fuzz targets. Each function returns whether its parser accepts the input.

use std::sync::LazyLock;

use ring::signature::{Ed25519KeyPair, KeyPair};

use super::answer_fields::answer_fields;
use super::endpoints::needed_endpoints;
use super::id_token::IdTokenCheck;
use super::jwt::{Jwt, JwtKind};
use super::key_set::KeySet;
use super::metadata::Metadata;
use super::token_answer::TokenAnswer;
use super::user_documents::UserDocuments;
use super::user_profile::user_profile;
use super::{Callback, Flow, json, oauth1};
use crate::config::Entry;
use crate::link::Purpose;
use crate::provider::SigningAlgorithm;
use crate::redirect_target::RedirectTarget;
use crate::secret::{KeyRing, Secret, encode_base64url};
use crate::token::Token;

/// The time at which everything happens, in unix seconds.
pub(crate) const NOW: i64 = 1_700_000_000;
/// The `kid` of the signing key.
pub(crate) const KID: &str = "fuzz";

static KEY: LazyLock<Ed25519KeyPair> = LazyLock::new(|| {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap_or_else(|_| panic!("a seed has 32 bytes"))
});

pub(crate) fn callback(entry: &Entry, query: &str) -> bool {
    Callback::parse(entry, query).is_ok()
}

/// Whether `body` with this content type is a token answer to `entry`.
pub(crate) fn token_answer(entry: &Entry, content_type: &str, body: &[u8]) -> bool {
    let answer = http::Response::builder().header("content-type", content_type).body(body.to_vec());
    let Some(options) = entry.oauth2() else { return false };
    let fields = answer.ok().and_then(|answer| answer_fields(options, &answer));
    let answer = fields.and_then(|fields| {
        TokenAnswer::read(options, fields, options.assume_bearer.then_some("bearer")).ok()
    });
    answer.is_some_and(|answer| !answer.into_token(entry.scope(), NOW).access_token.expose().is_empty())
}

pub(crate) fn oauth1_answer(body: &[u8]) -> bool {
    oauth1::fields(body).is_ok_and(|mut fields| oauth1::take_credentials(&mut fields).is_ok())
}

/// Whether `entry` reads a user with an id in `body`.
pub(crate) fn userinfo(entry: &Entry, body: &[u8]) -> bool {
    let documents = |answer| UserDocuments::one(answer, &Token::new("t"));
    let profile = json::value(body).ok().and_then(|answer| user_profile(entry, &documents(answer)).ok());
    profile.is_some_and(|profile| !profile.display_name().is_empty() && profile.id.is_some())
}

pub(crate) fn discovery(entry: &Entry, body: &[u8]) -> bool {
    let issuer = entry.issuer.as_ref().map_or("", |issuer| issuer.in_metadata());
    Metadata::parse(body, issuer, issuer, &needed_endpoints(entry)).is_ok()
}

/// Whether `body` holds the signing key.
pub(crate) fn jwks(body: &[u8]) -> bool {
    const MESSAGE: &[u8] = b"a message";
    static SIGNATURE: LazyLock<Vec<u8>> = LazyLock::new(|| KEY.sign(MESSAGE).as_ref().to_vec());
    let Ok(keys) = KeySet::parse(body) else { return false };
    let signed = |algorithm| keys.verify(Some(KID), None, algorithm, MESSAGE, &SIGNATURE);
    [SigningAlgorithm::RS256, SigningAlgorithm::PS256, SigningAlgorithm::ES256, SigningAlgorithm::EdDSA]
        .map(signed)
        .contains(&true)
}

/// Whether `token` is the ID token of a sign-in at `entry` with the nonce `nonce`.
pub(crate) fn id_token(entry: &Entry, token: &str) -> bool {
    static KEYS: LazyLock<KeySet> =
        LazyLock::new(|| KeySet::parse(&published_keys()).unwrap_or_else(|cause| panic!("{cause}")));
    let Ok(jwt) = Jwt::parse(token, JwtKind::IdToken, entry.signing_algorithms()) else { return false };
    let access_token = Secret::new("access");
    let check = IdTokenCheck {
        entry,
        clients: std::slice::from_ref(&entry.client_id),
        now: NOW,
        nonce: Some("nonce"),
        access_token: Some(&access_token),
        code: None,
        requirements: None,
    };
    // The claims are checked even if the signature is wrong, so that this code is fuzzed too.
    let has_good_claims = jwt.claims(entry).is_ok_and(|claims| check.run(claims, jwt.algorithm).is_ok());
    jwt.is_signed_by(&KEYS, None) && has_good_claims
}

/// Signs a compact JWS (RFC 7515 §7.1) with this header and these claims, which may be any bytes.
pub(crate) fn sign(header: &[u8], claims: &[u8]) -> String {
    let message = format!("{}.{}", encode_base64url(header), encode_base64url(claims));
    let signature = encode_base64url(KEY.sign(message.as_bytes()).as_ref());
    format!("{message}.{signature}")
}

/// Returns a JWK set with the signing key, and with one key of each other type.
pub(crate) fn published_keys() -> Vec<u8> {
    let x = encode_base64url(KEY.public_key().as_ref());
    let point = encode_base64url(&[1; 32]);
    let keys = serde_json::json!({ "keys": [
        { "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": KID, "x": x },
        { "kty": "EC", "crv": "P-256", "use": "sig", "kid": KID, "x": point, "y": point, "alg": "ES256" },
        { "kty": "RSA", "key_ops": ["verify"], "kid": KID, "n": encode_base64url(&[255; 256]), "e": "AQAB" },
    ] });
    keys.to_string().into_bytes()
}

/// Returns a flow of `entry`, as it is sealed in a cookie.
pub(crate) fn flow(entry: &Entry) -> Vec<u8> {
    let flow = Flow::new(
        entry,
        Purpose::SignIn,
        Some("7".into()),
        RedirectTarget::try_from("/a?b").ok(),
        NOW * 1000,
        1800,
    );
    flow.ok().and_then(|flow| serde_json::to_vec(&flow).ok()).unwrap_or_default()
}

/// Whether `sealed` is a flow of `entry` in the cookie `name`.
pub(crate) fn flow_cookie(entry: &Entry, keys: &KeyRing, name: &str, sealed: &str) -> bool {
    let flow = Flow::unseal(keys, name, sealed).filter(|flow| flow.is_valid(NOW));
    flow.is_some_and(|flow| flow.is_for(entry) && !flow.state().matches("") && !flow.verifier().matches(""))
}
