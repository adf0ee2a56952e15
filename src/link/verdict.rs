//! `Verdict`: a policy's answer to a login.

use super::{MergeProof, SignUpForm};

/// A policy's answer to a login.
///
/// The library checks it against the [`Standing`](crate::Standing): see the table of [`LinkPolicy`](crate::LinkPolicy).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Verdict<U> {
    /// The account belongs to this user, whom the policy has just created. The user signs in. Allowed for a
    /// [`Stranger`](crate::Standing::Stranger).
    ///
    /// The library refuses it if the user has accounts already. An app that returns `SignUp` for a user that it found, not
    /// created, gives that user to the person who signs in. Users whose ids at the provider are known from an earlier library are
    /// imported once: [`Dance::import`](crate::Dance::import).
    SignUp(U),
    /// The account belongs to this user, the one that the standing names. If no user was signed in, the user signs in.
    SignIn(U),
    /// The account is stored without a user, and no user signs in. Allowed for a [`Stranger`](crate::Standing::Stranger).
    /// With `user_required = true` it is an error ([`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured)).
    ///
    /// The browser that has connected the account has a session of it: [`OAuth`](crate::OAuth) and
    /// [`Accounts`](crate::Accounts) find it there, and no other browser does. [`CurrentUser`](crate::CurrentUser) and
    /// [`Visitor`](crate::Visitor) report no user. The session ends when the visitor signs out or a user signs in at that browser,
    /// and when the account is removed or gets a user, for example because a user connects it. A browser has one such account per
    /// entry, and at most eight. `examples/without_users.rs` is an app without users.
    StoreWithoutUser,
    /// The account belongs to this user, who existed before. The user signs in. Allowed for a
    /// [`Stranger`](crate::Standing::Stranger). Only [`Login::merge`](crate::Login::merge) makes the proof that it needs.
    ///
    /// It is as powerful as a forgotten-password link: a person who can read the mailbox gets the user. Before the policy
    /// returns it, it must do on its `conn` what the app does after such a link:
    ///
    /// - Remove a password that was set before the user's address was verified: another person may have set it.
    /// - Cancel pending changes, above all of the address.
    /// - Remove accounts that were connected before the address was verified, or ask the user about each: a person who
    ///   created the user in the name of its owner may have connected their own account, and can sign in with it (trojan
    ///   identifier attack).
    /// - End sessions that the app stores itself. The library ends those of rocket_dance in the same transaction.
    ///
    /// Afterwards, inform the user: see [`Event::AccountMerged`](crate::Event::AccountMerged). A second factor is requested as
    /// at every sign-in, by [`SignInOutcome::RedirectFirst`](crate::SignInOutcome::RedirectFirst).
    Merge(U, MergeProof),
    /// The account may belong to this user, who existed before and has to prove it. Allowed for a
    /// [`Stranger`](crate::Standing::Stranger).
    ///
    /// The library stores only the account, sealed, for as long as a flow can last (`flow.ttl`, 30 minutes). It asks the visitor to
    /// sign in as before in the same browser, and then whether to connect the account. Only this user can confirm.
    ///
    /// The page reveals that there is such a user. Return this verdict only for a verified address
    /// ([`Profile::email`](crate::Profile::email)); otherwise a visitor could probe any address.
    SignInFirst(U),
    /// The visitor has to answer some questions before they get a user, for example for an address that the provider does not
    /// know. Allowed for a [`Stranger`](crate::Standing::Stranger).
    ///
    /// Nothing of this transaction is stored. The library keeps the account, sealed, for as long as a flow can last (`flow.ttl`,
    /// 30 minutes), shows the [form](SignUpForm) in the same browser, and then runs the policy again, with the
    /// [answers](crate::Login::answer). If the policy asks again, the visitor sees the form again.
    Ask(SignUpForm),
    /// The user who owns the account and the user who is signed in are the same person, and become one user. Allowed for
    /// [`Taken`](crate::Standing::Taken): the person has signed in as one of them, and at the provider as the other.
    ///
    /// The library asks the person to confirm in the same session, since a merge cannot be undone. It then calls
    /// [`LinkPolicy::merge_users`](crate::LinkPolicy::merge_users), which moves the app's own rows. The user who is signed in
    /// stays.
    MergeUsers,
    /// The login is refused, with this text for the visitor.
    Refuse(String),
}

impl<U> Verdict<U> {
    /// Name of the variant, for messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Verdict::SignUp(_) => "SignUp",
            Verdict::SignIn(_) => "SignIn",
            Verdict::StoreWithoutUser => "StoreWithoutUser",
            Verdict::Merge(..) => "Merge",
            Verdict::SignInFirst(_) => "SignInFirst",
            Verdict::Ask(_) => "Ask",
            Verdict::MergeUsers => "MergeUsers",
            Verdict::Refuse(_) => "Refuse",
        }
    }

    /// Returns the same verdict for another type of user id.
    #[cfg(feature = "_sql")]
    pub(crate) fn map<V>(self, to: impl FnOnce(U) -> V) -> Verdict<V> {
        match self {
            Verdict::SignUp(user) => Verdict::SignUp(to(user)),
            Verdict::SignIn(user) => Verdict::SignIn(to(user)),
            Verdict::StoreWithoutUser => Verdict::StoreWithoutUser,
            Verdict::Merge(user, proof) => Verdict::Merge(to(user), proof),
            Verdict::SignInFirst(user) => Verdict::SignInFirst(to(user)),
            Verdict::Ask(form) => Verdict::Ask(form),
            Verdict::MergeUsers => Verdict::MergeUsers,
            Verdict::Refuse(text) => Verdict::Refuse(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_variants() {
        let text = String::new;
        let proof = MergeProof { entry: text(), provider_user_id: text(), user: text(), address: text() };
        for verdict in [
            Verdict::SignUp(1),
            Verdict::SignIn(1),
            Verdict::StoreWithoutUser,
            Verdict::Merge(1, proof),
            Verdict::SignInFirst(1),
            Verdict::Ask(SignUpForm::new()),
            Verdict::MergeUsers,
            Verdict::Refuse(text()),
        ] {
            let debug = format!("{verdict:?}");
            assert_eq!(debug.split('(').next(), Some(verdict.name()), "{debug}");
        }
    }
}
