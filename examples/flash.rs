// Flash messages: what has happened, on the next page, once. The library writes the usual ones (`flash = true`), and a signal
// writes one of its own. The visitor's accounts are stored in encrypted cookies of their browser.
//
//     ROCKET_OAUTH='{github={client_id="my-id",client_secret="my-secret"}}' cargo run --example flash

use rocket::request::FlashMessage;
use rocket::response::content::RawHtml;
use rocket::{Config, Request, Response, get, launch, routes};
use rocket_dance::{Accounts, Dance, Error, Signals, flash};

struct Messages;

#[rocket::async_trait]
impl Signals for Messages {
    async fn error(&self, request: &Request<'_>, entry: &str, error: &Error) -> Option<Response<'static>> {
        // What the provider said is for the log: a visitor can do nothing about it.
        let said = error.provider_error().and_then(|said| said.description.as_deref());
        log::info!("a sign-in with {entry} failed: {}", said.unwrap_or_default());
        flash(request, "error", &format!("Failed to log in with {entry}."));
        None // `after_error` leads to a page of this app
    }
}

#[get("/")]
fn index(message: Option<FlashMessage<'_>>, accounts: Accounts) -> RawHtml<String> {
    // A template escapes these; this app has none.
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    let message = message.map(|message| format!("{}: {}", message.kind(), escape(message.message())));
    let connected = match accounts.iter().next() {
        Some(account) => {
            format!("You are {} here", escape(account.display_name.as_deref().unwrap_or("connected")))
        }
        None => "You are not signed in".to_owned(),
    };
    RawHtml(format!("<p>{}</p><p>{connected}. <a href=/login>Sign in</a></p>", message.unwrap_or_default()))
}

#[launch]
fn rocket() -> _ {
    // Rocket.toml would have these two lines under [default.dance].
    let figment = Config::figment().merge(("dance.flash", true)).merge(("dance.after_error", "/"));
    rocket::custom(figment).attach(Dance::fairing().signals(Messages)).mount("/", routes![index])
}
