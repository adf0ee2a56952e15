//! The first connection of a launch.

use super::any_connection::AnyConnection;
use super::connector::Connector;
#[cfg(feature = "postgres")]
use super::pooler;
use crate::error::Result;

/// Opens the first connection, and checks that the settings fit the way to the server. `prepare` applies the settings of a
/// connection.
pub(super) fn first_connection(
    connector: &Connector,
    prepare: fn(&Connector, &mut AnyConnection) -> Result<()>,
) -> Result<AnyConnection> {
    let mut conn = connector.open()?;
    #[cfg(feature = "postgres")]
    if connector.is_postgres() && !connector.is_behind_pooler() {
        pooler::check_process(connector, &mut conn)?;
    }
    prepare(connector, &mut conn)?;
    #[cfg(feature = "postgres")]
    if let Some(listener) = connector.listener()
        && connector.has_listen_url()
    {
        pooler::check_listener(&listener, &mut conn)?;
    }
    Ok(conn)
}
