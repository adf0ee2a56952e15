//! `RequireEmailDomain`: a policy that lets only people of one domain sign in.

use super::{LinkPolicy, Login, Standing, Verdict};
use crate::error::{Error, ErrorKind, Result};
use crate::profile::Mailbox;
use crate::user::UserId;

/// A policy that lets only people of one e-mail domain sign in, and then asks another policy.
///
/// It judges every login that signs a user in ([`Standing::Stranger`] and [`Standing::Returning`]) or merges users, so that a user
/// who has left the domain cannot sign in any more. Other logins go to the inner policy at once: a user who is signed in can
/// connect a private account.
///
/// One of these must be true:
///
/// - The provider proves that the user is a member of the organization with this domain. Google does, with the claim `hd`.
/// - The provider has verified an address at this domain ([`Profile::email`](crate::Profile::email)), and the entry's
///   `trust_email` trusts this verification:
///
///   ```toml
///   [default.oauth.corp]
///   provider = "oidc"
///   issuer = "https://login.corp.com"
///   trust_email = ["corp.com"]
///   ```
///
///   Trust a provider only if it knows who owns the mailbox now, for example the company's own. Others verified the address
///   once, and do not know that its owner has left. If only `trust_email` is missing, the log shows the lines to write.
///
/// Domains must be equal, except for ASCII case. A subdomain is another domain. Write an internationalized domain in ASCII
/// (`xn--…`). An address with unusual characters, a trailing dot or several `@` has no domain. A domain at which no address can
/// be, such as `""` or `@corp.com`, fails the launch.
///
/// The domain is a `&'static str`, or a `String`, for example from the configuration.
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
/// let login = |standing, address: &str| {
///     let profile = Profile::default().with_email(Some(address.into()), true);
///     Login::new("corp", standing, profile).with_trusted_email()
/// };
/// # use diesel::Connection;
/// # let conn = &mut SqliteConnection::establish(":memory:").unwrap();
/// assert_eq!(policy.link(&login(Standing::Returning(7), "ada@corp.com"), conn)?, Verdict::SignIn(7));
/// assert!(matches!(policy.link(&login(Standing::Returning(7), "ada@evilcorp.com"), conn)?, Verdict::Refuse(_)));
/// // Connecting an account signs no user in.
/// assert_eq!(policy.link(&login(Standing::Adding(7), "ada@home.example"), conn)?, Verdict::SignIn(7));
/// # Ok::<(), rocket_dance::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct RequireEmailDomain<P, D = &'static str>(
    /// The domain, for example `corp.com`.
    pub D,
    /// The policy that decides about the admitted logins.
    pub P,
);

impl<P, D: AsRef<str>> RequireEmailDomain<P, D> {
    fn domain(&self) -> &str {
        self.0.as_ref()
    }

    fn admits<U>(&self, login: &Login<U>) -> bool {
        let domain = self.domain();
        let is_member =
            login.proven_domain.as_ref().is_some_and(|proven| proven.eq_ignore_ascii_case(domain));
        (is_member && !domain.is_empty()) || is_at(login.trusted_email.as_deref(), domain)
    }

    fn refuse<U>(&self, login: &Login<U>) -> Verdict<U> {
        self.log_refusal(login);
        Verdict::Refuse(format!("Only people with a verified address at {} may sign in.", self.domain()))
    }

    /// Logs the refusal. An operator whose entry lacks `trust_email` reads what to write.
    fn log_refusal<U>(&self, Login { entry, profile, proven_domain, .. }: &Login<U>) {
        let domain = self.domain();
        if is_at(profile.email(), domain) {
            log::warn!(
                "oauth: `{entry}`: sign-in refused: the provider has verified the user's address at {domain}, but the \
                 entry does not trust it to. If it does know who owns these mailboxes, add `trust_email`:\n    \
                 [default.oauth.{entry}]\n    trust_email = [\"{domain}\"]"
            );
        } else if let Some(proven) = proven_domain {
            log::info!(
                "oauth: `{entry}`: sign-in refused: the provider has proven that the user is a member of {proven:?}, not of \
                 {domain}"
            );
        } else {
            log::info!("oauth: `{entry}`: sign-in refused: the user has no verified address at {domain}");
        }
    }
}

