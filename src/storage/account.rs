//! What is stored, and under which key.

use std::fmt;

#[cfg(feature = "_sql")]
use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};

#[cfg(feature = "_sql")]
use super::schema::oauth_accounts;
use super::{KeyRing, UnsealError};
use crate::error::Result;
use crate::link::{AuthorizedLogin, Purpose};
use crate::secret::random;
use crate::token::Token;

/// What an account is found by.
///
/// Its `Display` is a key for key-value stores, `oauth:github:user:7` say: no two keys write the same one. The ids stand
/// in it as they are, whatever characters they have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AccountKey {
    /// The account of a user at an entry; without a user, the one that is nobody's: the site's.
    Owner {
        /// The entry's name.
        entry: String,
        /// The user's id as text.
        user: Option<String>,
    },
    /// The account that is this provider user's.
    Identity {
        /// The entry's name.
        entry: String,
        /// The provider's id of the user, byte for byte.
        provider_user_id: String,
    },
}

impl AccountKey {
    /// The key of `user`'s account at `entry`.
    pub fn owner(entry: impl Into<String>, user: impl ToString) -> Self {
        AccountKey::Owner { entry: entry.into(), user: Some(user.to_string()) }
    }

    /// The key of the account of `provider_user_id` at `entry`.
    pub fn identity(entry: impl Into<String>, provider_user_id: impl Into<String>) -> Self {
        AccountKey::Identity { entry: entry.into(), provider_user_id: provider_user_id.into() }
    }

    /// The entry's name.
    pub fn entry(&self) -> &str {
        match self {
            AccountKey::Owner { entry, .. } | AccountKey::Identity { entry, .. } => entry,
        }
    }

    /// The parts of its text.
    pub(crate) fn parts(&self) -> [&str; 4] {
        match self {
            AccountKey::Owner { entry, user: Some(user) } => ["oauth:", entry, ":user:", user],
            AccountKey::Owner { entry, user: None } => ["oauth:", entry, ":site", ""],
            AccountKey::Identity { entry, provider_user_id } => ["oauth:", entry, ":id:", provider_user_id],
        }
    }

    /// Where the account of `login` is found: by its identity; without one, by who is to own it.
    pub(crate) fn of(login: &AuthorizedLogin) -> Option<Self> {
        match (&login.profile.id, &login.visitor) {
            (Some(id), _) => Some(AccountKey::identity(&login.entry, id)),
            (None, Some(user)) => Some(AccountKey::owner(&login.entry, user)),
            (None, None) => None,
        }
    }
}

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts().into_iter().try_for_each(|part| f.write_str(part))
    }
}

/// An account as it is stored: everything but the token in plain, the token sealed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "_sql", derive(Queryable, Selectable, Insertable, AsChangeset))]
#[cfg_attr(feature = "_sql", diesel(table_name = oauth_accounts))]
#[cfg_attr(feature = "_sql", diesel(treat_none_as_null = true, treat_none_as_default_value = false))]
#[non_exhaustive]
pub struct Account {
    /// The account's id in its storage: a random one, unless the storage gives its own.
    #[cfg_attr(feature = "_sql", diesel(skip_insertion))]
    pub id: i64,
    /// The entry's name.
    #[cfg_attr(feature = "_sql", diesel(column_name = provider))]
    pub entry: String,
    /// What the entry pointed to when the account was stored. An entry that points elsewhere refuses it.
    pub issuer: String,
    /// The provider's id of its user, byte for byte; none where the provider doesn't say.
    pub provider_user_id: Option<String>,
    /// The local user, as text.
    pub user_id: Option<String>,
    /// The sealed token: see [`open`](Account::open).
    pub token: String,
    /// How the access token is used.
    pub token_type: String,
    /// The granted scope, joined by spaces.
    pub scope: String,
    /// When the access token expires, in unix seconds.
    pub expires_at: Option<i64>,
    /// What the person is called there.
    pub display_name: Option<String>,
    /// The e-mail address that the provider claims.
    pub email: Option<String>,
    /// Whether the provider says that it has verified the address.
    pub email_verified: bool,
    /// The page about the person at the provider.
    pub profile_url: Option<String>,
    /// The person's picture.
    pub image_url: Option<String>,
    /// What the provider said about the person, as JSON.
    pub userinfo: String,
    /// The place among the user's accounts at the entry: the lowest is the primary one. The site's is -1.
    pub rank: i32,
    /// When the account was first stored, in unix seconds.
    pub created_at: i64,
    /// When it was last stored, in unix seconds.
    pub updated_at: i64,
    /// Counts the writes.
    pub version: i64,
}

const PURPOSE: &str = "account";

impl Account {
    /// The account of `login` for `user`, in place of `old`.
    pub(crate) fn of(
        login: &AuthorizedLogin,
        user: Option<&str>,
        old: Option<&Account>,
        keys: &KeyRing,
    ) -> Result<Self> {
        let AuthorizedLogin { token, now, .. } = login;
        let profile = login.profile.clone().with_web_urls();
        let mut account = Self {
            id: old.map_or_else(random_id, |old| Ok(old.id))?,
            entry: login.entry.clone(),
            issuer: login.issuer.clone(),
            provider_user_id: profile.id.clone(),
            user_id: user.map(str::to_owned),
            token: String::new(),
            token_type: String::new(),
            scope: String::new(),
            expires_at: None,
            display_name: Some(without_nul(profile.display_name())),
            email: profile.claimed_email().map(without_nul),
            email_verified: profile.email().is_some(),
            profile_url: profile.profile_url.as_deref().map(without_nul),
            image_url: profile.image_url.as_deref().map(without_nul),
            userinfo: profile.userinfo.to_string(),
            rank: match login.purpose {
                Purpose::Site => Self::SITES,
                _ => old.map_or(0, |old| old.rank),
            },
            created_at: old.map_or(*now, |old| old.created_at),
            updated_at: *now,
            version: old.map_or(0, |old| old.version),
        };
        match old {
            Some(old) => account.put(&old.completed(token, keys), *now, keys)?,
            None => account.put(token, *now, keys)?,
        }
        Ok(account)
    }

