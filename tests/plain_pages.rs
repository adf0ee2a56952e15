//! What a visitor does in a browser without scripts, page by page: signs in, connects an account or declines, meets an error,
//! signs out. In a build without the feature `pages` the pages are plain; `./test.sh` runs this file in both builds.

#![allow(unreachable_pub, clippy::unwrap_used)]

#[path = "common/sqlite.rs"]
mod sqlite;
#[path = "common/users.rs"]
mod users;

use std::path::PathBuf;

use diesel::SqliteConnection;
use rocket::figment::Figment;
use rocket::figment::providers::Serialized;
use rocket::http::{Accept, ContentType, Status};
use rocket::local::asynchronous::{Client, LocalRequest};
use rocket::{Config, local};
use rocket_dance::storage::DieselStorage;
use rocket_dance::testing::{FakeProvider, ProviderEndpoint};
use rocket_dance::{Dance, Login, Result, Standing, Verdict};
use tempfile::TempDir;
use test_support::{Form, Html};
use url::{Position, Url, form_urlencoded};

/// A stranger at `op2` may be user 1. At the other entries, strangers sign up.
fn link(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
    match (&login.standing, login.entry.as_str()) {
        (Standing::Stranger, "op2") => Ok(Verdict::SignInFirst(1)),
        _ => users::sign_up(login, conn),
    }
}

/// A visitor of an app with the entries `op` and `op2`.
struct Visitor {
    client: Client,
    fake: FakeProvider,
    folder: TempDir,
}

/// A response.
#[derive(Debug)]
struct Page {
    status: Status,
    location: String,
    policy: String,
    /// The names of the cookies that it sets.
    cookies: Vec<String>,
    body: String,
}

impl Page {
    /// Whether it begins a flow: its cookie is set.
    fn begins(&self) -> bool {
        self.cookies.iter().any(|name| name.contains("flow"))
    }

    #[track_caller]
    fn html(&self) -> Html {
        let is_page = self.body.starts_with("<!doctype html>") && self.policy.contains("default-src 'none'");
        assert!(is_page, "{self:?}");
        let has_style_of_templates = self.body.contains(".m0{");
        assert_eq!(has_style_of_templates, cfg!(feature = "pages"), "{self:?}");
        Html::parse(&self.body)
    }

    #[track_caller]
    fn form(&self, action: &str) -> Form {
        self.html().form(action).unwrap_or_else(|| panic!("no form {action}: {self:?}")).clone()
    }
}

impl Visitor {
    async fn launch() -> Self {
        let (fake, folder) = (FakeProvider::start().await, tempfile::tempdir().unwrap());
        let file = folder.path().join("app.sqlite");
        users::create_table(&file);
        let config = Config { log_level: rocket::config::LogLevel::Off, ..Config::debug_default() };
        let figment = Figment::from(config)
            .merge(Serialized::default("secret_key", "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk="))
            .merge(Serialized::default("template_dir", folder.path()))
            .merge(("databases.app.url", file.display().to_string()))
            .merge(fake.config("op"))
            .merge(fake.config("op2"));
        let storage = DieselStorage::database("app").migrate().link(link);
        let rocket = rocket::custom(figment)
            .attach(Dance::fairing().storage(storage))
            .register("/", rocket_dance::catchers());
        Self { client: Client::tracked(rocket).await.unwrap(), fake, folder }
    }

    async fn send(&self, request: LocalRequest<'_>) -> Page {
        let response: local::asynchronous::LocalResponse<'_> = request.dispatch().await;
        let header = |name| response.headers().get_one(name).unwrap_or_default().to_owned();
        Page {
            status: response.status(),
            location: header("Location"),
            policy: header("Content-Security-Policy"),
            cookies: response
                .headers()
                .get("Set-Cookie")
                .map(|cookie| cookie.split('=').next().unwrap_or_default().to_owned())
                .collect(),
            body: response.into_string().await.unwrap_or_default(),
        }
    }

    async fn open(&self, path: &str) -> Page {
        self.send(self.client.get(path.to_owned())).await
    }

    /// Presses the button of a form.
    async fn submit(&self, form: &Form) -> Page {
        let fields = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
        if !form.post {
            return self.open(&format!("{}?{fields}", form.action)).await;
        }
        let post = self.client.post(form.action.clone());
        self.send(post.header(ContentType::Form).body(fields)).await
    }

    /// Presses the button of a form that leads to the provider, allows it there, and comes back.
    async fn allow(&self, form: &Form) -> Page {
        let to_provider = self.submit(form).await;
        assert_eq!((to_provider.status, to_provider.begins()), (Status::SeeOther, true), "{to_provider:?}");
        let callback = Url::parse(&self.fake.authorize(&to_provider.location).await).unwrap();
        self.open(&callback[Position::BeforePath..]).await
    }

    async fn sign_in(&self) {
        let back = self.allow(&self.open("/login").await.form("/login/op")).await;
        assert_eq!((back.status, back.location.as_str()), (Status::SeeOther, "/"));
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("app.sqlite")
    }

    /// Number of users, accounts and sessions.
    fn counts(&self) -> [usize; 3] {
        ["users", "oauth_accounts", "oauth_sessions"].map(|table| sqlite::count(&self.file(), table))
    }

