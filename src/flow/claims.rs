//! Claims of signed tokens: how they are read, and the checks that are the same for every kind of token.
//!
//! Reading is strict: a claim of the wrong type is refused. If it counted as absent, an attacker could remove a check by
//! changing a type. Only null and an empty text count as absent.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::config::{Entry, Issuer};
use crate::profile::text::printable;

/// Why a token is refused. It holds no values except issuers.
pub(super) type Cause = Cow<'static, str>;

/// The claims of a token.
pub(super) type Claims = Map<String, Value>;

/// Returns the claim `name`, if it is neither null nor an empty text.
fn given<'a>(claims: &'a Claims, name: &str) -> Option<&'a Value> {
    claims.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""))
}

/// Returns the text `name`. A value of another type is an error, not an absent claim.
pub(super) fn text<'a>(claims: &'a Claims, name: &str) -> Result<Option<&'a str>, Cause> {
    match given(claims, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err("a claim is not a text".into()),
    }
}

/// Returns the time `name` in unix seconds, possibly with a fraction (RFC 7519 §2). A value of another type or out of range
/// is an error, not an absent claim.
pub(super) fn seconds(claims: &Claims, name: &str) -> Result<Option<f64>, Cause> {
    match given(claims, name) {
        None => Ok(None),
        Some(Value::Number(number)) => match number.as_f64() {
            Some(seconds) if (0.0..=1e12).contains(&seconds) => Ok(Some(seconds)),
            _ => Err("a time is out of range".into()),
        },
        Some(_) => Err("a time is not a number".into()),
    }
}

/// Checks the issuer and the audience (OpenID Connect Core §3.1.3.7, steps 2 to 5). The audience must be the entry's client.
pub(super) fn check_parties(entry: &Entry, claims: &Claims) -> Result<(), Cause> {
    check_parties_of(entry, std::slice::from_ref(&entry.client_id), claims)
}

/// Checks the issuer and the audience. The audience must be one of `clients`.
pub(super) fn check_parties_of(entry: &Entry, clients: &[String], claims: &Claims) -> Result<(), Cause> {
    check_issuer(entry, claims)?;
    check_audience(entry, clients, claims)
}

/// Checks the issuer and the audience as far as the claims name them: a signed userinfo may leave them out (Core §5.3.2).
pub(super) fn check_named_parties(entry: &Entry, claims: &Claims) -> Result<(), Cause> {
    if given(claims, "iss").is_some() {
        check_issuer(entry, claims)?;
    }
    if given(claims, "aud").is_some() {
        check_audience(entry, std::slice::from_ref(&entry.client_id), claims)?;
    }
    Ok(())
}

fn check_issuer(entry: &Entry, claims: &Claims) -> Result<(), Cause> {
    let (iss, issuer) = (claims.get("iss").and_then(Value::as_str), entry.issuer.as_ref());
    let tenant = match issuer.and_then(Issuer::tenant_claim) {
        Some(claim) => text(claims, claim)?,
        None => None,
    };
    if iss.zip(issuer).is_some_and(|(iss, issuer)| issuer.matches(iss, tenant)) {
        return Ok(());
    }
    let wanted = issuer.map_or("none", |issuer| issuer.in_metadata());
    Err(format!(
        "`iss` is `{}`, and the entry's issuer is `{wanted}`",
        printable(iss.unwrap_or_default(), 300)
    )
    .into())
}

fn check_audience(entry: &Entry, clients: &[String], claims: &Claims) -> Result<(), Cause> {
    let is_client = |aud: &str| clients.iter().any(|client| client == aud);
    let azp = text(claims, "azp")?;
    match claims.get("aud") {
        Some(Value::String(aud)) if is_client(aud) => {}
        Some(Value::Array(list))
            if list.iter().all(Value::is_string) && list.iter().filter_map(Value::as_str).any(is_client) =>
        {
            let is_known = |aud: &&str| is_client(aud) || entry.trusts_audience(aud);
            if !list.iter().filter_map(Value::as_str).all(|aud| is_known(&aud)) {
                return Err(
                    "`aud` names an audience that is not among the entry's `trusted_audiences`".into()
                );
            }
            if list.len() > 1 && azp.is_none() {
                return Err("`aud` names other audiences too, and `azp` does not name us".into());
            }
        }
        _ => return Err("`aud` is not this client".into()),
    }
    match azp {
        Some(azp) if !is_client(azp) => Err("`azp` is another client".into()),
        _ => Ok(()),
    }
}

/// Checks that a token is valid at `now` (unix seconds), as far as its claims say (RFC 7519 §4.1.4 to §4.1.6). The entry's
/// clock skew is allowed for.
pub(super) fn check_lifetime(entry: &Entry, claims: &Claims, now: i64) -> Result<(), Cause> {
    let (now, skew) = (now as f64, entry.clock_skew as f64);
    if seconds(claims, "exp")?.is_some_and(|exp| now >= exp + skew) {
        return Err("it has expired".into());
    }
    if seconds(claims, "iat")?.is_some_and(|iat| iat > now + skew) {
        return Err("`iat` is in the future".into());
    }
    if seconds(claims, "nbf")?.is_some_and(|nbf| nbf > now + skew) {
        return Err("`nbf` is in the future".into());
    }
    Ok(())
}
