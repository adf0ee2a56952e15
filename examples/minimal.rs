// The shortest app: one guard and one route. Each visitor's account is stored in an encrypted cookie of their browser.
// README.md prints this file.
//
//     ROCKET_OAUTH='{github={client_id="my-id",client_secret="my-secret"}}' cargo run --example minimal

use rocket::{get, launch, routes};
use rocket_dance::{Dance, OAuth, Result, provider::GitHub};

#[derive(serde::Deserialize)]
struct Me {
    login: String,
}

#[get("/")]
async fn index(github: OAuth<GitHub>) -> Result<String> {
    let me: Me = github.get("user").json().await?;
    Ok(format!("You are @{} on GitHub", me.login))
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .attach(Dance::fairing())
        .mount("/", routes![index])
        .register("/", rocket_dance::catchers())
}
