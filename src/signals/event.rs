//! What has happened to an account, a login or a token.

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
/// | a sign-in | `AccountCreated` or `AccountUpdated`; `AccountMerged` if the policy merged; `LoginCompleted` once the session exists |
/// | a user connects an account | `AccountCreated` or `AccountUpdated` |
/// | the policy wants the user to sign in first | `AccountPending`; once the user has confirmed, `AccountCreated` |
/// | a refusal by a policy, a signal or the engine | `AccountRefused`, `LoginFailed` |
/// | the storage fails after the provider has granted a token | `GrantOrphaned`, `LoginFailed` |
/// | any other failure of a flow | `LoginFailed` |
/// | a user disconnects, the app deletes an account, or `CookieStorage` has no room for it | `AccountRemoved` for each account; later perhaps `RevocationFailed`, in the background |
/// | a token is refreshed | `TokenRefreshed`, or `GrantLost` if the provider says that the grant is no longer valid |
///
/// [`Signals::error`](crate::Signals::error) runs after `LoginFailed`.
///
/// ```
/// use rocket_dance::{Event, Signals};
///
/// struct Audit;
///
/// #[rocket::async_trait]
/// impl Signals for Audit {
///     async fn event(&self, event: &Event) {
///         match event {
///             Event::AccountCreated(account) => println!("user {:?} connected {}", account.user, account.entry),
///             Event::LoginFailed { entry, code, .. } => println!("a sign-in with {entry} failed: {code}"),
///             _ => {}
///         }
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// An account was stored for the first time.
    AccountCreated(EventAccount),
    /// A stored account got a new token and profile.
    AccountUpdated(EventAccount),
    /// The policy gave a new account to an existing user ([`Verdict::Merge`](crate::Verdict::Merge)). Reported after
    /// [`AccountCreated`](Event::AccountCreated). An app may notify that user, for example by e-mail.
    AccountMerged(EventAccount),
    /// A new account waits until its user has signed in the usual way
    /// ([`Verdict::SignInFirst`](crate::Verdict::SignInFirst)). No user is signed in yet.
    AccountPending(EventAccount),
    /// An account was not stored, because the policy, a signal or the engine refused it. `user` is `None`.
    AccountRefused(EventAccount),
    /// An account was removed.
    AccountRemoved(EventAccount),
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
    /// The name of the entry that the event is about.
    pub fn entry(&self) -> &str {
        match self {
            Event::AccountCreated(account)
            | Event::AccountUpdated(account)
            | Event::AccountMerged(account)
            | Event::AccountPending(account)
            | Event::AccountRefused(account)
            | Event::AccountRemoved(account)
            | Event::GrantOrphaned { account, .. }
            | Event::TokenRefreshed(account)
            | Event::RevocationFailed(account)
            | Event::GrantLost(account) => &account.entry,
            Event::LoginCompleted { entry, .. } | Event::LoginFailed { entry, .. } => entry,
        }
    }
}
