//! Paths of this app, checked so that a browser can't read them as another place.

use std::fmt;
use std::str::FromStr;

use rocket::form::{self, FromFormField, ValueField};
use rocket::http::RawStr;
use rocket::http::impl_from_uri_param_identity;
use rocket::http::uri::fmt::{Formatter, Query, UriDisplay};
use rocket::http::uri::{self, Reference};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::{Error, ErrorKind};

/// Maximum length of a path with its query, in bytes: it travels in a cookie.
const MAX_BYTES: usize = 2048;

/// Maximum number of percent-decodings until the path stays as it is. Ordinary paths need one or two.
const MAX_DECODINGS: usize = 4;

/// The path and query of a page of this app, for example `/cart?item=7`.
///
/// The value comes from a visitor (a `next` parameter, a hidden form field), and the app redirects to it. The check
/// makes an open redirect impossible: it accepts only a text that every browser reads as a page of the same origin. It
/// rejects:
///
/// - anything that does not begin with one `/`: other origins, `//host`, `javascript:…`;
/// - backslashes, white space and control characters, which browsers read as `/` or skip;
/// - a path that becomes one of these after percent-decoding, however often it is encoded, or after its dots are resolved;
/// - a path with more `..` than there are segments before them: below the path of a proxy it would leave the app;
/// - more than 2048 bytes, before or after percent-encoding.
///
/// A fragment is dropped. Characters that do not belong into a URL are percent-encoded. Everything else stays as it is.
///
/// A `LocalPath` is a form field, a query parameter, or the result of [`TryFrom<&str>`]. Take an `Option<LocalPath>` to
/// treat a rejected value as an absent one. This sign-in page of an app, with `sign_in_page = "/signin"` in `[default.dance]`,
/// keeps the `next` that it gets:
///
/// ```
/// use rocket::form::{Form, FromForm};
/// use rocket::http::{CookieJar, RawStr};
/// use rocket::response::{Redirect, content::RawHtml};
/// use rocket_dance::{Accounts, CurrentUser, LocalPath};
///
/// #[rocket::get("/signin?<next>")]
/// fn sign_in_form(accounts: Accounts, next: Option<LocalPath>) -> RawHtml<String> {
///     let next = next.as_ref().map_or("/", LocalPath::as_str);
///     RawHtml(format!(
///         "<a href='{}'>Sign in with GitHub</a>
///          <form method=post><input name=name><input name=password type=password>
///          <input type=hidden name=next value='{}'><button>Sign in</button></form>",
///         RawStr::new(&accounts.login_uri("github", next)).html_escape(),
///         RawStr::new(next).html_escape(),
///     ))
/// }
///
/// #[derive(FromForm)]
/// struct SignIn<'r> {
///     name: &'r str,
///     password: &'r str,
///     next: Option<LocalPath>,
/// }
///
/// # fn check_password(name: &str, password: &str) -> Option<i32> { (name == "ada" && password.len() > 7).then_some(7) }
/// #[rocket::post("/signin", data = "<form>")]
/// fn sign_in(form: Form<SignIn<'_>>, jar: &CookieJar<'_>) -> Redirect {
///     let SignIn { name, password, next } = form.into_inner();
///     let Some(user) = check_password(name, password) else {
///         return Redirect::to(rocket::uri!(sign_in_form(next)));
///     };
///     CurrentUser::sign_in(jar, &user);
///     next.map_or_else(|| Redirect::to("/"), Redirect::to)
/// }
/// # let _ = rocket::routes![sign_in_form, sign_in];
///
/// let cart = LocalPath::try_from("/cart?item=7#top").unwrap();
/// assert_eq!(cart.as_str(), "/cart?item=7");
/// assert!(LocalPath::try_from("//evil.example").is_err());
/// ```
///
/// If `base_url` has a path, for example `/app`, a `LocalPath` is the path as the app's routes see it, without `/app`, and so is
/// the `next` that the library sends to `sign_in_page`. An app below a path redirects to
/// [`Dance::public_path`](crate::Dance::public_path)`(next)`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalPath(String);

