//! A whole sign-in in one line.

use rocket::http::{ContentType, Status};
use rocket::local::{asynchronous, blocking};
use rocket::tokio::runtime;
use url::{Position, Url};

use super::browser::{self, Followed};

/// Where a sign-in ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Landed {
    /// The status of the callback's answer: 303 when it went well.
    pub status: Status,
    /// Where the callback sends the person.
    pub location: Option<String>,
    /// The callback's body.
    pub body: String,
}

/// A local response, read whole: the two clients' have no trait in common.
macro_rules! landed {
    ($response:expr $(, $await:tt)?) => {{
        let response = $response;
        let status = response.status();
        let location = response.headers().get_one("Location").map(str::to_owned);
        Landed { status, location, body: response.into_string()$(.$await)?.unwrap_or_default() }
    }};
}

/// Signs in at `entry` with a tracked local client, as a browser would: from `GET /login/<entry>` to the provider over
/// real HTTP, and back to the callback. The client keeps the session's cookie.
///
/// When somebody is signed in already, the page that asks whether to connect the account is answered with yes.
///
/// The provider must answer at once, like [`FakeProvider`](super::FakeProvider). A callback that is refused is an
/// answer too: look at [`status`](Landed::status).
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
/// let landed = sign_in(&client, "op").await;
/// assert_eq!((landed.status, landed.location.as_deref()), (Status::SeeOther, Some("/")));
/// # });
/// ```
///
/// # Panics
/// When the begin doesn't redirect to a provider, or the provider doesn't redirect to the callback.
pub async fn sign_in(client: &asynchronous::Client, entry: &str) -> Landed {
    let begin = begin_path(client.rocket(), entry);
    let mut page = landed!(client.get(&begin).dispatch().await, await);
    if let Some(fields) = browser::form(&page.body, &begin) {
        page = landed!(client.post(&begin).header(ContentType::Form).body(fields).dispatch().await, await);
    }
    let url = authorization_url(&begin, page);
    match browser::follow(url.as_str()).await {
        Followed::To(callback) => landed!(client.get(callback_path(&url, &callback)).dispatch().await, await),
        Followed::Form(to, fields) => {
            let callback = client.post(callback_path(&url, &to)).header(ContentType::Form);
            landed!(callback.body(fields).dispatch().await, await)
        }
    }
}

/// The same as [`sign_in`] for Rocket's blocking client.
///
/// # Panics
/// As [`sign_in`], and inside async code.
pub fn sign_in_blocking(client: &blocking::Client, entry: &str) -> Landed {
    let begin = begin_path(client.rocket(), entry);
    let mut page = landed!(client.get(&begin).dispatch());
    if let Some(fields) = browser::form(&page.body, &begin) {
        page = landed!(client.post(&begin).header(ContentType::Form).body(fields).dispatch());
    }
    let url = authorization_url(&begin, page);
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    match runtime.block_on(browser::follow(url.as_str())) {
        Followed::To(callback) => landed!(client.get(callback_path(&url, &callback)).dispatch()),
        Followed::Form(to, fields) => {
            let callback = client.post(callback_path(&url, &to)).header(ContentType::Form);
            landed!(callback.body(fields).dispatch())
        }
    }
}

/// Where a sign-in at `entry` begins.
fn begin_path(rocket: &rocket::Rocket<rocket::Orbit>, entry: &str) -> String {
    let prefix = rocket.figment().extract_inner::<String>("dance.prefix").unwrap_or_else(|_| "/login".into());
    format!("{}/{entry}", prefix.trim_end_matches('/'))
}

fn authorization_url(begin: &str, page: Landed) -> Url {
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

/// Path and query of the callback, which must be where the authorization request said. Where that was pushed, or a token
/// of OAuth 1 stands for it, nobody here knows what it said.
fn callback_path(authorization: &Url, callback: &str) -> String {
    let said = |name: &str| authorization.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
    let wanted = match said("request_uri").or(said("oauth_token")) {
        Some(_) => Some(callback.into()),
        None => said("redirect_uri"),
    };
    let wanted = wanted.as_deref().and_then(|uri| Url::parse(uri).ok());
    match (Url::parse(callback), wanted) {
        (Ok(callback), Some(wanted)) if callback[..Position::AfterPath] == wanted[..Position::AfterPath] => {
            callback[Position::BeforePath..].to_owned()
        }
        _ => panic!("the provider redirects elsewhere than to the redirect URI of the authorization request"),
    }
}
