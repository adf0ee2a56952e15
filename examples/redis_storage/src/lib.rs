//! A storage of an app's own: accounts in Redis, shared by all processes of the app.
//!
//! It offers several accounts per user, [`page`](Storage::page) and [`Coordination`]. It stores no sessions, so a session exists
//! only in its cookie. Its test is `rocket_dance::testing::storage_suite`, on a real Redis. Redis must not evict keys
//! (`maxmemory-policy noeviction`), and should write its data to the disk: users must connect lost accounts again.
//!
//! | key | value |
//! |---|---|
//! | `<prefix>account:<key>` | the account as JSON, under its identity, or under its owner if it has none |
//! | `<prefix>owner:<key>` | a set: the keys of the owner's accounts at the entry |
//! | `<prefix>ids:<entry>`, `<prefix>ids` | sorted sets: the keys of the accounts, by their ids |
//! | `<prefix>lease:<id>:<version>` | exists while a process refreshes the token of that version |
//! | `<prefix>claim:<id>` | exists once a callback is used: empty, or `=` and the outcome |

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, FromRedisValue, Script, cmd};
use rocket::figment::Figment;
use rocket::tokio::sync::OnceCell;
use rocket_dance::storage::{Account, AccountKey, ClaimState, Coordination, Storage};
use rocket_dance::{Error, Result};

/// Writes an account (`ARGV[2]`, or deletes it if that is empty) together with its indexes, in one step. With `ARGV[1]`
/// only if that is what is stored.
const WRITE: &str = "
    local account, owner, of_entry, all = unpack(KEYS)
    local read, new, id = unpack(ARGV)
    if read ~= '' and redis.call('GET', account) ~= read then return 0 end
    if new == '' then
        redis.call('DEL', account)
        redis.call('SREM', owner, account)
        redis.call('ZREM', of_entry, account)
        redis.call('ZREM', all, account)
    else
        redis.call('SET', account, new)
        redis.call('SADD', owner, account)
        redis.call('ZADD', of_entry, id, account)
        redis.call('ZADD', all, id, account)
    end
    return 1";

/// Stores accounts in Redis.
pub struct RedisStorage {
    client: Client,
    /// One connection for all requests. It connects again after an outage.
    connection: OnceCell<ConnectionManager>,
    prefix: String,
    write: Script,
}

/// An account with its JSON, as it was read.
struct Stored {
    json: String,
    account: Account,
}

impl RedisStorage {
    /// A storage in the Redis at `url`, for example `redis://127.0.0.1/`. All its keys begin with `prefix`. It connects when
    /// Rocket launches.
    ///
    /// # Errors
    /// If `url` cannot be read.
    pub fn new(url: &str, prefix: &str) -> Result<Self> {
        let client = Client::open(url).map_err(Error::storage)?;
        Ok(Self { client, connection: OnceCell::new(), prefix: prefix.to_owned(), write: Script::new(WRITE) })
    }

    async fn connection(&self) -> Result<ConnectionManager> {
        let connect = || {
            // A request waits for one attempt, not for six.
            let config = ConnectionManagerConfig::new().set_number_of_retries(1);
            ConnectionManager::new_with_config(self.client.clone(), config)
        };
        self.connection.get_or_try_init(connect).await.cloned().map_err(Error::storage)
    }

    /// Every failure of Redis is an outage: requests are answered with 503.
    async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        command.query_async(&mut self.connection().await?).await.map_err(Error::storage)
    }

    fn key(&self, kind: &str, name: impl std::fmt::Display) -> String {
        format!("{}{kind}:{name}", self.prefix)
    }

    /// The accounts under these keys of Redis. A key that an index still names may be gone.
    async fn read(&self, keys: Vec<String>) -> Result<Vec<Stored>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let found: Vec<Option<String>> = self.run(cmd("MGET").arg(keys)).await?;
        let parse = |json: String| match serde_json::from_str(&json) {
            Ok(account) => Ok(Stored { json, account }),
            Err(error) => Err(Error::storage(error)),
        };
        found.into_iter().flatten().map(parse).collect()
    }

    /// The accounts under `key`, the primary one first. An account in the set of a former owner does not count.
    async fn under(&self, key: &AccountKey) -> Result<Vec<Stored>> {
        let keys = match key {
            AccountKey::Identity { .. } => vec![self.key("account", key)],
            AccountKey::Owner { .. } => self.run(cmd("SMEMBERS").arg(self.key("owner", key))).await?,
        };
        let mut found = self.read(keys).await?;
        found.retain(|stored| stored.account.keys().contains(key));
        found.sort_by_key(|stored| (stored.account.rank, stored.account.created_at, stored.account.id));
        Ok(found)
    }

    /// Stores `new` in place of `account`, or deletes it. With `read`, only if that JSON is still stored. Returns whether it did.
    async fn write(&self, account: &Account, read: Option<&str>, new: Option<&Account>) -> Result<bool> {
        let json = new.map(serde_json::to_string).transpose().map_err(Error::storage)?;
        let owner = AccountKey::Owner { entry: account.entry.clone(), user: account.user_id.clone() };
        let done: i64 = self
            .write
            .key(self.key("account", account.key()))
            .key(self.key("owner", owner))
            .key(self.key("ids", &account.entry))
            .key(format!("{}ids", self.prefix))
            .arg(read.unwrap_or_default())
            .arg(json.unwrap_or_default())
            .arg(account.id)
            .invoke_async(&mut self.connection().await?)
            .await
            .map_err(Error::storage)?;
        Ok(done == 1)
    }

    /// Replaces the stored account by what `change` makes of it, in one step; not if `change` returns `None`.
    async fn change(&self, account: &Account, change: impl Fn(Account) -> Option<Account>) -> Result<bool> {
        loop {
            let found = self.read(vec![self.key("account", account.key())]).await?.pop();
            let Some(Stored { json, account: stored }) = found else { return Ok(false) };
            let Some(changed) = change(stored) else { return Ok(false) };
            // Otherwise another process was faster: read again.
            if self.write(account, Some(&json), Some(&changed)).await? {
                return Ok(true);
            }
        }
    }
}

