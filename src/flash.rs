//! Flash messages: a text that the app's next page shows once.

use std::sync::{Mutex, MutexGuard};

use rocket::Request;
use rocket::http::{Cookie, SameSite};
use rocket::time::Duration;

use crate::lock::lock;

/// The name of the cookie that Rocket's `FlashMessage` reads.
const COOKIE: &str = "_flash";
/// Lifetime of the cookie: Rocket's own.
const TTL: Duration = Duration::minutes(5);
/// Maximum size of a message in the cookie, in bytes. The rest is cut off.
const MAX_MESSAGE: usize = 1200;
/// Maximum length of a kind, in characters. The rest is cut off.
const MAX_KIND: usize = 32;

/// Shows `message` on the app's next page: a handler there reads it with the guard
/// [`FlashMessage`](rocket::request::FlashMessage). `kind` is a word for the template, for example `success`, `info` or `error`.
///
/// Use it in [`Signals`](crate::Signals), in place of Rocket's [`Flash`](rocket::response::Flash). That responder's cookie is
/// `SameSite=Strict`: after the redirects from the provider's site, browsers do not send it, and the message would appear on a later
/// page. This one is `Lax`. The setting `flash = true` does the same for the usual messages, without code.
///
/// As with `Flash`, there is one message: a later call in the same request replaces an earlier one. A message is cut after some 1,200
/// bytes of its cookie. It is read back from a cookie, so that a template must escape it.
///
/// ```
/// use rocket::request::FlashMessage;
/// use rocket::{Request, Response, get};
/// use rocket_dance::{Error, Signals, flash};
///
/// struct Messages;
///
/// #[rocket::async_trait]
/// impl Signals for Messages {
///     async fn error(&self, request: &Request<'_>, entry: &str, _: &Error) -> Option<Response<'static>> {
///         flash(request, "error", &format!("Failed to log in with {entry}"));
///         None                                          // `after_error` leads to a page of the app
///     }
/// }
///
/// #[get("/")]
/// fn index(message: Option<FlashMessage<'_>>) -> String {
///     message.map(|message| format!("{}: {}", message.kind(), message.message())).unwrap_or_default()
/// }
/// ```
pub fn flash(request: &Request<'_>, kind: &str, message: &str) {
    *slot(request) = Some(content(kind, message));
}

/// Whether the response to `request` has a flash message.
pub(crate) fn has_flash(request: &Request<'_>) -> bool {
    slot(request).is_some()
}

/// Returns the cookie with the flash message of the response to `request`, if there is one. `secure`: browsers use https.
pub(crate) fn flash_cookie(request: &Request<'_>, secure: bool) -> Option<Cookie<'static>> {
    let content = slot(request).take()?;
    // `FlashMessage` removes the cookie at this path, also if a proxy strips one.
    let cookie = Cookie::build((COOKIE, content)).path("/").max_age(TTL);
    Some(cookie.same_site(SameSite::Lax).http_only(true).secure(secure).build())
}

/// The message of the response to `request`, as its cookie's value.
fn slot<'r>(request: &'r Request<'_>) -> MutexGuard<'r, Option<String>> {
    struct Slot(Mutex<Option<String>>);
    lock(&request.local_cache(|| Slot(Mutex::new(None))).0)
}

/// The value of the cookie, as Rocket's `Flash` writes it: the length of the kind, the kind, the message.
fn content(kind: &str, message: &str) -> String {
    let kind: String = kind.chars().take(MAX_KIND).collect();
    let mut size = 0;
    let fits = |c: &char| {
        // What is not plain is percent-encoded in the cookie.
        size += if c.is_ascii_alphanumeric() { 1 } else { 3 * c.len_utf8() };
        size <= MAX_MESSAGE
    };
    let message: String = message.chars().take_while(fits).collect();
    format!("{}:{kind}{message}", kind.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a4_a_message_is_written_as_rocket_reads_it_and_fits_into_a_cookie() {
        assert_eq!(content("error", "No: ü"), "5:errorNo: ü");
        assert_eq!(content("", ""), "0:");
        for c in ["x", "ü", "<", "\u{1f680}", "عليكم"] {
            let content = content("kind", &c.repeat(4000));
            let cookie = Cookie::new(COOKIE, content).encoded().to_string();
            assert!((1000..1300).contains(&cookie.len()), "{c}: {}", cookie.len());
        }
        assert_eq!(content(&"k".repeat(100), "m").len(), "32:".len() + 32 + 1);
    }
}
