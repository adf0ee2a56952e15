//! No code, state or token is in the log of a request that misses a callback, and the app's own parameters reach the app.

use rocket_dance::testing::FakeProvider;
use serde_json::json;

use crate::server::{Server, Tab};

const BASE: &str = "http://localhost:8000";

/// Paths a little beside a callback: of `op` below the prefix, of `op2` at a path of its own, and elsewhere.
const NEAR_MISSES: [&str; 33] = [
    "/login/op/authorized;x",
    "/login/op/authorized%2f",
    "/login/op/authorized%2F",
    "/login/op/authorized%252f",
    "/LOGIN/op/AUTHORIZED",
    "/Login/op/Authorized",
    "/login/op/authorized/extra",
    "/login/op/authorized/extra/more/",
    "//login//op//authorized//x",
    "/login/%78/authorized",
    "/login/nobody/authorized",
    "/login/authorized",
    "/login/op/op/authorized",
    "/login/op/authorized%20",
    "/login/op/authorized%00",
    "/login/op/%2e/authorized",
    "/login/op/authorized.",
    "/login/op/authorised",
    "/login/op/callback",
    "/login/op",
    "/login",
    "/login/me",
    "/login/accounts/authorized",
    "/login/op%2fauthorized",
    "/login%2fop%2fauthorized",
    "/login%5cop%5cauthorized",
    "/auth/op/authorized",
    "/oauth/callback",
    "/auth/back;x",
    "/auth/back%2f",
    "/AUTH/BACK",
    "/auth/back/extra",
    "/auth%2fback",
];

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"];

fn start(fake: &FakeProvider, extra: serde_json::Value) -> Server {
    let mut settings = json!({
        "oauth": { "op2": { "redirect_uri": "http://localhost:8000/auth/back" } }, "dance": { "cache": false },
    });
    settings.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    Server::start(fake, BASE, "normal", settings)
}

/// Path, code and state of a callback.
fn parts(callback: &str) -> (String, String, String) {
    let (path, query) = callback.split_once('?').unwrap();
    let pairs: std::collections::BTreeMap<_, _> =
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    (path.to_owned(), pairs["code"].clone(), pairs["state"].clone())
}

#[rocket::async_test]
async fn d12_a_near_miss_leaves_no_secret_in_the_log() {
    let fake = FakeProvider::start().await;
    for extra in [json!({}), json!({ "catch_all": true })] {
        let server = start(&fake, extra.clone());
        let mut tab = Tab::new(&server);
        let callback = tab.callback(&fake, "/login/op").await;
        let (_, code, state) = parts(&callback);
        let queries = [
            format!("code={code}&state={state}"),
            format!("a=1&STATE={state}&c%6fde={code}"),
            format!("amp;code={code}&amp;state={state}"),
            format!("x=1;code={code};state={state}"),
            format!("oauth_token={state}&oauth_verifier={code}"),
            format!("id_token={code}&access_token={state}"),
        ];
        for (at, path) in NEAR_MISSES.iter().enumerate() {
            let others = [(METHODS[at % METHODS.len()], &queries[0]), ("GET", &queries[at % queries.len()])];
            for (method, query) in [("GET", &queries[0])].into_iter().chain(others) {
                assert_ne!(
                    tab.send(method, &format!("{path}?{query}"), "x=y").status,
                    500,
                    "{method} {path}"
                );
            }
        }
        // Below the prefix nothing else is the app's, whatever a provider calls the code.
        for path in [
            "/login",
            "/login/",
            "/login/op",
            "/login/op/callback",
            "/login/op/x/y",
            "/LOGIN/op/",
            "/login/nobody",
        ] {
            for query in [
                format!("auth_code={code}&s={state}"),
                format!("authorization_code={code}"),
                format!("spapi_oauth_code={code}&selling_partner_id={state}"),
                format!("oauth_token_secret={code}"),
                format!("payload=%7B%22code%22%3A%22{code}%22%7D"),
                format!("payload={{\"code\":\"{code}\"}}"),
                format!("x=1?code={code}"),
                format!("scope=a?code={code}&entry={state};x={state}"),
                code.clone(),
            ] {
                assert_ne!(tab.get(&format!("{path}?{query}")).status, 500, "{path}?{query}");
            }
        }
        tab.get(&format!("/login/op/callback;auth_code={code}"));
        // At the app's own routes, this browser's flow tells.
        tab.get(&format!("/?authcode={code}&state={state}"));
        tab.get(&format!("/own?code={code}&x=1?state={state}"));
        // Parameters that became a part of the path.
        for sign in ["%3f", "%3F", "%253F", "&", ";", "%26", "%3b", "%3B"] {
            tab.get(&format!("/login/op/authorized{sign}code={code}&state={state}"));
            tab.get(&format!("/login/op/authorized{sign}code%3D{code}%26state%3D{state}"));
        }
        let log = server.log();
        assert!(log.contains("/login/op/authorized;") && log.contains("/AUTHORIZED"), "the log is on: {log}");
        for secret in [&code, &state] {
            let line = log.lines().find(|line| line.contains(secret.as_str()));
            assert_eq!(line, None, "{extra}");
        }
        // None of them used the flow up.
        assert_eq!(tab.get(&callback).status, 303);
        assert!(!server.log().contains(code.as_str()));
    }
}

#[rocket::async_test]
async fn d12_the_apps_own_parameters_reach_the_app() {
    let fake = FakeProvider::start().await;
    let server = start(&fake, json!({ "catch_all": true }));
    let mut tab = Tab::new(&server);
    let (_, code, state) = parts(&tab.callback(&fake, "/login/op").await);
    assert_eq!(tab.get("/own?code=mine&state=of-the-app").body, "own mine of-the-app");
    assert_eq!(tab.get("/spa/callback?code=mine&state=own").body, "catch-all Some(\"mine\") Some(\"own\")");
    assert_eq!(tab.get("/authorized-dealers?state=Ohio").body, "catch-all None Some(\"Ohio\")");
    // A callback that was registered with another path: the state is this browser's flow.
    let lost = tab.get(&format!("/other/op/authorized?code={code}&state={state}"));
    assert_eq!(lost.body, "catch-all None None");
    assert!(!server.log().contains(&code) && !server.log().contains(&state));
    let own = tab.get(&format!("/own?code={code}&state={state}")).body;
    assert!(!own.contains(&code) && !own.contains(&state), "the same at a route of the app: {own}");
    assert!(!server.log().contains(&code) && !server.log().contains(&state));
    // An app that is a provider as well, such as the demo provider's, gets the authorization request.
    let asked = tab.get(&format!("/own?response_type=code&code=mine&state={state}")).body;
    assert_eq!(asked, format!("own mine {state}"));
    // Our own parameters stay as well.
    let begun = tab.get("/login/op?next=/own%3Fcode%3Dmine%26state%3Dx&state=planted");
    assert_eq!(begun.status, 303);
    let callback = crate::app::path_and_query(&fake.authorize(begun.location()).await);
    assert_eq!(tab.get(&callback).location(), "/own?code=mine&state=x");
    assert!(!server.log().contains("planted"));
}
