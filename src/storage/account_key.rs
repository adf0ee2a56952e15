//! `AccountKey`: the key of an account in a storage.

use std::fmt;

use crate::config::Entry;
use crate::link::{AuthorizedLogin, Purpose};

/// The key of an account in a storage: its owner or its identity.
///
/// The `Display` form is a key for key-value stores, for example `oauth:github:user:7`. No two keys have the same form. It
/// contains the ids as they are, whatever characters they have.
///
/// ```
/// use rocket_dance::storage::AccountKey;
///
/// assert_eq!(AccountKey::owner("github", 7).to_string(), "oauth:github:user:7");
/// assert_eq!(AccountKey::identity("github", "583231").to_string(), "oauth:github:id:583231");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AccountKey {
    /// The accounts of one owner at an entry.
    Owner {
        /// Name of the entry.
        entry: String,
        /// Id of the user as text; `None` for accounts without a user, such as the site's account.
        user: Option<String>,
    },
    /// The account of one user of the provider.
    Identity {
        /// Name of the entry.
        entry: String,
        /// The provider's id of the user, byte for byte.
        provider_user_id: String,
    },
}

impl AccountKey {
    /// The key of the accounts of `user` at `entry`.
    pub fn owner(entry: impl Into<String>, user: impl ToString) -> Self {
        AccountKey::Owner { entry: entry.into(), user: Some(user.to_string()) }
    }

    /// The key of the account of the provider's user `provider_user_id` at `entry`.
    pub fn identity(entry: impl Into<String>, provider_user_id: impl Into<String>) -> Self {
        AccountKey::Identity { entry: entry.into(), provider_user_id: provider_user_id.into() }
    }

    /// Name of the entry.
    pub fn entry(&self) -> &str {
        match self {
            AccountKey::Owner { entry, .. } | AccountKey::Identity { entry, .. } => entry,
        }
    }

    /// The parts of the `Display` form.
    pub(crate) fn parts(&self) -> [&str; 4] {
        match self {
            AccountKey::Owner { entry, user: Some(user) } => ["oauth:", entry, ":user:", user],
            AccountKey::Owner { entry, user: None } => ["oauth:", entry, ":site", ""],
            AccountKey::Identity { entry, provider_user_id } => ["oauth:", entry, ":id:", provider_user_id],
        }
    }

    /// The name of the turn that writers of what is stored under this key take within the process.
    pub(crate) fn turn_name(&self) -> String {
        format!("account {self}")
    }

    /// The key under which the account of `login` is stored: its identity, or its owner if it has no identity. `None` if it has
    /// neither.
    pub(crate) fn of(login: &AuthorizedLogin) -> Option<Self> {
        match (&login.profile.id, &login.visitor) {
            (Some(id), _) => Some(AccountKey::identity(&login.entry, id)),
            (None, _) if login.purpose == Purpose::Site => {
                Some(AccountKey::Owner { entry: login.entry.clone(), user: None })
            }
            (None, Some(user)) => Some(AccountKey::owner(&login.entry, user)),
            (None, None) => None,
        }
    }

    /// The user whose accounts are under this key; `None` for an identity, and for accounts without a user.
    pub(crate) fn user(&self) -> Option<&str> {
        match self {
            AccountKey::Owner { user, .. } => user.as_deref(),
            AccountKey::Identity { .. } => None,
        }
    }
}

/// The key of the site's account at `entry`, which belongs to the site.
pub(crate) fn site_account_key(entry: &Entry) -> AccountKey {
    match &entry.account {
        Some(account) => AccountKey::identity(&entry.name, account),
        None => AccountKey::Owner { entry: entry.name.clone(), user: None },
    }
}

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts().into_iter().try_for_each(|part| f.write_str(part))
    }
}
