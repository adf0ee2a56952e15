use diesel::prelude::*;
use rocket::{get, launch, routes};
use rocket_dance::{Dance, Login, OAuth, Result, Standing, Verdict, provider::GitHub, storage::DieselStorage};

diesel::table! {
    users (id) {
        id -> Integer,
        name -> Text,
    }
}

/// Who may come in, and as whom: runs inside the transaction that stores the account.
fn sign_up(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
    match &login.standing {
        Standing::Stranger => {
            let id = diesel::insert_into(users::table)
                .values(users::name.eq(login.profile.display_name()))
                .returning(users::id)
                .get_result(conn)?;
            Ok(Verdict::SignUp(id))
        }
        _ => Ok(login.default_verdict()),
    }
}

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
        .attach(Dance::fairing().storage(DieselStorage::database("app").migrate().link(sign_up)))
        .mount("/", routes![index])
        .register("/", rocket_dance::catchers()) // 401 from a guard → that provider's sign-in, then back
}
