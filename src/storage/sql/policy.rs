//! The app's policy without its types.

use std::marker::PhantomData;

use super::any::{AnyConnection, PolicyConnection};
use crate::error::{Error, ErrorKind, Result};
use crate::link::{LinkPolicy, Login, Verdict, typed};
use crate::user::UserId;

/// A [`LinkPolicy`] on whichever connection, with user ids as text.
pub(super) trait Policy: Send + Sync {
    /// Whether it can work on `conn`.
    fn check(&self, conn: &mut AnyConnection) -> Result<()>;
    fn link(&self, login: Login<String>, conn: &mut AnyConnection) -> Result<Verdict<String>>;
    fn has_other_login(&self, user: &str, conn: &mut AnyConnection) -> Result<bool>;
    fn may_sign_in(&self, user: &str, conn: &mut AnyConnection) -> Result<bool>;
}

/// What holds without a policy: [`LinkCurrentUser`](crate::LinkCurrentUser), for ids that nobody has declared.
pub(super) struct Usual;

impl Policy for Usual {
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
}

/// The app's `policy`, which works on a `C` and with user ids `U`.
pub(super) struct Typed<P, C, U> {
    pub(super) policy: P,
    pub(super) types: PhantomData<fn(C, U)>,
}

impl<P: LinkPolicy<C, U>, C: PolicyConnection, U: UserId> Policy for Typed<P, C, U> {
    fn check(&self, conn: &mut AnyConnection) -> Result<()> {
        narrow::<C>(conn).map(drop)
    }

    fn link(&self, login: Login<String>, conn: &mut AnyConnection) -> Result<Verdict<String>> {
        let login = login.typed::<U>()?;
        let verdict = conn.lend(|conn| self.policy.link(&login, narrow(conn)?))?;
        Ok(verdict.map(|user| user.to_string()))
    }

    fn has_other_login(&self, user: &str, conn: &mut AnyConnection) -> Result<bool> {
        let user = typed::<U>(user)?;
        conn.lend(|conn| self.policy.has_other_login(&user, narrow(conn)?))
    }

    fn may_sign_in(&self, user: &str, conn: &mut AnyConnection) -> Result<bool> {
        let user = typed::<U>(user)?;
        conn.lend(|conn| self.policy.may_sign_in(&user, narrow(conn)?))
    }
}

fn narrow<C: PolicyConnection>(conn: &mut AnyConnection) -> Result<&mut C> {
    C::narrow(conn).ok_or_else(|| {
        Error::new(ErrorKind::Misconfigured, "This app could not ask who may come in.").with_source(format!(
            "the policy works on a `{}`, which is not what the database's URL leads to",
            std::any::type_name::<C>()
        ))
    })
}
