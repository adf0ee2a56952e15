//! What a storage has found before a decision, in the terms of [`link`](crate::link).

use super::Account;
use crate::link::Found;

impl<'a> Found<'a> {
    /// `account` is the stored account of the login's identity. `site` is the stored account without a user of its entry.
    pub(super) fn of(account: Option<&'a Account>, site: Option<&'a Account>) -> Self {
        Self {
            account: account.map(|account| (account.issuer.as_str(), account.user_id.as_deref())),
            site: site.filter(|site| site.is_sites()).map(|site| site.provider_user_id.as_deref()),
        }
    }
}
