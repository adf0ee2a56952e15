//! The part of HTML that matters to somebody who clicks: links, forms, their fields and buttons, the words.

use html5gum::{Token, Tokenizer};

/// A page's links and forms, and its text without markup.
#[derive(Debug, Default)]
pub(crate) struct Html {
    pub(crate) links: Vec<Link>,
    pub(crate) forms: Vec<Form>,
    pub(crate) text: String,
}

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) text: String,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) post: bool,
    /// Names and values that are sent unless the person changes them.
    pub(crate) fields: Vec<(String, String)>,
    /// The words on its buttons.
    pub(crate) buttons: String,
}

impl Form {
    /// The value of the field `name`.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

/// What text belongs to.
#[derive(PartialEq)]
enum Inside {
    Page,
    Link,
    Button,
    Nothing,
}

impl Html {
    pub(crate) fn parse(source: &str) -> Self {
        let mut html = Html::default();
        let mut inside = Inside::Page;
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
                            inside = Inside::Link;
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
                        b"button" => inside = Inside::Button,
                        b"script" | b"style" => inside = Inside::Nothing,
                        b"input" if in_form => {
                            html.input(get("type"), get("name"), get("value"), get("checked"))
                        }
                        _ => {}
                    }
                }
                Token::EndTag(tag) => match &tag.name[..] {
                    b"form" => in_form = false,
                    b"a" | b"button" | b"script" | b"style" => inside = Inside::Page,
                    _ => {}
                },
                Token::String(text) => html.words(&String::from_utf8_lossy(&text), &inside, in_form),
                _ => {}
            }
        }
        html
    }

    fn input(
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

    fn words(&mut self, text: &str, inside: &Inside, in_form: bool) {
        if *inside == Inside::Nothing {
            return;
        }
        for word in text.split_whitespace() {
            self.text.push_str(word);
            self.text.push(' ');
        }
        match inside {
            Inside::Link => self.links.last_mut().unwrap().text.push_str(text),
            Inside::Button if in_form => self.forms.last_mut().unwrap().buttons.push_str(text),
            _ => {}
        }
    }

    /// The form that is sent to `action`.
    pub(crate) fn form(&self, action: &str) -> Option<&Form> {
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
