//! [`sign_in`]: a whole sign-in in one call.

use rocket::http::{ContentType, Status};
use rocket::local::{asynchronous, blocking};
use rocket::tokio::runtime;
use url::{Position, Url};

use super::browser::{self, AuthorizationResponse};
use crate::paths::{Path, Paths};

/// The response of the callback, at which a sign-in ends.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CallbackResponse {
    /// The status: 303 after a successful sign-in.
    pub status: Status,
    /// The `Location` header: where the user is sent.
    pub location: Option<String>,
    /// The body.
    pub body: String,
}

/// Reads a local response completely. The two clients' response types share no trait.
macro_rules! read {
    ($response:expr $(, $await:tt)?) => {{
        let response = $response;
        let status = response.status();
        let location = response.headers().get_one("Location").map(str::to_owned);
        CallbackResponse { status, location, body: response.into_string()$(.$await)?.unwrap_or_default() }
    }};
}

/// Signs a user in at the entry `entry` with a tracked local client, as a browser would: from `GET /login/<entry>` to the
/// provider over HTTP, and back to the callback. The client stores the session cookie.
///
/// If a user is signed in already, it submits the form of the page that asks whether to connect the account.
///
/// The provider must answer without asking the user, as [`FakeProvider`](super::FakeProvider) does. A refused sign-in does
/// not panic: check [`status`](CallbackResponse::status).
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
pub async fn sign_in(client: &asynchronous::Client, entry: &str) -> CallbackResponse {
    let begin = begin_path(client.rocket(), entry);
    let mut page = read!(client.get(&begin).dispatch().await, await);
    if let Some(fields) = browser::form_for(&page.body, &begin) {
        page = read!(client.post(&begin).header(ContentType::Form).body(fields).dispatch().await, await);
    }
    let url = authorization_url(&begin, page);
    match browser::request_authorization(url.as_str()).await {
        AuthorizationResponse::Redirect(callback) => {
            read!(client.get(callback_path(&url, &callback)).dispatch().await, await)
        }
        AuthorizationResponse::Form { action, body } => {
            let callback = client.post(callback_path(&url, &action)).header(ContentType::Form);
            read!(callback.body(body).dispatch().await, await)
        }
    }
}

/// Signs a user in as [`sign_in`] does, with Rocket's blocking client.
///
/// # Panics
/// As [`sign_in`], and if it is called inside async code.
pub fn sign_in_blocking(client: &blocking::Client, entry: &str) -> CallbackResponse {
    let begin = begin_path(client.rocket(), entry);
    let mut page = read!(client.get(&begin).dispatch());
    if let Some(fields) = browser::form_for(&page.body, &begin) {
        page = read!(client.post(&begin).header(ContentType::Form).body(fields).dispatch());
    }
    let url = authorization_url(&begin, page);
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the operating system gives an I/O driver");
    match runtime.block_on(browser::request_authorization(url.as_str())) {
        AuthorizationResponse::Redirect(callback) => {
            read!(client.get(callback_path(&url, &callback)).dispatch())
        }
        AuthorizationResponse::Form { action, body } => {
            let callback = client.post(callback_path(&url, &action)).header(ContentType::Form);
            read!(callback.body(body).dispatch())
        }
    }
}

/// The path at which a sign-in at `entry` begins.
fn begin_path(rocket: &rocket::Rocket<rocket::Orbit>, entry: &str) -> String {
    let prefix = rocket.figment().extract_inner::<String>("dance.prefix").unwrap_or_else(|_| "/login".into());
    Paths::new(prefix.trim_end_matches('/')).of_entry(Path::Begin, entry)
}

fn authorization_url(begin: &str, page: CallbackResponse) -> Url {
    match page.location.as_deref().map(Url::parse) {
        Some(Ok(url)) if url.has_host() => url,
        _ => panic!(
            "{begin} answered {}{} instead of a redirect to the provider: {}",
            page.status,
            page.location.map(|location| format!(" to {location}")).unwrap_or_default(),
            browser::text(&page.body),
        ),
    }
}

/// Returns path and query of `callback`, after checking that it is at the redirect URI of the authorization request. A
/// pushed request and an OAuth 1.0a request do not show their redirect URI; for these the check is skipped.
fn callback_path(authorization: &Url, callback: &str) -> String {
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
            callback[Position::BeforePath..].to_owned()
        }
        // The callback contains a code, so the message does not show it.
        _ => panic!("the provider did not redirect to the redirect URI of the authorization request"),
    }
}
