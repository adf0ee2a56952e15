//! Claims of signed tokens: how they are read, and the checks that are the same for every kind of token.
//!
//! Reading is strict: a claim of the wrong type is refused. If it counted as absent, an attacker could remove a check by
//! changing a type.

use serde_json::Value;

use crate::config::{Entry, Issuer};

/// Returns the text `name`. A value of another type is an error, not an absent claim.
pub(super) fn text<'a>(claims: &'a Value, name: &str) -> Result<Option<&'a str>, &'static str> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err("a claim is not a text"),
    }
}

/// Returns the time `name` in unix seconds, possibly with a fraction (RFC 7519 §2). A value of another type or out of range
/// is an error, not an absent claim.
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

/// Checks the issuer and the audience (OpenID Connect Core §3.1.3.7, steps 2 to 5).
pub(super) fn check_parties(entry: &Entry, claims: &Value) -> Result<(), &'static str> {
    let client_id = entry.client_id.as_str();
    let (iss, issuer) = (claims.get("iss").and_then(Value::as_str), entry.issuer.as_ref());
    let tenant = match issuer.and_then(Issuer::tenant_claim) {
        Some(claim) => text(claims, claim)?,
        None => None,
    };
    if !iss.zip(issuer).is_some_and(|(iss, issuer)| issuer.matches(iss, tenant)) {
        return Err("`iss` is not the issuer");
    }
    let azp = text(claims, "azp")?;
    match claims.get("aud") {
        Some(Value::String(aud)) if aud == client_id => {}
        Some(Value::Array(list))
            if list.iter().all(Value::is_string) && list.iter().any(|aud| aud == client_id) =>
        {
            let is_known = |aud: &&str| *aud == client_id || entry.trusts_audience(aud);
            if !list.iter().filter_map(Value::as_str).all(|aud| is_known(&aud)) {
                return Err("`aud` names an audience that is not among the entry's `trusted_audiences`");
            }
            if list.len() > 1 && azp.is_none() {
                return Err("`aud` names other audiences too, and `azp` does not name us");
            }
        }
        _ => return Err("`aud` is not this client"),
    }
    match azp {
        Some(azp) if azp != client_id => Err("`azp` is another client"),
        _ => Ok(()),
    }
}

/// Checks that a token is valid at `now` (unix seconds), as far as its claims say (RFC 7519 §4.1.4 to §4.1.6). The entry's
/// clock skew is allowed for.
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
