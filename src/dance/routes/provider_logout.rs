//! Signing out at the provider (OpenID Connect RP-Initiated Logout): the redirect to the provider, and
//! `GET /login/logged-out`, where the provider sends the user back.

use rocket::Request;

use crate::config::Entry;
use crate::cookies;
use crate::dance::handle::Dance;
use crate::dance::web::{Reply, callback_query, is_head, remove_cookie, set_cookie};
use crate::error::Result;
use crate::paths::Path;
use crate::secret::{Secret, encode_base64url, random};
use crate::storage::Session;

const COOKIE: &str = "rocket_dance_logout";
/// The purpose for which the cookie is sealed.
const LOGOUT: &str = "logout";
/// Lifetime of a sign-out at the provider, in seconds.
const LOGOUT_TTL: i64 = 600;

/// The URL to which providers send users back after signing out. The app registers it with them.
pub(crate) fn post_logout_redirect_uri(dance: &Dance) -> String {
    format!("{}{}", dance.settings().base(), dance.paths().to(Path::LoggedOut))
}

/// The URL that the provider of `entry` calls when a session has ended there. The app registers it with the provider.
pub(crate) fn backchannel_logout_uri(dance: &Dance, entry: &str) -> String {
    format!("{}{}", dance.settings().base(), dance.paths().of_entry(Path::BackchannelLogout, entry))
}

/// The URL where the user of `session`, which has ended here, signs out at the provider. `None` if the entry does not ask
/// for that, or the provider has no such URL.
pub(super) async fn begin(dance: &Dance, request: &Request<'_>, session: &Session) -> Option<String> {
    let entry = dance.entries().get(session.entry.as_deref()?)?;
    // If the entry points to another server by now, that server must not get the ID token.
    if !entry.logout || session.issuer.as_deref() != Some(entry.authority()) {
        return None;
    }
    let id_token = dance.sessions().cookie_sessions().and_then(|sessions| sessions.id_token(session));
    match end_session_url(dance, request, entry, id_token.as_ref()).await {
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
) -> Result<String> {
    let state = encode_base64url(&random::<32>()?);
    let back = post_logout_redirect_uri(dance);
    let url = dance.engine().end_session_url(entry, id_token, &back, &state).await?;
    let url = url.ok_or_else(|| {
        entry.misconfigured(
            "the provider names no `end_session_endpoint`: set `end_session_url`, or remove `logout`",
        )
    })?;
    let name = dance.settings().cookie_name(COOKIE);
    let sealed = dance.browser_keys().seal(LOGOUT, &[&name], state.as_bytes())?;
    set_cookie(dance, request, name, sealed, LOGOUT_TTL);
    Ok(url.into())
}

/// The user comes back from the provider, and is redirected to `after_logout`, whatever the state: signing out is done.
/// Only the right state removes the cookie.
pub(super) fn back_from_provider(dance: &Dance, request: &Request<'_>) -> Reply {
    let query = callback_query(request);
    let given = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "state");
    let name = dance.settings().cookie_name(COOKIE);
    let expected = cookies::get(request, &name)
        .and_then(|cookie| dance.browser_keys().open(LOGOUT, &[&name], cookie).ok())
        .and_then(|plain| String::from_utf8(plain).ok())
        .map(Secret::new);
    match (given, expected) {
        (Some((_, state)), Some(expected)) if expected.matches(&state) => {
            if !is_head(request) {
                remove_cookie(dance, request, &name);
            }
        }
        _ => log::info!("oauth: a browser came back from signing out at a provider without having begun it"),
    }
    Reply::SeeOther(dance.settings().after_logout.to_string())
}
