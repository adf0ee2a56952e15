//! [`sign_in`]: a whole sign-in in one call.

use std::borrow::Cow;

use rocket::local::blocking;
use url::{Position, Url};

use super::app_response::AppResponse;
use super::authorization_response::AuthorizationResponse;
use super::html_page::HtmlPage;
use super::local_client::{LocalCall, LocalClient, ready};
use crate::base_path::BasePath;
use crate::dance::Dance;
use crate::paths::{Path, Paths, is_same_page};

/// Signs a user in at the entry `entry` with a tracked local client, as a browser would: from `GET /login/<entry>` to the
/// provider, and back to the callback. The client stores the session cookie.
///
/// If a user is signed in already, it submits the form of the page that asks whether to connect the account.
///
/// The callback is sent as a browser sends it, which comes from the provider's site: without cookies whose `SameSite` is
/// `Strict`, which is Rocket's default, and without those whose Path or Domain does not cover it. The app sees such a
/// cookie with an empty value.
///
/// The requests to the app have no proxy before them: if `base_url` has a path, they are without it, as the proxy sends them.
///
/// The provider must answer without asking the user, as [`FakeProvider`](super::FakeProvider) does. A refused sign-in does
/// not panic: check [`status`](AppResponse::status).
///
/// ```
/// use rocket::{Build, Rocket, get, http::Status, local::asynchronous::Client, response::Redirect, routes};
/// use rocket_dance::testing::{FakeProvider, sign_in};
///
/// # #[get("/login/op")]
/// # fn begin(to: &rocket::State<String>) -> Redirect {
/// #     let callback = "http%3A%2F%2Flocalhost%3A8000%2Flogin%2Fop%2Fauthorized";
/// #     Redirect::to(format!("{to}/authorize?response_type=code&client_id=fake+client&redirect_uri={callback}"))
/// # }
/// # #[get("/login/op/authorized?<code>")]
/// # fn callback(code: &str) -> Redirect { assert!(!code.is_empty()); Redirect::to("/") }
/// # fn app(fake: &FakeProvider) -> Rocket<Build> { rocket::build().manage(fake.issuer().to_owned()).mount("/", routes![begin, callback]) }
/// # rocket::async_test(async {
/// let fake = FakeProvider::start().await;
/// let client = Client::tracked(app(&fake)).await.unwrap();
/// let response = sign_in(&client, "op").await;
/// assert_eq!((response.status, response.location.as_deref()), (Status::SeeOther, Some("/")));
/// # });
/// ```
///
/// # Panics
/// If `/login/<entry>` does not redirect to a provider, or the provider does not redirect to the callback.
pub async fn sign_in(client: &impl LocalClient, entry: &str) -> AppResponse {
    let (base, begin) = (base_path(client.rocket()), begin_path(client.rocket(), entry));
    let mut page = client.send(LocalCall::get(&begin)).await;
    if let Some(submit) = begin_form(client.rocket(), entry, &begin, &page.body) {
        page = client.send(submit).await;
    }
    let url = authorization_url(&begin, page);
    match client.authorize(url.as_str()).await {
        AuthorizationResponse::Redirect(callback) => {
            let callback = callback_url(&url, &callback);
            let call = LocalCall::get(&local(&callback, &base));
            client.send(LocalCall { callback: Some(callback), ..call }).await
        }
        AuthorizationResponse::Form { action, body } => {
            let callback = callback_url(&url, &action);
            let at = local(&callback, &base);
            let call = LocalCall::post(&at, body);
            let page = client.send(LocalCall { callback: Some(callback.clone()), ..call }).await;
            let Some(again) = HtmlPage(&page.body).form(callback.path()) else { return page };
            client.send(LocalCall::post(&at, again.body())).await
        }
    }
}

/// Signs a user in as [`sign_in`] does, with Rocket's blocking client.
///
/// # Panics
/// As [`sign_in`], and if it is called inside async code.
pub fn sign_in_blocking(client: &blocking::Client, entry: &str) -> AppResponse {
    ready(sign_in(client, entry))
}

/// The path at which a sign-in at `entry` begins.
fn begin_path(rocket: &rocket::Rocket<rocket::Orbit>, entry: &str) -> String {
    let prefix = rocket.figment().extract_inner::<String>("dance.prefix").unwrap_or_else(|_| "/login".into());
    Paths::new(prefix.trim_end_matches('/')).of_entry(Path::Begin, entry)
}

/// The form of `page`, which is at `begin`, that begins a sign-in at `entry`, as a browser submits it. It posts to `/login/<entry>`
/// or to the entry's `login_path`.
fn begin_form(
    rocket: &rocket::Rocket<rocket::Orbit>,
    entry: &str,
    begin: &str,
    page: &str,
) -> Option<LocalCall> {
    let base = base_path(rocket);
    let page_url = public_url(rocket).join(&base.public(begin)).ok()?;
    let own = Dance::fetch(rocket).map(|dance| dance.paths().of_entry(Path::Begin, entry));
    HtmlPage(page).forms().filter(|form| form.is_post()).find_map(|form| {
        let action = page_url.join(&form.action().unwrap_or_default()).ok()?;
        let path = local(&action, &base);
        let begins =
            [Some(begin), own.as_deref()].into_iter().flatten().any(|begin| is_same_page(begin, &path));
        (begins && action.origin() == page_url.origin()).then(|| LocalCall::post(&path, form.body()))
    })
}

fn authorization_url(begin: &str, page: AppResponse) -> Url {
    match page.location.as_deref().map(Url::parse) {
        Some(Ok(url)) if url.has_host() => url,
        _ => panic!(
            "{begin} answered {}{} instead of a redirect to the provider: {}",
            page.status,
            page.location.map(|location| format!(" to {location}")).unwrap_or_default(),
            HtmlPage(&page.body).text(),
        ),
    }
}

/// The path of `base_url`, which a proxy in front of the app strips.
pub(super) fn base_path(rocket: &rocket::Rocket<rocket::Orbit>) -> BasePath {
    BasePath::of(&public_url(rocket))
}

/// The app's `base_url`, or an address of the same kind as the default.
pub(super) fn public_url(rocket: &rocket::Rocket<rocket::Orbit>) -> Url {
    let base_url = rocket.figment().extract_inner::<String>("dance.base_url").ok();
    base_url
        .and_then(|url| Url::parse(&url).ok())
        .unwrap_or_else(|| Url::parse("http://localhost").expect("a host makes a URL"))
}

/// The path and query of `url` as the app sees them, for a local client.
fn local(url: &Url, base: &BasePath) -> String {
    let path = &url[Position::BeforePath..];
    base.strip(path).map_or_else(|| path.to_owned(), Cow::into_owned)
}

/// Returns `callback` as a URL, after checking that it is at the redirect URI of the authorization request. A
/// pushed request and an OAuth 1.0a request do not show their redirect URI; for these the check is skipped.
fn callback_url(authorization: &Url, callback: &str) -> Url {
    let parameter =
        |name: &str| authorization.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
    let expected = match parameter("request_uri").or(parameter("oauth_token")) {
        Some(_) => Some(callback.into()),
        None => parameter("redirect_uri"),
    };
    let expected = expected.as_deref().and_then(|uri| Url::parse(uri).ok());
    match (Url::parse(callback), expected) {
        (Ok(callback), Some(expected))
            if callback[..Position::AfterPath] == expected[..Position::AfterPath] =>
        {
            callback
        }
        // The callback contains a code, so the message does not show it.
        _ => panic!("the provider did not redirect to the redirect URI of the authorization request"),
    }
}
