//! Logout tokens (OpenID Connect Back-Channel Logout).

use serde_json::Value;

use super::claims::{Cause, Claims, check_lifetime, check_parties, seconds};
use super::engine::Engine;
use super::jwt::{self, JwtKind, text_claim};
use crate::config::Entry;
use crate::error::Result;
use crate::profile::text::{MAX_SID, exact};
use crate::secret::{Secret, encode_base64url, sha256};
use crate::user::unstorable;

/// Maximum age of a logout token when it arrives, in seconds. Providers repeat a failed delivery for a while.
pub(crate) const LOGOUT_TOKEN_TTL: i64 = 600;

const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Returns the provider's id of its own session (`sid`) in a verified ID token (Back-Channel Logout §2.1).
///
/// A `sid` that not every database can store counts as absent: a logout token that names the user still ends the session.
pub(crate) fn provider_session_id(id_token: &Secret) -> Option<String> {
    text_claim(id_token, "sid").filter(|sid| exact(sid, MAX_SID).is_some())
}

/// A verified logout token: which sessions have ended at the provider.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LogoutToken {
    /// Names the token, so that it is accepted only once.
    pub(crate) handle: String,
    /// The provider's user whose sessions have ended.
    pub(crate) sub: Option<String>,
    /// The provider's session that has ended.
    pub(crate) sid: Option<String>,
}

impl Engine {
    /// Verifies a logout token (Back-Channel Logout §2.6). The caller must refuse a `handle` that was used before.
    ///
    /// # Errors
    /// [`ErrorKind::BadProviderAnswer`](crate::ErrorKind::BadProviderAnswer) if the token is refused; the error of the
    /// fetch if metadata or keys can't be fetched.
    pub(crate) async fn logout_token(&self, entry: &Entry, token: &str) -> Result<LogoutToken> {
        let metadata = self.metadata(entry).await?;
        let metadata =
            metadata.ok_or_else(|| JwtKind::LogoutToken.refused("the entry is no OpenID provider's"))?;
        let verified = jwt::verify(self, entry, &metadata, JwtKind::LogoutToken, token).await?;
        check(entry, &verified.claims, self.clock.now()).map_err(|cause| JwtKind::LogoutToken.refused(cause))
    }
}

/// Checks the claims of a logout token (Back-Channel Logout §2.4, §2.6).
fn check(entry: &Entry, claims: &Claims, now: i64) -> Result<LogoutToken, Cause> {
    check_parties(entry, claims)?;
    check_lifetime(entry, claims, now)?;
    seconds(claims, "exp")?.ok_or("no `exp`")?;
    let iat = seconds(claims, "iat")?.ok_or("no `iat`")?;
    if iat < (now - entry.clock_skew - LOGOUT_TOKEN_TTL) as f64 {
        return Err("`iat` is long ago".into());
    }
    // An ID token has a nonce and must not be accepted as a logout token.
    if claims.get("nonce").is_some() {
        return Err("it has a `nonce`".into());
    }
    let event = claims.get("events").and_then(Value::as_object).and_then(|events| events.get(LOGOUT_EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err("`events` does not hold the logout event".into());
    }
    // Stricter than elsewhere: anyone may send a logout token.
    let non_empty = |name| match claims.get(name) {
        None => Ok(None),
        // No session can have it.
        Some(Value::String(text)) if unstorable(text).is_some() => {
            Err("a claim has a NUL character or more than 255 characters".into())
        }
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err(Cause::from("a claim is empty or not a text")),
    };
    let jti = non_empty("jti")?.ok_or("no `jti`")?;
    let (sub, sid) = (non_empty("sub")?, non_empty("sid")?);
    if sub.is_none() && sid.is_none() {
        return Err("neither `sub` nor `sid`".into());
    }
    let handle = format!(
        "logout:{}",
        encode_base64url(&sha256(&format!("{} {} {jti}", entry.name, entry.authority())))
    );
    Ok(LogoutToken { handle, sub, sid })
}
