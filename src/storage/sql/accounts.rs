//! The queries: accounts and claims.

use diesel::dsl::exists;
use diesel::expression::BoxableExpression;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as Cause};
use diesel::select;
use diesel::sql_types::{Bool, Nullable};

use super::any::{AnyConnection, MultiBackend};
use super::policy::Policy;
use super::schema::oauth_accounts::dsl::*;
use super::schema::oauth_claims;
use super::{ranks, sessions};
use crate::error::{Error, ErrorKind, Result};
use crate::link::{AuthorizedLogin, Found, Purpose, decide};
use crate::storage::{Account, AccountKey, ClaimState, KeyRing, Linked, SessionSelection};

type Condition<'a> = Box<dyn BoxableExpression<oauth_accounts, MultiBackend, SqlType = Nullable<Bool>> + 'a>;

fn is_of<'a>(user: Option<&'a str>) -> Condition<'a> {
    match user {
        Some(user) => Box::new(user_id.eq(user)),
        None => Box::new(user_id.is_null().nullable()),
    }
}

/// The one account that is `identity`'s; without an identity, the one that is `user`'s and has none.
fn is_account<'a>(identity: Option<&'a str>, user: Option<&'a str>) -> Condition<'a> {
    match identity {
        Some(identity) => Box::new(provider_user_id.eq(identity)),
        None => Box::new(provider_user_id.is_null().nullable().and(is_of(user))),
    }
}

fn is_under(key: &AccountKey) -> Condition<'_> {
    match key {
        AccountKey::Owner { user, .. } => is_of(user.as_deref()),
        AccountKey::Identity { provider_user_id: identity, .. } => is_account(Some(identity), None),
    }
}

pub(super) fn get(conn: &mut AnyConnection, key: &AccountKey) -> Result<Option<Account>> {
    Ok(oauth_accounts
        .filter(provider.eq(key.entry()))
        .filter(is_under(key))
        .order((rank, id))
        .select(Account::as_select())
        .first(conn)
        .optional()?)
}

fn exact(
    conn: &mut AnyConnection,
    entry: &str,
    identity: Option<&str>,
    user: Option<&str>,
) -> Result<Option<Account>> {
    Ok(oauth_accounts
        .filter(provider.eq(entry))
        .filter(is_account(identity, user))
        .select(Account::as_select())
        .first(conn)
        .optional()?)
}

/// Holds rows until the transaction ends, so that what was read of them stays true: between a read and a write another
/// process could remove them, or give them to another user.
// An update that changes nothing: MultiConnection has no `FOR UPDATE`. A lease that is written anew wakes no trigger.
fn hold(conn: &mut AnyConnection, condition: Condition<'_>) -> Result<()> {
    if !conn.writes_alone() {
        diesel::update(oauth_accounts.filter(condition)).set(lease_until.eq(lease_until)).execute(conn)?;
    }
    Ok(())
}

/// The account, as [`exact`] finds it, held.
fn held(
    conn: &mut AnyConnection,
    entry: &str,
    identity: Option<&str>,
    user: Option<&str>,
) -> Result<Option<Account>> {
    hold(conn, Box::new(provider.eq(entry).nullable().and(is_account(identity, user))))?;
    exact(conn, entry, identity, user)
}

/// Writes `account` in place of what is there.
pub(super) fn set(conn: &mut AnyConnection, account: &Account) -> Result<()> {
    let (identity, user) = (account.provider_user_id.as_deref(), account.user_id.as_deref());
    let old = held(conn, &account.entry, identity, user)?;
    write(conn, account, old.as_ref()).map(drop)
}

/// Writes `account` in place of `old`, which is held, and reads it again: the id is the database's to give.
// Where there was none it inserts, whatever has come since: somebody else's row is a unique violation, never overwritten.
fn write(conn: &mut AnyConnection, account: &Account, old: Option<&Account>) -> Result<Account> {
    match old {
        Some(old) => {
            diesel::update(oauth_accounts.find(old.id)).set((account, lease_until.eq(0))).execute(conn)?
        }
        None => diesel::insert_into(oauth_accounts).values(account).execute(conn)?,
    };
    exact(conn, &account.entry, account.provider_user_id.as_deref(), account.user_id.as_deref())?
        .ok_or_else(|| Error::storage("the account that was written is gone"))
}

