//! Bodies and queries: the first value of a name counts.

use std::fmt;

use rocket::Request;
use rocket::data::{Data, ToByteUnit};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::profile::text::printable;

/// Maximum length of a body, in KiB.
const MAX_KIB: u32 = 128;
/// Maximum length of an unknown content type in the log, in characters.
const MAX_LOGGED_TYPE: usize = 60;

/// The fields of a body.
pub(crate) enum Form {
    /// A posted form, encoded as it came.
    Encoded(String),
    /// A JSON object, in its order.
    Json(JsonFields),
}

impl Form {
    /// The first value of `name`, also if it is empty. In JSON a text, a number, or `true`; any other value counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        match self {
            Form::Encoded(encoded) => first_value(encoded, name),
            Form::Json(fields) => match fields.first(name)? {
                Value::String(text) => Some(text.clone()),
                value @ (Value::Number(_) | Value::Bool(true)) => Some(value.to_string()),
                _ => None,
            },
        }
    }

    /// Whether `name` says yes: any value but `false`, `0`, `no` and `off`. An empty one says yes in a form, in which a button
    /// without a value sends it, and nothing in JSON.
    pub(crate) fn says(&self, name: &str) -> bool {
        match self.get(name).as_deref() {
            None | Some("false" | "0" | "no" | "off") => false,
            Some("") => matches!(self, Form::Encoded(_)),
            Some(_) => true,
        }
    }

    /// Whether the body names `name`, whatever its value is.
    pub(crate) fn contains(&self, name: &str) -> bool {
        match self {
            Form::Encoded(encoded) => first_value(encoded, name).is_some(),
            Form::Json(fields) => fields.first(name).is_some(),
        }
    }

    /// The whole form, encoded as it came; empty for JSON.
    pub(crate) fn encoded(&self) -> &str {
        match self {
            Form::Encoded(encoded) => encoded,
            Form::Json(_) => "",
        }
    }
}

/// The fields of a JSON object, in its order. A repeated name stays: as in a form, its first value counts.
pub(crate) struct JsonFields(Vec<(String, Value)>);

impl JsonFields {
    fn first(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

impl<'de> Deserialize<'de> for JsonFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = JsonFields;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<JsonFields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(JsonFields(fields))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// Reads the form that `request` posts. Parameters of the content type, such as `charset`, are ignored: a form is UTF-8.
///
/// # Errors
/// [`ErrorKind::Csrf`] for another content type, which other sites can send without a preflight request;
/// [`ErrorKind::BadRequest`] if the body is too long or is not UTF-8.
pub(crate) async fn read_form(request: &Request<'_>, data: Data<'_>) -> Result<Form> {
    match request.content_type() {
        Some(kind) if kind.is_form() => read_text(data).await.map(Form::Encoded),
        kind => Err(Error::new(ErrorKind::Csrf, "Please use the form on the page.").with_source(format!(
            "the body is {}: send a form (application/x-www-form-urlencoded); a script may send JSON (application/json) to the \
             routes that answer JSON",
            kind.map_or("of no content type".to_owned(), |kind| printable(&kind.to_string(), MAX_LOGGED_TYPE))
        ))),
    }
}

/// Reads the fields that `request` sends: a form or a JSON object. A request without a body and without a content type has no
/// fields.
///
/// # Errors
/// As [`read_form`], and [`ErrorKind::BadRequest`] if the body is not the JSON object that its content type says.
pub(crate) async fn read_fields(request: &Request<'_>, data: Data<'_>) -> Result<Form> {
    match request.content_type() {
        Some(kind) if kind.is_json() => read_json(data).await,
        None => match read_text(data).await?.as_str() {
            "" => Ok(Form::Encoded(String::new())),
            _ => Err(Error::new(ErrorKind::Csrf, "Please use the form on the page.")
                .with_source("the body has no content type")),
        },
        _ => read_form(request, data).await,
    }
}

/// Reads a JSON object. An empty body has no fields.
async fn read_json(data: Data<'_>) -> Result<Form> {
    let text = read_text(data).await?;
    if text.is_empty() {
        return Ok(Form::Encoded(text));
    }
    serde_json::from_str(&text)
        .map(Form::Json)
        .map_err(|_| Error::new(ErrorKind::BadRequest, "The body is not a JSON object. Nothing was changed."))
}

async fn read_text(data: Data<'_>) -> Result<String> {
    match data.open(MAX_KIB.kibibytes()).into_string().await {
        Ok(body) if body.is_complete() => Ok(body.into_inner()),
        _ => Err(Error::new(ErrorKind::BadRequest, "This form could not be read.")),
    }
}

/// The first value of `name` in the query of `request`.
pub(crate) fn query_param(request: &Request<'_>, name: &str) -> Option<String> {
    first_value(request.uri().query()?.as_str(), name)
}

fn first_value(encoded: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(encoded.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
