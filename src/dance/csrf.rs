//! CSRF: a token in the form that follows from a cookie and from who is signed in.

use rocket::Request;
use url::Url;

use super::Dance;
use crate::config::is_loopback_host;
use crate::cookies;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{encode_base64url, random};

const COOKIE: &str = "rocket_dance_csrf";

impl Dance {
    /// The token for forms of this page; sets the browser's cookie where there is none.
    pub(crate) async fn csrf(&self, request: &Request<'_>) -> Result<String> {
        // One value per request: two forms on a page, or a guard and a page, must agree.
        struct Fresh(Result<String>);
        let name = self.settings.cookie_name(COOKIE);
        let browser = match cookies::get(request, &name) {
            Some(cookie) if cookie.len() == 43 => cookie.to_owned(),
            _ => {
                let fresh =
                    request.local_cache(|| Fresh(random::<32>().map(|bytes| encode_base64url(&bytes))));
                let value = fresh.0.as_ref().map_err(Error::copy)?;
                // As long as a session lasts.
                self.set_cookie(request, name, value.clone(), self.settings.session.age);
                value.clone()
            }
        };
        // With the user in it, the token is another after signing in: one that was planted before is dead.
        Ok(self.keys().tag("csrf", &[&browser, self.user(request).await?.unwrap_or_default()]))
    }

    /// Refuses a form that isn't from one of our pages in this browser.
    pub(super) async fn check_csrf(&self, request: &Request<'_>, token: Option<&str>) -> Result<()> {
        self.check_origin(request)?;
        let name = self.settings.cookie_name(COOKIE);
        let Some(browser) = cookies::get(request, &name) else {
            return refused("the browser sent no CSRF cookie");
        };
        let parts = [browser, self.user_now(request).await?.unwrap_or_default()];
        if token.is_some_and(|token| self.keys().verify_tag(token, "csrf", &parts)) {
            Ok(())
        } else {
            refused("the form's `csrf` is missing or old")
        }
    }

    /// Refuses a form that the browser says is from elsewhere.
    pub(super) fn check_origin(&self, request: &Request<'_>) -> Result<()> {
        match request.headers().get_one("Sec-Fetch-Site") {
            None | Some("same-origin" | "none") => {}
            Some(_) => return refused("the form came from another site (Sec-Fetch-Site)"),
        }
        match request.headers().get_one("Origin").filter(|origin| *origin != "null") {
            Some(origin) if !self.is_our_origin(origin) => {
                refused("the form came from another origin (Origin)")
            }
            _ => Ok(()),
        }
    }

    /// Ours is the base URL's origin; where that is a loopback host, its other names too.
    fn is_our_origin(&self, origin: &str) -> bool {
        let base = &self.settings.base_url;
        Url::parse(origin).is_ok_and(|origin| {
            let loopback = |url: &Url| url.host_str().is_some_and(is_loopback_host);
            origin.origin() == base.origin()
                || (loopback(&origin)
                    && loopback(base)
                    && origin.scheme() == base.scheme()
                    && origin.port_or_known_default() == base.port_or_known_default())
        })
    }
}

fn refused(cause: &'static str) -> Result<()> {
    Err(Error::new(ErrorKind::Csrf, "Please go back, reload the page and try again.").with_source(cause))
}
