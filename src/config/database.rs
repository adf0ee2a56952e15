//! The settings of the database: `[default.dance.database]`.

#[cfg(feature = "_sql")]
use rocket::figment::Figment;

#[cfg(feature = "_sql")]
use super::faults::Faults;
#[cfg(feature = "_sql")]
use super::table::Reader;
use super::table::Table;

/// Maximum value of `pool_size`.
const MAX_POOL_SIZE: u32 = 1000;

/// The settings of `[default.dance.database]`.
// Without Debug: the URL may contain a password.
#[derive(Clone, Default)]
#[cfg_attr(not(feature = "_sql"), allow(dead_code))] // Without a database they are only checked.
pub(crate) struct DatabaseSettings {
    /// Maximum number of connections in the pool.
    pub(crate) pool_size: Option<u32>,
    /// Whether the connections lead to PgBouncer, or a similar pooler, in transaction mode.
    pub(crate) pgbouncer: bool,
    /// URL of a direct connection to the server, for LISTEN.
    pub(crate) listen_url: Option<String>,
}

impl DatabaseSettings {
    /// Reads the table of `figment`.
    ///
    /// # Errors
    /// All faults of the table.
    #[cfg(feature = "_sql")]
    pub(crate) fn of(figment: &Figment) -> Result<Self, Faults> {
        let reader = Reader::new(figment);
        let settings = Self::read(&mut reader.table("dance"));
        let faults = reader.faults();
        if faults.is_empty() { Ok(settings) } else { Err(faults) }
    }

    /// Reads `database` of the table `dance`.
    pub(super) fn read(dance: &mut Table<'_>) -> Self {
        let Some(mut table) = dance.table("database") else { return Self::default() };
        let pool_size = table.integer("pool_size", 1..=i128::from(MAX_POOL_SIZE), 8);
        let settings = Self {
            pool_size: pool_size.and_then(|size| size.try_into().ok()),
            pgbouncer: table.boolean("pgbouncer").unwrap_or(false),
            listen_url: table.text("listen_url").map(|given| given.value),
        };
        table.close();
        settings
    }
}
