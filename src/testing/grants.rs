//! Codes and tokens: sealed, so that they outlive a restart, and what was used up or revoked meanwhile.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::secret::{KeyRing, encode_base64url, random};

/// What a person allowed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) user: String,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    pub(super) auth_time: i64,
    /// The same for every token that comes from one sign-in: they die together.
    pub(super) family: String,
}

impl Grant {
    /// Whether `scope` was allowed.
    pub(super) fn has(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|granted| granted == scope)
    }
}

/// What a sealed text is; each kind opens only as itself.
pub(super) trait Sealed: Serialize + DeserializeOwned {
    const PURPOSE: &'static str;
}

/// An authorization code (RFC 6749 §4.1.2).
#[derive(Serialize, Deserialize)]
pub(super) struct Code {
    pub(super) grant: Grant,
    pub(super) redirect_uri: String,
    pub(super) challenge: Option<String>,
    pub(super) expires_at: i64,
}

/// An access token.
#[derive(Serialize, Deserialize)]
pub(super) struct Access {
    pub(super) grant: Grant,
    pub(super) serial: u64,
    pub(super) expires_at: i64,
}

/// A refresh token.
#[derive(Serialize, Deserialize)]
pub(super) struct Refresh {
    pub(super) grant: Grant,
    pub(super) id: String,
}

/// An authorization request that waits for the person's answer.
#[derive(Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) redirect_uri: String,
    pub(super) client_id: String,
    pub(super) state: Option<String>,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    pub(super) challenge: Option<String>,
    /// Whether the answer goes by POST.
    pub(super) form_post: bool,
    pub(super) expires_at: i64,
}

impl Sealed for Code {
    const PURPOSE: &'static str = "issuer code";
}
impl Sealed for Access {
    const PURPOSE: &'static str = "issuer access token";
}
impl Sealed for Refresh {
    const PURPOSE: &'static str = "issuer refresh token";
}
impl Sealed for Pending {
    const PURPOSE: &'static str = "issuer authorization request";
}

/// Seals `value` for the issuer of this URL. The operating system's generator and memory are all that could fail.
pub(super) fn seal<T: Sealed>(keys: &KeyRing, issuer: &str, value: &T) -> String {
    let plain = serde_json::to_vec(value).expect("texts and numbers are JSON");
    keys.seal(T::PURPOSE, &[issuer], &plain).expect("the operating system's random generator works")
}

pub(super) fn open<T: Sealed>(keys: &KeyRing, issuer: &str, sealed: &str) -> Option<T> {
    serde_json::from_slice(&keys.open(T::PURPOSE, &[issuer], sealed).ok()?).ok()
}

/// A fresh id of 128 random bits.
pub(super) fn id() -> String {
    encode_base64url(&random::<16>().expect("the operating system's random generator works"))
}

/// What happened to the sealed texts since the start.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    used: HashSet<String>,
    dead: HashSet<String>,
    families: HashSet<(String, String)>,
    serial: u64,
    /// Access tokens up to this serial are refused, whatever their expiry.
    floor: u64,
    revoked: HashSet<u64>,
    assertions: HashSet<String>,
}

impl Ledger {
    /// Uses `id` of `grant` up. The second time it is not good any more, and neither is anything else of the family:
    /// one of the two who know it stole it (RFC 6749 §4.1.2, RFC 9700 §4.14.2).
    pub(super) fn spend(&mut self, grant: &Grant, id: &str) -> bool {
        let first = self.used.insert(id.to_owned());
        if !first {
            self.dead.insert(grant.family.clone());
        }
        first && self.is_alive(grant)
    }

    pub(super) fn is_alive(&self, grant: &Grant) -> bool {
        !self.dead.contains(&grant.family)
    }

    /// The serial of the next access token of `grant`.
    pub(super) fn issue(&mut self, grant: &Grant) -> u64 {
        self.families.insert((grant.user.clone(), grant.family.clone()));
        self.serial += 1;
        self.serial
    }

    pub(super) fn admits(&self, access: &Access) -> bool {
        (self.floor == 0 || access.serial > self.floor)
            && !self.revoked.contains(&access.serial)
            && self.is_alive(&access.grant)
    }

    /// Ends `grant` with all its tokens.
    pub(super) fn end(&mut self, grant: &Grant) {
        self.dead.insert(grant.family.clone());
    }

    /// Ends one access token.
    pub(super) fn end_access(&mut self, access: &Access) {
        self.revoked.insert(access.serial);
    }

    /// Uses up the assertion of this id; false the second time.
    pub(super) fn spend_assertion(&mut self, jti: String) -> bool {
        self.assertions.insert(jti)
    }

    /// Refuses every access token so far.
    pub(super) fn expire_access_tokens(&mut self) {
        self.floor = self.serial;
    }

    /// Refuses every token of `user` so far.
    pub(super) fn revoke(&mut self, user: &str) {
        let families = self.families.iter().filter(|(of, _)| of == user);
        self.dead.extend(families.map(|(_, family)| family.clone()));
    }
}
