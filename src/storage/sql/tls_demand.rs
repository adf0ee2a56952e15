//! `TlsDemand`: the TLS that the URL of a MySQL or MariaDB server requires.
//!
//! Diesel passes `ssl_mode` to the client library. libmysqlclient does what it says. libmariadb, which Debian and most other
//! distributions have, ignores it: tested with 3.3, `ssl_mode=REQUIRED` alone is an unencrypted connection. With `ssl_ca` it
//! encrypts and verifies the chain of certificates, but never the name in the server's certificate; if the server offers no TLS,
//! it sends everything unencrypted. For this reason the connection is checked.

use std::borrow::Cow;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use url::Url;

use super::text_row::TextRow;
use crate::error::{Error, ErrorKind, Result};

/// The TLS that a URL requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsDemand {
    /// None.
    Nothing,
    /// Encryption: `ssl_mode=REQUIRED`; `VERIFY_CA` with `ssl_ca`, which both client libraries verify; or `ssl_ca` alone.
    Encryption,
    /// The name in the server's certificate: `ssl_mode=VERIFY_IDENTITY`.
    ServerName,
}

#[derive(QueryableByName)]
struct Status {
    #[diesel(sql_type = Text, column_name = "Value")]
    value: String,
}

impl TlsDemand {
    /// Reads the parameters of `url`.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if a parameter about TLS would be ignored.
    pub(super) fn of(url: &Url) -> Result<Self> {
        let is_about_tls = |key: &str| {
            let key = key.to_ascii_lowercase();
            key.contains("ssl") || key.contains("tls")
        };
        let known = ["ssl_mode", "ssl_ca", "ssl_cert", "ssl_key"];
        if url.query_pairs().any(|(key, _)| is_about_tls(&key) && !known.contains(&&*key)) {
            return Err(misconfigured(
                "a parameter about TLS in the database's URL is unknown and would be ignored: write \
                 `ssl_mode=REQUIRED`, `ssl_ca=/path/ca.pem`, `ssl_cert=…` and `ssl_key=…`",
            ));
        }
        let last = |name: &str| url.query_pairs().filter(|(key, _)| key == name).last();
        let has_ca = last("ssl_ca").is_some();
        match last("ssl_mode").map(|(_, mode)| mode.to_ascii_lowercase()).as_deref() {
            None if has_ca => Ok(Self::Encryption),
            None | Some("disabled" | "preferred") => Ok(Self::Nothing),
            Some("required") => Ok(Self::Encryption),
            Some("verify_ca") if has_ca => Ok(Self::Encryption),
            Some("verify_identity") if has_ca => Ok(Self::ServerName),
            Some("verify_ca" | "verify_identity") => Err(misconfigured(
                "`ssl_mode` of the database's URL requires that the server's certificate is verified: name the \
                 certificate of its authority, too: `ssl_ca=/path/ca.pem`",
            )),
            Some(_) => Err(misconfigured(
                "`ssl_mode` of the database's URL must be DISABLED, PREFERRED, REQUIRED, VERIFY_CA or \
                 VERIFY_IDENTITY",
            )),
        }
    }

    /// Checks that the connection has what the URL requires.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if not.
    pub(super) fn check(self, conn: &mut MysqlConnection, url: &impl std::fmt::Display) -> Result<()> {
        let unmet = |why: &str| misconfigured(format!("the database `{url}`: its URL requires {why}"));
        if self == Self::Nothing {
            return Ok(());
        }
        let cipher: Option<Status> =
            sql_query("SHOW STATUS LIKE 'Ssl_cipher'").get_result(conn).optional()?;
        if cipher.is_none_or(|cipher| cipher.value.is_empty()) {
            return Err(unmet(
                "TLS, and the connection is not encrypted. Turn on TLS in the server \
                 (`ssl_cert` and `ssl_key` in its configuration), and name the certificate of its authority in the \
                 URL: `ssl_ca=/path/ca.pem`. MariaDB's client library ignores `ssl_mode` and encrypts only with `ssl_ca`",
            ));
        }
        if self == Self::ServerName && !verifies_names(conn) {
            return Err(unmet(
                "that the name in the server's certificate is verified, which MariaDB's client \
                 library does not do here. Write `ssl_mode=VERIFY_CA` with the certificate of an authority that certifies this \
                 server only (`ssl_ca`), or build with MySQL's client library, for a server whose performance_schema \
                 is on",
            ));
        }
        Ok(())
    }
}

/// Returns whether the client library is MySQL's, as it has reported to the server.
fn verifies_names(conn: &mut MysqlConnection) -> bool {
    let name = sql_query(
        "SELECT CONVERT(attr_value USING utf8mb4) AS t FROM performance_schema.session_connect_attrs \
         WHERE processlist_id = CONNECTION_ID() AND attr_name = '_client_name'",
    );
    name.get_result::<TextRow>(conn).is_ok_and(|name| name.t == "libmysql")
}

fn misconfigured(why: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Misconfigured, why)
}
