//! What is stored, and under which key.

use std::fmt;

#[cfg(feature = "sqlite")]
use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};

#[cfg(feature = "sqlite")]
use super::schema::oauth_accounts;
use super::{KeyRing, Unsealable};
use crate::error::Result;
use crate::link::Arrival;
use crate::secret::random;
use crate::token::Token;

/// What an account is found by.
///
/// Its `Display` is a key for key-value stores, `oauth:github:user:7` say: no two keys write the same one. The ids stand
/// in it as they are, whatever characters they have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
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

impl Key {
    /// The key of `user`'s account at `entry`.
    pub fn owner(entry: impl Into<String>, user: impl ToString) -> Self {
        Key::Owner { entry: entry.into(), user: Some(user.to_string()) }
    }

    /// The key of the account of `provider_user_id` at `entry`.
    pub fn identity(entry: impl Into<String>, provider_user_id: impl Into<String>) -> Self {
        Key::Identity { entry: entry.into(), provider_user_id: provider_user_id.into() }
    }

    /// The entry's name.
    pub fn entry(&self) -> &str {
        match self {
            Key::Owner { entry, .. } | Key::Identity { entry, .. } => entry,
        }
    }

    /// What it takes in memory, about, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let id = match self {
            Key::Owner { user, .. } => user.as_ref().map_or(0, String::len),
            Key::Identity { provider_user_id, .. } => provider_user_id.len(),
        };
        size_of::<Self>() + self.entry().len() + id
    }

    /// Where the account of `arrival` is found: by its identity; without one, by who is to own it.
    pub(crate) fn of(arrival: &Arrival) -> Option<Self> {
        match (&arrival.profile.id, &arrival.visitor) {
            (Some(id), _) => Some(Key::identity(&arrival.entry, id)),
            (None, Some(user)) => Some(Key::owner(&arrival.entry, user)),
            (None, None) => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Owner { entry, user: Some(user) } => write!(f, "oauth:{entry}:user:{user}"),
            Key::Owner { entry, user: None } => write!(f, "oauth:{entry}:site"),
            Key::Identity { entry, provider_user_id } => write!(f, "oauth:{entry}:id:{provider_user_id}"),
        }
    }
}

/// An account as it is stored: everything but the token in plain, the token sealed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlite", derive(Queryable, Selectable, Insertable, AsChangeset))]
#[cfg_attr(feature = "sqlite", diesel(table_name = oauth_accounts))]
#[cfg_attr(feature = "sqlite", diesel(treat_none_as_null = true, treat_none_as_default_value = false))]
#[non_exhaustive]
pub struct Record {
    /// The account's id in its storage: a random one, unless the storage gives its own.
    #[cfg_attr(feature = "sqlite", diesel(skip_insertion))]
    pub id: i64,
    /// The entry's name.
    #[cfg_attr(feature = "sqlite", diesel(column_name = provider))]
    pub entry: String,
    /// What the entry pointed to when the account was stored. An entry that points elsewhere refuses it.
    pub issuer: String,
    /// The provider's id of its user, byte for byte; none where the provider doesn't say.
    pub provider_user_id: Option<String>,
    /// The local user, as text.
    pub user_id: Option<String>,
    /// The sealed token: see [`open`](Record::open).
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
    /// The place among the user's accounts at the entry: the lowest is the primary one.
    pub rank: i32,
    /// When the account was first stored, in unix seconds.
    pub created_at: i64,
    /// When it was last stored, in unix seconds.
    pub updated_at: i64,
    /// Counts the writes.
    pub version: i64,
}

const PURPOSE: &str = "account";

