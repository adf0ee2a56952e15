//! [`TokenLog`]: which codes and tokens were used or revoked since the provider started.

use std::collections::{HashMap, HashSet};

use super::issued_by_test::last_serial;
use super::sealed::{AccessToken, Grant};

/// Which codes and tokens were used or revoked since the provider started. It is forgotten with the process.
#[derive(Debug, Default)]
pub(crate) struct TokenLog {
    /// Ids of codes and refresh tokens that were used.
    used_ids: HashSet<String>,
    revoked_families: HashSet<String>,
    /// By user: the serial of the last token of a test that is revoked.
    revoked_tests: HashMap<String, u64>,
    /// The serial of the last token of a test that is refused before it expires.
    expired_tests: u64,
    /// User and family of every grant that has got tokens.
    families: HashSet<(String, String)>,
    last_serial: u64,
    /// Access tokens up to this serial are refused before they expire.
    expired_up_to: u64,
    revoked_serials: HashSet<u64>,
    used_assertions: HashSet<String>,
}

impl TokenLog {
    /// Uses up `id`, a code or refresh token of `grant`, and returns whether it was valid. A second use revokes the
    /// whole family: one of the two users of the token has stolen it (RFC 6749 §4.1.2, RFC 9700 §4.14.2).
    pub(super) fn use_once(&mut self, grant: &Grant, id: &str) -> bool {
        let first = self.used_ids.insert(id.to_owned());
        if !first {
            self.revoke_grant(grant);
        }
        first && self.is_active(grant)
    }

    pub(super) fn is_active(&self, grant: &Grant) -> bool {
        // The serial 0 is that of a dead token.
        let last_revoked = self.revoked_tests.get(&grant.user).copied().unwrap_or_default();
        !self.revoked_families.contains(&grant.family)
            && grant.test_serial.is_none_or(|serial| serial > last_revoked)
    }

    /// Returns the serial of the next access token of `grant`.
    pub(super) fn next_serial(&mut self, grant: &Grant) -> u64 {
        self.families.insert((grant.user.clone(), grant.family.clone()));
        self.last_serial += 1;
        self.last_serial
    }

    pub(super) fn accepts(&self, token: &AccessToken) -> bool {
        let is_expired = match (token.serial, token.grant.test_serial) {
            (0, Some(serial)) => serial <= self.expired_tests,
            (serial, _) => serial <= self.expired_up_to,
        };
        !is_expired && !self.revoked_serials.contains(&token.serial) && self.is_active(&token.grant)
    }

    /// Revokes `grant` with all its tokens.
    pub(super) fn revoke_grant(&mut self, grant: &Grant) {
        self.revoked_families.insert(grant.family.clone());
    }

    /// Revokes one access token.
    pub(super) fn revoke_access_token(&mut self, token: &AccessToken) {
        self.revoked_serials.insert(token.serial);
    }

    /// Uses up a client assertion by its `jti` and returns whether it was new.
    pub(super) fn use_assertion(&mut self, jti: String) -> bool {
        self.used_assertions.insert(jti)
    }

    /// Refuses every access token issued so far.
    pub(crate) fn expire_access_tokens(&mut self) {
        self.expired_up_to = self.last_serial;
        self.expired_tests = last_serial();
    }

    /// Revokes every token of `user` issued so far.
    pub(crate) fn revoke_user(&mut self, user: &str) {
        let families = self.families.iter().filter(|(of, _)| of == user);
        self.revoked_families.extend(families.map(|(_, family)| family.clone()));
        self.revoked_tests.insert(user.to_owned(), last_serial());
    }
}