    /// `token` in the place of this account's: where it brings no refresh token, the one that is there stays.
    ///
    /// RF-02: providers hand out a refresh token at the first consent only.
    pub(crate) fn completed(&self, token: &Token, keys: &KeyRing) -> Token {
        let mut token = token.clone();
        if token.refresh_token.is_none() {
            token.refresh_token = self.open(keys).ok().and_then(|old| old.refresh_token);
        }
        token
    }

    /// The same account with another token.
    pub(crate) fn with(&self, token: &Token, now: i64, keys: &KeyRing) -> Result<Self> {
        let mut account = self.clone();
        account.put(token, now, keys)?;
        Ok(account)
    }

    fn put(&mut self, token: &Token, now: i64, keys: &KeyRing) -> Result<()> {
        self.token_type = without_nul(&token.token_type);
        self.scope = without_nul(&token.scope.join(" "));
        self.expires_at = token.expires_at;
        self.updated_at = now;
        self.version += 1;
        let place = self.place();
        self.token = keys.seal(PURPOSE, &place.each_ref().map(String::as_str), &token.to_plain())?;
        Ok(())
    }

    /// The token, opened.
    ///
    /// # Errors
    /// When the key is gone, or the token was moved from another row, user or column, or damaged: the person must
    /// connect again.
    pub fn open(&self, keys: &KeyRing) -> Result<Token, UnsealError> {
        let place = self.place();
        let plain = keys.open(PURPOSE, &place.each_ref().map(String::as_str), &self.token)?;
        Token::from_plain(&plain).ok_or(UnsealError)
    }

    /// The same token sealed by the first key; none where it is already.
    pub(crate) fn resealed(&self, keys: &KeyRing) -> Result<Result<Option<String>, UnsealError>> {
        let token = match self.open(keys) {
            Err(unsealable) => return Ok(Err(unsealable)),
            Ok(_) if keys.is_current(&self.token) => return Ok(Ok(None)),
            Ok(token) => token,
        };
        let place = self.place();
        keys.seal(PURPOSE, &place.each_ref().map(String::as_str), &token.to_plain())
            .map(|sealed| Ok(Some(sealed)))
    }

    /// What the sealed token is bound to.
    fn place(&self) -> [String; 4] {
        let mark = |id: &Option<String>| id.as_ref().map_or_else(|| "-".into(), |id| format!("={id}"));
        [self.entry.clone(), mark(&self.provider_user_id), mark(&self.user_id), "token".into()]
    }

    /// The keys under which the account is found.
    pub fn keys(&self) -> Vec<AccountKey> {
        let owner = AccountKey::Owner { entry: self.entry.clone(), user: self.user_id.clone() };
        let identity = self.provider_user_id.as_ref().map(|id| AccountKey::identity(&self.entry, id));
        std::iter::once(owner).chain(identity).collect()
    }

    /// The key that finds this account and no other: its identity. Where it has none it is its owner's key, under which
    /// there may be others of the owner's.
    pub fn key(&self) -> AccountKey {
        match &self.provider_user_id {
            Some(id) => AccountKey::identity(&self.entry, id),
            None => AccountKey::Owner { entry: self.entry.clone(), user: self.user_id.clone() },
        }
    }

    /// Whether the account is found under `key`.
    pub(crate) fn is_under(&self, key: &AccountKey) -> bool {
        self.entry == key.entry()
            && match key {
                AccountKey::Owner { user, .. } => self.user_id == *user,
                AccountKey::Identity { provider_user_id, .. } => {
                    self.provider_user_id.as_ref() == Some(provider_user_id)
                }
            }
    }

    /// The rank of the site's account at an entry. What a visitor has left there without a user, before the entry was the
    /// site's, has another.
    const SITES: i32 = -1;

    /// Whether it is the site's account at its entry.
    pub(crate) fn is_sites(&self) -> bool {
        self.user_id.is_none() && self.rank == Self::SITES
    }

    /// Whether its user did not have this account before, when it was `old`.
    pub(crate) fn is_new_to_its_user(&self, old: Option<&Self>) -> bool {
        self.user_id.is_some() && old.is_none_or(|old| old.user_id != self.user_id)
    }

    /// The place after all of `others`.
    pub(crate) fn rank_after(others: impl IntoIterator<Item = i32>) -> i32 {
        others.into_iter().max().map_or(0, |last| last.saturating_add(1))
    }

    /// The place among the accounts of its owner: by rank, then by age.
    pub(crate) fn place_in_list(&self) -> (i32, i64, i64) {
        (self.rank, self.created_at, self.id)
    }
}

/// MG-04: PostgreSQL takes no NUL in a text, and what people see needs none.
fn without_nul(text: &str) -> String {
    text.replace('\0', "")
}

/// A random id that JSON and JavaScript hold exactly (53 bits).
fn random_id() -> Result<i64> {
    let bytes = u64::from_be_bytes(random()?) >> 11;
    Ok(i64::try_from(bytes).unwrap_or_default().max(1))
}
