//! The part of a browser that tests need: one request, no redirects.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

/// A client that follows no redirects. It trusts no certificate: test providers are on the loopback, over http.
pub(super) fn client() -> reqwest::Client {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has the default protocol versions")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("the client is well-formed")
}

/// How a provider answers an authorization request.
pub(super) enum Followed {
    /// By a redirect to the callback.
    To(String),
    /// By a form for the callback, with this body.
    Form(String, String),
}

/// The provider's answer to the authorization URL `url`.
pub(super) async fn follow(url: &str) -> Followed {
    let response = client().get(url).send().await.unwrap_or_else(|error| {
        panic!("the provider can't be reached: {error}");
    });
    let status = response.status();
    match response.headers().get("location").and_then(|location| location.to_str().ok()) {
        Some(location) if status.is_redirection() => Followed::To(location.to_owned()),
        _ => {
            let body = response.text().await.unwrap_or_default();
            let answer = status.is_success().then(|| forms(&body).next()).flatten();
            // A form that asks the person something is no answer.
            if let Some((tag, fields)) = answer.filter(|(_, form)| !form.contains("<label")) {
                let action = attribute(tag, "action").unwrap_or_default();
                return Followed::Form(action, hidden(fields));
            }
            panic!(
                "the provider answered the authorization request with {status} instead of a redirect: {}",
                text(&body)
            )
        }
    }
}

/// What a page or a JSON answer says, without its markup.
pub(super) fn text(body: &str) -> String {
    if let Ok(value) = serde_json::from_str::<Value>(body) {
        return value.to_string();
    }
    let visible = body.split_once("<body").map_or(body, |(_, visible)| visible);
    let text: String = visible.split('<').map(|part| part.rsplit('>').next().unwrap_or_default()).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(400).collect()
}

/// The form body of the hidden fields of the page's form that posts to `action`.
pub(super) fn form(page: &str, action: &str) -> Option<String> {
    let mut mine =
        forms(page).filter(|(tag, _)| attribute(tag, "action").is_some_and(|value| value == action));
    mine.next().map(|(_, form)| hidden(form))
}

/// The forms of a page: their tags, and what is within.
fn forms(page: &str) -> impl Iterator<Item = (&str, &str)> {
    page.split("<form").skip(1).filter_map(|form| form.split_once("</form")?.0.split_once('>'))
}

/// The form body of a form's hidden fields.
fn hidden(form: &str) -> String {
    let mut fields = url::form_urlencoded::Serializer::new(String::new());
    for input in form.split("<input").skip(1).filter_map(|input| input.split('>').next()) {
        if let (Some(name), Some(value)) = (attribute(input, "name"), attribute(input, "value")) {
            fields.append_pair(&name, &value);
        }
    }
    fields.finish()
}

/// The value of a tag's attribute, in double quotes, as our pages write them.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let value = rest.split('"').next()?;
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
        assert_eq!(form(page, "/login/op").as_deref(), Some("csrf=a%26lt%3B%22&next=%2Fx"));
        assert_eq!(form(page, "/login/other"), None);
        assert_eq!(text(page), "Connect");
    }
}
