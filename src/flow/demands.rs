//! What an authorization request demands of the sign-in itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::id_token::{seconds, text};
use super::json;
use crate::config::Entry;
use crate::error::Result;
use crate::provider::Protocol;

/// How fresh the sign-in must be, and how strong (OpenID Connect Core §3.1.2.1): kept with the flow, since the request
/// passes through the browser, where anybody can take it out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Demands {
    /// Seconds since the person proved who she is.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    max_age: Option<u32>,
    /// One of these must be the `acr`.
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    acr: Vec<String>,
}

impl Demands {
    /// What these parameters of an authorization request demand.
    ///
    /// # Errors
    /// When one of them is nothing that could be checked.
    pub(crate) fn of(entry: &Entry, parameters: &BTreeMap<String, String>) -> Result<Self> {
        if entry.protocol != Protocol::OpenIdConnect {
            return Ok(Self::default());
        }
        let max_age = parameters.get("max_age").map(|seconds| seconds.parse()).transpose();
        let words = parameters.get("acr_values").map(String::as_str).unwrap_or_default();
        let mut acr: Vec<String> = words.split_ascii_whitespace().map(str::to_owned).collect();
        if let Some(claims) = parameters.get("claims") {
            let claims = json::value(claims.as_bytes())
                .map_err(|cause| entry.misconfigured(format!("the parameter `claims` is {cause}")))?;
            acr.extend(essential(&claims["id_token"]["acr"]));
        }
        Ok(Self {
            max_age: max_age
                .map_err(|_| entry.misconfigured("the parameter `max_age` is not a number of seconds"))?,
            acr,
        })
    }

    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an ID token of these claims meets them at `now`, by the entry's clock skew (Core §3.1.3.7, 12 and 13).
    pub(super) fn check(&self, entry: &Entry, claims: &Value, now: i64) -> Result<(), &'static str> {
        // Checked even when nobody asked: of a wrong type it is invalid, not absent.
        let auth_time = seconds(claims, "auth_time")?;
        let acr = text(claims, "acr")?;
        if let Some(max_age) = self.max_age {
            let oldest = now as f64 - f64::from(max_age) - entry.clock_skew as f64;
            if auth_time.is_none_or(|auth_time| auth_time < oldest) {
                return Err("`auth_time` is older than `max_age` allows");
            }
        }
        if !self.acr.is_empty() && !acr.is_some_and(|acr| self.acr.iter().any(|wanted| wanted == acr)) {
            return Err("`acr` is none of the `acr_values` that were asked for");
        }
        Ok(())
    }
}

/// The values of a claim that is asked for as essential (Core §5.5.1).
fn essential(claim: &Value) -> Vec<String> {
    if claim["essential"] != true {
        return vec![];
    }
    let values = claim["values"].as_array().into_iter().flatten().chain([&claim["value"]]);
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}
