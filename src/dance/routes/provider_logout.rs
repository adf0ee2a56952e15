//! Signing out at the provider (OpenID Connect RP-Initiated Logout): the redirect to the provider, and
//! `GET /login/logged-out`, where the provider sends the user back.

use rocket::Request;

use crate::config::{Entry, Settings};
use crate::cookies;
use crate::dance::handle::Dance;
use crate::dance::web::{Reply, callback_query, is_head, remove_cookie, set_cookie};
use crate::error::Result;
use crate::paths::{Path, Paths};
use crate::redirect_target::RedirectTarget;
use crate::secret::{Secret, encode_base64url, random};
use crate::storage::Session;

const COOKIE: &str = "rocket_dance_logout";
/// The purpose for which the cookie is sealed.
const LOGOUT: &str = "logout";
/// Lifetime of a sign-out at the provider, in seconds.
const LOGOUT_TTL: i64 = 600;
/// Maximum length of a `next` that is kept during a sign-out at the provider, in bytes: the cookies that are never dropped stay
/// small.
const MAX_NEXT: usize = 256;

/// The URL to which providers send users back after signing out. The app registers it with them.
pub(crate) fn post_logout_redirect_uri(settings: &Settings) -> String {
    format!("{}{}", settings.base(), Paths::new(&settings.prefix).to(Path::LoggedOut))
}

/// The URL that the provider of `entry` calls when a session has ended there. The app registers it with the provider.
pub(crate) fn backchannel_logout_uri(settings: &Settings, entry: &str) -> String {
    format!("{}{}", settings.base(), Paths::new(&settings.prefix).of_entry(Path::BackchannelLogout, entry))
}

/// The URL where the person whose `session` has ended here signs out at the provider. `None` if the entry does not ask
/// for that, or the provider has no such URL.
pub(super) async fn begin(
    dance: &Dance,
    request: &Request<'_>,
    session: &Session,
    next: Option<&RedirectTarget>,
) -> Option<String> {
    let entry = dance.entries().get(session.entry.as_deref()?)?;
    // If the entry points to another server by now, that server must not get the ID token.
    if !entry.logout || session.issuer.as_deref() != Some(entry.authority()) {
        return None;
    }
    let id_token = match session.user() {
        Some(_) => dance.sessions().cookie_sessions().and_then(|sessions| sessions.id_token(session)),
        None => dance.kept_sessions().id_token(session),
    };
    match end_session_url(dance, request, entry, id_token.as_ref(), next).await {
        Ok(url) => Some(url),
        Err(error) => {
            dance.log_error(&entry.name, None, &error);
            None
        }
    }
}

async fn end_session_url(
    dance: &Dance,
    request: &Request<'_>,
    entry: &Entry,
    id_token: Option<&Secret>,
    next: Option<&RedirectTarget>,
) -> Result<String> {
    let state = encode_base64url(&random::<32>()?);
    let back = post_logout_redirect_uri(dance.settings());
    let url = dance.engine().end_session_url(entry, id_token, &back, &state).await?;
    let url = url.ok_or_else(|| {
        entry.misconfigured(
            "the provider names no `end_session_endpoint`: set `end_session_url`, or remove `logout`",
        )
    })?;
    let name = dance.settings().cookie_name(COOKIE);
    let next = next.map(ToString::to_string).filter(|next| next.len() <= MAX_NEXT).unwrap_or_default();
    let sealed = dance.browser_keys().seal(LOGOUT, &[&name], format!("{state} {next}").as_bytes())?;
    set_cookie(dance, request, name, sealed, LOGOUT_TTL);
    Ok(url.into())
}

/// The user comes back from the provider, and is redirected, whatever the state: signing out is done. Only the right state removes
/// the cookie, and leads to the `next` in it; any other leads to `after_logout`.
pub(super) fn back_from_provider(dance: &Dance, request: &Request<'_>) -> Reply {
    let query = callback_query(request);
    let given = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "state");
    let name = dance.settings().cookie_name(COOKIE);
    let expected = cookies::get(request, &name)
        .and_then(|cookie| dance.browser_keys().open(LOGOUT, &[&name], cookie).ok())
        .and_then(|plain| String::from_utf8(plain).ok())
        .and_then(|plain| plain.split_once(' ').map(|(state, next)| (Secret::new(state), next.to_owned())));
    let next = match (given, expected) {
        (Some((_, state)), Some((expected, next))) if expected.matches(&state) => {
            if !is_head(request) {
                remove_cookie(dance, request, &name);
            }
            RedirectTarget::try_from(next).ok().filter(|next| dance.may_redirect_to(next))
        }
        _ => {
            log::info!("oauth: a browser came back from signing out at a provider without having begun it");
            None
        }
    };
    Reply::SeeOther(dance.target_after_logout(next))
}
