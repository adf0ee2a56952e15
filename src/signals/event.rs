//! What has happened to an account, a login or a token.

use super::SessionEndReason;
use crate::error::ProviderError;
use crate::link::AuthorizedLogin;
use crate::storage::Account;

/// Something that has happened, reported to [`Signals::event`](crate::Signals::event) after it was committed.
///
/// # Order
///
/// Events of one request arrive one after the other, in the order of this table. Events of different requests, and those
/// of background work, may interleave.
///
/// | what happens | events |
/// |---|---|
/// | a sign-up | `UserCreated`, `AccountCreated`, `SessionBegan`, `LoginCompleted` |
/// | a sign-in | `AccountUpdated`, or `AccountCreated` for an account that had no user; `SessionBegan`, `LoginCompleted` |
/// | a sign-in that the policy merges with an existing user | `AccountCreated`, `SessionEnded` for each session of that user, `AccountMerged`, `SessionBegan`, `LoginCompleted` |
/// | a user connects an account, or the app imports one | `AccountCreated` or `AccountUpdated` |
/// | the policy stores an account without a user, or `CookieStorage` does | `AccountCreated` or `AccountUpdated` |
/// | the provider grants less than a page needs | as a sign-in or a connect, then `LoginFailed` |
/// | the policy wants the user to sign in first | `AccountPending`; once the user has confirmed, `AccountCreated` |
/// | the policy asks the visitor something | `AccountPending`; once the visitor has answered, as a sign-up |
/// | the policy merges two users | `AccountPending`, with the former user; once it is confirmed, `AccountUpdated`, `SessionEnded` for each other session of both, `UsersMerged` |
/// | a refusal by a policy, a signal or the library | `AccountRefused`, `LoginFailed` |
/// | a signal answers [`Discard`](crate::NextStep::Discard) or [`Respond`](crate::NextStep::Respond) | none |
/// | a denial by the user or the provider, any other failure of a flow | `LoginFailed` |
/// | the storage fails after the provider has granted a token | `GrantOrphaned`, `LoginFailed` |
/// | a user disconnects, the app deletes an account, or `CookieStorage` has no room for it | `AccountRemoved` for each account, `SessionEnded` for each session that began with it; later perhaps `RevocationFailed`, in the background |
/// | a user signs out, here or everywhere; the provider ends sessions (back-channel logout) | `SessionEnded` for each session |
/// | the app signs a user in or out: [`CurrentUser::sign_in`](crate::CurrentUser::sign_in), [`sign_out`](crate::CurrentUser::sign_out) | `SessionBegan`; `SessionEnded` |
/// | a session begins in a browser that had one | `SessionEnded` before `SessionBegan` |
/// | a token is refreshed | `TokenRefreshed`, or `GrantLost` if the provider says that the grant is no longer valid |
///
/// [`Signals::error`](crate::Signals::error) runs after `LoginFailed`.
///
/// ```
/// use rocket::Request;
/// use rocket_dance::{Event, Signals};
///
/// struct Audit;
///
/// #[rocket::async_trait]
/// impl Signals for Audit {
///     async fn event(&self, request: Option<&Request<'_>>, event: &Event) {
///         let address = request.and_then(Request::client_ip);
///         match event {
///             Event::AccountCreated(account) => println!("user {:?} connected {}", account.user, account.entry),
///             Event::LoginFailed { entry, code, .. } => {
///                 println!("a sign-in with {entry} from {address:?} failed: {code}");
///             }
///             _ => {}
///         }
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The policy created a user ([`Verdict::SignUp`](crate::Verdict::SignUp)). Reported before
    /// [`AccountCreated`](Event::AccountCreated), for the same account.
    UserCreated(EventAccount),
    /// An account was stored for the first time.
    AccountCreated(EventAccount),
    /// A stored account got a new token and profile.
    AccountUpdated(EventAccount),
    /// The policy gave a new account to an existing user ([`Verdict::Merge`](crate::Verdict::Merge)). Reported after
    /// [`AccountCreated`](Event::AccountCreated). An app may notify that user, for example by e-mail.
    AccountMerged(EventAccount),
    /// Two users have become one ([`Verdict::MergeUsers`](crate::Verdict::MergeUsers)): the accounts of `from` belong to `into`
    /// now. Reported after [`AccountUpdated`](Event::AccountUpdated).
    #[non_exhaustive]
    UsersMerged {
        /// Name of the entry whose account proved that both are the same person.
        entry: String,
        /// The id of the former user, as text.
        from: String,
        /// The id of the user who stays, as text.
        into: String,
    },
    /// A new account waits until its user has signed in the usual way
    /// ([`Verdict::SignInFirst`](crate::Verdict::SignInFirst)), or until its visitor has completed the sign-up
    /// ([`Verdict::Ask`](crate::Verdict::Ask)): then `user` is `None`. Or an account waits until the signed-in user has confirmed
    /// that its owner becomes one with them ([`Verdict::MergeUsers`](crate::Verdict::MergeUsers)). Nothing has changed yet.
    AccountPending(EventAccount),
    /// An account was not stored, because the policy, a signal or the library refused it.
    ///
    /// | `reason` | what was refused |
    /// |---|---|
    /// | `policy` | the app's policy refused |
    /// | `signal` | [`NextStep::Refuse`](crate::NextStep::Refuse) |
    /// | `account_taken` | the account belongs to another user than the one who began the flow |
    /// | `user_inactive` | [`LinkPolicy::may_sign_in`](crate::LinkPolicy::may_sign_in) is `false` |
    /// | `other_user` | another user has signed in since the flow began |
    /// | `signed_out` | the user who began the flow has been signed out in the meantime |
    /// | `user_deleted` | the user does not exist any more |
    /// | `no_identity` | the provider does not say who its user is, and no user is signed in |
    /// | `site_account` | the account is not that of the site |
    /// | `account_changed` | the account got another owner before two users could become one |
    /// | `wrong_verdict` | the policy's verdict does not fit the standing: see the log |
    #[non_exhaustive]
    AccountRefused {
        /// The account at the provider. Its `user` is the local user who was to own it: the one who began the flow, or else the
        /// owner of the stored account. `None` for a stranger.
        account: EventAccount,
        /// Why, as a stable code from the table.
        reason: &'static str,
        /// The text that the visitor reads.
        message: String,
    },
    /// An account was removed.
    AccountRemoved(EventAccount),
    /// A session of a user began. With [sessions of the app's own](crate::Sessions) it is reported for sign-ins with a provider
    /// only.
    #[non_exhaustive]
    SessionBegan {
        /// The id of the local user, as text.
        user: String,
        /// The name of the entry that the user signed in with. `None` for a form of the app's own
        /// ([`CurrentUser::sign_in`](crate::CurrentUser::sign_in)).
        entry: Option<String>,
    },
    /// A session of a user ended. Not reported: a session that expires, and sessions that end with the deletion of their user's
    /// row ([`cascade_from`](crate::storage::DieselStorage::cascade_from)), which the database does alone.
    #[non_exhaustive]
    SessionEnded {
        /// The id of the local user, as text.
        user: String,
        /// The name of the entry that the session began with; `None` if it began with a form of the app's own, or is not
        /// stored.
        entry: Option<String>,
        /// What ended it.
        reason: SessionEndReason,
    },
    /// A user was signed in. Not reported if the app's [`Sessions`](crate::Sessions) answered
    /// [`RedirectFirst`](crate::SignInOutcome::RedirectFirst): no user is signed in then.
    #[non_exhaustive]
    LoginCompleted {
        /// The entry's name.
        entry: String,
        /// The id of the local user, as text.
        user: String,
    },
    /// A flow failed.
    #[non_exhaustive]
    LoginFailed {
        /// The entry's name.
        entry: String,
        /// The stable code of the error: [`ErrorKind::code`](crate::ErrorKind::code).
        code: &'static str,
        /// What the provider said, if it answered with an error.
        provider_error: Option<ProviderError>,
        /// The handle of the flow, if the flow had begun. The log line of the failure contains the same handle. It is
        /// not the `state`.
        flow: Option<String>,
    },
    /// The provider granted a token, but the storage failed before the token was stored. The user may try again. This
    /// grant is then revoked in the background, where the provider supports it.
    #[non_exhaustive]
    GrantOrphaned {
        /// The account at the provider. Its `user` is `None`.
        account: EventAccount,
        /// The handle of the flow, as in [`LoginFailed`](Event::LoginFailed).
        flow: String,
    },
    /// An account's token was refreshed, and the new token is stored.
    TokenRefreshed(EventAccount),
    /// Two attempts to revoke the tokens of a removed account have failed. The provider may accept these tokens until
    /// they expire. The app has deleted them.
    RevocationFailed(EventAccount),
    /// The provider says that an account's grant is no longer valid: the user must connect the account again.
    GrantLost(EventAccount),
}

