//! Samples of the pages' contexts: with them, the app's own templates are tried at launch.

use serde_json::{Value, json};

use crate::page::mark;

/// Contexts of the page `name`: the fullest one first, then one with nothing in it.
pub(super) fn samples(name: &str) -> Vec<Value> {
    let entry = json!({ "name": "github", "title": "GitHub", "action": "/login/github", "login_url": "/login/github", "mark": mark("GitHub") });
    let title = "GitHub";
    let waiting = json!({ "display_name": "Ada", "username": "ada", "id": "1", "email": "ada@example.com", "mark": mark("Ada") });
    let nameless =
        json!({ "display_name": "1", "username": null, "id": null, "email": null, "mark": mark("1") });
    match name {
        "sign_in" => vec![
            json!({ "entries": [entry], "sign_in_page": null, "next": "/" }),
            json!({ "entries": vec![entry; 9], "sign_in_page": null, "next": "/" }),
            json!({ "entries": [], "sign_in_page": null, "next": null }),
        ],
        "connect" => vec![
            json!({ "title": title, "action": "/login/github", "csrf": "csrf", "cancel": "/", "next": "/" }),
            json!({ "title": title, "action": "/login/github", "csrf": "csrf", "cancel": "/", "next": null }),
        ],
        "allow_more" => vec![json!({
            "title": title, "scopes": ["repo"], "scope": "sealed", "action": "/login/github", "csrf": "csrf", "cancel": "/",
            "next": "/",
        })],
        "sign_in_first" => vec![
            json!({ "title": title, "account": waiting, "entries": [entry], "sign_in_page": "/signin", "next": "/login/confirm" }),
            json!({ "title": title, "account": nameless, "entries": [], "sign_in_page": null, "next": "/login/confirm" }),
        ],
        "confirm" => vec![
            json!({ "title": title, "account": waiting, "action": "/login/confirm", "csrf": "csrf" }),
            json!({ "title": title, "account": nameless, "action": "/login/confirm", "csrf": "csrf" }),
        ],
        "complete_sign_up" => {
            let field = |name, kind, required, error: Value| json!({ "name": name, "label": name, "kind": kind, "value": "", "required": required, "error": error });
            let fields = json!([
                field("email", "email", true, "This is no e-mail address.".into()),
                field("name", "text", false, Value::Null),
                field("consent", "checkbox", true, Value::Null),
            ]);
            vec![
                json!({ "name": "github", "title": title, "account": waiting, "action": "/login/complete", "csrf": "csrf", "fields": fields }),
                json!({ "name": "github", "title": title, "account": nameless, "action": "/login/complete", "csrf": "csrf", "fields": [] }),
            ]
        }
        "merge_users" => {
            let other = json!([{ "title": title, "display_name": "Ada" }, { "title": "GitLab", "display_name": null }]);
            [other.clone(), json!([])]
                .map(|kept| {
                    json!({
                        "title": title, "account": waiting, "kept": kept, "merged": other,
                        "action": "/login/merge", "csrf": "csrf",
                    })
                })
                .into()
        }
        "accounts" => accounts(),
        "signed_out" => vec![json!({ "sign_in_url": "/login", "home_url": "/" })],
        "form_post" => {
            vec![json!({ "title": title, "action": "/login/github/authorized", "again": "again" })]
        }
        "error" => vec![json!({
            "headline": "Please sign in", "message": "Please sign in.", "code": "not_signed_in",
            "back": { "to": "/login", "label": "Back to sign-in" },
        })],
        _ => Vec::new(),
    }
}

fn accounts() -> Vec<Value> {
    let time = json!({ "iso": "2026-11-28T09:00:00Z", "text": "28 November 2026, 09:00 UTC" });
    let account = |primary: bool, email: Value| {
        json!({
            "id": 1, "primary": primary, "provider_user_id": "1", "display_name": "Ada", "email": email,
            "image_url": null, "profile_url": null, "mark": mark("Ada"), "health": "working",
            "scopes": ["read:user"], "connected": time, "used": time,
        })
    };
    let entry = |name: &str, accounts: Value| {
        json!({
            "name": name, "title": name, "verb": "Connect", "action": "/login/x", "disconnect": "/login/x/disconnect",
            "make_primary": "/login/x/primary", "mark": mark(name), "accounts": accounts,
        })
    };
    let session = |account: Value| json!({ "id": "1", "current": account.is_null(), "began": time, "used": time, "account": account });
    let urls = json!({
        "csrf": "csrf", "accounts_url": "/login/accounts", "logout_url": "/login/logout",
        "logout_session_url": "/login/logout/session",
    });
    let with = |more: Value| {
        let mut context = urls.clone();
        if let (Some(context), Value::Object(more)) = (context.as_object_mut(), more) {
            context.extend(more);
        }
        context
    };
    vec![
        with(json!({
            "entries": [
                entry("GitHub", json!([account(true, "ada@example.com".into()), account(false, Value::Null)])),
                entry("GitLab", json!([])),
            ],
            "signed_in": true, "confirm_url": "/login/confirm", "logout_everywhere_url": "/login/logout/everywhere",
            "sessions": [
                session(json!({ "title": "GitHub", "connected": true, "display_name": "Ada" })),
                session(Value::Null),
            ],
        })),
        with(json!({
            "entries": [], "signed_in": false, "confirm_url": null, "logout_everywhere_url": null, "sessions": [],
        })),
    ]
}
