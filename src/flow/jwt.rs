//! Signed tokens: JWTs in the compact form of a JWS (RFC 7519, RFC 7515 §7.1).
//!
//! The checks here are the same for every kind of token: three parts, an allowed algorithm, the right `typ`, no critical
//! extension, a signature by one of the provider's keys. Each kind then checks its claims.

use std::fmt::Display;

use ring::hmac;
use serde_json::Value;

use super::claims::Claims;
use super::document_cache::RefetchCause;
use super::engine::Engine;
use super::errors::{bad_answer, not_trusted};
use super::json;
use super::key_set::KeySet;
use super::metadata::Metadata;
use crate::config::{Entry, Issuer};
use crate::error::{Error, Result};
use crate::provider::SigningAlgorithm;
use crate::secret::{Secret, decode_base64url};

/// Maximum length of a token, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// Claims that decide whom a token is about and whether it is valid: each may occur once, as may those of
/// [`Entry::deciding_claims`] (ID-22).
const DECIDING: &[&str] = &[
    "acr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "c_hash",
    "email",
    "email_verified",
    "events",
    "exp",
    "iat",
    "iss",
    "jti",
    "nbf",
    "nonce",
    "sid",
    "sub",
];

/// The kinds of tokens that a provider signs. A token of one kind is never accepted as another, although the same keys
/// sign all of them (RFC 8725 §3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JwtKind {
    /// OpenID Connect Core §2.
    IdToken,
    /// An ID token that a device brings.
    NativeIdToken,
    /// A signed userinfo answer (Core §5.3.2).
    Userinfo,
    /// OpenID Connect Back-Channel Logout §2.4.
    LogoutToken,
}

impl JwtKind {
    fn name(self) -> &'static str {
        match self {
            Self::IdToken | Self::NativeIdToken => "the ID token",
            Self::Userinfo => "the signed userinfo",
            Self::LogoutToken => "the logout token",
        }
    }

    /// The allowed values of the header's `typ`, without `application/` (RFC 7515 §4.1.9). A token may have no `typ`.
    fn types(self) -> &'static [&'static str] {
        match self {
            Self::IdToken | Self::NativeIdToken | Self::Userinfo => &["jwt"],
            Self::LogoutToken => &["logout+jwt", "jwt"],
        }
    }

    fn refetch_cause(self) -> RefetchCause {
        match self {
            Self::IdToken | Self::Userinfo => RefetchCause::ProviderAnswer,
            Self::LogoutToken | Self::NativeIdToken => RefetchCause::UnsolicitedToken,
        }
    }

    /// The error for a token of this kind that fails a check.
    pub(super) fn refused(self, cause: impl Display) -> Error {
        let cause = format!("{}: {cause}", self.name());
        match self {
            // The provider has not sent it.
            Self::NativeIdToken => not_trusted(cause),
            Self::IdToken | Self::Userinfo | Self::LogoutToken => bad_answer(cause),
        }
    }
}

/// A token with a verified signature. Its claims are still to be checked.
#[derive(Debug)]
pub(super) struct VerifiedJwt {
    pub(super) claims: Claims,
    pub(super) algorithm: SigningAlgorithm,
}

/// Verifies the signature of `token` with the provider's published keys, by one of the entry's algorithms. If no known key
/// verifies it, the keys are fetched again once. An entry that accepts HS256 verifies such a token with its client secret.
///
/// # Errors
/// [`ErrorKind::BadProviderAnswer`](crate::ErrorKind::BadProviderAnswer) if the token is refused; the error of the fetch
/// if the keys can't be fetched.
pub(super) async fn verify(
    engine: &Engine,
    entry: &Entry,
    metadata: &Metadata,
    kind: JwtKind,
    token: &str,
) -> Result<VerifiedJwt> {
    let refused = |cause: &'static str| kind.refused(cause);
    let jwt = Jwt::parse(token, kind, entry.signing_algorithms()).map_err(refused)?;
    if jwt.algorithm == SigningAlgorithm::HS256 {
        let secret = entry.oauth2().and_then(|options| options.client_auth.secret());
        if !secret.is_some_and(|secret| jwt.is_signed_with(secret)) {
            return Err(refused("the client secret has not signed it"));
        }
        return Ok(VerifiedJwt { claims: jwt.claims(entry).map_err(refused)?, algorithm: jwt.algorithm });
    }
    let url = Engine::key_set_url(entry, metadata);
    let url = url.ok_or_else(|| bad_answer("no `jwks_uri` in the provider's metadata"))?;
    let keys = engine.jwks.get(url).await?;
    let claims = jwt.claims(entry).map_err(refused)?;
    // A provider with many tenants may publish keys that sign for one tenant only.
    let issuer = entry.issuer.as_ref().filter(|issuer| issuer.tenants.is_some());
    let issuer = issuer.map(|issuer| (issuer, claims.get("iss").and_then(Value::as_str).unwrap_or_default()));
    if !jwt.is_signed_by(&keys, issuer)
        && !jwt.is_signed_by(&*engine.jwks.renew(url, &keys, kind.refetch_cause()).await?, issuer)
    {
        return Err(refused("none of the provider's keys has signed it"));
    }
    Ok(VerifiedJwt { claims, algorithm: jwt.algorithm })
}

