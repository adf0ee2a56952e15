//! `LinkCurrentUser`: the policy of an app that has none.

use std::fmt;
use std::marker::PhantomData;

use super::{LinkPolicy, Login, Verdict};
use crate::error::Result;
use crate::user::UserId;

/// The policy of an app that sets no other: an account belongs to the user who is signed in, and no users are created.
///
/// Users then exist only through the app's own sign-in, which is the other way to sign in that each of them has. As a value it
/// is for wrapping, and it declares the type of the user ids:
///
/// ```
/// use diesel::SqliteConnection;
/// use rocket_dance::{LinkCurrentUser, RequireEmailDomain, storage::DieselStorage};
///
/// let policy = RequireEmailDomain("corp.com", LinkCurrentUser::<SqliteConnection, i32>::new());
/// let storage = DieselStorage::database("app").migrate().link(policy);
/// # let _ = storage;
/// ```
pub struct LinkCurrentUser<C, U>(PhantomData<fn(C, U)>);

impl<C, U> LinkCurrentUser<C, U> {
    /// Makes the policy for the connection `C` and the user ids `U`.
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<C, U> Default for LinkCurrentUser<C, U> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C, U> fmt::Debug for LinkCurrentUser<C, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkCurrentUser")
    }
}

// The type parameters are on the struct: with them on the impl alone, `.link(LinkCurrentUser)` is ambiguous (E0283).
impl<C: 'static, U: UserId> LinkPolicy<C, U> for LinkCurrentUser<C, U> {
    fn link(&self, login: &Login<U>, _: &mut C) -> Result<Verdict<U>> {
        Ok(login.default_verdict())
    }

    fn has_other_login(&self, _: &U, _: &mut C) -> Result<bool> {
        Ok(true)
    }
}
