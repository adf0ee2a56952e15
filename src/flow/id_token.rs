//! ID tokens (OpenID Connect Core §3.1.3.7).
//!
//! | claim | required | check |
//! |---|---|---|
//! | `iss`, `aud`, `azp` | `iss`, `aud` | [`check_parties`] |
//! | `exp`, `iat`, `nbf` | `exp`, `iat` | [`check_lifetime`], and `iat` at most a day ago |
//! | `nonce` | at sign-in | equal to the flow's, compared in constant time |
//! | `at_hash`, `c_hash` | no | the hash of the access token and of the code |
//! | `auth_time`, `acr` | if the request required them | [`IdTokenRequirements`] |
//! | `sub` | yes | a text; after a refresh, the same user as before |
//!
//! The entry's `clock_skew` is allowed for in every comparison of times.

use ring::digest::{SHA256, SHA384, SHA512, digest};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use super::claims::{check_lifetime, check_parties, seconds, text};
use super::engine::Engine;
use super::errors::bad_answer;
use super::flow::Flow;
use super::id_token_requirements::IdTokenRequirements;
use super::jwt::{self, JwtKind, stored_claims};
use super::metadata::Metadata;
use crate::config::Entry;
use crate::error::{Error, Result};
use crate::profile::claims;
use crate::provider::SigningAlgorithm;
use crate::secret::{Secret, encode_base64url};
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
    pub(super) all: Map<String, Value>,
}

/// What the claims of an ID token are checked against.
pub(super) struct IdTokenCheck<'a> {
    pub(super) entry: &'a Entry,
    /// The time, in unix seconds.
    pub(super) now: i64,
    /// The nonce that the token must have. None for a refreshed token.
    pub(super) nonce: Option<&'a str>,
    /// The access token that came with the ID token, for `at_hash`.
    pub(super) access_token: &'a Secret,
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
        now: engine.clock.now(),
        nonce: Some(nonce.expose()),
        access_token: &token.access_token,
        code: Some(code),
        requirements: Some(&flow.requirements),
    };
    verify_and_check(engine, metadata, id_token, &check).await
}

/// Verifies the ID token of `next`, which a refresh of `old` brought, if there is one. It must be the ID token of the
/// account's user, and of the same user and provider as the ID token of `old` (Core §12.2, ID-21).
pub(super) async fn verify_refreshed(
    engine: &Engine,
    entry: &Entry,
    metadata: &Metadata,
    old: &Token,
    next: &Token,
    provider_user_id: Option<&str>,
) -> Result<()> {
    let Some(id_token) = &next.id_token else { return Ok(()) };
    let check = IdTokenCheck {
        entry,
        now: engine.clock.now(),
        nonce: None,
        access_token: &next.access_token,
        code: None,
        requirements: None,
    };
    let claims = verify_and_check(engine, metadata, id_token, &check).await?;
    // The old token may have no ID token to compare with.
    if provider_user_id.is_some_and(|id| id != claims.sub) {
        return Err(refused("it is another user's than the account"));
    }
    let Some(before) = old.id_token.as_ref().and_then(|token| stored_claims(token.expose())) else {
        return Ok(());
    };
    if before.get("sub").and_then(Value::as_str) != Some(&claims.sub)
        || before.get("iss") != claims.all.get("iss")
    {
        return Err(refused("it is another user's than before"));
    }
    if claims.all.contains_key("nonce") && claims.all.get("nonce") != before.get("nonce") {
        return Err(refused("its `nonce` is not the first one's"));
    }
    Ok(())
}

/// Verifies the signature, then checks the claims.
async fn verify_and_check(
    engine: &Engine,
    metadata: &Metadata,
    id_token: &Secret,
    check: &IdTokenCheck<'_>,
) -> Result<IdTokenClaims> {
    let token = jwt::verify(engine, check.entry, metadata, JwtKind::IdToken, id_token.expose()).await?;
    check.run(token.claims, token.algorithm).map_err(refused)
}

fn refused(cause: &'static str) -> Error {
    JwtKind::IdToken.refused(cause)
}

impl IdTokenCheck<'_> {
    /// Checks the claims of an ID token that `algorithm` has signed.
    pub(super) fn run(
        &self,
        all: Map<String, Value>,
        algorithm: SigningAlgorithm,
    ) -> Result<IdTokenClaims, &'static str> {
        let claims = Value::Object(all);
        check_parties(self.entry, &claims)?;
        self.check_times(&claims)?;
        self.requirements.unwrap_or(&IdTokenRequirements::default()).check(self.entry, &claims, self.now)?;
        if let Some(nonce) = self.nonce {
            let given = text(&claims, "nonce")?.ok_or("no `nonce`")?;
            if !bool::from(given.as_bytes().ct_eq(nonce.as_bytes())) {
                return Err("`nonce` is not this sign-in's");
            }
        }
        for (name, secret) in [("at_hash", Some(self.access_token)), ("c_hash", self.code)] {
            if let (Some(hash), Some(secret)) = (text(&claims, name)?, secret)
                && hash != half_hash(algorithm, secret)
            {
                return Err("`at_hash` or `c_hash` is not the hash of what came with it");
            }
        }
        let sub = match claims.get("sub") {
            // A `sub` must be a text. If a number counted, `1` and `"1"` would be one user (ID-08).
            Some(Value::String(_)) => {
                claims::id(&claims, "sub").ok().flatten().ok_or("`sub` is not an id")?
            }
            _ => return Err("`sub` is not an id"),
        };
        match claims {
            Value::Object(all) => Ok(IdTokenClaims { sub, all }),
            _ => Err("not a JSON object"),
        }
    }

    /// Checks that the token is valid now, names its end, and is not older than a day.
    fn check_times(&self, claims: &Value) -> Result<(), &'static str> {
        check_lifetime(self.entry, claims, self.now)?;
        seconds(claims, "exp")?.ok_or("no `exp`")?;
        let (now, skew) = (self.now as f64, self.entry.clock_skew as f64);
        if seconds(claims, "iat")?.ok_or("no `iat`")? < now - skew - MAX_AGE {
            return Err("`iat` is long ago");
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