/// The account that an [`Event`] is about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventAccount {
    /// The entry's name.
    pub entry: String,
    /// The provider's stable id of its user. `None` if the provider has no identity, only a token.
    pub provider_user_id: Option<String>,
    /// The id of the local user, as text. `None` if the account has no user.
    pub user: Option<String>,
}

impl EventAccount {
    /// The account of a login that was not stored, without a user.
    pub(crate) fn of_login(login: &AuthorizedLogin) -> Self {
        Self { entry: login.entry.clone(), provider_user_id: login.profile.id.clone(), user: None }
    }

    /// The same account with the local user `user`.
    pub(crate) fn with_user(self, user: impl Into<String>) -> Self {
        Self { user: Some(user.into()), ..self }
    }
}

impl From<&Account> for EventAccount {
    fn from(account: &Account) -> Self {
        Self {
            entry: account.entry.clone(),
            provider_user_id: account.provider_user_id.clone(),
            user: account.user_id.clone(),
        }
    }
}

impl Event {
    /// The name of the entry that the event is about. `None` for a session of a form of the app's own: receivers for one entry
    /// ([`signals_for`](crate::DanceFairing::signals_for)) do not get that event.
    pub fn entry(&self) -> Option<&str> {
        match self {
            Event::UserCreated(account)
            | Event::AccountCreated(account)
            | Event::AccountUpdated(account)
            | Event::AccountMerged(account)
            | Event::AccountPending(account)
            | Event::AccountRefused { account, .. }
            | Event::AccountRemoved(account)
            | Event::GrantOrphaned { account, .. }
            | Event::TokenRefreshed(account)
            | Event::RevocationFailed(account)
            | Event::GrantLost(account) => Some(&account.entry),
            Event::LoginCompleted { entry, .. }
            | Event::LoginFailed { entry, .. }
            | Event::UsersMerged { entry, .. } => Some(entry),
            Event::SessionBegan { entry, .. } | Event::SessionEnded { entry, .. } => entry.as_deref(),
        }
    }
}
