//! [`Html`]: the parts of a page that a user can read and click.

use html5gum::{Token, Tokenizer};

/// The links and forms of a page, and its text without markup.
#[derive(Debug, Default)]
pub struct Html {
    /// The links, in order.
    pub links: Vec<Link>,
    /// The forms, in order.
    pub forms: Vec<Form>,
    /// The visible text, with single spaces.
    pub text: String,
}

/// A link.
#[derive(Debug)]
pub struct Link {
    /// The attribute `href`.
    pub href: String,
    /// The visible text.
    pub text: String,
}

/// A form.
#[derive(Debug, Clone, Default)]
pub struct Form {
    /// The attribute `action`.
    pub action: String,
    /// Whether the method is POST.
    pub post: bool,
    /// Names and values of the fields, as they are sent if the user changes nothing.
    pub fields: Vec<(String, String)>,
    /// The text of its buttons.
    pub buttons: String,
}

impl Form {
    /// The value of the field `name`.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

/// The element to which text belongs.
#[derive(PartialEq)]
enum Parent {
    Page,
    Link,
    Button,
    Hidden,
}

impl Html {
    /// Parses a page.
    pub fn parse(source: &str) -> Self {
        let mut html = Html::default();
        let mut parent = Parent::Page;
        let mut in_form = false;
        for Ok(token) in Tokenizer::new(source) {
            match token {
                Token::StartTag(tag) => {
                    let get = |name: &str| {
                        let value = tag.attributes.get(name.as_bytes());
                        value.map(|value| String::from_utf8_lossy(value).into_owned())
                    };
                    match &tag.name[..] {
                        b"a" => {
                            parent = Parent::Link;
                            html.links
                                .push(Link { href: get("href").unwrap_or_default(), text: String::new() });
                        }
                        b"form" => {
                            in_form = true;
                            let post =
                                get("method").is_some_and(|method| method.eq_ignore_ascii_case("post"));
                            html.forms.push(Form {
                                action: get("action").unwrap_or_default(),
                                post,
                                ..Form::default()
                            });
                        }
                        b"button" => parent = Parent::Button,
                        b"script" | b"style" => parent = Parent::Hidden,
                        b"input" if in_form => {
                            html.add_input(get("type"), get("name"), get("value"), get("checked"))
                        }
                        _ => {}
                    }
                }
                Token::EndTag(tag) => match &tag.name[..] {
                    b"form" => in_form = false,
                    b"a" | b"button" | b"script" | b"style" => parent = Parent::Page,
                    _ => {}
                },
                Token::String(text) => html.add_text(&String::from_utf8_lossy(&text), &parent, in_form),
                _ => {}
            }
        }
        html
    }

    fn add_input(
        &mut self,
        kind: Option<String>,
        name: Option<String>,
        value: Option<String>,
        checked: Option<String>,
    ) {
        let Some(form) = self.forms.last_mut() else { return };
        let value = value.unwrap_or_default();
        match (kind.as_deref(), name) {
            (Some("submit"), _) => form.buttons.push_str(&value),
            (Some("checkbox" | "radio"), _) if checked.is_none() => {}
            (_, Some(name)) => form.fields.push((name, value)),
            (_, None) => {}
        }
    }

    fn add_text(&mut self, text: &str, parent: &Parent, in_form: bool) {
        if *parent == Parent::Hidden {
            return;
        }
        for word in text.split_whitespace() {
            self.text.push_str(word);
            self.text.push(' ');
        }
        match parent {
            Parent::Link => self.links.last_mut().unwrap().text.push_str(text),
            Parent::Button if in_form => self.forms.last_mut().unwrap().buttons.push_str(text),
            _ => {}
        }
    }

    /// The form with this `action`.
    pub fn form(&self, action: &str) -> Option<&Form> {
        self.forms.iter().find(|form| form.action == action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_forms_as_a_browser_does() {
        let html = Html::parse(
            "<p>Hi <a href='/x?a=1&amp;b=2'>there</a></p><form method=POST action='/go&#x2F;on'>\
             <input name=csrf type=hidden value='&quot;a&quot;'><input type=checkbox name=no value=1>\
             <button>Go <b>on</b></button></form><input name=outside>",
        );
        assert_eq!(html.links[0].href, "/x?a=1&b=2");
        assert_eq!(html.forms.len(), 1);
        let form = html.form("/go/on").unwrap();
        assert!(form.post);
        assert_eq!(form.fields, [("csrf".to_string(), "\"a\"".to_string())]);
        assert_eq!(form.buttons, "Go on");
        assert_eq!(html.text, "Hi there Go on ");
    }
}
