// The app of `minimal.rs` with a database: an account belongs to the browser that has connected it. Rocket.toml has an entry
// `github`, a database `app`, and `user_required = false` under `[default.dance]`.

use diesel::SqliteConnection;
use rocket::{get, launch, routes};
use rocket_dance::{Dance, Login, OAuth, Result, Verdict, provider::GitHub, storage::DieselStorage};

#[derive(serde::Deserialize)]
struct Me {
    login: String,
}

fn keep(_: &Login<i32>, _: &mut SqliteConnection) -> Result<Verdict<i32>> {
    Ok(Verdict::StoreWithoutUser)
}

#[get("/")]
async fn index(github: OAuth<GitHub>) -> Result<String> {
    let me: Me = github.get("user").json().await?;
    Ok(format!("You are @{} on GitHub", me.login))
}

#[launch]
fn rocket() -> _ {
    let storage = DieselStorage::database("app").migrate().link(keep);
    rocket::build()
        .attach(Dance::fairing().storage(storage))
        .mount("/", routes![index])
        .register("/", rocket_dance::catchers())
}
