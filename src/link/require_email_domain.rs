//! `RequireEmailDomain`: a policy that admits only verified addresses at one domain.

use super::{LinkPolicy, Login, Verdict};
use crate::error::Result;
use crate::user::UserId;

/// A policy that admits only logins with a verified e-mail address at one domain, and then asks another policy.
///
/// The address is the one that the provider has verified ([`Profile::email`](crate::Profile::email)), not the claimed one. Its
/// domain must be equal to this one, except for ASCII case; a subdomain is not equal. Every login is checked, so that a user
/// who has left the domain cannot sign in any more.
///
/// ```
/// use diesel::SqliteConnection;
/// use rocket_dance::{LinkPolicy, Login, Profile, RequireEmailDomain, Result, Standing, Verdict};
///
/// fn default_verdict(login: &Login<i32>, _: &mut SqliteConnection) -> Result<Verdict<i32>> {
///     Ok(login.default_verdict())
/// }
///
/// let policy = RequireEmailDomain("corp.com", default_verdict);
/// let eve = Profile::default().with_email(Some("eve@evilcorp.com".into()), true);
/// let login = Login::new("google", Standing::Returning(7), eve);
/// # use diesel::Connection;
/// # let conn = &mut SqliteConnection::establish(":memory:").unwrap();
/// assert!(matches!(policy.link(&login, conn)?, Verdict::Refuse(_)));
/// # Ok::<(), rocket_dance::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct RequireEmailDomain<P>(
    /// The domain, for example `corp.com`.
    pub &'static str,
    /// The policy that decides about the admitted logins.
    pub P,
);

impl<C, U: UserId, P: LinkPolicy<C, U>> LinkPolicy<C, U> for RequireEmailDomain<P> {
    fn link(&self, login: &Login<U>, conn: &mut C) -> Result<Verdict<U>> {
        let domain = login.profile.email().and_then(|address| address.split_once('@'));
        match domain {
            Some((local, domain)) if !local.is_empty() && domain.eq_ignore_ascii_case(self.0) => {
                self.1.link(login, conn)
            }
            _ => {
                Ok(Verdict::Refuse(format!("Only people with a verified address at {} may sign in.", self.0)))
            }
        }
    }

    fn has_other_login(&self, user: &U, conn: &mut C) -> Result<bool> {
        self.1.has_other_login(user, conn)
    }

    fn may_sign_in(&self, user: &U, conn: &mut C) -> Result<bool> {
        self.1.may_sign_in(user, conn)
    }
}
