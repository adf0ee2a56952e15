// A bot: an app without users, with one account at GitHub for the whole site. It publishes the reports of visitors.
//
// The owner of the account connects it once, at /login/github. Every other account is refused there.
//
//     ROCKET_OAUTH='{github={client_id="my-id",client_secret="my-secret",account="583231",scope="repo"}}' cargo run --example bot

use rocket::form::Form;
use rocket::response::content::RawHtml;
use rocket::serde::json::{Value, json};
use rocket::{FromForm, get, launch, post, routes};
use rocket_dance::{Dance, Result, Site, provider::GitHub, storage::DieselStorage};

#[derive(FromForm)]
struct Report<'r> {
    #[field(validate = len(1..200))]
    text: &'r str,
}

#[get("/")]
fn form() -> RawHtml<&'static str> {
    RawHtml("<form method=post><input name=text aria-label=\"What is wrong?\"><button>Report</button></form>")
}

/// Calls GitHub's API with the token of the bot. Until the bot is connected, the guard answers 503.
#[post("/", data = "<report>")]
async fn publish(report: Form<Report<'_>>, bot: Site<GitHub>) -> Result<String> {
    let issue = json!({ "title": report.text, "body": "Reported on our site." });
    let issue: Value = bot.post("repos/our-org/our-repo/issues").json_body(&issue).json().await?;
    Ok(format!("Thank you. This is number {}.", issue["number"]))
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .attach(Dance::fairing().storage(DieselStorage::database("app").migrate()))
        .mount("/", routes![form, publish])
}
