//! `Writer`: writes HTML. It escapes every text and value.

use serde_json::Value;

use crate::page::html::escape;

/// Writes HTML.
#[derive(Default)]
pub(super) struct Writer {
    pub(super) html: String,
}

impl Writer {
    /// An element with this text.
    pub(super) fn element(&mut self, tag: &str, text: &str) {
        self.html += &format!("<{tag}>{}</{tag}>\n", escape(text));
    }

    /// What is known of an account with this id at its provider, so that no part can be taken for another: the name is bold, and the
    /// id in parentheses. `rest` follows.
    pub(super) fn account(&mut self, account: &Value, id: &Value, rest: &str) {
        self.html += "<p>";
        let parts = [
            ("display_name", "<strong><bdi>", "</bdi></strong> "),
            ("email", "<bdi>", "</bdi> "),
            ("username", "<bdi>", "</bdi> "),
        ];
        for (key, start, end) in parts.into_iter().filter(|(key, ..)| !account[*key].is_null()) {
            self.html += &format!("{start}{}{end}", escape(&shown(&account[key])));
        }
        if !id.is_null() {
            self.html += &format!("<bdi>({})</bdi>", escape(&shown(id)));
        }
        self.html += &format!("{}</p>\n", escape(rest));
    }

    pub(super) fn link(&mut self, to: &Value, text: &str) {
        self.html += &format!("<p><a href=\"{}\">{}</a></p>\n", escape(&shown(to)), escape(text));
    }

    /// A form of hidden fields and a button. A field without a value is left out.
    pub(super) fn form(&mut self, method: &str, action: &Value, fields: &[(&str, &Value)], button: &str) {
        self.form_start(method, action, fields);
        self.form_end(button);
    }

    /// Begins a form with hidden fields. A field without a value is left out.
    pub(super) fn form_start(&mut self, method: &str, action: &Value, fields: &[(&str, &Value)]) {
        self.html += &format!("<form method=\"{method}\" action=\"{}\">\n", escape(&shown(action)));
        self.hidden(fields);
    }

    fn hidden(&mut self, fields: &[(&str, &Value)]) {
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            let value = escape(&shown(value));
            self.html += &format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">\n");
        }
    }

    /// A form by GET with several `buttons`, each with an action of its own and a text.
    pub(super) fn choice(&mut self, fields: &[(&str, &Value)], buttons: &[(&Value, String)]) {
        self.html += "<form method=\"get\">\n";
        self.hidden(fields);
        for (action, text) in buttons {
            let action = escape(&shown(action));
            self.html += &format!("<p><button formaction=\"{action}\">{}</button></p>\n", escape(text));
        }
        self.html += "</form>\n";
    }

    /// A field that the visitor fills in: `name`, `kind`, `value`, `required`. `label` is beside it.
    pub(super) fn field(&mut self, field: &Value, label: &str) {
        let (name, kind) = (escape(&shown(&field["name"])), escape(&shown(&field["kind"])));
        let value = escape(&shown(&field["value"]));
        let (value, checked) = match (kind.as_str(), value.is_empty()) {
            ("checkbox", is_empty) => ("yes", if is_empty { "" } else { " checked" }),
            _ => (value.as_str(), ""),
        };
        let required = if field["required"] == true { " required" } else { "" };
        self.html += &format!(
            "<p><label>{} <input type=\"{kind}\" name=\"{name}\" value=\"{value}\"{checked}{required}></label></p>\n",
            escape(label)
        );
    }

    pub(super) fn form_end(&mut self, button: &str) {
        self.html += &format!("<button>{}</button>\n</form>\n", escape(button));
    }
}

/// A value as text; empty if there is none.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
