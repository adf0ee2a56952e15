//! The kinds of errors: one table of codes, statuses and headlines.

use rocket::http::Status;

/// Who can resolve an [`Error`](crate::Error).
///
/// ```
/// use rocket_dance::{Error, Responsible};
///
/// let error = Error::storage("connection refused");
/// assert_eq!(error.kind().responsible(), Responsible::Operator);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Responsible {
    /// The user or visitor at the browser: they sign in, connect an account or start again.
    User,
    /// The provider: its answer was rejected or did not arrive.
    Provider,
    /// The operator of this app: its configuration, its database or its own code is at fault.
    Operator,
}

/// Makes [`ErrorKind`] from its table, one line per kind:
/// `Variant = "code", status, who can resolve it, "headline of the error page";`.
macro_rules! error_kinds {
    ($(
        $(#[doc = $doc:literal])*
        $variant:ident $(($payload:ty))? = $code:literal, $status:ident, $responsible:ident, $headline:literal;
    )*) => {
        /// What went wrong: a kind has a code, an HTTP status and a party that can resolve it.
        ///
        /// | kind | code | status | resolved by |
        /// |---|---|---|---|
        $(#[doc = concat!(
            "| `", stringify!($variant), "` | `", $code, "` | ", stringify!($status), " | ", stringify!($responsible), " |"
        )])*
        ///
        /// ```
        /// use rocket_dance::{ErrorKind, Responsible};
        ///
        /// let kind = ErrorKind::LastLogin;
        /// assert_eq!((kind.code(), kind.status().code), ("last_login", 409));
        /// assert_eq!(kind.responsible(), Responsible::User);
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[doc = $doc])* $variant $(($payload))?,)*
        }

        impl ErrorKind {
            /// The stable, machine-readable code from the table of [`ErrorKind`]. A code never changes.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant { .. } => $code,)* }
            }

            /// The HTTP status of a response that fails with this kind.
            pub fn status(self) -> Status {
                match self { $(Self::$variant { .. } => Status::$status,)* }
            }

            /// Who can resolve an error of this kind.
            pub fn responsible(self) -> Responsible {
                match self { $(Self::$variant { .. } => Responsible::$responsible,)* }
            }

            /// The headline of the error page.
            pub(crate) fn headline(self) -> &'static str {
                match self { $(Self::$variant { .. } => $headline,)* }
            }

            /// The kind with this code, without its payload (the status of an `ApiError` is 0).
            pub(crate) fn from_code(code: &str) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant $((<$payload>::default()))?),)*
                    _ => None,
                }
            }
        }
    };
}

