//! The part of a browser that a sign-in needs: requests without redirects, and the forms of a page.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

use crate::flow::StandIn;

/// Returns an HTTP client that follows no redirects. It trusts no certificate, because test providers use plain HTTP on a
/// loopback address.
pub(super) fn client() -> reqwest::Client {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("the client's configuration is valid")
}

/// How a provider answers an authorization request.
#[allow(missing_debug_implementations, unreachable_pub, reason = "no other crate can name it")]
pub enum AuthorizationResponse {
    /// A redirect to this callback URL.
    Redirect(String),
    /// A form for the callback URL `action`, with this body (`response_mode=form_post`).
    Form { action: String, body: String },
}

/// Requests the authorization URL `url`, from `stand_in` or over the network, and returns the provider's answer.
///
/// # Panics
/// If the provider cannot be reached, or answers with neither a redirect nor a form.
pub(super) async fn request_authorization(
    stand_in: Option<&dyn StandIn>,
    url: &str,
) -> AuthorizationResponse {
    let client = client();
    let request = client.get(url).build().unwrap_or_else(|error| panic!("this is no URL: {error}"));
    let response = match stand_in {
        Some(stand_in) => stand_in.answer(request, &client).await.map_err(|error| format!("{error:?}")),
        None => client.execute(request).await.map_err(|error| error.to_string()),
    };
    let response = response.unwrap_or_else(|error| {
        panic!(
            "the provider at {} cannot be reached: {error}. In a test, let a fake provider answer: `fake.stand_in(rocket, \"<entry>\")`, \
             or `fake.attach(rocket)` if the app has `fake.config(…)`",
            url.split('?').next().unwrap_or_default()
        )
    });
    let status = response.status();
    match response.headers().get("location").and_then(|location| location.to_str().ok()) {
        Some(location) if status.is_redirection() => AuthorizationResponse::Redirect(location.to_owned()),
        _ => {
            let page = response.text().await.unwrap_or_default();
            let form = status.is_success().then(|| forms(&page).next()).flatten();
            // A form with a label asks the user something: it is not the response.
            if let Some((tag, fields)) = form.filter(|(_, form)| !form.contains("<label")) {
                let action = attribute(tag, "action").unwrap_or_default();
                return AuthorizationResponse::Form { action, body: form_body(fields) };
            }
            panic!(
                "the provider answered the authorization request with {status} instead of a redirect: {}",
                text(&page)
            )
        }
    }
}

/// The visible text of a page, or the JSON of an answer, for an error message.
pub(super) fn text(body: &str) -> String {
    if let Ok(value) = serde_json::from_str::<Value>(body) {
        return value.to_string();
    }
    let visible = body.split_once("<body").map_or(body, |(_, visible)| visible);
    let text: String = visible.split('<').map(|part| part.rsplit('>').next().unwrap_or_default()).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(400).collect()
}

/// The form body of the page's form that posts to `action`.
pub(super) fn form_for(page: &str, action: &str) -> Option<String> {
    let mut matching =
        forms(page).filter(|(tag, _)| attribute(tag, "action").is_some_and(|value| value == action));
    matching.next().map(|(_, form)| form_body(form))
}

/// The forms of a page, each as its tag and its content.
fn forms(page: &str) -> impl Iterator<Item = (&str, &str)> {
    page.split("<form").skip(1).filter_map(|form| form.split_once("</form")?.0.split_once('>'))
}

/// The form body of a form's input fields.
fn form_body(form: &str) -> String {
    let mut fields = url::form_urlencoded::Serializer::new(String::new());
    for input in form.split("<input").skip(1).filter_map(|input| input.split('>').next()) {
        if let (Some(name), Some(value)) = (attribute(input, "name"), attribute(input, "value")) {
            fields.append_pair(&name, &value);
        }
    }
    fields.finish()
}

/// The value of an attribute. It must be in double quotes, as our templates write it.
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
        assert_eq!(form_for(page, "/login/op").as_deref(), Some("csrf=a%26lt%3B%22&next=%2Fx"));
        assert_eq!(form_for(page, "/login/other"), None);
        assert_eq!(text(page), "Connect");
    }
}
