//! `CascadeTrigger`: the trigger that deletes from one table of ours.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

use super::any_connection::AnyConnection;
use super::text_row::TextRow;
use super::user_table::UserTable;
use crate::error::Result;

/// The trigger on the app's table of users that deletes from `ours`. All names in it are SQL.
pub(super) struct CascadeTrigger<'a> {
    users: &'a UserTable,
    /// Name of the trigger: the same for all tables of users, so that a new one replaces the old one.
    name: String,
    /// Schema of `ours`, quoted, for PostgreSQL.
    #[cfg(feature = "postgres")]
    schema: String,
    /// What the trigger does.
    body: String,
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn texts(conn: &mut AnyConnection, query: &str, values: [&str; 2]) -> QueryResult<Vec<String>> {
    let query = sql_query(query).bind::<Text, _>(values[0]).bind::<Text, _>(values[1]);
    Ok(query.load::<TextRow>(conn)?.into_iter().map(|found| found.t).collect())
}

impl<'a> CascadeTrigger<'a> {
    /// Describes the trigger of `users` that deletes from `ours`.
    pub(super) fn new(conn: &mut AnyConnection, ours: &str, users: &'a UserTable) -> Result<Self> {
        let name = format!("{ours}_cascade");
        let old = users.text(conn, &format!("OLD.{}", users.id));
        #[allow(unused_variables)] // SQLite has none.
        let schema = match conn {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => String::new(),
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => {
                let query = format!(
                    "SELECT quote_ident(nspname) AS t FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
                     WHERE pg_class.oid = to_regclass('{ours}')"
                );
                sql_query(query).get_result::<TextRow>(conn)?.t
            }
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => {
                let database = conn.current_database()?.unwrap_or_default();
                conn.quoted(&database)
            }
        };
        let body = match conn {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => format!("DELETE FROM {ours} WHERE user_id = {old}"),
            // TRUNCATE runs no trigger for each row.
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => format!(
                "BEGIN IF TG_OP = 'TRUNCATE' THEN DELETE FROM {schema}.{ours} WHERE user_id IS NOT NULL; \
                 ELSE DELETE FROM {schema}.{ours} WHERE user_id = {old}; END IF; RETURN NULL; END"
            ),
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => {
                format!("DELETE FROM {schema}.{ours} WHERE user_id = CAST({old} AS BINARY)")
            }
        };
        Ok(Self {
            users,
            name,
            #[cfg(feature = "postgres")]
            schema,
            body,
        })
    }

    /// The app's table of users, as SQL.
    pub(super) fn users_table(&self) -> &str {
        &self.users.table
    }

    /// Returns the SQL that makes the triggers what they should be; `None` if they are.
    pub(super) fn change(&self, conn: &mut AnyConnection) -> Result<Option<String>> {
        match conn {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => self.sqlite_change(conn),
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => self.postgres_change(conn),
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => self.mysql_change(conn),
        }
    }

    #[cfg(feature = "sqlite")]
    fn sqlite_change(&self, conn: &mut AnyConnection) -> Result<Option<String>> {
        let Self { users: UserTable { table, .. }, name, body, .. } = self;
        let create = format!("CREATE TRIGGER {name} AFTER DELETE ON {table} FOR EACH ROW BEGIN {body}; END");
        let query = "SELECT sql AS t FROM sqlite_master WHERE type = ? AND name = ?";
        let installed = texts(conn, query, ["trigger", name])?;
        Ok((installed != [create.as_str()]).then(|| format!("DROP TRIGGER IF EXISTS {name}; {create};")))
    }

    #[cfg(feature = "postgres")]
    fn postgres_change(&self, conn: &mut AnyConnection) -> Result<Option<String>> {
        let Self { users: UserTable { table, .. }, name, schema, body } = self;
        let function = format!("{schema}.{name}");
        // A trigger on a partitioned table has a copy on each partition. Types 9 and 32: after the deletion of a row, and after
        // TRUNCATE.
        let triggers = "FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid \
                        WHERE tgfoid = to_regproc($1) AND NOT tgisinternal AND NOT relispartition";
        let query = format!(
            "SELECT concat_ws(' ', tgname, tgenabled, tgtype, CASE tgrelid WHEN to_regclass($2) THEN 'here' END) AS t \
             {triggers} ORDER BY tgname"
        );
        let installed = texts(conn, &query, [&function, table])?;
        let query = "SELECT prosrc AS t FROM pg_proc WHERE oid = to_regproc($1) AND $2 <> ''";
        let source = texts(conn, query, [&function, table])?;
        let wanted = [format!("{name} O 9 here"), format!("{name}_all O 32 here")];
        if installed == wanted && source == [body.as_str()] {
            return Ok(None);
        }
        let query = format!(
            "SELECT format('DROP TRIGGER %I ON %s; ', tgname, tgrelid::regclass) AS t {triggers} AND $2 <> ''"
        );
        let drops = texts(conn, &query, [&function, table])?.concat();
        let body = body.replace('\\', "\\\\").replace('\'', "''");
        Ok(Some(format!(
            "{drops}CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT \
             AS E'{body}'; \
             CREATE TRIGGER {name} AFTER DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}(); \
             CREATE TRIGGER {name}_all AFTER TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {function}();"
        )))
    }

    #[cfg(feature = "mysql")]
    fn mysql_change(&self, conn: &mut AnyConnection) -> Result<Option<String>> {
        // A trigger is in the schema of its table.
        let Self { users: UserTable { schema, table, .. }, name, body, .. } = self;
        let create = format!("CREATE TRIGGER {schema}.{name} AFTER DELETE ON {table} FOR EACH ROW {body}");
        let ours = body.split(" WHERE ").next().unwrap_or_default();
        let quoted = |column: &str| format!("CONCAT('`', REPLACE({column}, '`', '``'), '`')");
        let (in_schema, on) = (quoted("trigger_schema"), quoted("event_object_table"));
        let query = format!(
            "SELECT CONVERT(CONCAT('CREATE TRIGGER ', {in_schema}, '.{name} AFTER DELETE ON ', \
             {in_schema}, '.', {on}, ' FOR EACH ROW ', action_statement) USING utf8mb4) AS t FROM information_schema.triggers \
             WHERE trigger_name = ? AND LEFT(action_statement, CHAR_LENGTH(?)) = ?"
        );
        let query = sql_query(query).bind::<Text, _>(name).bind::<Text, _>(ours).bind::<Text, _>(ours);
        let installed: Vec<String> = query.load::<TextRow>(conn)?.into_iter().map(|found| found.t).collect();
        if installed == [create.as_str()] {
            return Ok(None);
        }
        let drops = installed.iter().filter_map(|create| {
            let (trigger, _) = create.strip_prefix("CREATE TRIGGER ")?.split_once(" AFTER DELETE ON ")?;
            Some(format!("DROP TRIGGER {trigger}; "))
        });
        Ok(Some(format!("{}{create};", drops.collect::<String>())))
    }
}