impl Record {
    /// The record of `arrival` for `user`, in place of `old`.
    pub(crate) fn of(
        arrival: &Arrival,
        user: Option<&str>,
        old: Option<&Record>,
        keys: &KeyRing,
    ) -> Result<Self> {
        let Arrival { token, now, .. } = arrival;
        let (profile, mut token) = (arrival.profile.clone().with_web_urls(), token.clone());
        if token.refresh_token.is_none() {
            // RF-02: providers hand out a refresh token at the first consent only.
            token.refresh_token = old.and_then(|old| old.open(keys).ok()).and_then(|old| old.refresh_token);
        }
        let mut record = Self {
            id: old.map_or_else(random_id, |old| Ok(old.id))?,
            entry: arrival.entry.clone(),
            issuer: arrival.issuer.clone(),
            provider_user_id: profile.id.clone(),
            user_id: user.map(str::to_owned),
            token: String::new(),
            token_type: String::new(),
            scope: String::new(),
            expires_at: None,
            display_name: Some(profile.display_name().to_owned()),
            email: profile.claimed_email().map(str::to_owned),
            email_verified: profile.email().is_some(),
            profile_url: profile.profile_url.clone(),
            image_url: profile.image_url.clone(),
            userinfo: profile.userinfo.to_string(),
            rank: old.map_or(0, |old| old.rank),
            created_at: old.map_or(*now, |old| old.created_at),
            updated_at: *now,
            version: old.map_or(0, |old| old.version),
        };
        record.put(&token, *now, keys)?;
        Ok(record)
    }

    /// The same account with another token.
    pub(crate) fn with(&self, token: &Token, now: i64, keys: &KeyRing) -> Result<Self> {
        let mut record = self.clone();
        record.put(token, now, keys)?;
        Ok(record)
    }

    fn put(&mut self, token: &Token, now: i64, keys: &KeyRing) -> Result<()> {
        self.token_type.clone_from(&token.token_type);
        self.scope = token.scope.join(" ");
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
    pub fn open(&self, keys: &KeyRing) -> Result<Token, Unsealable> {
        let place = self.place();
        let plain = keys.open(PURPOSE, &place.each_ref().map(String::as_str), &self.token)?;
        Token::from_plain(&plain).ok_or(Unsealable)
    }

    /// What the sealed token is bound to.
    fn place(&self) -> [String; 4] {
        let mark = |id: &Option<String>| id.as_ref().map_or_else(|| "-".into(), |id| format!("={id}"));
        [self.entry.clone(), mark(&self.provider_user_id), mark(&self.user_id), "token".into()]
    }

    /// The keys under which the account is found.
    pub fn keys(&self) -> Vec<Key> {
        let owner = Key::Owner { entry: self.entry.clone(), user: self.user_id.clone() };
        let identity = self.provider_user_id.as_ref().map(|id| Key::identity(&self.entry, id));
        std::iter::once(owner).chain(identity).collect()
    }

    /// The key that finds this account and no other: its identity, where it has one.
    pub fn key(&self) -> Key {
        match &self.provider_user_id {
            Some(id) => Key::identity(&self.entry, id),
            None => Key::Owner { entry: self.entry.clone(), user: self.user_id.clone() },
        }
    }

    /// Whether the account is found under `key`.
    pub(crate) fn is_under(&self, key: &Key) -> bool {
        self.entry == key.entry()
            && match key {
                Key::Owner { user, .. } => self.user_id == *user,
                Key::Identity { provider_user_id, .. } => {
                    self.provider_user_id.as_ref() == Some(provider_user_id)
                }
            }
    }

    /// The place among the accounts of its owner: by rank, then by age.
    pub(crate) fn place_in_list(&self) -> (i32, i64, i64) {
        (self.rank, self.created_at, self.id)
    }

    /// What it takes in memory, about, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let texts =
            [&self.display_name, &self.email, &self.profile_url, &self.image_url, &self.provider_user_id];
        size_of::<Self>()
            + [&self.entry, &self.issuer, &self.token, &self.scope, &self.userinfo]
                .into_iter()
                .chain(texts.into_iter().flatten())
                .chain(&self.user_id)
                .map(|text| text.len())
                .sum::<usize>()
    }
}

/// A random id that JSON and JavaScript hold exactly (53 bits).
fn random_id() -> Result<i64> {
    let bytes = u64::from_be_bytes(random()?) >> 11;
    Ok(i64::try_from(bytes).unwrap_or_default().max(1))
}