impl LocalPath {
    /// The path and query, for example `/cart?item=7`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The app's home page, `/`.
    pub(crate) fn home() -> Self {
        Self("/".to_owned())
    }

    /// The only check: every `LocalPath` but [`home`](Self::home) comes from here.
    fn check(text: &str) -> Option<Self> {
        // Browsers take `\` for `/` and skip tabs and line breaks, wherever they stand (WHATWG URL §4.4).
        let is_unsafe = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
        if text.len() > MAX_BYTES || !text.starts_with('/') || text.contains(is_unsafe) {
            return None;
        }
        let local = text.split('#').next()?;
        let path = local.split('?').next()?;
        // Any http origin gives the same answer: a text that begins with `/` can name a host, but no scheme. This name
        // is reserved (RFC 6761 §6.4), so that no app has it.
        let base = Url::parse("https://app.invalid").ok()?;
        if base.join(local).ok()?.origin() != base.origin() {
            return None;
        }
        if !stays_local(path, &base) {
            return None;
        }
        // The length again: what is stored and read back passes this check once more.
        Some(percent_encoded(local)).filter(|encoded| encoded.len() <= MAX_BYTES).map(Self)
    }
}

/// Whether `path` stays a path of the app, however often it is percent-decoded on its way.
fn stays_local(path: &str, base: &Url) -> bool {
    let mut path = path.to_owned();
    for _ in 0..=MAX_DECODINGS {
        let mut url = base.clone();
        url.set_path(&path);
        // `/.//e` is `//e` once its dots are resolved, and that is another host.
        if path.starts_with("//")
            || url.path().starts_with("//")
            || path.contains(|c: char| c.is_control() || c == '\\')
            || leaves_root(&path)
        {
            return false;
        }
        match RawStr::new(&path).percent_decode() {
            Err(_) => return false,
            Ok(decoded) if decoded == path => return true,
            Ok(decoded) => path = decoded.into_owned(),
        }
    }
    false
}

/// Whether the `..` of `path` lead above its root. Browsers also read `%2e` as a dot (WHATWG URL, "double-dot path segment").
fn leaves_root(path: &str) -> bool {
    let mut depth = 0_usize;
    for segment in path.split('/') {
        match segment.to_ascii_lowercase().replace("%2e", ".").as_str() {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

/// `local` with everything percent-encoded that RFC 3986 keeps out of paths and queries.
fn percent_encoded(local: &str) -> String {
    let mut out = String::with_capacity(local.len());
    for byte in local.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte) {
            out.push(byte.into());
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

impl TryFrom<&str> for LocalPath {
    type Error = Error;

    /// Checks a path.
    ///
    /// # Errors
    /// [`ErrorKind::BadRequest`] if a browser could read `text` as anything but a page of this app.
    fn try_from(text: &str) -> Result<Self, Error> {
        Self::check(text)
            .ok_or_else(|| Error::new(ErrorKind::BadRequest, "This is not the path of a page on this site."))
    }
}

impl TryFrom<String> for LocalPath {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::try_from(text.as_str())
    }
}

impl FromStr for LocalPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::try_from(text)
    }
}

impl From<LocalPath> for String {
    fn from(path: LocalPath) -> String {
        path.0
    }
}

impl AsRef<str> for LocalPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A form field and a query parameter: a rejected value is a validation error, and `None` for an `Option<LocalPath>`.
impl<'v> FromFormField<'v> for LocalPath {
    fn from_value(field: ValueField<'v>) -> form::Result<'v, Self> {
        Self::check(field.value).ok_or_else(|| form::Error::validation("not a path of this site").into())
    }
}

/// `uri!(sign_in_form(next = path))` takes one.
impl UriDisplay<Query> for LocalPath {
    fn fmt(&self, f: &mut Formatter<'_, Query>) -> fmt::Result {
        f.write_value(self.as_str())
    }
}

impl_from_uri_param_identity!([Query] LocalPath);

/// `Redirect::to(path)` takes one.
impl TryFrom<LocalPath> for Reference<'static> {
    type Error = uri::Error<'static>;

    fn try_from(path: LocalPath) -> Result<Self, Self::Error> {
        Reference::parse_owned(path.0)
    }
}

#[cfg(test)]
mod tests;
