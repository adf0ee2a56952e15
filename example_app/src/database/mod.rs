//! What differs between the databases. A feature selects one of them: `sqlite` (the default), `postgres` or `mysql`.

#[cfg(feature = "sqlite")]
#[path = "sqlite.rs"]
mod chosen;
#[cfg(all(feature = "postgres", not(feature = "sqlite")))]
#[path = "postgres.rs"]
mod chosen;
#[cfg(all(feature = "mysql", not(any(feature = "sqlite", feature = "postgres"))))]
#[path = "mysql.rs"]
mod chosen;

pub use chosen::{Connection, insert_user, migrate};

// `--workspace --all-features` selects all three. Lints and tests use it, and it means SQLite.
#[cfg(not(any(
    all(feature = "sqlite", not(any(feature = "postgres", feature = "mysql"))),
    all(feature = "postgres", not(any(feature = "sqlite", feature = "mysql"))),
    all(feature = "mysql", not(any(feature = "sqlite", feature = "postgres"))),
    all(feature = "sqlite", feature = "postgres", feature = "mysql"),
)))]
compile_error!(
    "example_app: select one database. SQLite is the default. For another one: `--no-default-features --features postgres` (or `mysql`)"
);

/// The result of the migrations.
type Migrated = Result<(), Box<dyn std::error::Error + Send + Sync>>;
