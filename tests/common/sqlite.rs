//! A SQLite file as text, to compare it.

use std::path::Path;

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::{SqliteConnection, sql_query};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines(conn: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let lines: Vec<Line> = sql_query(sql).load(conn).unwrap_or_else(|error| panic!("{sql}: {error}"));
    lines.into_iter().map(|line| line.line).collect()
}

fn connect(file: &Path) -> SqliteConnection {
    let mut conn = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    sql_query("pragma busy_timeout = 5000").execute(&mut conn).unwrap();
    conn
}

/// Every row of the tables that `wanted` accepts, one per line, in a fixed order.
pub(crate) fn dump(file: &Path, wanted: impl Fn(&str) -> bool) -> String {
    let mut conn = connect(file);
    let tables =
        lines(&mut conn, "select name as line from sqlite_master where type = 'table' order by name");
    let mut text = String::new();
    for table in tables.iter().filter(|table| wanted(table)) {
        let columns =
            lines(&mut conn, &format!("select name as line from pragma_table_info('{table}') order by cid"));
        let columns: Vec<_> = columns.iter().map(|name| format!("'{name}=' || quote(\"{name}\")")).collect();
        let sql = format!("select {} as line from \"{table}\" order by 1", columns.join(" || ', ' || "));
        for row in lines(&mut conn, &sql) {
            text.push_str(&format!("{table}: {row}\n"));
        }
    }
    text
}

/// The number of rows of `table`.
pub(crate) fn count(file: &Path, table: &str) -> usize {
    let sql = format!("select cast(count(*) as text) as line from \"{table}\"");
    lines(&mut connect(file), &sql)[0].parse().unwrap()
}

/// Runs SQL of the app.
#[allow(dead_code)] // Some test programs only read.
pub(crate) fn execute(file: &Path, sql: &str) {
    sql_query(sql).execute(&mut connect(file)).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dumps_every_row() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.sqlite");
        let mut conn = connect(&file);
        for sql in ["create table b (x integer, y text)", "insert into b values (2, null), (1, 'it''s')"] {
            sql_query(sql).execute(&mut conn).unwrap();
        }
        assert_eq!(dump(&file, |_| true), "b: x=1, y='it''s'\nb: x=2, y=NULL\n");
        assert_eq!(dump(&file, |table| table != "b"), "");
        assert_eq!(count(&file, "b"), 2);
    }
}
