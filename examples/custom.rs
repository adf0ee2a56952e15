// A provider of three URLs, which does not say who its user is: each visitor's browser keeps its own token.
//
// ```toml
// [default.oauth.oauth_example]
// provider = "oauth2"
// client_id = "your-client-id"
// client_secret = "your-client-secret"
// api_base_url = "https://oauth-example.com/"
// authorization_url = "https://oauth-example.com/login/oauth/authorize"
// token_url = "https://oauth-example.com/login/oauth/access_token"
// ```

use rocket::{get, launch, routes};
use rocket_dance::{Dance, OAuth, Result, provider::Provider};

struct OAuthExample;

impl Provider for OAuthExample {
    const NAME: &'static str = "oauth_example";
}

#[get("/")]
async fn index(example: OAuth<OAuthExample>) -> Result<String> {
    example.get("user").text().await
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .attach(Dance::fairing())
        .mount("/", routes![index])
        .register("/", rocket_dance::catchers())
}
