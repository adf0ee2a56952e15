//! Linking: to which user an account belongs, and who decides it.
//!
//! The library computes the [`Standing`] of a finished flow, asks the app's [`LinkPolicy`] for a [`Verdict`] and checks it: a
//! policy can refuse every login, and can grant only what the standing allows.

mod authorized_login;
mod decision;
mod require_email_domain;
mod link_current_user;
mod login;
mod merge;
mod merge_proof;
mod policy;
mod postponed;
mod purpose;
mod sign_up_form;
mod standing;
mod user_id;
mod verdict;

pub use self::authorized_login::AuthorizedLogin;
pub(crate) use self::decision::{Decision, Found, account_taken, decide, entry_moved, other_user_present};
pub use self::link_current_user::LinkCurrentUser;
pub use self::login::Login;
pub use self::merge_proof::MergeProof;
pub use self::policy::LinkPolicy;
pub(crate) use self::postponed::Postponed;
pub use self::purpose::Purpose;
pub use self::require_email_domain::RequireEmailDomain;
pub use self::sign_up_form::{SignUpField, SignUpFieldKind, SignUpForm};
pub use self::standing::Standing;
pub(crate) use self::user_id::{check_user_id, parse_user_id};
pub use self::verdict::Verdict;
