//! The users of the app: their table, their passwords, and the policy that decides who may sign in through a provider.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use diesel::Connection as _;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as Diesel};
use rocket::fairing::AdHoc;
use rocket::{Build, Rocket};
use rocket_dance::{Error, LinkPolicy, Login, Result, Standing, Verdict};
use rocket_sync_db_pools::database;

use crate::database::{Connection, PoolConnection, insert_user, migrate, wait_for_writers};

diesel::table! {
    users (id) {
        id -> Integer,
        name -> Text,
        password -> Nullable<Text>,
    }
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

/// Decides who may sign in through a provider. Here everyone may: a stranger becomes a new user, even if another user has the
/// same name.
pub struct Policy;

impl LinkPolicy<Connection, i32> for Policy {
    fn link(&self, login: &Login<i32>, conn: &mut Connection) -> Result<Verdict<i32>> {
        match &login.standing {
            Standing::Stranger => Ok(Verdict::SignUp(insert_user(conn, login.profile.display_name(), None)?)),
            _ => Ok(login.default_verdict()),
        }
    }

    /// A user with a password can still sign in after the last account is disconnected.
    fn has_other_login(&self, user: &i32, conn: &mut Connection) -> Result<bool> {
        let password: Option<Option<String>> =
            users::table.find(user).select(users::password).first(conn).optional()?;
        Ok(password.flatten().is_some())
    }
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
        // In a transaction: on SQLite a statement with RETURNING reports no failure of its own commit, such as a full disk.
        match conn.transaction(|conn| insert_user(conn, &name, Some(&password.to_string()))) {
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
