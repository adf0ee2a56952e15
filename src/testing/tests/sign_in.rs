//! A whole sign-in with either local client.

use rocket::local::asynchronous::Client as Local;

use super::authorization;
use crate::testing::{FakeProvider, sign_in, sign_in_blocking};

/// An app that begins with a redirect for strangers and with a form for a signed-in user.
fn riding(fake: &FakeProvider) -> rocket::Rocket<rocket::Build> {
    use rocket::form::Form;
    use rocket::http::CookieJar;
    use rocket::response::{Redirect, content::RawHtml};
    use rocket::{Either, State, get, post, routes};

    #[get("/in/op")]
    fn begin(url: &State<String>, jar: &CookieJar<'_>) -> Either<Redirect, RawHtml<&'static str>> {
        match jar.get("user") {
            None => Either::Left(Redirect::to(url.inner().clone())),
            Some(_) => Either::Right(RawHtml(
                r#"<form method="post" action="&#x2F;in&#x2F;op"><input name="csrf" value="c&amp;"><button>Yes</button></form>"#,
            )),
        }
    }
    #[post("/in/op", data = "<form>")]
    fn connect(url: &State<String>, form: Form<std::collections::HashMap<String, String>>) -> Redirect {
        Redirect::to(if form["csrf"] == "c&" { url.inner().clone() } else { "/csrf".into() })
    }
    #[get("/login/op/authorized?<code>&<state>")]
    fn callback(code: &str, state: &str, jar: &CookieJar<'_>) -> Redirect {
        assert!(!code.is_empty() && state == "s&1");
        let connected = jar.get("user").is_some();
        jar.add(("user", "ada"));
        Redirect::to(if connected { "/accounts" } else { "/" })
    }
    let config =
        rocket::Config { log_level: rocket::config::LogLevel::Off, ..rocket::Config::debug_default() };
    rocket::custom(rocket::figment::Figment::from(config).merge(("dance.prefix", "/in")))
        .manage(authorization(fake.issuer(), fake.client_id(), &[]))
        .mount("/", routes![begin, connect, callback])
}

#[test]
fn sign_in_then_connect_with_either_client() {
    let fake = FakeProvider::start_blocking();
    let client = rocket::local::blocking::Client::tracked(riding(&fake)).unwrap();
    let landed = [sign_in_blocking(&client, "op"), sign_in_blocking(&client, "op")];
    assert_eq!(landed.map(|landed| landed.location), [Some("/".into()), Some("/accounts".into())]);

    rocket::async_test(async {
        let client = Local::tracked(riding(&fake)).await.unwrap();
        let landed = [sign_in(&client, "op").await, sign_in(&client, "op").await];
        assert_eq!(landed.map(|landed| landed.location), [Some("/".into()), Some("/accounts".into())]);
    });
}

#[rocket::async_test]
#[should_panic(expected = "/in/nothing answered 404 Not Found instead of a redirect to the provider")]
async fn sign_in_says_what_is_wrong() {
    let fake = FakeProvider::start().await;
    sign_in(&Local::tracked(riding(&fake)).await.unwrap(), "nothing").await;
}
