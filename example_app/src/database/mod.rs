//! The one place where the databases differ. A feature says which one it is: `sqlite`, which is the default, `postgres`
//! or `mysql`.

#[cfg(feature = "sqlite")]
#[path = "sqlite.rs"]
mod chosen;
#[cfg(all(feature = "postgres", not(feature = "sqlite")))]
#[path = "postgres.rs"]
mod chosen;
#[cfg(all(feature = "mysql", not(any(feature = "sqlite", feature = "postgres"))))]
#[path = "mysql.rs"]
mod chosen;

pub use chosen::{Connection, insert_user, migrate, patient};

// All of them is what `--workspace --all-features` asks for, to lint and test: that is SQLite.
#[cfg(not(any(
    all(feature = "sqlite", not(any(feature = "postgres", feature = "mysql"))),
    all(feature = "postgres", not(any(feature = "sqlite", feature = "mysql"))),
    all(feature = "mysql", not(any(feature = "sqlite", feature = "postgres"))),
    all(feature = "sqlite", feature = "postgres", feature = "mysql"),
)))]
compile_error!(
    "one database at a time: SQLite without further words, else `--no-default-features --features postgres` or `mysql`"
);

type Migrated = Result<(), Box<dyn std::error::Error + Send + Sync>>;
