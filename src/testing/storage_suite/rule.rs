//! `BrokenRule`: a rule that a storage breaks.

use std::fmt::{self, Debug};
use std::sync::Arc;

use rocket::futures::future::BoxFuture;

use crate::error::Error;
use crate::storage::{Account, Storage};

/// The name of a test, and the test, which gets an empty storage.
pub(super) type Rule = (&'static str, fn(&Arc<dyn Storage>) -> BoxFuture<'_, Checked>);

pub(super) type Checked<T = ()> = Result<T, BrokenRule>;

/// A rule that a storage breaks.
#[derive(Debug)]
pub(crate) struct BrokenRule {
    case: &'static str,
    rule: &'static str,
    found: String,
}

impl BrokenRule {
    pub(super) fn new(rule: &'static str, found: String) -> Self {
        Self { case: "", rule, found }
    }

    /// The rule that a method succeeds while the store can be reached.
    pub(super) fn failed(rule: &'static str, error: &Error) -> Self {
        Self::new(rule, format!("{error:?}"))
    }

    pub(super) fn in_case(self, case: &'static str) -> Self {
        Self { case, ..self }
    }
}

impl fmt::Display for BrokenRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "- {}: {}\n    found: {}", self.case, self.rule, self.found)
    }
}

impl From<Error> for BrokenRule {
    fn from(error: Error) -> Self {
        Self::failed("a method succeeds while the store can be reached", &error)
    }
}

/// Lists functions as rules, each with its name.
macro_rules! rules {
    ($($name:ident)*) => {
        &[$((stringify!($name), |storage| Box::pin($name(storage)))),*]
    };
}
pub(super) use rules;

/// Checks that `found` is what the rule says.
pub(super) fn equal<T: PartialEq + Debug>(rule: &'static str, found: T, wanted: T) -> Checked {
    holds(rule, found == wanted, || format!("{found:?} instead of {wanted:?}"))
}

/// Checks that the rule holds.
pub(super) fn holds(rule: &'static str, holds: bool, found: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(BrokenRule::new(rule, found())) }
}

/// Checks that `found` is `wanted`, except for its id, which the storage may assign.
pub(super) fn same(rule: &'static str, found: Option<Account>, wanted: &Account) -> Checked<Account> {
    let Some(found) = found else { return Err(BrokenRule::new(rule, "there is no account".into())) };
    if (Account { id: wanted.id, ..found.clone() }) == *wanted {
        return Ok(found);
    }
    let fields = |account: &Account| serde_json::to_value(account).unwrap_or_default();
    let (is, wanted) = (fields(&found), fields(wanted));
    let names = wanted.as_object().into_iter().flat_map(|fields| fields.keys());
    let differing: Vec<&String> = names.filter(|name| *name != "id" && is[*name] != wanted[*name]).collect();
    Err(BrokenRule::new(rule, format!("an account with another {differing:?}")))
}

/// Checks that there is no account.
pub(super) fn absent(rule: &'static str, found: Option<Account>, key: impl fmt::Display) -> Checked {
    holds(rule, found.is_none(), || format!("`{key}` has an account"))
}
