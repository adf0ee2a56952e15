//! What an authorization request requires of the ID token.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::claims::{Cause, Claims, seconds};
use super::json;
use crate::config::Entry;
use crate::error::Result;
use crate::provider::Protocol;

/// How recent the user's authentication must be, and of which class (OpenID Connect Core §3.1.2.1). The flow keeps the
/// requirements, because a user could remove the parameters from the request in the browser.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct IdTokenRequirements {
    /// Maximum time since the user authenticated, in seconds.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    max_age: Option<u32>,
    /// The accepted values of `acr`. Empty: any.
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    acr: Vec<String>,
}

impl IdTokenRequirements {
    /// Reads the requirements of an authorization request with these parameters: `max_age`, `acr_values` and `claims`.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if one of them can't be read.
    pub(super) fn new(entry: &Entry, params: &BTreeMap<String, String>) -> Result<Self> {
        if entry.protocol() != Protocol::OpenIdConnect {
            return Ok(Self::default());
        }
        let max_age = params.get("max_age").map(|seconds| seconds.parse()).transpose();
        let acr_values = params.get("acr_values").map(String::as_str).unwrap_or_default();
        let mut acr: Vec<String> = acr_values.split_ascii_whitespace().map(str::to_owned).collect();
        if let Some(claims) = params.get("claims") {
            let claims = json::value(claims.as_bytes())
                .map_err(|cause| entry.misconfigured(format!("the parameter `claims` is {cause}")))?;
            acr.extend(essential_values(&claims["id_token"]["acr"]));
        }
        Ok(Self {
            max_age: max_age
                .map_err(|_| entry.misconfigured("the parameter `max_age` is not a number of seconds"))?,
            acr,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Checks the claims of an ID token at `now` (Core §3.1.3.7, steps 12 and 13). The entry's clock skew is allowed for.
    /// A claim that is not required is not read.
    pub(super) fn check(&self, entry: &Entry, claims: &Claims, now: i64) -> Result<(), Cause> {
        if let Some(max_age) = self.max_age {
            let oldest = now as f64 - f64::from(max_age) - entry.clock_skew as f64;
            if seconds(claims, "auth_time")?.is_none_or(|auth_time| auth_time < oldest) {
                return Err("`auth_time` is older than `max_age` allows".into());
            }
        }
        let acr = claims.get("acr").and_then(Value::as_str);
        if !self.acr.is_empty() && !acr.is_some_and(|acr| self.acr.iter().any(|wanted| wanted == acr)) {
            return Err("`acr` is none of the requested `acr_values`".into());
        }
        Ok(())
    }
}

/// The values of a claim that is requested as essential (Core §5.5.1).
fn essential_values(claim: &Value) -> Vec<String> {
    if claim["essential"] != true {
        return vec![];
    }
    let values = claim["values"].as_array().into_iter().flatten().chain([&claim["value"]]);
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}
