//! [`DatabaseCheck`]: the checks of a database before a launch, for the doctor. They are the launch's own, without what changes the
//! database.

use std::sync::Arc;

use super::any_connection::AnyConnection;
use super::cascade::Cascade;
use super::connector::Connector;
use super::first_connection::first_connection;
use super::migrate;
use super::policy::ErasedPolicy;
use super::retry::retried;
use crate::error::Error;
use crate::finding::Finding;

pub(super) const SUBJECT: &str = "database";

/// What is checked.
pub(super) struct DatabaseCheck {
    pub(super) connector: Connector,
    pub(super) policy: Arc<dyn ErasedPolicy>,
    /// Whether the launch runs the migrations.
    pub(super) migrate: bool,
    pub(super) cascade: Option<Cascade>,
}

impl DatabaseCheck {
    /// Runs all checks. Returns the connection as well if the tables can be used.
    pub(super) fn run(&self) -> (Vec<Finding>, Option<AnyConnection>) {
        if let Some(finding) = self.missing_file() {
            return (vec![finding], None);
        }
        let mut findings = Vec::new();
        let mut conn = match retried(|| first_connection(&self.connector, Connector::prepare_to_examine)) {
            Ok(conn) => conn,
            Err(error) => return (vec![self.fault(error)], None),
        };
        findings.push(Finding::ok(SUBJECT, self.connector.about("can be opened")));
        findings.extend(self.policy.check(&mut conn).err().map(|error| self.fault(error)));
        let (of_tables, are_usable) = self.tables(&mut conn);
        findings.extend(of_tables);
        if let Some(cascade) = &self.cascade {
            findings.push(self.triggers(&mut conn, cascade, are_usable));
        }
        (findings, are_usable.then_some(conn))
    }

    /// A SQLite file is not opened if it does not exist, since that would create it.
    fn missing_file(&self) -> Option<Finding> {
        let file = self.connector.missing_file()?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let about = self.connector.about("does not exist yet");
        Some(match (folder.is_none_or(|folder| folder.is_dir()), self.migrate) {
            (false, _) => Finding::failure(
                SUBJECT,
                format!("{about}, and neither does its folder"),
                "create the folder, or correct the path",
            ),
            (true, true) => Finding::warning(
                SUBJECT,
                format!("{about}: the launch creates it"),
                "if it should exist, correct the path: it is relative to the folder in which the app starts",
            ),
            (true, false) => Finding::failure(
                SUBJECT,
                format!("{about}, and the launch creates no tables"),
                "write `DieselStorage::database(…).migrate()`, or correct the path",
            ),
        })
    }

    /// Checks the tables, the rights to use them, and the migrations. Returns whether the tables can be used now.
    fn tables(&self, conn: &mut AnyConnection) -> (Vec<Finding>, bool) {
        let pending = match migrate::pending(conn) {
            Ok(pending) => pending.into_iter().map(|(name, _)| name).collect(),
            // There is no table of migrations.
            Err(_) => migrate::names(conn),
        };
        let usable = retried(|| migrate::check(conn, &self.connector));
        let mut findings = Vec::new();
        let are_usable = usable.is_ok();
        if let Ok(unknown) = migrate::unknown(conn)
            && !unknown.is_empty()
        {
            findings.push(Finding::warning(
                SUBJECT,
                format!("a newer version of rocket_dance has run migrations: {}", unknown.join(", ")),
                "deploy that version, or a newer one",
            ));
        }
        findings.push(match usable {
            Ok(()) if pending.is_empty() || !self.migrate => {
                Finding::ok(SUBJECT, "all tables and columns are there, and the role may use them")
            }
            Ok(()) => Finding::ok(
                SUBJECT,
                format!("all tables and columns are there; the launch also runs {}", pending.join(", ")),
            ),
            Err(_) if self.migrate && !pending.is_empty() => {
                match migrate::check_create(conn, &self.connector) {
                    Ok(()) => Finding::ok(
                        SUBJECT,
                        format!("the launch will run the migrations {}", pending.join(", ")),
                    ),
                    Err(error) => self.fault(error),
                }
            }
            Err(error) => self.fault(error),
        });
        (findings, are_usable)
    }

    /// Checks the triggers of `cascade`; only its table of users if our tables are not there yet.
    fn triggers(&self, conn: &mut AnyConnection, cascade: &Cascade, are_tables_usable: bool) -> Finding {
        let missing = match are_tables_usable {
            true => cascade.examine(conn),
            false => cascade.checked_users(conn).map(|_| 2),
        };
        match missing {
            Ok(0) => Finding::ok(SUBJECT, format!("the triggers on `{}` are installed", cascade.table)),
            Ok(_) => {
                Finding::ok(SUBJECT, format!("the launch will install the triggers on `{}`", cascade.table))
            }
            Err(error) => self.fault(error),
        }
    }

    fn fault(&self, error: Error) -> Finding {
        Finding::fault(SUBJECT, &self.connector.name_database(error).for_operator())
    }
}
