use diesel::prelude::*;
use rocket::http::{Cookie, CookieJar, SameSite};
use rocket::response::Redirect;
use rocket::{Request, get};
use rocket_dance::{AuthorizationRequest, Login, Result, Signals, Standing, Verdict, private_cookie};

diesel::table! {
    users (id) { id -> Integer, name -> Text }
}
diesel::table! {
    invitations (code) { code -> Text }
}

/// The page that the link of an invitation leads to.
#[get("/invitations/<code>")]
fn invitation(code: &str, jar: &CookieJar<'_>) -> Redirect {
    // Lax, since the link comes from another site, for example from a mail program in the browser.
    jar.add_private(Cookie::build(("invitation", code.to_owned())).same_site(SameSite::Lax));
    Redirect::to("/login")
}

struct KeepInvitation;

#[rocket::async_trait]
impl Signals for KeepInvitation {
    async fn before_login(&self, request: &Request<'_>, authorization: &mut AuthorizationRequest) -> Result<()> {
        if let Some(code) = private_cookie(request, "invitation") {
            authorization.add_note("invitation", code.value());
        }
        Ok(())
    }
}

fn invited(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
    if !matches!(login.standing, Standing::Stranger) {
        return Ok(login.default_verdict());
    }
    let code = login.note("invitation").unwrap_or_default();
    // In the same transaction: the invitation is used up only if the user is created.
    if diesel::delete(invitations::table.find(code)).execute(conn)? == 0 {
        return Ok(Verdict::Refuse("Please ask for an invitation.".into()));
    }
    let id = diesel::insert_into(users::table)
        .values(users::name.eq(login.profile.display_name()))
        .returning(users::id)
        .get_result(conn)?;
    Ok(Verdict::SignUp(id))
}
