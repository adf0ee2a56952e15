//! Whether `base_url` leads to this app: a request for what `GET /login/me` answers, as a browser would send it.

use http::header::{ACCEPT, LOCATION, SET_COOKIE};
use rocket::http::Cookie;
use rocket::tokio::time::{Instant, timeout_at};
use serde_json::Value;

use crate::config::{Settings, is_loopback_host};
use crate::dance::{AnswerOrigin, Examined, KeySource, answer_origin};
use crate::finding::Finding;
use crate::flow::{Engine, MAX_ANSWER, describe_failure, is_untrusted_certificate, read_answer};
use crate::paths::{Path, Paths};
use crate::profile::text::printable;
use crate::secret::KeyRing;

const SUBJECT: &str = "base_url";

/// What answers at `base_url`.
struct Answer {
    status: u16,
    location: Option<String>,
    /// Names and values.
    cookies: Vec<(String, String)>,
    json: Option<Value>,
}

/// Sends the request and judges its answer.
pub(super) async fn check(engine: &Engine, examined: &Examined, deadline: Instant) -> Option<Finding> {
    let settings = examined.settings.as_ref()?;
    let (keys, source) = examined.keys.as_ref()?;
    let url = format!("{}{}", settings.base(), Paths::new(&settings.prefix).to(Path::Me));
    Some(match timeout_at(deadline, request(engine, &url)).await {
        Ok(Ok(answer)) => judge(settings, &keys.bound_to(&settings.place()), *source, &url, &answer),
        Ok(Err(cause)) => no_answer(settings, &url, &cause),
        Err(_) => no_answer(settings, &url, "it took too long"),
    })
}

/// # Errors
/// Why there is no answer.
async fn request(engine: &Engine, url: &str) -> Result<Answer, String> {
    let request = engine.http.client.get(url).header(ACCEPT, "application/json");
    let answer = request.send().await.map_err(describe_failure)?;
    let answer = read_answer(answer, MAX_ANSWER).await.map_err(|error| error.for_operator())?;
    let header = |name| answer.headers().get(name)?.to_str().ok().map(str::to_owned);
    let cookies = answer.headers().get_all(SET_COOKIE).iter().filter_map(|cookie| {
        let cookie = Cookie::parse(cookie.to_str().ok()?).ok()?;
        Some((cookie.name().to_owned(), cookie.value().to_owned()))
    });
    Ok(Answer {
        status: answer.status().as_u16(),
        location: header(LOCATION),
        cookies: cookies.collect(),
        json: serde_json::from_slice(answer.body()).ok(),
    })
}

fn no_answer(settings: &Settings, url: &str, cause: &str) -> Finding {
    let cure = "start the app, or run the doctor on a machine that can reach it, to have this checked";
    if is_untrusted_certificate(cause) {
        return Finding::failure(
            SUBJECT,
            format!("the certificate of {} is not trusted: {cause}", settings.base()),
            "correct base_url, or the certificate of the proxy",
        );
    }
    match settings.base_url.host_str().is_some_and(is_loopback_host) {
        // While the app is developed, it need not run.
        true => Finding::ok(SUBJECT, format!("{}; the app is not running there", settings.base())),
        false => {
            Finding::warning(SUBJECT, format!("{url} can't be requested from this machine: {cause}"), cure)
        }
    }
}

fn judge(settings: &Settings, keys: &KeyRing, source: KeySource, url: &str, answer: &Answer) -> Finding {
    let base = settings.base();
    let token = answer.json.as_ref().and_then(|json| json.get("csrf")?.as_str());
    match answer_origin(settings, keys, &answer.cookies, token) {
        AnswerOrigin::ThisApp => Finding::ok(SUBJECT, format!("{base} leads to this app")),
        // Its own key is new each time.
        AnswerOrigin::OtherKey if source == KeySource::Process => {
            Finding::ok(SUBJECT, format!("{base} leads to an app with this base_url"))
        }
        AnswerOrigin::OtherKey => Finding::failure(
            SUBJECT,
            format!("the app at {base} has another key than this process"),
            "give both the same `token_keys`, or the same `secret_key`: the environments of the two may differ",
        ),
        AnswerOrigin::OtherAddress => Finding::failure(
            SUBJECT,
            format!("the app at {base} has another `base_url` or `prefix`"),
            "give both the same `base_url` and `prefix`, byte for byte: cookies are bound to them",
        ),
        AnswerOrigin::Unknown => unknown(url, answer),
    }
}

/// The finding about an answer that has nothing of rocket_dance.
fn unknown(url: &str, answer: &Answer) -> Finding {
    let status = answer.status;
    match (status, &answer.location) {
        (300..400, Some(location)) => Finding::failure(
            SUBJECT,
            format!("{url} redirects to {}", printable(location, 200)),
            "set base_url to the address that users end up at; a proxy must pass the paths on without a redirect",
        ),
        (500.., _) => Finding::warning(
            SUBJECT,
            format!(
                "{url} answers with {status}: the app is not running behind the proxy, or can't reach its database"
            ),
            "start the app, then run the doctor again",
        ),
        _ => Finding::failure(
            SUBJECT,
            format!("{url} answers with {status}, and not as this app does"),
            "correct base_url. A proxy must pass this path to the app: without the path of base_url, and with `prefix`",
        ),
    }
}
