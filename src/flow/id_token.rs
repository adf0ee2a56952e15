//! ID tokens (OpenID Connect Core §3.1.3.7).
//!
//! | claim | required | check |
//! |---|---|---|
//! | `iss`, `aud`, `azp` | `iss`, `aud` | [`check_parties_of`] |
//! | `exp`, `iat`, `nbf` | `exp`, `iat` | [`check_lifetime`], and `iat` at most a day ago |
//! | `nonce` | at sign-in | equal to the flow's, compared in constant time |
//! | `at_hash`, `c_hash` | no | the hash of the access token and of the code |
//! | `auth_time`, `acr` | if the request required them | [`IdTokenRequirements`] |
//! | `sub` | yes | a text; after a refresh, the same user as before |
//!
//! An ID token that a device brings ([`verify_native`]) differs in three points: its audience is one of the entry's
//! `native_client_ids`, its nonce may be the SHA-256 of the flow's, and neither access token nor code comes with it.
//!
//! The entry's `clock_skew` is allowed for in every comparison of times.

use std::fmt::Display;

use ring::digest::{SHA256, SHA384, SHA512, digest};
use subtle::ConstantTimeEq;

use super::claims::{Cause, Claims, check_lifetime, check_parties_of, seconds, text};
use super::engine::Engine;
use super::errors::bad_answer;
use super::flow::Flow;
use super::id_token_requirements::IdTokenRequirements;
use super::jwt::{self, JwtKind, stored_claims};
use super::metadata::Metadata;
use crate::config::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::claims;
use crate::provider::SigningAlgorithm;
use crate::secret::{Secret, encode_base64url, encode_hex, sha256};
use crate::token::Token;

/// Maximum age of an ID token when it arrives, in seconds. It is created for the answer that brings it; a day leaves room
/// for providers that repeat one.
const MAX_AGE: f64 = 86_400.0;

/// The claims of a verified ID token.
#[derive(Debug, Clone)]
pub(super) struct IdTokenClaims {
    /// The user's id at the provider.
    pub(super) sub: String,
    /// All claims, including `sub`.
    pub(super) all: Claims,
}

/// What the claims of an ID token are checked against.
pub(super) struct IdTokenCheck<'a> {
    pub(super) entry: &'a Entry,
    /// The clients of which one must be the audience.
    pub(super) clients: &'a [String],
    /// The time, in unix seconds.
    pub(super) now: i64,
    /// The nonce that the token must have. None for a refreshed token, and for one whose nonce is checked by itself.
    pub(super) nonce: Option<&'a str>,
    /// The access token that came with the ID token, for `at_hash`.
    pub(super) access_token: Option<&'a Secret>,
    /// The code for which it came, for `c_hash`.
    pub(super) code: Option<&'a Secret>,
    /// What the authorization request required. None for a refreshed token: it is of the sign-in that met them.
    pub(super) requirements: Option<&'a IdTokenRequirements>,
}

/// Verifies the ID token of `token`, which was exchanged for `code`, and returns its claims. There must be one (ID-15).
pub(super) async fn verify(
    engine: &Engine,
    entry: &Entry,
    metadata: &Metadata,
    flow: &Flow,
    code: &Secret,
    token: &Token,
) -> Result<IdTokenClaims> {
    let id_token = token.id_token.as_ref().ok_or_else(|| bad_answer("no `id_token` in the token answer"))?;
    let nonce = flow.nonce();
    let check = IdTokenCheck {
        entry,
        clients: std::slice::from_ref(&entry.client_id),
        now: engine.clock.now(),
        nonce: Some(nonce.expose()),
        access_token: Some(&token.access_token),
        code: Some(code),
        requirements: Some(&flow.requirements),
    };
    let signed = jwt::verify(engine, entry, metadata, JwtKind::IdToken, id_token.expose()).await?;
    check.run(signed.claims, signed.algorithm).map_err(refused)
}

/// Verifies an ID token that a device brings for `flow`, and returns its claims.
///
/// # Errors
/// [`ErrorKind::CallbackNotTrusted`] if the token is refused; the error of the fetch if the keys can't be fetched.
pub(super) async fn verify_native(
    engine: &Engine,
    entry: &Entry,
    metadata: &Metadata,
    flow: &Flow,
    id_token: &Secret,
) -> Result<IdTokenClaims> {
    let kind = JwtKind::NativeIdToken;
    let token = jwt::verify(engine, entry, metadata, kind, id_token.expose()).await?;
    // The secret is that of the entry's own client. A program on a device has none.
    if token.algorithm == SigningAlgorithm::HS256 {
        return Err(kind.refused("a client on a device has no secret that signs"));
    }
    let check = IdTokenCheck {
        entry,
        clients: entry.native_client_ids(),
        now: engine.clock.now(),
        nonce: None,
        access_token: None,
        code: None,
        requirements: Some(&flow.requirements),
    };
    let claims = check.run(token.claims, token.algorithm).map_err(|cause| kind.refused(cause))?;
    check_native_nonce(&claims.all, &flow.nonce()).map_err(|cause| kind.refused(cause))?;
    Ok(claims)
}

