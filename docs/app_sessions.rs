use rocket::Request;
use rocket::http::{Cookie, SameSite};
use rocket_dance::{Result, Sessions, SignInOutcome, private_cookie};

/// Name of the cookie. `__Host-` keeps other hosts of the domain from setting it. Over plain http it works on localhost only.
const SESSION: &str = "__Host-uid";

pub(crate) struct AppSessions;

#[rocket::async_trait]
impl Sessions for AppSessions {
    type User = i32;

    async fn current(&self, request: &Request<'_>) -> Result<Option<i32>> {
        Ok(private_cookie(request, SESSION).and_then(|cookie| cookie.value().parse().ok()))
    }

    async fn sign_in(&self, request: &Request<'_>, user: &i32) -> Result<SignInOutcome> {
        let cookie = Cookie::build((SESSION, user.to_string())).same_site(SameSite::Lax).secure(true);
        request.cookies().add_private(cookie);
        Ok(SignInOutcome::Done)
    }

    async fn sign_out(&self, request: &Request<'_>) -> Result<()> {
        // With Secure, or Chromium keeps the cookie.
        request.cookies().remove_private(Cookie::build(SESSION).secure(true));
        Ok(())
    }
}
