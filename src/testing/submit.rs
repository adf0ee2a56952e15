//! [`submit`]: a form of a page, as a browser submits it.

use rocket::http::Status;
use rocket::local::blocking;

use super::app_response::AppResponse;
use super::html_page::{HtmlForm, HtmlPage};
use super::local_client::{LocalCall, LocalClient, ready};
use super::sign_in::base_path;

/// Opens the page at `page`, and submits its first form that posts to `action`, with the hidden fields of the form, for example the
/// CSRF token. `fields` are what the user fills in: each replaces the field of that name, or is added.
///
/// `page` and `action` are paths of the app, without the path of `base_url`. It works on the library's pages and on the app's own.
///
/// ```
/// use rocket::http::Status;
/// use rocket::local::asynchronous::Client;
/// use rocket_dance::provider::GitHub;
/// use rocket_dance::testing::{TestAccount, connect, sign_in_as, submit};
/// # use rocket_dance::{Dance, storage::MemoryStorage};
///
/// # rocket::async_test(async {
/// # let figment = rocket::Config::figment().merge(("oauth.github.client_id", "a")).merge(("oauth.github.client_secret", "b"));
/// # let rocket = rocket::custom(figment).attach(Dance::fairing().storage(MemoryStorage::new()));
/// let client = Client::tracked(rocket).await.unwrap();
/// sign_in_as(&client, &7).await;
/// connect(&client, &7, GitHub, TestAccount::valid()).await;
/// connect(&client, &7, GitHub, TestAccount::valid().with_id("of work")).await;
///
/// let response = submit(&client, "/login/accounts", "/login/github/disconnect", &[]).await;
/// assert_eq!((response.status, response.location.as_deref()), (Status::SeeOther, Some("/login/accounts")));
/// # });
/// ```
///
/// # Panics
/// If the page does not answer with status 200, or has no such form. The message names the forms that it has.
pub async fn submit(
    client: &impl LocalClient,
    page: &str,
    action: &str,
    fields: &[(&str, &str)],
) -> AppResponse {
    let html = client.send(LocalCall::get(page)).await;
    assert!(
        html.status == Status::Ok,
        "{page} answered {}{}: {}",
        html.status,
        html.location.map(|location| format!(" to {location}")).unwrap_or_default(),
        HtmlPage(&html.body).text()
    );
    let found = HtmlPage(&html.body);
    let Some(form) = found.form(&base_path(client.rocket()).public(action)) else {
        let actions: Vec<String> =
            found.forms().filter(|form| form.is_post()).filter_map(HtmlForm::action).collect();
        panic!("{page} has no form that posts to {action}; its forms post to {actions:?}: {}", found.text());
    };
    client.send(LocalCall::post(action, form.filled(fields))).await
}

/// Submits a form as [`submit`] does, with Rocket's blocking client.
///
/// # Panics
/// As [`submit`], and if it is called inside async code.
pub fn submit_blocking(
    client: &blocking::Client,
    page: &str,
    action: &str,
    fields: &[(&str, &str)],
) -> AppResponse {
    ready(submit(client, page, action, fields))
}