fn is_at(address: Option<&str>, domain: &str) -> bool {
    address.and_then(Mailbox::parse).is_some_and(|mailbox| mailbox.is_at(domain))
}

/// Whether an address can be at `domain`.
fn has_addresses(domain: &str) -> bool {
    is_at(Some(&format!("a@{domain}")), domain)
}

impl<C, U, P, D> LinkPolicy<C, U> for RequireEmailDomain<P, D>
where
    U: UserId,
    P: LinkPolicy<C, U>,
    D: AsRef<str> + Send + Sync + 'static,
{
    fn check(&self) -> Result<()> {
        let domain = self.domain();
        if has_addresses(domain) {
            return self.1.check();
        }
        let meant = domain.rsplit('@').next().unwrap_or_default().trim().trim_end_matches('.');
        let meant = if has_addresses(meant) { meant } else { "corp.example" };
        Err(Error::new(ErrorKind::Misconfigured, "This app could not run its sign-in policy.").with_source(format!(
            "no e-mail address can be at the domain {domain:?} of `RequireEmailDomain`, and no user could sign in: write \
             {meant:?}"
        )))
    }

    fn link(&self, login: &Login<U>, conn: &mut C) -> Result<Verdict<U>> {
        let signs_in = matches!(login.standing, Standing::Stranger | Standing::Returning(_));
        let is_admitted = self.admits(login);
        if signs_in && !is_admitted {
            return Ok(self.refuse(login));
        }
        match self.1.link(login, conn)? {
            // A merge is as powerful as a sign-in of the account's owner.
            Verdict::MergeUsers if !is_admitted => Ok(self.refuse(login)),
            verdict => Ok(verdict),
        }
    }

    fn has_other_login(&self, user: &U, conn: &mut C) -> Result<bool> {
        self.1.has_other_login(user, conn)
    }

    fn may_sign_in(&self, user: &U, conn: &mut C) -> Result<bool> {
        self.1.may_sign_in(user, conn)
    }

    fn merge_users(&self, from: &U, into: &U, conn: &mut C) -> Result<()> {
        self.1.merge_users(from, into, conn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    fn admits(policy: &'static str, change: impl Fn(&mut Login<i32>)) -> bool {
        let mut login = Login::new("op", Standing::Returning(7), Profile::default());
        change(&mut login);
        let link = |login: &Login<i32>, _: &mut ()| -> Result<Verdict<i32>> { Ok(login.default_verdict()) };
        let verdict = RequireEmailDomain(policy, link).link(&login, &mut ()).unwrap();
        assert!(matches!(verdict, Verdict::Refuse(_)) || verdict == Verdict::SignIn(7));
        verdict == Verdict::SignIn(7)
    }

    fn trusted(address: &str) -> impl Fn(&mut Login<i32>) {
        move |login| {
            login.profile = Profile::default().with_email(Some(address.into()), true);
            login.trusted_email = Some(address.into());
        }
    }

    /// Answers both questions about users with the same value.
    struct Says(bool);

    impl LinkPolicy<(), i32> for Says {
        fn link(&self, login: &Login<i32>, (): &mut ()) -> Result<Verdict<i32>> {
            Ok(login.default_verdict())
        }

        fn has_other_login(&self, _: &i32, (): &mut ()) -> Result<bool> {
            Ok(self.0)
        }

        fn may_sign_in(&self, _: &i32, (): &mut ()) -> Result<bool> {
            Ok(self.0)
        }

        fn merge_users(&self, from: &i32, into: &i32, (): &mut ()) -> Result<()> {
            match self.0 && (*from, *into) == (7, 8) {
                true => Ok(()),
                false => Err(Error::refused("Not these.")),
            }
        }
    }

    #[test]
    fn the_policy_inside_knows_the_users() {
        for answer in [true, false] {
            let policy = RequireEmailDomain("corp.com", Says(answer));
            assert_eq!(policy.has_other_login(&7, &mut ()).unwrap(), answer);
            assert_eq!(policy.may_sign_in(&7, &mut ()).unwrap(), answer);
            assert_eq!(policy.merge_users(&7, &8, &mut ()).is_ok(), answer);
        }
    }

    #[test]
    fn d10_only_this_very_domain() {
        for address in ["ada@corp.com", "ada@CORP.com", "a.d+a@Corp.Com"] {
            assert!(admits("corp.com", trusted(address)), "{address}");
        }
        for address in [
            "ada@sub.corp.com",
            "ada@evilcorp.com",
            "ada@corp.com.evil.example",
            "ada@corp.com@evil.example",
            "eve@evil.example@corp.com",
            "@corp.com@evil.example",
            "@corp.com",
            "corp.com",
            "ada@corp.com.",
            "ada@corp..com",
            "ada@.corp.com",
            "ada@corp.com\u{0}",
            "ada@corp.com ",
            "\"eve@evil.example\"@corp.com",
            "eve@evil.example,ada@corp.com",
            "ada@c\u{43e}rp.com",
            "ada\u{ff20}corp.com",
            "",
        ] {
            assert!(!admits("corp.com", trusted(address)), "{address:?}");
            assert!(!admits("", trusted(address)), "{address:?}");
        }
        assert!(admits("xn--bcher-kva.example", trusted("ada@XN--bcher-kva.example")));
        assert!(!admits("xn--bcher-kva.example", trusted("ada@b\u{fc}cher.example")));
        assert!(!admits("corp.com", |_| {}), "no address at all");
        // The verification of a provider that the entry does not trust.
        assert!(!admits("corp.com", |login| {
            login.profile = Profile::default().with_email(Some("ada@corp.com".into()), true);
        }));
    }

    #[test]
    fn a_domain_without_addresses_fails_the_launch() {
        let check =
            |domain: &str| LinkPolicy::<(), i32>::check(&RequireEmailDomain(domain.to_owned(), Says(true)));
        for domain in ["corp.com", "CORP.com", "xn--bcher-kva.example"] {
            assert!(check(domain).is_ok(), "{domain}");
        }
        for (domain, meant) in [
            ("", "corp.example"),
            ("@", "corp.example"),
            ("@corp.com", "corp.com"),
            ("ada@corp.com", "corp.com"),
            (" corp.com", "corp.com"),
            ("corp.com.", "corp.com"),
            ("*.corp.com", "corp.example"),
            ("https://corp.com", "corp.example"),
            ("b\u{fc}cher.example", "corp.example"),
        ] {
            let error = check(domain).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured, "{domain}");
            assert!(format!("{error:?}").ends_with(&format!("write {meant:?}")), "{domain}: {error:?}");
        }
        let wrapped = RequireEmailDomain("corp.com", RequireEmailDomain("@corp.com", Says(true)));
        assert!(LinkPolicy::<(), i32>::check(&wrapped).is_err());
    }

    #[test]
    fn d10_a_proven_domain_is_enough() {
        let proven =
            |domain: &'static str| move |login: &mut Login<i32>| login.proven_domain = Some(domain.into());
        assert!(admits("corp.com", proven("corp.com")) && admits("corp.com", proven("Corp.COM")));
        for domain in
            ["", "sub.corp.com", "evilcorp.com", "corp.com.", "corp.com.evil.example", "c\u{43e}rp.com"]
        {
            assert!(!admits("corp.com", proven(domain)) && !admits("", proven(domain)), "{domain:?}");
        }
    }

    #[test]
    fn al_25_users_are_merged_only_by_an_account_of_the_domain() {
        let merging = |_: &Login<i32>, _: &mut ()| -> Result<Verdict<i32>> { Ok(Verdict::MergeUsers) };
        let policy = RequireEmailDomain("corp.com", merging);
        let mut login = Login::new("op", Standing::Taken { owner: 7, visitor: 8 }, Profile::default());
        assert!(matches!(policy.link(&login, &mut ()).unwrap(), Verdict::Refuse(_)));
        trusted("ada@corp.com")(&mut login);
        assert_eq!(policy.link(&login, &mut ()).unwrap(), Verdict::MergeUsers);
    }
}
