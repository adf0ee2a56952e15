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

    /// The first form that posts to `action`.
    pub(super) fn form(self, action: &str) -> Option<HtmlForm<'p>> {
        self.forms().find(|form| form.is_post() && form.action().as_deref() == Some(action))
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

    /// The form body of its input fields, as they are on the page.
    pub(super) fn body(self) -> String {
        self.filled(&[])
    }

    /// The form body of its input fields, some of which a user has `filled`. A checkbox that is not checked is left out.
    pub(super) fn filled(self, filled: &[(&str, &str)]) -> String {
        let mut fields = Serializer::new(String::new());
        for input in self.content.split("<input").skip(1).filter_map(|input| input.split('>').next()) {
            let is_unchecked = attribute(input, "type").is_some_and(|kind| kind == "checkbox")
                && !input.split_whitespace().any(|word| word == "checked");
            if let (Some(name), Some(value)) = (attribute(input, "name"), attribute(input, "value"))
                && !is_unchecked
                && !filled.iter().any(|(own, _)| *own == name)
            {
                fields.append_pair(&name, &value);
            }
        }
        fields.extend_pairs(filled).finish()
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
        let form = page.form("/login/op").unwrap();
        assert_eq!(form.body(), "csrf=a%26lt%3B%22&next=%2Fx");
        assert_eq!(form.filled(&[("next", "/y"), ("a", "b")]), "csrf=a%26lt%3B%22&next=%2Fy&a=b");
        assert!(page.form("/login/other").is_none());
        assert_eq!(page.text(), "Connect");
        let page =
            HtmlPage("<form\n  method='POST'\n  action=/login/op><input name = 'a b' value=1 ></form>");
        assert!(page.forms().all(HtmlForm::is_post));
        assert_eq!(page.form("/login/op").unwrap().body(), "a+b=1");
        let page = HtmlPage(
            "<form method=post action=/a><input type=checkbox name=yes value=1 checked><input type=\"checkbox\" name=no value=1></form>",
        );
        assert_eq!(page.form("/a").unwrap().body(), "yes=1");
        assert_eq!(page.form("/a").unwrap().filled(&[("no", "1")]), "yes=1&no=1");
    }
}
