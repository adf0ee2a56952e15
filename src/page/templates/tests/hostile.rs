//! Pages with hostile values, and all pages in Chromium.

use serde_json::{Value, json};

use super::super::built_in::TEMPLATES;
use super::super::samples::samples;
use crate::page::built_in::SCRIPT;
use crate::page::mark;
use crate::page::tests::built_in;

/// Contexts that a page must hold: texts of any length, markup in names, pictures that are missing, many accounts and entries.
pub(super) fn hostile(name: &str) -> Vec<Value> {
    let script = "\"><script>alert(1)</script><img src=x onerror=alert(1)>";
    let long = "Ω".repeat(5_000);
    let entry = |number: usize| {
        let title = ["GitHub", "Google", "Discord", "Dropbox Business", "Nextcloud", script, "微信", "مزوّد"]
            [number % 8];
        json!({
            "name": format!("entry-{number}"), "title": title, "mark": mark(title), "verb": "Connect",
            "action": format!("/login/entry-{number}"), "disconnect": "/login/x/disconnect",
            "make_primary": "/login/x/primary", "accounts": [],
        })
    };
    let entries: Vec<Value> = (0..100).map(entry).collect();
    let account = |name: &str| json!({ "display_name": name, "username": name, "id": name, "email": name, "mark": mark(name) });
    match name {
        "sign_in" => ["/inbox".to_owned(), format!("/{}", "n".repeat(1_999))]
            .map(|next| json!({ "entries": entries, "sign_in_page": null, "next": next }))
            .into(),
        "sign_in_first" | "confirm" | "connect" | "allow_more" | "merge_users" | "form_post" => [script, &long]
            .iter()
            .map(|text| {
                json!({
                    "title": text, "account": account(text), "entries": entries[..3], "sign_in_page": null, "next": null,
                    "action": "/login/confirm", "csrf": "csrf", "cancel": "/", "again": "again", "scopes": [text], "scope": text, "kept": [],
                    "merged": [{ "title": text, "display_name": text }],
                })
            })
            .collect(),
        "error" => [script, &long]
            .iter()
            .map(|text| json!({ "headline": text, "message": text, "code": "refused", "back": { "to": "/login", "label": text } }))
            .collect(),
        "accounts" => {
            let mut with_accounts = samples(name).remove(0);
            let sample = with_accounts["entries"][0]["accounts"][0].clone();
            let names = ["Ada Lovelace", script, "Grace", "محمد", "👩‍👩‍👧‍👦", ""];
            let accounts: Vec<Value> = (0..30)
                .map(|number| {
                    let mut account = sample.clone();
                    let text = if number == 2 { &long } else { names[number % 6] };
                    account["display_name"] = text.into();
                    account["mark"] = mark(text);
                    account["primary"] = (number == 0).into();
                    account["email"] = text.into();
                    account["health"] = ["working", "expired", "reconnect_needed"][number % 3].into();
                    account["image_url"] = "https://missing.example/\"><script>alert(1)</script>.png".into();
                    account["scopes"] = json!(["https://www.googleapis.com/auth/userinfo.email", text, "openid"]);
                    account
                })
                .collect();
            with_accounts["entries"] = json!(entries);
            with_accounts["entries"][3]["accounts"] = accounts.into();
            let mut few = samples(name).remove(0);
            few["entries"] = json!(entries);
            for number in [0, 1, 2] {
                few["entries"][number]["accounts"] = json!([sample]);
            }
            vec![few, with_accounts]
        }
        _ => Vec::new(),
    }
}

#[test]
fn hostile_texts_stay_texts_and_pages_stay_small() {
    let pages = built_in();
    for (name, _) in TEMPLATES {
        for (number, context) in hostile(name).into_iter().enumerate() {
            for tag in ["en", "ar", "ja"] {
                let page = pages.render(name, pages.language(tag), context.clone()).unwrap().html;
                let inside =
                    page.split("</style>").nth(1).unwrap().replace(&format!("<script>{SCRIPT}</script>"), "");
                assert!(
                    !inside.contains("<script") && !inside.contains("src=x")
                        || inside.contains("&lt;img src=x"),
                    "{inside}"
                );
                assert!(!inside.contains("<script"), "{name}");
                // A hundred providers fit into 30 kB, also with a long `next`. Thirty accounts with names of 10 kB each do not.
                let has_long_texts = number == 1 && *name != "sign_in";
                assert!(page.len() <= 30_000 || has_long_texts, "{name} in {tag} has {} bytes", page.len());
            }
        }
    }
}

/// Bytes of a page with thirty accounts with short names at one entry, and a hundred entries. An account takes 1.2 kB: its forms work
/// without a script.
const MAX_THIRTY_ACCOUNTS: usize = 70_000;

#[test]
fn thirty_accounts_have_a_page_of_a_known_size() {
    let pages = built_in();
    let mut context = hostile("accounts").remove(0);
    let sample = context["entries"][0]["accounts"][0].clone();
    context["entries"][0]["accounts"] = vec![sample; 30].into();
    for tag in ["en", "ar", "ja"] {
        let page = pages.render("accounts", pages.language(tag), context.clone()).unwrap().html;
        assert!(page.len() <= MAX_THIRTY_ACCOUNTS, "{tag}: {} bytes", page.len());
    }
}

#[test]
#[ignore = "needs Chromium: ./test.sh, or: tests/databases cargo test --all-features -- --include-ignored"]
fn every_page_is_valid_accessible_and_fits_in_chromium() {
    let folder = tempfile::tempdir().unwrap();
    let pages = built_in();
    for (name, _) in TEMPLATES {
        let contexts = samples(name).into_iter().chain(hostile(name));
        for (number, context) in contexts.enumerate() {
            for language in pages.languages() {
                let page = pages.render(name, language, context.clone()).unwrap();
                let file = format!("{name}.{number}.{}.html", language.tag);
                // The script of `form_post` leaves the page at once.
                std::fs::write(folder.path().join(file), page.html.replace(SCRIPT, "")).unwrap();
            }
        }
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = root.join("tests/peers/browser");
    assert!(home.join("node_modules").is_dir(), "first: cd {} && npm ci", home.display());
    let mut node = std::process::Command::new("node");
    node.arg("pages.mjs").arg(folder.path()).current_dir(home);
    if let Some(shots) = std::env::var_os("SHOTS") {
        node.env("SHOTS", root.join(shots).join("all_pages"));
    }
    let node = node.output().expect("node");
    let output = [node.stdout, node.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(node.status.success(), "{output}");
}
