//! The app's users: their table, their passwords, and who of them may come in by a provider.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as Diesel};
use rocket::fairing::AdHoc;
use rocket::{Build, Rocket};
use rocket_dance::{Error, LinkPolicy, Login, Result, Standing, Verdict};
use rocket_sync_db_pools::database;

use crate::database::{Connection, insert_user, migrate, patient};

diesel::table! {
    users (id) {
        id -> Integer,
        name -> Text,
        password -> Nullable<Text>,
    }
}

/// The app's own pool, beside rocket_dance's, on the same database.
#[database("app")]
pub struct Db(Connection);

/// The pool and the table.
pub fn stage(rocket: Rocket<Build>) -> Rocket<Build> {
    rocket.attach(Db::fairing()).attach(AdHoc::try_on_ignite("Users' table", |rocket| async {
        let Some(db) = Db::get_one(&rocket).await else { return Err(rocket) };
        match db.run(migrate).await {
            Ok(()) => Ok(rocket),
            Err(error) => {
                rocket::error!("users' table: {error}");
                Err(rocket)
            }
        }
    }))
}

/// Who may come in by a provider: everybody; a stranger becomes a new user, whatever she is called.
pub struct Policy;

impl LinkPolicy<Connection, i32> for Policy {
    fn link(&self, login: &Login<i32>, conn: &mut Connection) -> Result<Verdict<i32>> {
        match &login.standing {
            Standing::Stranger => Ok(Verdict::SignUp(insert_user(conn, login.profile.display_name(), None)?)),
            _ => Ok(login.default_verdict()),
        }
    }

    fn has_other_login(&self, user: &i32, conn: &mut Connection) -> Result<bool> {
        let password: Option<Option<String>> =
            users::table.find(user).select(users::password).first(conn).optional()?;
        Ok(password.flatten().is_some())
    }
}

/// A user's name.
pub async fn name(db: &Db, id: i32) -> Result<Option<String>> {
    let name = db.run(move |conn| users::table.find(id).select(users::name).first(conn).optional()).await?;
    Ok(name)
}

/// A new user with a password; none if the name is taken.
pub async fn sign_up(db: &Db, name: String, password: String) -> Result<Option<i32>> {
    db.run(move |conn| {
        let password = Argon2::default()
            .hash_password(password.as_bytes())
            .map_err(|error| Error::app(error.to_string()))?;
        patient(conn)?;
        match insert_user(conn, &name, Some(&password.to_string())) {
            Ok(id) => Ok(Some(id)),
            Err(Diesel::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    })
    .await
}

/// The user with this name and password.
pub async fn sign_in(db: &Db, name: String, password: String) -> Result<Option<i32>> {
    db.run(move |conn| {
        let found: Option<(i32, Option<String>)> = users::table
            .filter(users::name.eq(name).and(users::password.is_not_null()))
            .select((users::id, users::password))
            .first(conn)
            .optional()?;
        Ok(found.and_then(|(id, stored)| {
            let stored = stored?;
            let stored = PasswordHash::new(&stored).ok()?;
            Argon2::default().verify_password(password.as_bytes(), &stored).ok().map(|()| id)
        }))
    })
    .await
}
