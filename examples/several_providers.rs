// One user, several providers. A visitor signs in with any of them. A second account is connected on the accounts page, or, if both
// sides have verified the same address, at once.
//
//     sqlite3 app.sqlite 'create table users (id integer primary key autoincrement, email text unique, email_verified bool not null)'
//     ROCKET_OAUTH='{github={client_id="my-id",client_secret="my-secret"},google={client_id="my-id",client_secret="my-secret"}}' \
//         cargo run --example several_providers

use diesel::prelude::*;
use rocket::{get, launch, routes};
use rocket_dance::{Accounts, Dance, Login, Result, Standing, Verdict, storage::DieselStorage};

diesel::table! {
    users (id) {
        id -> Integer,
        email -> Nullable<Text>,
        email_verified -> Bool,
    }
}

/// Makes the visitor the user who has the same address, if that is proven. Otherwise that user has to sign in as before, and to
/// confirm that the new account is theirs.
fn same_person(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
    let Standing::Stranger = login.standing else { return Ok(login.default_verdict()) };
    if let Some(email) = login.profile.email() {
        let known: Option<(i32, String, bool)> = users::table
            .filter(users::email.eq(email))
            .select((users::id, users::email.assume_not_null(), users::email_verified))
            .first(conn)
            .optional()?;
        if let Some((id, local_address, is_verified)) = known {
            return Ok(login.merge(id, &local_address, is_verified));
        }
    }
    let email = login.profile.email();
    let id = diesel::insert_into(users::table)
        .values((users::email.eq(email), users::email_verified.eq(email.is_some())))
        .returning(users::id)
        .get_result(conn)?;
    Ok(Verdict::SignUp(id))
}

/// Lists what is connected.
#[get("/")]
fn index(accounts: Accounts) -> String {
    let line = |account: &rocket_dance::storage::Account| {
        format!("{}: {}\n", account.entry, account.display_name.as_deref().unwrap_or_default())
    };
    accounts.iter().map(line).collect()
}

/// Asks the API of each provider that the user has connected.
#[get("/userinfo")]
async fn userinfo(accounts: Accounts) -> Result<String> {
    let mut found = String::new();
    for client in ["github", "google"].iter().filter_map(|entry| accounts.client(entry)) {
        found += &format!("{}: {}\n", client.entry(), client.userinfo().await?);
    }
    Ok(found)
}

#[launch]
fn rocket() -> _ {
    let storage = DieselStorage::database("app").migrate().link(same_person).cascade_from("users", "id");
    rocket::build()
        .attach(Dance::fairing().storage(storage))
        .mount("/", routes![index, userinfo])
        .register("/", rocket_dance::catchers())
}
