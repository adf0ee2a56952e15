//! Where a browser is redirected to after a flow, a removal or a sign-out.

use super::handle::Dance;
use crate::config::{Entry, FlowTargets};
use crate::error::ErrorKind;
use crate::link::Purpose;
use crate::local_path::LocalPath;
use crate::paths::{Path, with_parameter};
use crate::redirect_target::RedirectTarget;

impl Dance {
    /// Returns `next`, which a visitor or the app names, as a page to redirect to, if it is one to which [a redirect may
    /// go](Self::may_redirect_to).
    pub(crate) fn checked_next(&self, next: Option<&str>) -> Option<RedirectTarget> {
        let next = next?;
        let target = match next.starts_with('/') {
            true => self.base_path().target(next).ok()?.into(),
            false => RedirectTarget::try_from(next).ok()?,
        };
        self.may_redirect_to(&target).then_some(target)
    }

    /// Whether a redirect may go to `target`: to a path of this app, but none of our own routes that begin, finish or end a
    /// sign-in; or to one of the `trusted_origins`. The target of a flow is checked again when it is used, since the
    /// configuration may have changed in the meantime (RD-04).
    pub(crate) fn may_redirect_to(&self, target: &RedirectTarget) -> bool {
        match target.origin() {
            Some(origin) => self.trusts_origin(origin),
            None => !self.paths().is_own_action(target.path().as_str()),
        }
    }

    /// Whether `origin` is one of the `trusted_origins`.
    pub(crate) fn trusts_origin(&self, origin: &str) -> bool {
        self.settings().trusted_origins.iter().any(|known| known == origin)
    }

    /// The page after a flow for `purpose` at `entry`: `next` if a redirect may go there, else `after_connect` or
    /// `after_login`.
    pub(super) fn target_after(
        &self,
        purpose: Purpose,
        entry: &Entry,
        next: Option<&RedirectTarget>,
    ) -> RedirectTarget {
        if let Some(next) = next.filter(|next| self.may_redirect_to(next)) {
            return next.clone();
        }
        let of = |choose: fn(&FlowTargets) -> &Option<RedirectTarget>| self.flow_target(Some(entry), choose);
        let after_connect = match purpose {
            Purpose::SignIn => None,
            Purpose::Connect | Purpose::Site => of(|targets| &targets.after_connect),
        };
        let target = after_connect.or_else(|| of(|targets| &targets.after_login));
        target.cloned().unwrap_or_else(|| self.home_target())
    }

    /// The page after a flow at `entry`, if there is such an entry, has failed, at its beginning or at its callback. It has the code
    /// of the error and the name of the entry as parameters; `None`: our error page.
    pub(super) fn target_after_failure(&self, entry: Option<&Entry>, kind: ErrorKind) -> Option<String> {
        let of = |choose: fn(&FlowTargets) -> &Option<RedirectTarget>| self.flow_target(entry, choose);
        let after_denied = match kind {
            ErrorKind::AccessDenied => of(|targets| &targets.after_denied),
            _ => None,
        };
        let target = after_denied.or_else(|| of(|targets| &targets.after_error))?.to_string();
        let target = with_parameter(&target, "error", kind.code());
        Some(entry.map_or_else(|| target.clone(), |entry| with_parameter(&target, "entry", &entry.name)))
    }

    /// The page to which the app leads a user of whose flow nothing is known: `after_login`.
    pub(super) fn home_target(&self) -> RedirectTarget {
        self.settings().targets.after_login.clone().unwrap_or_else(|| LocalPath::home().into())
    }

    /// The target of `entry`, else that of all entries.
    fn flow_target<'d>(
        &'d self,
        entry: Option<&'d Entry>,
        choose: fn(&FlowTargets) -> &Option<RedirectTarget>,
    ) -> Option<&'d RedirectTarget> {
        let own = entry.and_then(|entry| choose(&entry.targets).as_ref());
        own.or_else(|| choose(&self.settings().targets).as_ref())
    }

    /// The page after an account was removed: `next`, else `after_disconnect`.
    pub(super) fn target_after_disconnect(&self, next: Option<RedirectTarget>) -> String {
        self.target_or_accounts(next.or_else(|| self.settings().after_disconnect.clone()))
    }

    /// `next`, else the page of the accounts.
    pub(super) fn target_or_accounts(&self, next: Option<RedirectTarget>) -> String {
        next.map_or_else(|| self.paths().to(Path::Accounts), String::from)
    }

    /// The page after signing out: `next`, else `after_logout`.
    pub(super) fn target_after_logout(&self, next: Option<RedirectTarget>) -> String {
        next.unwrap_or_else(|| self.settings().after_logout.clone()).into()
    }

    /// `target` as browsers see it.
    pub(super) fn public_target(&self, target: &RedirectTarget) -> String {
        match target.origin() {
            Some(_) => target.to_string(),
            None => self.base_path().public(target.path().as_str()),
        }
    }

    /// The value of a field or parameter `next` that [`checked_next`](Self::checked_next) reads as `next`.
    pub(super) fn next_field(&self, next: Option<&RedirectTarget>) -> Option<String> {
        next.map(|next| match next.origin() {
            Some(_) => next.to_string(),
            None => self.base_path().parameter(next.path()),
        })
    }
}