error_kinds! {
    /// The callback does not belong to a flow that this browser began: its state is missing, wrong, expired or used.
    CallbackNotTrusted = "callback_not_trusted", BadRequest, User, "This sign-in could not be finished";
    /// The request is malformed or too large.
    BadRequest = "bad_request", BadRequest, User, "This request could not be read";
    /// No user is signed in, and the request requires one.
    NotSignedIn = "not_signed_in", Unauthorized, User, "Please sign in";
    /// The user has no account at this entry.
    NotConnected = "not_connected", Unauthorized, User, "Please sign in";
    /// The account's grant is no longer valid, or its token cannot be opened: the user must connect it again.
    ReconnectNeeded = "reconnect_needed", Unauthorized, User, "Please sign in";
    /// The user has not granted a scope that the page needs ([`RequiredScopes`](crate::RequiredScopes)). The user is led to the
    /// provider, to consent to it.
    ScopeMissing = "scope_missing", Unauthorized, User, "Another permission is needed";
    /// A new account waits until its user has signed in the usual way
    /// ([`Verdict::SignInFirst`](crate::Verdict::SignInFirst)).
    SignInFirst = "sign_in_first", Unauthorized, User, "Please sign in";
    /// A new account waits until its visitor has completed the sign-up ([`Verdict::Ask`](crate::Verdict::Ask)).
    SignUpIncomplete = "sign_up_incomplete", Unauthorized, User, "Please complete your sign-up";
    /// The account belongs to another user, who becomes one with the signed-in user once that user confirms it
    /// ([`Verdict::MergeUsers`](crate::Verdict::MergeUsers)).
    MergeUnconfirmed = "merge_unconfirmed", Conflict, User, "Please confirm";
    /// The user denied the authorization at the provider, or the provider did (`error=access_denied`).
    AccessDenied = "access_denied", Forbidden, User, "You were not signed in";
    /// The provider needs the user to sign in there, and the request forbade that (OpenID Connect Core §3.1.2.6).
    LoginRequired = "login_required", Forbidden, User, "You were not signed in";
    /// The provider needs the user's consent, and the request forbade to ask for it.
    ConsentRequired = "consent_required", Forbidden, User, "You were not signed in";
    /// The provider needs to show the user a page, and the request forbade that.
    InteractionRequired = "interaction_required", Forbidden, User, "You were not signed in";
    /// The provider needs the user to choose an account, and the request forbade that.
    AccountSelectionRequired = "account_selection_required", Forbidden, User, "You were not signed in";
    /// The user was asked for a scope that a page needs, and it was not granted. The account stays connected.
    ScopeDenied = "scope_denied", Forbidden, User, "A permission is missing";
    /// The app refused: its policy, a signal, or the library's check of a verdict.
    Refused = "refused", Forbidden, User, "You can't sign in this way";
    /// A form came without its CSRF token, or from another site.
    Csrf = "csrf", Forbidden, User, "This form could not be accepted";
    /// No entry has this name.
    UnknownProvider = "unknown_provider", NotFound, User, "There is no such sign-in";
    /// The route does not serve this method.
    MethodNotAllowed = "method_not_allowed", MethodNotAllowed, User, "This page doesn't accept that method";
    /// The library stores no sessions, so that it can't end one in another browser: the app has sessions of its own, or the storage
    /// keeps none.
    SessionsNotStored = "sessions_not_stored", NotFound, Operator, "This can't be done here";
    /// Disconnecting would remove the user's last way to sign in.
    LastLogin = "last_login", Conflict, User, "This is your last way to sign in";
    /// The provider's answer fails a check.
    BadProviderAnswer = "bad_provider_answer", BadGateway, Provider, "The provider's answer was not accepted";
    /// The provider's API answered a call with this HTTP status (400 to 599).
    ApiError(u16) = "api_error", BadGateway, Provider, "The provider's answer was not accepted";
    /// The provider cannot be reached, or reports that it is unavailable.
    ProviderUnreachable = "provider_unreachable", ServiceUnavailable, Provider, "The provider can't be reached";
    /// The provider did not answer in time.
    ProviderTimeout = "provider_timeout", GatewayTimeout, Provider, "The provider can't be reached";
    /// The storage cannot be reached, or failed.
    StoreUnavailable = "store_unavailable", ServiceUnavailable, Operator, "Please try again in a moment";
    /// The site's own account is not connected, or its grant is no longer valid ([`Site`](crate::Site)): the operator must
    /// connect it.
    SiteNotConnected = "site_not_connected", ServiceUnavailable, Operator, "Please try again later";
    /// The configuration lacks something that the call needs.
    Misconfigured = "misconfigured", InternalServerError, Operator, "Something went wrong";
    /// The app's own code failed: a policy, a signal or a session.
    AppError = "app_error", InternalServerError, Operator, "Something went wrong";
}

#[cfg(test)]
mod tests {
    use super::ErrorKind;

    #[test]
    fn a_code_names_its_kind_and_an_unknown_code_none() {
        for kind in [ErrorKind::CallbackNotTrusted, ErrorKind::AppError, ErrorKind::ApiError(0)] {
            assert_eq!(ErrorKind::from_code(kind.code()), Some(kind));
        }
        assert_eq!(ErrorKind::from_code("no_such_code"), None);
    }
}
