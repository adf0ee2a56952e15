//! [`HtmlPage`]: the source of a page, whose text and forms the testing kit reads.

use serde_json::Value;
use url::form_urlencoded::Serializer;

/// The source of a page. It may be JSON as well, since a failed request has either.
#[derive(Clone, Copy)]
pub(super) struct HtmlPage<'p>(pub(super) &'p str);

impl<'p> HtmlPage<'p> {
    /// The visible text, or the JSON, for an error message.
    pub(super) fn text(self) -> String {
        if let Ok(value) = serde_json::from_str::<Value>(self.0) {
            return value.to_string();
        }
        let visible = self.0.split_once("<body").map_or(self.0, |(_, visible)| visible);
        let text: String =
            visible.split('<').map(|part| part.rsplit('>').next().unwrap_or_default()).collect();
        text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(400).collect()
    }

    pub(super) fn forms(self) -> impl Iterator<Item = HtmlForm<'p>> {
        self.0.split("<form").skip(1).filter_map(|form| {
            let (tag, content) = form.split_once("</form")?.0.split_once('>')?;
            Some(HtmlForm { tag, content })
        })
    }

    /// The body of the form that posts to `action`.
    pub(super) fn form_body(self, action: &str) -> Option<String> {
        let mut matching = self.forms().filter(|form| form.action().as_deref() == Some(action));
        matching.next().map(HtmlForm::body)
    }
}

/// A form of a page.
#[derive(Clone, Copy)]
pub(super) struct HtmlForm<'p> {
    tag: &'p str,
    content: &'p str,
}

impl HtmlForm<'_> {
    pub(super) fn action(self) -> Option<String> {
        attribute(self.tag, "action")
    }

    /// Whether it has a field for the user, who sees a label.
    pub(super) fn asks_the_user(self) -> bool {
        self.content.contains("<label")
    }

    pub(super) fn is_post(self) -> bool {
        attribute(self.tag, "method").is_some_and(|method| method.eq_ignore_ascii_case("post"))
    }

    /// The form body of its input fields.
    pub(super) fn body(self) -> String {
        let mut fields = Serializer::new(String::new());
        for input in self.content.split("<input").skip(1).filter_map(|input| input.split('>').next()) {
            if let (Some(name), Some(value)) = (attribute(input, "name"), attribute(input, "value")) {
                fields.append_pair(&name, &value);
            }
        }
        fields.finish()
    }
}

/// The value of an attribute, with quotes or without.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut values = tag.match_indices(name).filter_map(|(at, _)| {
        let value = tag[at + name.len()..].trim_start().strip_prefix('=')?;
        tag[..at].ends_with(char::is_whitespace).then(|| value.trim_start())
    });
    let value = values.next()?;
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next()?,
        _ => value.split(char::is_whitespace).next()?,
    };
    let entities =
        [("&quot;", "\""), ("&#x27;", "'"), ("&#x2F;", "/"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    Some(entities.iter().fold(value.to_owned(), |value, (entity, char)| value.replace(entity, char)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_an_action() {
        let page = r#"<body><form method="post" action="/login/logout"><input name="csrf" value="no"></form>
            <form method="post" action="&#x2F;login&#x2F;op"><input type="hidden" name="csrf" value="a&amp;lt;&quot;">
            <input type="hidden" name="next" value="/x"><button>Connect</button></form>"#;
        let page = HtmlPage(page);
        assert_eq!(page.form_body("/login/op").as_deref(), Some("csrf=a%26lt%3B%22&next=%2Fx"));
        assert_eq!(page.form_body("/login/other"), None);
        assert_eq!(page.text(), "Connect");
        let page =
            HtmlPage("<form\n  method='POST'\n  action=/login/op><input name = 'a b' value=1 ></form>");
        assert!(page.forms().all(HtmlForm::is_post));
        assert_eq!(page.form_body("/login/op").as_deref(), Some("a+b=1"));
    }
}
