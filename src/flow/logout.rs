//! OpenID Connect logout: the provider's own sessions.

use serde_json::Value;

use super::jwt::stored_claims;
use crate::secret::Secret;

/// The provider's id of its own session, in a verified ID token (Back-Channel Logout §2.1).
pub(crate) fn sid(id_token: &Secret) -> Option<String> {
    stored_claims(id_token.expose())?.get("sid").and_then(Value::as_str).map(str::to_owned)
}
