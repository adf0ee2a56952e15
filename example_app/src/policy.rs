//! The policy: who may sign in through a provider, and as which user.

use diesel::prelude::*;
use rocket_dance::{LinkPolicy, Login, Result, SignUpForm, Standing, Verdict};

use crate::database::{Connection, insert_user};
use crate::users::{NewUser, users};

/// Here everyone may sign in: a stranger becomes a new user, even if another user has the same name or address. Accounts are known by
/// the provider's id, and not by what can be given to another person.
pub struct Policy {
    /// Whether a stranger whose provider names no address is asked for it, and for a name, before they become a user.
    pub ask_for_email: bool,
}

impl LinkPolicy<Connection, i32> for Policy {
    fn link(&self, login: &Login<i32>, conn: &mut Connection) -> Result<Verdict<i32>> {
        let Standing::Stranger = login.standing else { return Ok(login.default_verdict()) };
        let email = login.answer("email").or(login.profile.claimed_email());
        if email.is_none() && self.ask_for_email {
            let form = SignUpForm::new()
                .name()
                .email()
                .consent("terms", "I will not take this example for a real app");
            return Ok(Verdict::Ask(form));
        }
        let name = login.answer("name").unwrap_or(login.profile.display_name());
        Ok(Verdict::SignUp(insert_user(conn, &NewUser { name, email, password: None })?))
    }

    /// A user with a password can still sign in after the last account is disconnected.
    fn has_other_login(&self, user: &i32, conn: &mut Connection) -> Result<bool> {
        let password: Option<Option<String>> =
            users::table.find(user).select(users::password).first(conn).optional()?;
        Ok(password.flatten().is_some())
    }
}
