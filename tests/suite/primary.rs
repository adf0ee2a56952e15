//! Who may choose the primary account of an entry, or disconnect one.

use rocket::http::{ContentType, Status};
use rocket::local::asynchronous::Client;
use rocket::routes;
use rocket_dance::Dance;
use rocket_dance::testing::{FakeProvider, sign_in};

use crate::app::{App, figment, rocket};
use crate::guards::context;
use crate::people::People;

#[rocket::async_test]
async fn a_visitor_and_the_sites_account_are_no_users() {
    let (people, fake) = (People::new(), FakeProvider::start().await);
    let figment = figment(&fake).merge(("oauth.op2.account", "bot-7"));
    let rocket = rocket(figment, Dance::fairing().storage(people.storage())).mount("/", routes![context]);
    let app = App::of(Client::tracked(rocket).await.expect("the app launches"), fake);
    sign_in(&app.client, "op").await;
    let (visitor, user) = ((Status::Unauthorized, "not_signed_in"), (Status::Forbidden, "refused"));
    for (user, entry, (status, code)) in
        [(Some(1), "op2", user), (None, "op", visitor), (None, "op2", visitor)]
    {
        if user.is_none() {
            app.post("/login/logout", &[]).await;
        }
        let (_, context) = app.json("/context").await;
        let form = format!("csrf={}&account=1", context["csrf"].as_str().expect("a token"));
        let before = people.snapshot();
        for action in ["primary", "disconnect"] {
            let request = app.client.post(format!("/login/{entry}/{action}"));
            let refused = request.header(ContentType::Form).body(&form).dispatch().await;
            assert_eq!(refused.status(), status, "{user:?} {entry} {action}");
            assert!(refused.headers().get("Set-Cookie").next().is_none());
            let page = refused.into_string().await.unwrap();
            assert!(page.contains(code), "{page}");
        }
        assert_eq!(people.snapshot(), before);
    }
    assert_eq!(people.accounts(), ["op/ada -> 1"]);
}
