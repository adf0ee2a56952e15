//! The SQL of the bundled migrations.

/// The name and the SQL of each migration, in order.
pub type Migrations = &'static [(&'static str, &'static str)];

macro_rules! migrations {
    ($($database:literal $list:ident)*) => {
        $(
            #[cfg(feature = $database)]
            pub(super) const $list: Migrations = &[
                migrations!(@ $database, "2026-01-01-000000_oauth_accounts"),
                migrations!(@ $database, "2026-02-01-000000_oauth_sessions"),
            ];
        )*
    };
    (@ $database:literal, $name:literal) => {
        ($name, include_str!(concat!("../../../migrations/", $database, "/", $name, "/up.sql")))
    };
}

migrations! { "sqlite" SQLITE "postgres" POSTGRES "mysql" MYSQL }