pub(super) fn delete(conn: &mut AnyConnection, key: &AccountKey) -> Result<()> {
    diesel::delete(oauth_accounts.filter(provider.eq(key.entry())).filter(is_under(key))).execute(conn)?;
    Ok(())
}

pub(super) fn list(conn: &mut AnyConnection, user: Option<&str>, entries: &[String]) -> Result<Vec<Account>> {
    Ok(oauth_accounts
        .filter(provider.eq_any(entries))
        .filter(is_of(user))
        .order((provider, rank, id))
        .select(Account::as_select())
        .load(conn)?)
}

pub(super) fn link(
    conn: &mut AnyConnection,
    policy: &dyn Policy,
    login: &AuthorizedLogin,
    keys: &KeyRing,
) -> Result<Linked> {
    login.check()?;
    if let (Some(session), Some(visitor)) = (&login.session, login.visitor())
        && !sessions::hold(conn, session, visitor)?
    {
        // AL-02: between the callback's first look and here lie the provider's answers. Whoever was put out meanwhile
        // would come back with an account of his own.
        return Err(Error::refused("You have been signed out meanwhile: nothing was connected."));
    }
    let (entry, identity) = (&login.entry, login.profile.id.as_deref());
    let found = match (identity, login.visitor()) {
        (None, None) => None,
        (identity, visitor) => held(conn, entry, identity, visitor)?,
    };
    let site = match login.purpose {
        Purpose::Site => {
            let key = AccountKey::Owner { entry: entry.clone(), user: None };
            hold(conn, Box::new(provider.eq(entry).nullable().and(is_under(&key))))?;
            get(conn, &key)?
        }
        _ => None,
    };
    let seen = Found::of(found.as_ref(), site.as_ref());
    let decision = decide(login, &seen, |asked| policy.link(asked, conn));
    if decision.is_err() && found.is_none() && identity.is_some() && !conn.writes_alone() {
        // Nobody holds a row that isn't there: of two first logins at once, the slower's policy may have seen the user
        // whom the other made, "this address is taken", while the account was not there yet.
        match exact(conn, entry, identity, None) {
            Ok(Some(_)) => {
                let said = "somebody else was faster: the account is there now".to_owned();
                return Err(
                    Cause::DatabaseError(DatabaseErrorKind::SerializationFailure, Box::new(said)).into()
                );
            }
            // The database has gone away: nobody knows whether the "no" was meant for a stranger.
            Err(error) if error.kind() == ErrorKind::StoreUnavailable => return Err(error),
            _ => {}
        }
    }
    let decision = decision?;
    let user = decision.user.as_deref();
    if let Some(user) = user {
        if decision.new && has_accounts(conn, user)? {
            return Err(Error::refused("This account can't be used that way.")
                .with_source("the policy answered SignUp with a user who has accounts already"));
        }
        if !policy.may_sign_in(user, conn)? {
            return Err(Error::refused("You may not sign in here."));
        }
    }
    let mut account = Account::of(login, user, found.as_ref(), keys)?;
    if let Some(user) = user.filter(|_| account.is_new_to_its_user(found.as_ref())) {
        account.rank = ranks::next(conn, entry, user)?;
    }
    let account = write(conn, &account, found.as_ref())?;
    let ended = match user.filter(|_| decision.merged) {
        // AL-02: who has got hold of the local user before is still in there.
        Some(user) => sessions::end(conn, &SessionSelection::User(user.to_owned()))?,
        None => Vec::new(),
    };
    Ok(Linked { account, previous: found, user: decision.user, merged: decision.merged, ended })
}

fn has_accounts(conn: &mut AnyConnection, user: &str) -> Result<bool> {
    Ok(select(exists(oauth_accounts.filter(user_id.eq(user)))).get_result(conn)?)
}

