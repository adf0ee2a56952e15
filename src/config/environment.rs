//! The environment variables of an entry, in Flask-Dance's names: `GITHUB_OAUTH_CLIENT_ID` for the entry `github`.

use super::table::Table;

/// The value of an environment variable.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How the names of all variables end, those of OAuth 1 included.
const SUFFIXES: &[&str] = &["CLIENT_ID", "CLIENT_SECRET", "CLIENT_KEY", "CONSUMER_KEY", "RSA_KEY"];

/// What the entry's variables begin with: its name in capitals, `-` as `_`.
pub(super) fn prefix(entry: &str) -> String {
    format!("{}_OAUTH_", entry.to_ascii_uppercase().replace('-', "_"))
}

/// Whether any variable of `entry` is set.
pub(super) fn is_set(entry: &str, env: Env<'_>) -> bool {
    SUFFIXES.iter().any(|suffix| env(&format!("{}{suffix}", prefix(entry))).is_some())
}

/// Lays the client id and secret of the environment over those of the table.
pub(super) fn credentials(entry: &str, table: &mut Table<'_>, env: Env<'_>) {
    lay_over(entry, table, env, "CLIENT_ID", |_| ("client_id", "client_id"));
    lay_over(entry, table, env, "CLIENT_SECRET", |_| ("client_secret", "client_secret_file"));
}

/// Lays what only an OAuth 1 entry takes from the environment over the table.
pub(super) fn oauth1_credentials(entry: &str, table: &mut Table<'_>, env: Env<'_>) {
    lay_over(entry, table, env, "CLIENT_KEY", |_| ("client_id", "client_id"));
    lay_over(entry, table, env, "CONSUMER_KEY", |_| ("client_id", "client_id"));
    // Flask-Dance takes the key itself, or the path of its file.
    lay_over(entry, table, env, "RSA_KEY", |text| match text.contains("-----BEGIN") {
        true => ("rsa_key", "rsa_key_file"),
        false => ("rsa_key_file", "rsa_key"),
    });
}

/// `keys`: the key that the text is for, and its alias. An empty variable is ignored.
fn lay_over(
    entry: &str,
    table: &mut Table<'_>,
    env: Env<'_>,
    suffix: &str,
    keys: impl Fn(&str) -> (&'static str, &'static str),
) {
    let variable = format!("{}{suffix}", prefix(entry));
    if let Some(text) = env(&variable).filter(|text| !text.is_empty()) {
        let (key, alias) = keys(&text);
        table.lay_over(key, alias, &variable, text);
    }
}
