//! `ErasedPolicy`: the app's policy without its type parameters.

use std::marker::PhantomData;

use super::any_connection::AnyConnection;
use super::policy_connection::PolicyConnection;
use crate::error::{Error, ErrorKind, Result};
use crate::link::{LinkPolicy, Login, Verdict, parse_user_id};
use crate::user::UserId;

/// A [`LinkPolicy`] for any connection, with user ids as text.
pub(super) trait ErasedPolicy: Send + Sync {
    /// Checks the policy's settings, and that it works on the type of `conn`.
    fn check(&self, conn: &mut AnyConnection) -> Result<()>;
    fn link(&self, login: Login<String>, conn: &mut AnyConnection) -> Result<Verdict<String>>;
    fn has_other_login(&self, user: &str, conn: &mut AnyConnection) -> Result<bool>;
    fn may_sign_in(&self, user: &str, conn: &mut AnyConnection) -> Result<bool>;
    fn merge_users(&self, from: &str, into: &str, conn: &mut AnyConnection) -> Result<()>;
}

/// The policy of an app that has none: [`LinkCurrentUser`](crate::LinkCurrentUser), for any type of ids.
pub(super) struct DefaultPolicy;

impl ErasedPolicy for DefaultPolicy {
    fn check(&self, _: &mut AnyConnection) -> Result<()> {
        Ok(())
    }

    fn link(&self, login: Login<String>, _: &mut AnyConnection) -> Result<Verdict<String>> {
        Ok(login.default_verdict())
    }

    fn has_other_login(&self, _: &str, _: &mut AnyConnection) -> Result<bool> {
        Ok(true)
    }

    fn may_sign_in(&self, _: &str, _: &mut AnyConnection) -> Result<bool> {
        Ok(true)
    }

    fn merge_users(&self, _: &str, _: &str, _: &mut AnyConnection) -> Result<()> {
        Err(Error::app("without a policy, no users are merged"))
    }
}

/// The app's policy, for the connection `C` and the user ids `U`.
pub(super) struct TypedPolicy<P, C, U> {
    policy: P,
    types: PhantomData<fn(C, U)>,
}

impl<P, C, U> TypedPolicy<P, C, U> {
    pub(super) fn new(policy: P) -> Self {
        Self { policy, types: PhantomData }
    }
}

impl<P: LinkPolicy<C, U>, C: PolicyConnection, U: UserId> ErasedPolicy for TypedPolicy<P, C, U> {
    fn check(&self, conn: &mut AnyConnection) -> Result<()> {
        narrow::<C>(conn)?;
        self.policy.check()
    }

    fn link(&self, login: Login<String>, conn: &mut AnyConnection) -> Result<Verdict<String>> {
        let login = login.typed::<U>()?;
        let verdict =
            conn.lend(|conn| conn.in_one_transaction(|conn| self.policy.link(&login, narrow(conn)?)))?;
        Ok(verdict.map(|user| user.to_string()))
    }

    fn has_other_login(&self, user: &str, conn: &mut AnyConnection) -> Result<bool> {
        let user = parse_user_id::<U>(user)?;
        conn.lend(|conn| self.policy.has_other_login(&user, narrow(conn)?))
    }

    fn may_sign_in(&self, user: &str, conn: &mut AnyConnection) -> Result<bool> {
        let user = parse_user_id::<U>(user)?;
        conn.lend(|conn| self.policy.may_sign_in(&user, narrow(conn)?))
    }

    fn merge_users(&self, from: &str, into: &str, conn: &mut AnyConnection) -> Result<()> {
        let (from, into) = (parse_user_id::<U>(from)?, parse_user_id::<U>(into)?);
        conn.lend(|conn| self.policy.merge_users(&from, &into, narrow(conn)?))
    }
}

fn narrow<C: PolicyConnection>(conn: &mut AnyConnection) -> Result<&mut C> {
    C::narrow(conn).ok_or_else(|| {
        Error::new(ErrorKind::Misconfigured, "This app could not run its sign-in policy.").with_source(
            format!(
                "the policy works on a `{}`, but the URL is that of another database",
                std::any::type_name::<C>()
            ),
        )
    })
}