/// The parts of a token. Nothing is verified yet.
pub(super) struct Jwt<'a> {
    pub(super) algorithm: SigningAlgorithm,
    kid: Option<String>,
    signed: &'a str,
    signature: Vec<u8>,
    payload: &'a str,
}

impl<'a> Jwt<'a> {
    /// Reads a token of this `kind`. The `allowed` algorithms are ours to choose; the header only selects one of them
    /// (RFC 8725 §3.1). Header fields that name a key (`jku`, `x5u`, `jwk`, `x5c`) are ignored.
    ///
    /// # Errors
    /// If the token is malformed, of another kind, or of an algorithm that is not allowed.
    pub(super) fn parse(
        token: &'a str,
        kind: JwtKind,
        allowed: &[SigningAlgorithm],
    ) -> Result<Self, &'static str> {
        if token.len() > MAX_BYTES {
            return Err("it is too long");
        }
        let (signed, signature) = token.rsplit_once('.').ok_or("it has not three parts")?;
        let (header, payload) = signed.split_once('.').ok_or("it has not three parts")?;
        if payload.contains('.') {
            return Err("it has not three parts");
        }
        let header = decode_base64url(header).ok_or("its header is not base64url")?;
        let header = json::deciding_object(&header, &["alg", "crit", "kid", "typ"])?;
        let text = |name| match header.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err("a header field is not a text"),
        };
        // RFC 7515 §4.1.11.
        if header.contains_key("crit") {
            return Err("its header demands an extension");
        }
        if let Some(typ) = text("typ")?.map(str::to_ascii_lowercase)
            && !kind.types().contains(&typ.strip_prefix("application/").unwrap_or(&typ))
        {
            return Err("it is a token of another kind");
        }
        let alg = text("alg")?.ok_or("no algorithm")?;
        let algorithm = allowed.iter().copied().find(|algorithm| algorithm.is(alg));
        Ok(Self {
            algorithm: algorithm.ok_or("its algorithm is not among the entry's `signing_algorithms`")?,
            // Without a usable name, all keys are tried.
            kid: text("kid").ok().flatten().map(str::to_owned),
            signed,
            signature: decode_base64url(signature).ok_or("its signature is not base64url")?,
            payload,
        })
    }

    /// Whether one of `keys` verifies the signature. If the token's `iss` is given, keys that name another issuer don't
    /// count.
    pub(super) fn is_signed_by(&self, keys: &KeySet, issuer: Option<(&Issuer, &str)>) -> bool {
        keys.verify(self.kid.as_deref(), issuer, self.algorithm, self.signed.as_bytes(), &self.signature)
    }

    /// Whether the HMAC with `secret` is the signature (RFC 7518 §3.2).
    fn is_signed_with(&self, secret: &Secret) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        hmac::verify(&key, self.signed.as_bytes(), &self.signature).is_ok()
    }

    /// Reads the claims. They prove nothing before the signature is verified.
    pub(super) fn claims(&self, entry: &Entry) -> Result<Claims, &'static str> {
        claims(self.payload, &DECIDING.iter().copied().chain(entry.deciding_claims()).collect::<Vec<_>>())
    }
}

/// Reads the claims of a token that was verified before it was stored.
pub(super) fn stored_claims(token: &str) -> Option<Claims> {
    claims(token.split('.').nth(1)?, DECIDING).ok()
}

/// Returns the text `claim` of a verified ID token.
pub(crate) fn text_claim(id_token: &Secret, claim: &str) -> Option<String> {
    stored_claims(id_token.expose())?.get(claim).and_then(Value::as_str).map(str::to_owned)
}

fn claims(payload: &str, deciding: &[&str]) -> Result<Claims, &'static str> {
    json::deciding_object(&decode_base64url(payload).ok_or("its payload is not base64url")?, deciding)
}
