//! `Visitor<U>`: the user of a request, or none.

use std::fmt;

use rocket::{Ignite, Request, Rocket, Sentinel};

use super::outcome::impl_from_request;
use super::sentinel::must_abort_for_user;
use crate::dance::Dance;
use crate::error::Result;
use crate::link::parse_user_id;
use crate::user::UserId;

/// The visitor of a page: the signed-in user, or no user. For pages that visitors and users may see.
///
/// During an outage, no user is taken for a visitor: if the session can't be read, the guard fails with 503. The id type
/// must be the policy's, as with [`CurrentUser`](crate::CurrentUser).
///
/// | the request | `Visitor<U>` | `CurrentUser<U>` | `Option<CurrentUser<U>>` |
/// |---|---|---|---|
/// | is from a user | [`user`](Visitor::user) is `Some` | the user | `Some` |
/// | is from no user | `user` is `None` | forwards 401, to the sign-in | `None` |
/// | cannot be answered, because the storage or the app's [`Sessions`](crate::Sessions) failed | fails with the status of the error, for example 503 | fails likewise | `None`, because Rocket drops the error: a user seems to be signed out |
///
/// ```
/// use rocket_dance::Visitor;
///
/// #[rocket::get("/")]
/// fn index(visitor: Visitor<i32>) -> String {
///     match visitor.user() {
///         Some(id) => format!("Hello, user number {id}"),
///         None => "Hello, visitor".into(),
///     }
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Visitor<U> {
    user: Option<U>,
}

impl<U> Visitor<U> {
    /// Returns the id of the signed-in user; `None` if no user is signed in.
    pub fn user(&self) -> Option<&U> {
        self.user.as_ref()
    }

    /// Returns the id of the signed-in user as an owned value; `None` if no user is signed in.
    pub fn into_user(self) -> Option<U> {
        self.user
    }
}

impl<U: fmt::Display> fmt::Debug for Visitor<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            Some(user) => write!(f, "Visitor({user})"),
            None => f.write_str("Visitor"),
        }
    }
}

async fn find<U: UserId>(request: &Request<'_>) -> Result<Visitor<U>> {
    let user = Dance::of(request)?.user(request).await?;
    Ok(Visitor { user: user.map(parse_user_id).transpose()? })
}

impl_from_request!([U: UserId] Visitor<U>, None, find);

impl<U: UserId> Sentinel for Visitor<U> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        must_abort_for_user::<U>(rocket, "Visitor")
    }
}
