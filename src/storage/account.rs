//! `Account`: an account as it is stored.

#[cfg(feature = "_sql")]
use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};

#[cfg(feature = "_sql")]
use super::schema::oauth_accounts;
use super::{AccountKey, KeyRing, UnsealError};
use crate::error::Result;
use crate::link::{AuthorizedLogin, Purpose};
use crate::secret::random;
use crate::token::Token;

/// An account as it is stored: a user's account at one entry. The token is sealed, everything else is plain.
///
/// It serializes with serde, for storages that store it as one value. Fields may be added in later versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "_sql", derive(Queryable, Selectable, Insertable, AsChangeset))]
#[cfg_attr(feature = "_sql", diesel(table_name = oauth_accounts))]
#[cfg_attr(feature = "_sql", diesel(treat_none_as_null = true, treat_none_as_default_value = false))]
#[non_exhaustive]
pub struct Account {
    /// Id of the account in its storage: a random number, unless the storage assigns its own. It is never reused.
    #[cfg_attr(feature = "_sql", diesel(skip_insertion))]
    pub id: i64,
    /// Name of the entry.
    #[cfg_attr(feature = "_sql", diesel(column_name = provider))]
    pub entry: String,
    /// The entry's issuer when the account was stored; its authorization endpoint if it had no issuer. If the entry names
    /// another server now, the account cannot be used: the same id at another server is another person.
    pub issuer: String,
    /// The provider's id of the user, byte for byte; `None` if the provider has no userinfo.
    pub provider_user_id: Option<String>,
    /// Id of the local user, as text; `None` for the site's account and for accounts that are stored without a user.
    pub user_id: Option<String>,
    /// The token, sealed: [`open`](Account::open) unseals it.
    pub token: String,
    /// How the access token is used, for example `Bearer`.
    pub token_type: String,
    /// The granted scope, joined by spaces.
    pub scope: String,
    /// Unix time in seconds at which the access token expires, if the provider says so.
    pub expires_at: Option<i64>,
    /// Name of the user at the provider.
    pub display_name: Option<String>,
    /// E-mail address at the provider, verified or not.
    pub email: Option<String>,
    /// Whether the provider says that it has verified the address. It says nothing about whether the app trusts the provider.
    pub email_verified: bool,
    /// URL of the user's page at the provider.
    pub profile_url: Option<String>,
    /// URL of the user's picture.
    pub image_url: Option<String>,
    /// The provider's userinfo, as JSON.
    pub userinfo: String,
    /// Position among the user's accounts at the entry: the lowest is the primary account. The site's account has -1.
    pub rank: i32,
    /// Unix time in seconds at which the account was first stored.
    pub created_at: i64,
    /// Unix time in seconds at which the account was last stored.
    pub updated_at: i64,
    /// Number of tokens that were stored for the account. A refresh compares it to detect that another one came first.
    pub version: i64,
}

const PURPOSE: &str = "account";

