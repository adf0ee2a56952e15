//! The warning at launch of entries that no visitor can ever use.

use rocket::{Orbit, Rocket};

use super::catchers::RouteGuards;
use super::handle::Dance;
use crate::config::Entry;

/// Logs a warning for each entry that no visitor can use, with what to write.
pub(super) fn warn(rocket: &Rocket<Orbit>, dance: &Dance) {
    let is_seen = rocket.state::<RouteGuards>().is_some_and(RouteGuards::has_users);
    let has_users = is_seen || may_have_users(dance);
    for entry in dance.entries().values() {
        if let Some(why) = why_unusable(dance, entry, has_users) {
            log::warn!("oauth: no visitor can use the entry `{}`: {why}", entry.name);
        }
    }
}

/// Whether the app may have users, as far as it can be known: it has sessions of its own, or a policy to which an entry brings
/// sign-ins.
fn may_have_users(dance: &Dance) -> bool {
    let has_own_sessions = dance.sessions().cookie_sessions().is_none();
    has_own_sessions || dance.user_type().is_some() && !dance.login_names().is_empty()
}

fn why_unusable(dance: &Dance, entry: &Entry, has_users: bool) -> Option<String> {
    let name = &entry.name;
    if dance.is_site(name) {
        // The app can still hand in a token.
        return (entry.account.is_some() && !entry.has_identity).then(|| {
            format!(
                "the provider does not say who its user is, so that `account` can't be compared. Remove `account`, and call \
                 `.site_account_admin::<Admin>(\"{name}\")`; or set userinfo_url"
            )
        });
    }
    if has_users || dance.keeps_visitors_accounts() && dance.is_for_visitors(entry) {
        return None;
    }
    let cure = format!(
        "Sign users in with `CurrentUser::sign_in`, or write `.site_account_admin::<Admin>(\"{name}\")` for one token of the whole \
         site, or `.storage(CookieStorage)` for a token of each browser"
    );
    Some(match (entry.has_identity, entry.login_setting) {
        (_, Some(false)) => format!(
            "it has `login = false`, and the app has no users who could connect it. Remove `login`, if it is to sign users in. {cure}"
        ),
        (false, _) => format!(
            "the provider does not say who its user is (no userinfo_url), and the app has no users who could connect it. {cure}"
        ),
        (true, _) => format!(
            "the storage has no policy that creates users, and the app has no users who could connect it. Write \
             `.link(sign_up)` after the storage, with a policy that answers `Verdict::SignUp`. {cure}"
        ),
    })
}
