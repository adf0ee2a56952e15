//! The users of the app: their table and their passwords.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use diesel::Connection as _;
use diesel::prelude::*;
use diesel::query_source::TableNotEqual;
use diesel::result::{DatabaseErrorKind, Error as Diesel};
use rocket::fairing::AdHoc;
use rocket::serde::Serialize;
use rocket::tokio::task::spawn_blocking;
use rocket::{Build, Rocket, State};
use rocket_dance::storage::DieselPool;
use rocket_dance::storage::schema::oauth_accounts;
use rocket_dance::{Error, Result};

use crate::database::{Connection, insert_user, migrate};

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

// What `allow_tables_to_appear_in_same_query!` does, which does not compile on PostgreSQL for a table of another crate.
impl TableNotEqual<oauth_accounts::table> for users::table {}
impl TableNotEqual<users::table> for oauth_accounts::table {}

/// The database of the app: the connections of rocket_dance's storage.
pub type Db = State<DieselPool<Connection>>;

/// An account of a user at a provider.
#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = oauth_accounts)]
#[serde(crate = "rocket::serde")]
pub struct ConnectedAccount {
    /// The entry's name.
    provider: String,
    provider_user_id: Option<String>,
    display_name: Option<String>,
}

/// Creates the table `users` at launch. The pool opens later, since `cascade_from` needs the table.
pub fn stage(rocket: Rocket<Build>) -> Rocket<Build> {
    rocket.attach(AdHoc::try_on_ignite("Table `users`", |rocket| async {
        let url = rocket.figment().extract_inner::<String>("databases.app.url");
        let created = spawn_blocking(|| migrate(&mut Connection::establish(&url?)?)).await;
        match created.map_err(Into::into).flatten() {
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
    db.run(move |conn| Ok(users::table.find(id).select(users::name).first(conn).optional()?)).await
}

/// Returns the name of a user and their accounts, or `None` if the user no longer exists.
pub async fn with_accounts(db: &Db, id: i32) -> Result<Option<(String, Vec<ConnectedAccount>)>> {
    let rows: Vec<(String, Option<ConnectedAccount>)> = db
        .run(move |conn| {
            let theirs = oauth_accounts::user_id.eq(id.to_string());
            let order = (oauth_accounts::provider, oauth_accounts::rank, oauth_accounts::id);
            let found = users::table.find(id).left_join(oauth_accounts::table.on(theirs)).order(order);
            Ok(found.select((users::name, Option::<ConnectedAccount>::as_select())).load(conn)?)
        })
        .await?;
    let (names, accounts): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    Ok(names.into_iter().next().map(|name| (name, accounts.into_iter().flatten().collect())))
}

/// Creates a user with a password and returns their id, or `None` if the name is taken.
pub async fn sign_up(db: &Db, name: String, password: String) -> Result<Option<i32>> {
    // A hash takes long: no connection is in use in the meantime.
    let hash = spawn_blocking(move || Argon2::default().hash_password(password.as_bytes())).await;
    let hash = hash.map_err(Error::app)?.map_err(|error| Error::app(error.to_string()))?.to_string();
    db.run(move |conn| {
        let user = NewUser { name: &name, email: None, password: Some(&hash) };
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
    let found: Option<(i32, Option<String>)> = db
        .run(move |conn| {
            let named = users::table.filter(users::name.eq(&name).and(users::password.is_not_null()));
            Ok(named.select((users::id, users::password)).first(conn).optional()?)
        })
        .await?;
    let Some((id, Some(hash))) = found else { return Ok(None) };
    let is_right = move || {
        let hash = PasswordHash::new(&hash).ok()?;
        Argon2::default().verify_password(password.as_bytes(), &hash).ok()
    };
    Ok(spawn_blocking(is_right).await.map_err(Error::app)?.map(|()| id))
}
