//! ID tokens (OpenID Connect Core §3.1.3.7).

use ring::digest::{SHA256, SHA384, SHA512, digest};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use super::demands::Demands;
use super::http::bad_answer;
use super::jwt::{Kind, stored_claims};
use super::oidc::Metadata;
use super::{Engine, Flow};
use crate::config::Entry;
use crate::error::Result;
use crate::profile::claims;
use crate::provider::SigningAlgorithm;
use crate::secret::{Secret, encode_base64url};
use crate::token::Token;

/// How old an ID token may be when it arrives, in seconds. It comes fresh; a day leaves room for whatever a provider does.
const MAX_AGE: f64 = 86_400.0;

/// A verified ID token's claims.
#[derive(Debug, Clone)]
pub(crate) struct Claims {
    pub(crate) sub: String,
    pub(crate) all: Map<String, Value>,
}

/// What an ID token must say.
pub(super) struct Expected<'a> {
    pub(super) entry: &'a Entry,
    pub(super) now: i64,
    /// It must be there and equal.
    pub(super) nonce: Option<&'a str>,
    pub(super) access_token: &'a Secret,
    pub(super) code: Option<&'a Secret>,
    /// A refreshed one is of the same sign-in, which was fresh when it was.
    pub(super) demands: Option<&'a Demands>,
}

impl Engine {
    /// The claims of the ID token that came with the first token: it must be there (ID-15).
    pub(super) async fn first_id_token(
        &self,
        entry: &Entry,
        metadata: &Metadata,
        flow: &Flow,
        code: &Secret,
        token: &Token,
    ) -> Result<Claims> {
        let id_token =
            token.id_token.as_ref().ok_or_else(|| bad_answer("no `id_token` in the token answer"))?;
        let nonce = flow.nonce();
        let expected = Expected {
            entry,
            now: self.clock.now(),
            nonce: Some(nonce.expose()),
            access_token: &token.access_token,
            code: Some(code),
            demands: Some(&flow.demands),
        };
        self.checked(metadata, id_token, &expected).await
    }

    /// Checks an ID token that came with a refreshed one: `person`'s, and the same person's as `old`'s (Core §12.2,
    /// ID-21).
    pub(super) async fn next_id_token(
        &self,
        entry: &Entry,
        metadata: &Metadata,
        old: &Token,
        next: &Token,
        person: Option<&str>,
    ) -> Result<()> {
        let Some(id_token) = &next.id_token else { return Ok(()) };
        let expected = Expected {
            entry,
            now: self.clock.now(),
            nonce: None,
            access_token: &next.access_token,
            code: None,
            demands: None,
        };
        let claims = self.checked(metadata, id_token, &expected).await?;
        // The old token may have come without one.
        if person.is_some_and(|person| person != claims.sub) {
            return Err(wrong("it is another person's than the account"));
        }
        let Some(before) = old.id_token.as_ref().and_then(|token| stored_claims(token.expose())) else {
            return Ok(());
        };
        if before.get("sub").and_then(Value::as_str) != Some(&claims.sub)
            || before.get("iss") != claims.all.get("iss")
        {
            return Err(wrong("it is another person's than before"));
        }
        if claims.all.contains_key("nonce") && claims.all.get("nonce") != before.get("nonce") {
            return Err(wrong("its `nonce` is not the first one's"));
        }
        Ok(())
    }

    async fn checked(
        &self,
        metadata: &Metadata,
        id_token: &Secret,
        expected: &Expected<'_>,
    ) -> Result<Claims> {
        let token = self.verified(expected.entry, metadata, Kind::IdToken, id_token.expose()).await?;
        expected.check(token.claims, token.algorithm).map_err(wrong)
    }
}

fn wrong(cause: &'static str) -> crate::Error {
    Kind::IdToken.wrong(cause)
}

