//! Answers with the fields that a preset reads, made from the preset.

use serde_json::{Map, Value, json};

use crate::provider::{EmailVerified, Preset};

/// The address of `user`.
pub(crate) fn email(user: &str) -> String {
    format!("{user}@example.test")
}

/// The name of `user`: the same with a capital.
pub(crate) fn name(user: &str) -> String {
    let mut name = user.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    name
}

/// Removes every field from `document` whose name says that it is about an e-mail address.
pub(super) fn remove_email(document: &mut Value) {
    match document {
        Value::Object(fields) => {
            fields.retain(|name, _| !name.to_ascii_lowercase().contains("mail"));
            fields.values_mut().for_each(remove_email);
        }
        Value::Array(elements) => elements.iter_mut().for_each(remove_email),
        _ => {}
    }
}

/// Adds to `userinfo` what `preset` reads about `user`.
pub(super) fn add_userinfo(preset: &Preset, user: &str, userinfo: &mut Value) {
    add_fields(preset, user, userinfo, "");
}

/// Adds to a token answer what `preset` reads about `user` there.
pub(super) fn add_token_fields(preset: &Preset, user: &str, answer: &mut Value) {
    add_fields(preset, user, answer, "token.");
}

/// Adds the fields whose places begin with `prefix`.
fn add_fields(preset: &Preset, user: &str, document: &mut Value, prefix: &str) {
    let fields = &preset.fields;
    let mut add = |place: &str, value: Value| {
        if let Some(path) = first_path(place).filter(|path| is_in(path, prefix)) {
            put(document, path.strip_prefix(prefix).unwrap_or(path), value);
        }
    };
    add(fields.username, json!(user));
    add(fields.name, json!(name(user)));
    if let Some((address, verified)) = fields.email.first() {
        add(address, json!(email(user)));
        match verified {
            EmailVerified::Never | EmailVerified::Always => {}
            EmailVerified::IfTrue(path) | EmailVerified::IfTrueText(path) => add(path, json!(true)),
            EmailVerified::IfBoth(one, other) => {
                add(one, json!(true));
                add(other, json!(true));
            }
            EmailVerified::IfPresent(path) => add(path, json!("2026-01-01T00:00:00Z")),
            EmailVerified::IfListed(path) => add(path, json!([email(user)])),
        }
    }
    // Last: where a preset reads the user name from the same field, the id counts.
    add(fields.id, json!(user));
}

/// The first path of a place. None for an empty place, for a text with placeholders, and for a claim of the access token.
fn first_path(place: &str) -> Option<&str> {
    let path = place.split(['|', '+']).next()?.trim();
    (!path.is_empty() && !path.contains('{') && !path.starts_with("token.access_token.")).then_some(path)
}

fn is_in(path: &str, prefix: &str) -> bool {
    match prefix {
        "" => !path.starts_with("token.") && !path.starts_with("callback."),
        prefix => path.starts_with(prefix),
    }
}

/// Puts `value` at `path` in `document`, and makes the objects and lists on the way.
fn put(document: &mut Value, path: &str, value: Value) {
    let (part, rest) = match path.strip_prefix('\'').and_then(|rest| rest.split_once('\'')) {
        Some((name, rest)) => (name, rest.strip_prefix('.')),
        None => path.split_once('.').map_or((path, None), |(part, rest)| (part, Some(rest))),
    };
    let (name, flag) = match part.strip_suffix(']').and_then(|part| part.split_once('[')) {
        Some((name, flag)) if !path.starts_with('\'') => (name, Some(flag)),
        _ => (part, None),
    };
    let mut inner = match (name.parse::<usize>(), &mut *document) {
        (Ok(0), _) => first_of(document),
        _ => {
            if !document.is_object() {
                *document = Value::Object(Map::new());
            }
            &mut document[name]
        }
    };
    if let Some(flag) = flag {
        inner = first_of(inner);
        inner[flag] = json!(true);
    }
    match rest {
        Some(rest) => put(inner, rest, value),
        None => *inner = value,
    }
}

/// The first element of `list`, which becomes a list with one element if it is none.
fn first_of(list: &mut Value) -> &mut Value {
    if list.as_array().is_none_or(Vec::is_empty) {
        *list = json!([{}]);
    }
    &mut list[0]
}
