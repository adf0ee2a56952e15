//! The example app below a path, behind nginx and Apache as docs/guide/proxies.md configures them.

use rocket::http::Status;
use serde_json::Value;
use test_support::Browser;

use super::common::app::App;
use super::common::chromium;
use super::common::database::Database;
use super::common::openid_provider::Provider;
use super::common::process::Process;
use super::common::web_server::WebServer;
use super::{Ride, accounts};

/// The example app below `/app` behind `server`, with its provider.
fn ride_below(server: WebServer) -> (Ride, Process) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::sqlite(folder.path());
    let mut app = App::new(folder.path(), database, "normal");
    let (host, server) = server.start(folder.path(), &[("/app", &format!("http://127.0.0.1:{}", app.port))]);
    app.base_url = host.join("/app").unwrap();
    (Ride::with(folder, app, 3600, &[]), server)
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn b7_below_a_path_of_nginx_in_chromium() {
    let (ride, _server) = ride_below(WebServer::Nginx);
    let base = ride.app.url("");
    let shots = chromium::shots("below_path", ride.folder.path());
    let running = ride.app.start(&ride.entries);
    chromium::ride(&["whole", base.as_str(), "op", "op2"], &shots.join("whole"));
    running.process.stop();
    let entries = ride.entries.replace("provider=", "response_mode=\"form_post\",provider=");
    let _running = ride.app.start(&entries);
    chromium::ride(&["posted", base.as_str(), "op", "op2", "scripted"], &shots.join("posted"));
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn b7_below_a_path_of_apache() {
    let (ride, _server) = ride_below(WebServer::Apache);
    let (app, provider) = (&ride.app, &ride.provider);
    let _running = app.start(&ride.entries);
    // A guard's page, with the path as the browser shows it.
    let mut ada = Browser::new();
    let page = ada.open(&app.url("/login/op?next=/app/whoami/op")).await;
    let page = provider.consent(&mut ada, page, "ada").await;
    assert_eq!((page.status, page.url.path()), (Status::Ok, "/app/whoami/op"), "{}", page.body);
    let page = ada.get(&app.url("/login/op2")).await;
    let page = ada.submit(&page, &page.form("/app/login/op2"), &[]).await;
    let page = provider.consent(&mut ada, page, "ada").await;
    assert_eq!((page.status, page.url.path()), (Status::Ok, "/app/"), "{}", page.body);
    assert_eq!(accounts(&ride.me(&mut ada).await), [("op", "ada"), ("op2", "ada")]);
    let page = ada.get(&app.url("/login/accounts")).await;
    let page = ada.submit(&page, &page.form("/app/login/op/disconnect"), &[]).await;
    assert_eq!((page.status, page.url.path()), (Status::Ok, "/app/login/accounts"), "{}", page.body);
    let page = ada.submit(&page, &page.form("/app/login/logout"), &[]).await;
    assert_eq!((page.status, page.url.path()), (Status::Ok, "/app/"), "{}", page.body);
    assert_eq!(ride.me(&mut ada).await["user"], Value::Null);
    // A password, with the pages of the app itself.
    let page = ada.get(&app.url("/signup")).await;
    let form = page.form("/app/signup");
    let page = ada.submit(&page, &form, &[("name", "grace"), ("password", "hopper")]).await;
    assert_eq!((page.status, page.url.path()), (Status::Ok, "/app/"), "{}", page.body);
    assert!(page.html().text.contains("Hello, grace"), "{}", page.body);
    assert_eq!(ada.open(&app.url("")).await.url.path(), "/app/");
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn b7_two_apps_below_two_paths_in_chromium() {
    let folder = tempfile::tempdir().unwrap();
    let mut apps = ["a", "b"].map(|name| {
        let folder = folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        // Both have the same keys.
        App::new(&folder, Database::sqlite(&folder), "normal")
    });
    let addresses = apps.each_ref().map(|app| format!("http://127.0.0.1:{}", app.port));
    let (host, _server) =
        WebServer::Nginx.start(folder.path(), &[("/a", &addresses[0]), ("/b", &addresses[1])]);
    for (app, path) in apps.iter_mut().zip(["/a", "/b"]) {
        app.base_url = host.join(path).unwrap();
    }
    let callbacks = apps.each_ref().map(|app| app.callback("op"));
    let provider = Provider::start(folder.path(), &callbacks, 3600);
    let entries = super::entries(&provider);
    let _running = apps.each_ref().map(|app| app.start(&entries));
    let bases = apps.each_ref().map(|app| app.url(""));
    let shots = chromium::shots("neighbours", folder.path());
    chromium::ride(&["neighbours", bases[0].as_str(), bases[1].as_str(), "op"], &shots);
}