impl Account {
    /// Makes the account of `login` for `user`, which replaces `old`: the stored account of this identity, or the user's
    /// account without an identity.
    pub(crate) fn of(
        login: &AuthorizedLogin,
        user: Option<&str>,
        old: Option<&Account>,
        keys: &KeyRing,
    ) -> Result<Self> {
        let AuthorizedLogin { token, now, .. } = login;
        let profile = &login.profile;
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
            display_name: profile.known_name().map(str::to_owned),
            email: profile.claimed_email().map(str::to_owned),
            email_verified: profile.email().is_some(),
            profile_url: profile.profile_url.clone(),
            image_url: profile.image_url.clone(),
            userinfo: profile.userinfo.to_string(),
            rank: match login.purpose {
                Purpose::Site => Self::SITE_RANK,
                _ => old.map_or(0, |old| old.rank),
            },
            created_at: old.map_or(*now, |old| old.created_at),
            updated_at: *now,
            version: old.map_or(0, |old| old.version),
        };
        match old {
            Some(old) if old.issuer == account.issuer && !token.has_access() => {
                account.keep_token(old, token, *now, keys)?;
            }
            // A token of another server is of no use here. Without an identity, the two may be of different people.
            Some(old) if old.issuer == account.issuer && account.provider_user_id.is_some() => {
                account.put(&old.completed(token, keys), *now, keys)?
            }
            _ => account.put(token, *now, keys)?,
        }
        Ok(account)
    }

    /// Keeps the token and the names of `old`: a native sign-in has brought `brought`, an ID token alone, with few claims. A
    /// refresh in progress must find the version that it has read, or else its new token would be lost.
    fn keep_token(&mut self, old: &Account, brought: &Token, now: i64, keys: &KeyRing) -> Result<()> {
        if self.associated_data() == old.associated_data() {
            self.token.clone_from(&old.token);
            self.token_type.clone_from(&old.token_type);
            self.scope.clone_from(&old.scope);
            self.expires_at = old.expires_at;
        } else {
            self.put(old.open(keys).as_ref().unwrap_or(brought), now, keys)?;
        }
        for (new, old) in [(&mut self.profile_url, &old.profile_url), (&mut self.image_url, &old.image_url)] {
            if new.is_none() {
                new.clone_from(old);
            }
        }
        Ok(())
    }

    /// Returns `token` with the stored refresh token, if it has none of its own.
    ///
    /// RF-02: some providers issue a refresh token only at the first consent.
    pub(crate) fn completed(&self, token: &Token, keys: &KeyRing) -> Token {
        let mut token = token.clone();
        if token.refresh_token.is_none() {
            token.refresh_token = self.open(keys).ok().and_then(|old| old.refresh_token);
        }
        token
    }

    /// Returns the same account with another token.
    pub(crate) fn with(&self, token: &Token, now: i64, keys: &KeyRing) -> Result<Self> {
        let mut account = self.clone();
        account.put(token, now, keys)?;
        Ok(account)
    }

    fn put(&mut self, token: &Token, now: i64, keys: &KeyRing) -> Result<()> {
        self.token_type.clone_from(&token.token_type);
        self.scope = token.scope.join(" ");
        self.expires_at = token.expires_at;
        self.updated_at = now;
        self.version += 1;
        self.token = self.seal(token, keys)?;
        Ok(())
    }

    fn seal(&self, token: &Token, keys: &KeyRing) -> Result<String> {
        let data = self.associated_data();
        keys.seal(PURPOSE, &data.each_ref().map(String::as_str), &token.to_plain())
    }

    /// Unseals the token.
    ///
    /// # Errors
    /// [`UnsealError`] if no key of `keys` opens it, or if it was damaged or copied from another row, user or column. The user
    /// must connect the account again.
    pub fn open(&self, keys: &KeyRing) -> Result<Token, UnsealError> {
        let data = self.associated_data();
        let plain = keys.open(PURPOSE, &data.each_ref().map(String::as_str), &self.token)?;
        Token::from_plain(&plain).ok_or(UnsealError)
    }

    /// Returns the same token sealed with the first key; `None` if the first key has sealed it already.
    pub(crate) fn resealed(&self, keys: &KeyRing) -> Result<Result<Option<String>, UnsealError>> {
        let token = match self.open(keys) {
            Err(unsealable) => return Ok(Err(unsealable)),
            Ok(_) if keys.is_current(&self.token) => return Ok(Ok(None)),
            Ok(token) => token,
        };
        self.seal(&token, keys).map(|sealed| Ok(Some(sealed)))
    }

    /// Returns the same account as that of `user`. A token that can't be opened stays so: the user must connect the account again.
    pub(crate) fn moved_to(&self, user: &str, keys: &KeyRing) -> Result<Self> {
        let mut moved = Self { user_id: Some(user.to_owned()), ..self.clone() };
        if let Ok(token) = self.open(keys) {
            moved.token = moved.seal(&token, keys)?;
        }
        Ok(moved)
    }

    /// The associated data of the sealed token.
    fn associated_data(&self) -> [String; 4] {
        let mark = |id: &Option<String>| id.as_ref().map_or_else(|| "-".into(), |id| format!("={id}"));
        [self.entry.clone(), mark(&self.provider_user_id), mark(&self.user_id), "token".into()]
    }

    /// The keys under which the account is stored: its owner, and its identity if it has one.
    pub fn keys(&self) -> Vec<AccountKey> {
        let owner = AccountKey::Owner { entry: self.entry.clone(), user: self.user_id.clone() };
        let identity = self.provider_user_id.as_ref().map(|id| AccountKey::identity(&self.entry, id));
        std::iter::once(owner).chain(identity).collect()
    }

    /// The key of this account: its identity. An account without an identity has only the key of its owner, under which the
    /// owner may have other accounts.
    pub fn key(&self) -> AccountKey {
        match &self.provider_user_id {
            Some(id) => AccountKey::identity(&self.entry, id),
            None => AccountKey::Owner { entry: self.entry.clone(), user: self.user_id.clone() },
        }
    }

    /// The name of the turn that writers of this account take within the process.
    pub(crate) fn turn_name(&self) -> String {
        self.key().turn_name()
    }

    /// Returns whether the account is stored under `key`.
    pub(crate) fn is_under(&self, key: &AccountKey) -> bool {
        self.entry == key.entry()
            && match key {
                AccountKey::Owner { user, .. } => self.user_id == *user,
                AccountKey::Identity { provider_user_id, .. } => {
                    self.provider_user_id.as_ref() == Some(provider_user_id)
                }
            }
    }

    /// Rank of the site's account. An account that a visitor left without a user, before the entry belonged to the site, has
    /// another rank.
    pub(crate) const SITE_RANK: i32 = -1;

    /// Returns whether this is the site's account at its entry.
    pub(crate) fn is_sites(&self) -> bool {
        self.user_id.is_none() && self.rank == Self::SITE_RANK
    }

    /// Returns whether the account has an owner who did not own it as `old`.
    pub(crate) fn is_new_to_its_user(&self, old: Option<&Self>) -> bool {
        self.user_id.is_some() && old.is_none_or(|old| old.user_id != self.user_id)
    }

    /// Returns whether both are the same account. An account without an identity stays the same when it gets one.
    pub(crate) fn is_same_as(&self, known: &Self) -> bool {
        match known.provider_user_id {
            Some(_) => self.provider_user_id == known.provider_user_id,
            None => self.provider_user_id.is_none() || self.id == known.id,
        }
    }

    /// Returns the rank after all of `others`.
    pub(crate) fn rank_after(others: impl IntoIterator<Item = i32>) -> i32 {
        others.into_iter().max().map_or(0, |last| last.saturating_add(1))
    }

    /// The key by which an owner's accounts are sorted: the rank, then the age.
    pub(crate) fn sort_key(&self) -> (i32, i64, i64) {
        (self.rank, self.created_at, self.id)
    }
}

/// Returns a random id of 53 bits, which JSON and JavaScript represent exactly.
fn random_id() -> Result<i64> {
    let bytes = u64::from_be_bytes(random()?) >> 11;
    Ok(i64::try_from(bytes).unwrap_or_default().max(1))
}