impl Expected<'_> {
    pub(super) fn check(
        &self,
        all: Map<String, Value>,
        algorithm: SigningAlgorithm,
    ) -> Result<Claims, &'static str> {
        let claims = Value::Object(all);
        check_parties(self.entry, &claims)?;
        self.check_times(&claims)?;
        self.demands.unwrap_or(&Demands::default()).check(self.entry, &claims, self.now)?;
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
                return Err("a hash in it is not that of what came with it");
            }
        }
        let sub = match claims.get("sub") {
            // A number is somebody's mistake here: `1` and `"1"` would be one person (ID-08).
            Some(Value::String(_)) => {
                claims::id(&claims, "sub").ok().flatten().ok_or("`sub` is not an id")?
            }
            _ => return Err("`sub` is not an id"),
        };
        match claims {
            Value::Object(all) => Ok(Claims { sub, all }),
            _ => Err("not a JSON object"),
        }
    }

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

/// Who signed it, and for whom (Core §3.1.3.7, 2 to 5).
pub(super) fn check_parties(entry: &Entry, claims: &Value) -> Result<(), &'static str> {
    let client_id = entry.client_id.as_str();
    let (iss, tenant) = (claims.get("iss").and_then(Value::as_str), text(claims, "tid")?);
    if !iss.is_some_and(|iss| entry.is_issuer(iss, tenant)) {
        return Err("`iss` is not the issuer");
    }
    let azp = text(claims, "azp")?;
    match claims.get("aud") {
        Some(Value::String(aud)) if aud == client_id => {}
        Some(Value::Array(list))
            if list.iter().all(Value::is_string) && list.iter().any(|aud| aud == client_id) =>
        {
            let is_known =
                |aud: &&str| *aud == client_id || entry.trusted_audiences.iter().any(|known| known == aud);
            if !list.iter().filter_map(Value::as_str).all(|aud| is_known(&aud)) {
                return Err("`aud` names others, of which none stands in `trusted_audiences`");
            }
            if list.len() > 1 && azp.is_none() {
                return Err("`aud` names others too, and `azp` does not name us");
            }
        }
        _ => return Err("`aud` is not this client"),
    }
    match azp {
        Some(azp) if azp != client_id => Err("`azp` is another client"),
        _ => Ok(()),
    }
}

/// That it is good at `now`, as far as it says (RFC 7519 §4.1.4 to §4.1.6).
pub(super) fn check_lifetime(entry: &Entry, claims: &Value, now: i64) -> Result<(), &'static str> {
    let (now, skew) = (now as f64, entry.clock_skew as f64);
    if seconds(claims, "exp")?.is_some_and(|exp| now >= exp + skew) {
        return Err("it has expired");
    }
    if seconds(claims, "iat")?.is_some_and(|iat| iat > now + skew) {
        return Err("`iat` is in the future");
    }
    if seconds(claims, "nbf")?.is_some_and(|nbf| nbf > now + skew) {
        return Err("`nbf` is in the future");
    }
    Ok(())
}

/// The text `name`. One of another type is wrong, not absent.
pub(super) fn text<'a>(claims: &'a Value, name: &str) -> Result<Option<&'a str>, &'static str> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err("a claim is not a text"),
    }
}

/// The time `name`, fractions allowed (RFC 7519 §2). One of another type, or beyond all calendars, is wrong, not absent.
pub(super) fn seconds(claims: &Value, name: &str) -> Result<Option<f64>, &'static str> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => match number.as_f64() {
            Some(seconds) if (0.0..=1e12).contains(&seconds) => Ok(Some(seconds)),
            _ => Err("a time is out of range"),
        },
        Some(_) => Err("a time is not a number"),
    }
}

/// `at_hash` and `c_hash`: the left half of the hash that the signature uses (Core §3.1.3.6); Ed25519 uses SHA-512.
fn half_hash(algorithm: SigningAlgorithm, secret: &Secret) -> String {
    use SigningAlgorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let hash = match algorithm {
        RS256 | PS256 | ES256 => &SHA256,
        RS384 | PS384 | ES384 => &SHA384,
        RS512 | PS512 | EdDSA => &SHA512,
    };
    let digest = digest(hash, secret.expose().as_bytes());
    encode_base64url(&digest.as_ref()[..digest.as_ref().len() / 2])
}
