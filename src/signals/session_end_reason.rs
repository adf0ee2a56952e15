//! `SessionEndReason`: what ended a session.

/// What ended a session: [`Event::SessionEnded`](crate::Event::SessionEnded).
///
/// ```
/// use rocket_dance::SessionEndReason;
///
/// /// Whether to send the user an e-mail about it.
/// fn is_notable(reason: SessionEndReason) -> bool {
///     !matches!(reason, SessionEndReason::SignedOut | SessionEndReason::Replaced)
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionEndReason {
    /// The user signed out: with a form that posts to `/login/logout`, on the accounts page, or by
    /// [`CurrentUser::sign_out`](crate::CurrentUser::sign_out).
    SignedOut,
    /// All sessions of the user were ended: by the user, or by the app with
    /// [`Dance::sign_out_everywhere`](crate::Dance::sign_out_everywhere).
    SignedOutEverywhere,
    /// A new session began in the same browser.
    Replaced,
    /// The account that the session began with was removed.
    AccountRemoved,
    /// The policy gave an account to the user ([`Verdict::Merge`](crate::Verdict::Merge)), which ends the user's earlier
    /// sessions, or two users became one ([`Verdict::MergeUsers`](crate::Verdict::MergeUsers)), which ends those of both.
    AccountMerged,
    /// The provider ended it (OpenID Connect Back-Channel Logout).
    EndedByProvider,
}