/// Removes accounts of `user` at `entry`; `logins` are the entries with which one can sign in.
pub(super) fn unlink(
    conn: &mut AnyConnection,
    policy: &dyn Policy,
    user: Option<&str>,
    entry: &str,
    account_id: Option<i64>,
    logins: &[String],
) -> Result<Vec<Account>> {
    // All of the user's: of two who disconnect two accounts at once, each would leave the other's as the last one.
    if user.is_some() {
        hold(conn, is_of(user))?;
    }
    let mut removed = list(conn, user, &[entry.to_owned()])?;
    removed.retain(|account| account_id.is_none_or(|wanted| account.id == wanted));
    let ids: Vec<i64> = removed.iter().map(|account| account.id).collect();
    // Without an identity nobody can sign in with it.
    let signs_in = |account: &Account| account.provider_user_id.is_some() && logins.contains(&account.entry);
    if let Some(user) = user
        && removed.iter().any(signs_in)
        && !list(conn, Some(user), logins)?.iter().any(|left| signs_in(left) && !ids.contains(&left.id))
        && !policy.has_other_login(user, conn)?
    {
        return Err(Error::new(
            ErrorKind::LastLogin,
            "This is your last way to sign in: connect another account or set a password first.",
        ));
    }
    diesel::delete(oauth_accounts.filter(id.eq_any(ids))).execute(conn)?;
    Ok(removed)
}

pub(super) fn lease(conn: &mut AnyConnection, account: &Account, now: i64, until: i64) -> Result<bool> {
    let free = oauth_accounts
        .filter(id.eq(account.id).and(version.eq(account.version)).and(lease_until.le(now)))
        .filter(is_of(account.user_id.as_deref()));
    Ok(diesel::update(free).set(lease_until.eq(until)).execute(conn)? == 1)
}

pub(super) fn release(conn: &mut AnyConnection, account: &Account) -> Result<()> {
    let leased = oauth_accounts.filter(id.eq(account.id).and(version.eq(account.version)));
    diesel::update(leased).set(lease_until.eq(0)).execute(conn)?;
    Ok(())
}

pub(super) fn renew(conn: &mut AnyConnection, account: &Account, renewed: &Account) -> Result<bool> {
    let same = oauth_accounts
        .filter(id.eq(account.id).and(version.eq(account.version)))
        .filter(is_of(account.user_id.as_deref()));
    let changes = (
        token.eq(&renewed.token),
        token_type.eq(&renewed.token_type),
        scope.eq(&renewed.scope),
        expires_at.eq(renewed.expires_at),
        updated_at.eq(renewed.updated_at),
        version.eq(renewed.version),
        lease_until.eq(0),
    );
    Ok(diesel::update(same).set(changes).execute(conn)? == 1)
}

/// So many expired claims go with each new one.
const PURGED: i64 = 64;

pub(super) fn claim(conn: &mut AnyConnection, claim: &str, now: i64, until: i64) -> Result<ClaimState> {
    use oauth_claims::{expires_at as expiry, table};
    let expired: Vec<String> =
        table.filter(expiry.le(now)).order(expiry).limit(PURGED).select(oauth_claims::id).load(conn)?;
    diesel::delete(table.filter(oauth_claims::id.eq_any(expired))).execute(conn)?;
    // It may be one of many more.
    diesel::delete(table.find(claim).filter(expiry.le(now))).execute(conn)?;
    let found = settled(conn, claim)?;
    if found == ClaimState::First {
        let new = (oauth_claims::id.eq(claim), expiry.eq(until));
        diesel::insert_into(table).values(new).execute(conn)?;
    }
    Ok(found)
}

pub(super) fn settled(conn: &mut AnyConnection, claim: &str) -> Result<ClaimState> {
    let row = oauth_claims::table.find(claim).select(oauth_claims::outcome);
    Ok(match row.first::<Option<String>>(conn).optional()? {
        Some(Some(text)) => ClaimState::Settled(text),
        Some(None) => ClaimState::Pending,
        None => ClaimState::First,
    })
}

pub(super) fn settle(conn: &mut AnyConnection, claim: &str, text: &str) -> Result<()> {
    diesel::update(oauth_claims::table.find(claim)).set(oauth_claims::outcome.eq(text)).execute(conn)?;
    Ok(())
}