    fn rows(&self) -> String {
        sqlite::dump(&self.file(), |_| true)
    }

    fn token_requests(&self) -> usize {
        self.fake.request_count(ProviderEndpoint::Token)
    }
}

/// The form without its CSRF token.
fn forged(form: &Form) -> Form {
    let mut forged = form.clone();
    forged.fields.retain(|(name, _)| name != "csrf");
    assert_ne!(forged.fields, form.fields, "it has a token");
    forged
}

#[rocket::async_test]
async fn signs_in_connects_disconnects_and_signs_out() {
    let visitor = Visitor::launch().await;
    visitor.sign_in().await;
    assert_eq!(visitor.counts(), [1, 1, 1]);

    // A link connects nothing, and a form of another page neither.
    let page = visitor.open("/login/op2").await;
    assert_eq!(page.status, Status::Ok);
    assert!(!page.begins(), "{page:?}");
    let connect = page.form("/login/op2");
    let rows = visitor.rows();
    let refused = visitor.submit(&forged(&connect)).await;
    assert_eq!((refused.status, refused.begins()), (Status::Forbidden, false));
    assert!(refused.html().text.contains("Code: csrf"), "{refused:?}");
    assert_eq!((visitor.rows(), visitor.token_requests()), (rows, 1));
    assert_eq!(visitor.allow(&connect).await.status, Status::SeeOther);
    assert_eq!(visitor.counts(), [1, 2, 1]);

    let disconnect = visitor.open("/login/accounts").await.form("/login/op2/disconnect");
    assert_eq!(visitor.submit(&forged(&disconnect)).await.status, Status::Forbidden);
    assert_eq!(visitor.counts(), [1, 2, 1]);
    assert_eq!(visitor.submit(&disconnect).await.location, "/login/accounts");
    assert_eq!(visitor.counts(), [1, 1, 1]);

    let logout = visitor.open("/login/accounts").await.form("/login/logout");
    assert_eq!(visitor.submit(&forged(&logout)).await.status, Status::Forbidden);
    assert_eq!(visitor.counts(), [1, 1, 1]);
    assert_eq!(visitor.submit(&logout).await.location, "/");
    assert_eq!(visitor.counts(), [1, 1, 0]);
    let accounts = visitor.open("/login/accounts").await;
    assert_eq!(
        (accounts.status, accounts.location.as_str()),
        (Status::SeeOther, "/login?next=%2Flogin%2Faccounts")
    );
}

#[rocket::async_test]
async fn an_account_that_waits_is_connected_only_by_its_form() {
    let visitor = Visitor::launch().await;
    visitor.sign_in().await;
    let logout = visitor.open("/login/accounts").await.form("/login/logout");
    visitor.submit(&logout).await;
    for accept in [false, true] {
        let waits = visitor.allow(&visitor.open("/login").await.form("/login/op2")).await;
        assert_eq!((waits.status, waits.location.as_str()), (Status::SeeOther, "/login/confirm"));
        assert_eq!(visitor.counts(), [1, 1, 0]);
        let sign_in = visitor.open("/login/confirm").await.form("/login/op");
        assert_eq!(sign_in.field("next"), Some("/login/confirm"));
        assert_eq!(visitor.allow(&sign_in).await.location, "/login/confirm");
        let page = visitor.open("/login/confirm").await;
        assert!(page.html().text.contains("Nothing is connected until you press"), "{page:?}");
        let forms = page.html().forms;
        assert!(forms.iter().all(|form| form.post && form.action == "/login/confirm") && forms.len() == 2);
        assert_eq!(visitor.submit(&forged(&forms[0])).await.status, Status::Forbidden);
        assert_eq!(visitor.counts(), [1, 1, 1]);
        let declines = |form: &&Form| form.field("cancel").is_some() != accept;
        assert_eq!(visitor.submit(forms.iter().find(declines).unwrap()).await.status, Status::SeeOther);
        assert_eq!(visitor.counts(), [1, if accept { 2 } else { 1 }, 1]);
        let logout = visitor.open("/login/accounts").await.form("/login/logout");
        visitor.submit(&logout).await;
    }
}

#[rocket::async_test]
async fn an_error_has_a_page_and_its_json() {
    let visitor = Visitor::launch().await;
    let page = visitor.open("/login/nobody").await;
    let html = page.html();
    assert_eq!((page.status, page.begins()), (Status::NotFound, false));
    assert!(html.text.contains("There is no such provider here.") && html.text.contains("unknown_provider"));
    assert_eq!(html.links[0].href, "/login");
    let json = visitor.send(visitor.client.get("/login/nobody").header(Accept::JSON)).await;
    assert_eq!(json.status, Status::NotFound);
    assert!(json.body.contains(r#""code":"unknown_provider""#), "{json:?}");
    visitor.fake.deny_next_authorization();
    let denied = visitor.allow(&visitor.open("/login").await.form("/login/op")).await;
    assert_eq!((denied.status, visitor.token_requests()), (Status::Forbidden, 0));
    assert!(denied.html().text.contains("Code: "), "{denied:?}");
    assert_eq!(visitor.counts(), [0, 0, 0]);
}