/// Checks that the token's `nonce` is `nonce`, as Google's SDKs pass it on, or the hexadecimal SHA-256 of it, which apps give
/// Apple's.
fn check_native_nonce(claims: &Claims, nonce: &Secret) -> Result<(), Cause> {
    let given = text(claims, "nonce")?.ok_or("no `nonce`")?;
    let hash = Secret::new(encode_hex(&sha256(nonce.expose())));
    // Both are compared, so that the time does not depend on which one it is. Hexadecimal digits have no case.
    match nonce.matches(given) | hash.matches(&given.to_ascii_lowercase()) {
        true => Ok(()),
        false => Err("`nonce` is neither this sign-in's nor its SHA-256".into()),
    }
}

/// Verifies the ID token of `next`, which a refresh of `old` brought, and returns it. It must be of the same user and
/// provider as the ID token of `old` (Core §12.2, ID-21).
///
/// An ID token that cannot be verified at the moment, or that is not valid now, is left out with a line in the log: some
/// providers repeat the first one, which has expired.
pub(super) async fn verify_refreshed(
    engine: &Engine,
    entry: &Entry,
    metadata: &Metadata,
    old: &Token,
    next: &Token,
) -> Result<Option<Secret>> {
    let Some(id_token) = &next.id_token else { return Ok(None) };
    let left_out = |error: &dyn std::fmt::Debug| {
        log::warn!("oauth: `{}`: an ID token that a refresh brought is left out: {error:?}", entry.name);
        Ok(None)
    };
    let token = match jwt::verify(engine, entry, metadata, JwtKind::IdToken, id_token.expose()).await {
        Err(error) if error.kind() != ErrorKind::BadProviderAnswer => return left_out(&error),
        token => token?,
    };
    let check = IdTokenCheck {
        entry,
        clients: std::slice::from_ref(&entry.client_id),
        now: engine.clock.now(),
        nonce: None,
        access_token: Some(&next.access_token),
        code: None,
        requirements: None,
    };
    let times = check.check_times(&token.claims);
    let claims = check.check_parties_and_hashes(token.claims, token.algorithm).map_err(refused)?;
    if let Some(before) = old.id_token.as_ref().and_then(|token| stored_claims(token.expose())) {
        if before.get("iss") != claims.all.get("iss") {
            return Err(refused("it is another issuer's than before"));
        }
        let nonce = claims.all.get("nonce").filter(|nonce| !nonce.is_null() && *nonce != "");
        if nonce.is_some_and(|nonce| before.get("nonce") != Some(nonce)) {
            return Err(refused("its `nonce` is not the first one's"));
        }
    }
    match times {
        Ok(()) => Ok(Some(id_token.clone())),
        Err(cause) => left_out(&cause),
    }
}

fn refused(cause: impl Display) -> Error {
    JwtKind::IdToken.refused(cause)
}

impl IdTokenCheck<'_> {
    /// Checks the claims of an ID token that `algorithm` has signed.
    pub(super) fn run(&self, all: Claims, algorithm: SigningAlgorithm) -> Result<IdTokenClaims, Cause> {
        self.check_times(&all)?;
        self.check_parties_and_hashes(all, algorithm)
    }

    /// Checks everything but the times.
    fn check_parties_and_hashes(
        &self,
        all: Claims,
        algorithm: SigningAlgorithm,
    ) -> Result<IdTokenClaims, Cause> {
        check_parties_of(self.entry, self.clients, &all)?;
        self.requirements.unwrap_or(&IdTokenRequirements::default()).check(self.entry, &all, self.now)?;
        if let Some(nonce) = self.nonce {
            let given = text(&all, "nonce")?.ok_or("no `nonce`")?;
            if !bool::from(given.as_bytes().ct_eq(nonce.as_bytes())) {
                return Err("`nonce` is not this sign-in's".into());
            }
        }
        for (name, secret) in [("at_hash", self.access_token), ("c_hash", self.code)] {
            if let (Some(hash), Some(secret)) = (text(&all, name)?, secret)
                && hash != half_hash(algorithm, secret)
            {
                return Err("`at_hash` or `c_hash` is not the hash of what came with it".into());
            }
        }
        // A `sub` must be a text. If a number counted, `1` and `"1"` would be one user (ID-08).
        let sub = all.get("sub").filter(|sub| sub.is_string()).and_then(claims::id_of);
        Ok(IdTokenClaims { sub: sub.ok_or("`sub` is not an id")?, all })
    }

    /// Checks that the token is valid now, names its end, and is not older than a day.
    fn check_times(&self, claims: &Claims) -> Result<(), Cause> {
        check_lifetime(self.entry, claims, self.now)?;
        seconds(claims, "exp")?.ok_or("no `exp`")?;
        let (now, skew) = (self.now as f64, self.entry.clock_skew as f64);
        if seconds(claims, "iat")?.ok_or("no `iat`")? < now - skew - MAX_AGE {
            return Err("`iat` is long ago".into());
        }
        Ok(())
    }
}

/// The value of `at_hash` and `c_hash`: the left half of the signature algorithm's hash (Core §3.1.3.6). Ed25519 uses
/// SHA-512.
fn half_hash(algorithm: SigningAlgorithm, secret: &Secret) -> String {
    use SigningAlgorithm::{ES256, ES384, EdDSA, HS256, PS256, PS384, PS512, RS256, RS384, RS512};
    let hash = match algorithm {
        RS256 | PS256 | ES256 | HS256 => &SHA256,
        RS384 | PS384 | ES384 => &SHA384,
        RS512 | PS512 | EdDSA => &SHA512,
    };
    let digest = digest(hash, secret.expose().as_bytes());
    encode_base64url(&digest.as_ref()[..digest.as_ref().len() / 2])
}
