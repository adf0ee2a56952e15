//! The users of the app: their table and their passwords.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use diesel::Connection as _;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as Diesel};
use rocket::fairing::AdHoc;
use rocket::{Build, Rocket};
use rocket_dance::{Error, Result};
use rocket_sync_db_pools::database;

use crate::database::{Connection, PoolConnection, insert_user, migrate, wait_for_writers};

diesel::table! {
    users (id) {
        id -> Integer,
        name -> Text,
        email -> Nullable<Text>,
        password -> Nullable<Text>,
    }
}

/// A user who signs up: through a provider, or with a password.
#[derive(Insertable)]
#[diesel(table_name = users)]
pub struct NewUser<'a> {
    pub name: &'a str,
    pub email: Option<&'a str>,
    /// The argon2id hash.
    pub password: Option<&'a str>,
}

/// The connection pool of the app. rocket_dance has its own pool on the same database.
#[database("app")]
pub struct Db(PoolConnection);

impl Db {
    /// Runs `work` on a connection of the pool.
    #[allow(clippy::redundant_closure)] // On PostgreSQL the two connection types differ.
    pub async fn run_on<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> T {
        self.run(|conn| work(conn)).await
    }
}

/// Attaches the pool and creates the table.
pub fn stage(rocket: Rocket<Build>) -> Rocket<Build> {
    rocket.attach(Db::fairing()).attach(AdHoc::try_on_ignite("Table `users`", |rocket| async {
        let Some(db) = Db::get_one(&rocket).await else { return Err(rocket) };
        match db.run_on(migrate).await {
            Ok(()) => Ok(rocket),
            Err(error) => {
                rocket::error!("table `users`: the migrations failed: {error}");
                Err(rocket)
            }
        }
    }))
}

/// Returns the name of a user, or `None` if the user no longer exists.
pub async fn name(db: &Db, id: i32) -> Result<Option<String>> {
    let name =
        db.run_on(move |conn| users::table.find(id).select(users::name).first(conn).optional()).await?;
    Ok(name)
}

/// Creates a user with a password and returns their id, or `None` if the name is taken.
pub async fn sign_up(db: &Db, name: String, password: String) -> Result<Option<i32>> {
    db.run_on(move |conn| {
        let password = Argon2::default()
            .hash_password(password.as_bytes())
            .map_err(|error| Error::app(error.to_string()))?;
        wait_for_writers(conn)?;
        let password = password.to_string();
        let user = NewUser { name: &name, email: None, password: Some(&password) };
        // In a transaction: on SQLite a statement with RETURNING reports no failure of its own commit, such as a full disk.
        match conn.transaction(|conn| insert_user(conn, &user)) {
            Ok(id) => Ok(Some(id)),
            Err(Diesel::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    })
    .await
}

/// Returns the id of the user with this name and password.
pub async fn sign_in(db: &Db, name: String, password: String) -> Result<Option<i32>> {
    db.run_on(move |conn| {
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