#[rocket::async_trait]
impl Storage for RedisStorage {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        Ok(self.under(key).await?.into_iter().next().map(|stored| stored.account))
    }

    async fn set(&self, account: &Account) -> Result<()> {
        self.write(account, None, Some(account)).await.map(drop)
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        for Stored { json, account } in self.under(key).await? {
            // An identity is deleted in any case. An account of this owner may have got another owner in the meantime.
            let read = matches!(key, AccountKey::Owner { .. }).then_some(json.as_str());
            self.write(&account, read, None).await?;
        }
        Ok(())
    }

    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Account>> {
        let (mut accounts, mut entries) = (Vec::new(), entries.to_vec());
        entries.sort_unstable();
        for entry in entries {
            let key = AccountKey::Owner { entry: entry.to_owned(), user: user.map(str::to_owned) };
            accounts.extend(self.under(&key).await?.into_iter().map(|stored| stored.account));
        }
        Ok(accounts)
    }

    async fn page(&self, entry: Option<&str>, after: i64, limit: usize) -> Result<Vec<Account>> {
        let ids = entry.map_or_else(|| format!("{}ids", self.prefix), |entry| self.key("ids", entry));
        let after = format!("({after}");
        let mut range = cmd("ZRANGEBYSCORE");
        range.arg(ids).arg(after).arg("+inf").arg("LIMIT").arg(0).arg(limit);
        let accounts = self.read(self.run(&range).await?).await?;
        Ok(accounts.into_iter().map(|stored| stored.account).collect())
    }

    async fn open(&self, _: &Figment) -> Result<()> {
        self.run(&cmd("PING")).await
    }

    fn coordination(&self) -> Option<&dyn Coordination> {
        Some(self)
    }
}

#[rocket::async_trait]
impl Coordination for RedisStorage {
    async fn claim(&self, id: &str, now: i64, until: i64) -> Result<ClaimState> {
        let key = self.key("claim", id);
        let seconds = (until - now).max(1);
        loop {
            if self.run(cmd("SET").arg(&key).arg("").arg("NX").arg("EX").arg(seconds)).await? {
                return Ok(ClaimState::First);
            }
            match self.settled(id).await? {
                // The claim has ended between the two commands: try again.
                ClaimState::First => {}
                seen => return Ok(seen),
            }
        }
    }

    async fn settle(&self, id: &str, outcome: &str) -> Result<()> {
        let outcome = format!("={outcome}");
        self.run(cmd("SET").arg(self.key("claim", id)).arg(outcome).arg("XX").arg("KEEPTTL")).await
    }

    async fn settled(&self, id: &str) -> Result<ClaimState> {
        let found: Option<String> = self.run(cmd("GET").arg(self.key("claim", id))).await?;
        Ok(match found {
            None => ClaimState::First,
            Some(value) => match value.strip_prefix('=') {
                Some(outcome) => ClaimState::Settled(outcome.to_owned()),
                None => ClaimState::Pending,
            },
        })
    }

    async fn lease(&self, account: &Account, now: i64, until: i64) -> Result<bool> {
        let key = self.key("lease", format!("{}:{}", account.id, account.version));
        let seconds = (until - now).max(1);
        if !self.run(cmd("SET").arg(&key).arg("").arg("NX").arg("EX").arg(seconds)).await? {
            return Ok(false);
        }
        // After the lease is taken: a process that had it before may have stored a new token.
        let stored = self.read(vec![self.key("account", account.key())]).await?.pop();
        if stored.is_some_and(|stored| is_current(&stored.account, account)) {
            return Ok(true);
        }
        self.release(account).await?;
        Ok(false)
    }

    async fn release(&self, account: &Account) -> Result<()> {
        self.run(cmd("DEL").arg(self.key("lease", format!("{}:{}", account.id, account.version)))).await
    }

    /// A lease is for one version of an account: the new version has none.
    async fn renew(&self, account: &Account, renewed: &Account) -> Result<bool> {
        self.change(account, |stored| {
            let mut renewed = renewed.clone();
            renewed.rank = stored.rank;
            is_current(&stored, account).then_some(renewed)
        })
        .await
    }

    async fn reseal(&self, account: &Account, sealed: &str) -> Result<bool> {
        self.change(account, |mut stored| {
            let is_read = stored.id == account.id && stored.token == account.token;
            stored.token = sealed.to_owned();
            is_read.then_some(stored)
        })
        .await
    }
}

fn is_current(stored: &Account, account: &Account) -> bool {
    (stored.id, stored.version, &stored.user_id) == (account.id, account.version, &account.user_id)
}
