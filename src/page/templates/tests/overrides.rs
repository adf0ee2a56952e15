//! The app's own templates, style and texts.

use std::fs;
use std::path::Path;

use rocket::figment::Figment;
use rocket::figment::providers::Serialized;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::built_in::{STYLE, TEMPLATES};
use super::super::samples::samples;
use crate::page::Pages;
use crate::page::tests::built_in;

/// A folder of templates with `files`, and the pages of an app that has it.
fn app(files: &[(&str, &str)]) -> (TempDir, Result<Pages, Vec<String>>) {
    app_with_languages(files, &[])
}

fn app_with_languages(files: &[(&str, &str)], languages: &[&str]) -> (TempDir, Result<Pages, Vec<String>>) {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let languages: Vec<String> = languages.iter().map(ToString::to_string).collect();
    let pages = read(folder.path(), &languages);
    (folder, pages)
}

fn read(folder: &Path, languages: &[String]) -> Result<Pages, Vec<String>> {
    Pages::read(&Figment::from(Serialized::default("template_dir", folder)), languages)
}

#[track_caller]
fn faults(files: &[(&str, &str)]) -> String {
    app(files).1.err().expect("the launch fails").join("\n")
}

fn sign_in(pages: &Pages, language: &str) -> String {
    pages.render("sign_in", pages.language(language), samples("sign_in").remove(0)).unwrap().html
}

#[test]
fn each_built_in_page_can_be_copied_out_and_used() {
    let ours = built_in();
    for (name, text) in TEMPLATES {
        let file = format!("oauth/{name}.html.tera");
        for (is_changed, copy) in
            [(false, (*text).to_owned()), (true, format!("{text}<!-- of the app -->\n"))]
        {
            let (_folder, pages) = app(&[(&file, &copy)]);
            let pages = pages.unwrap();
            let page = if *name == "layout" { "error" } else { name };
            for sample in samples(page) {
                let own = pages.render(page, pages.language(""), sample.clone()).unwrap();
                let original = ours.render(page, ours.language(""), sample).unwrap();
                assert_eq!(own.html.replace("<!-- of the app -->\n", ""), original.html, "{name}");
                assert_eq!(own.html.contains("<!-- of the app -->"), is_changed, "{name}");
                // A copy that was not changed keeps the strict policy.
                let is_strict = own.content_security_policy == original.content_security_policy;
                assert_eq!(is_strict, !is_changed, "{name}");
                assert!(own.content_security_policy.contains("frame-ancestors 'none'"), "{name}");
            }
        }
    }
}

/// The app's `Template::fairing()` loads the copies, too, with other filters and without our layout.
#[test]
fn a_copy_does_not_disturb_the_apps_own_engine() {
    for (name, text) in TEMPLATES {
        let mut tera = rocket_dyn_templates::tera::Tera::default();
        tera.add_raw_template(&format!("oauth/{name}"), text).unwrap();
    }
}

#[test]
fn one_page_is_replaced_and_the_others_stay() {
    let (_folder, pages) = app(&[("oauth/error.html.tera", "<h1>Oh no: {{ message }}</h1>")]);
    let pages = pages.unwrap();
    let error = samples("error").remove(0);
    let page = pages.render("error", pages.language(""), error).unwrap();
    assert!(page.html.contains("<main id=\"error\">\n<h1>Oh no: Please sign in.</h1>"), "{}", page.html);
    assert_eq!(page.content_security_policy, "base-uri 'none'; frame-ancestors 'none'");
    let other = pages.render("sign_in", pages.language(""), samples("sign_in").remove(0)).unwrap();
    assert_eq!(other.content_security_policy, pages.content_security_policy);
}

#[test]
fn the_apps_layout_wraps_all_pages() {
    let base = "<!DOCTYPE html><title>Club</title>{% block body %}{% endblock %}";
    let layout = "{% extends \"base\" %}{% block body %}<nav></nav>{{ content | safe }}{% endblock %}";
    let unused = "{% extends \"nowhere\" %}{{ broken";
    let (_folder, pages) =
        app(&[("base.html.tera", base), ("oauth/layout.html.tera", layout), ("other.html.tera", unused)]);
    let pages = pages.unwrap();
    for (name, _) in TEMPLATES.iter().filter(|(name, _)| *name != "layout") {
        let page = pages.render(name, pages.language(""), samples(name).remove(0)).unwrap();
        assert!(page.html.starts_with("<!DOCTYPE html><title>Club</title><nav></nav><h1>"), "{}", page.html);
        assert!(!page.content_security_policy.contains("default-src"), "{name}");
    }
}

#[test]
fn a_whole_page_is_not_put_into_the_layout() {
    let (_folder, pages) = app(&[(
        "oauth/sign_in.html.tera",
        "\n<!DOCTYPE html><title>{{ heading }}</title>{% for entry in entries %}{{ entry.title }}{% endfor %}",
    )]);
    assert_eq!(sign_in(&pages.unwrap(), "de"), "\n<!DOCTYPE html><title>Anmelden</title>GitHub");
}

#[test]
fn what_the_apps_templates_show_is_escaped() {
    let (_folder, pages) = app(&[("oauth/error.html.tera", "<p>{{ message }}</p>")]);
    let pages = pages.unwrap();
    let mut error = samples("error").remove(0);
    error["message"] = "<script>".into();
    assert!(pages.render("error", pages.language(""), error).unwrap().html.contains("<p>&lt;script&gt;</p>"));
}

#[test]
fn a_template_with_a_fault_stops_the_launch() {
    for (text, cause) in [
        ("{{ entries", "oauth/sign_in"),
        ("{{ entrys }}", "`entrys` not found"),
        ("{{ heading | shout }}", "shout"),
        ("{% extends \"missing\" %}", "missing"),
        ("{% include \"missing\" %}", "missing"),
        ("{{ texts.sign_in_with | fill(name=1) }}", "fill"),
    ] {
        let found = faults(&[("oauth/sign_in.html.tera", text)]);
        assert!(found.contains("a template of the app") && found.contains(cause), "{text}: {found}");
    }
    let found =
        faults(&[("oauth/layout.html.tera", "{{ contents }}"), ("oauth/error.html.tera", "{{ mesage }}")]);
    assert!(found.contains("`contents`") && found.contains("`mesage`"), "{found}");
}

#[test]
fn an_own_style_keeps_the_strict_policy() {
    let (_folder, pages) = app(&[("oauth/style.css", "body{color:red}")]);
    let pages = pages.unwrap();
    assert!(sign_in(&pages, "").contains("<style>body{color:red}</style>"));
    assert!(pages.content_security_policy.contains("style-src 'sha256-"));
    assert_ne!(pages.content_security_policy, built_in().content_security_policy);
    assert!(!STYLE.contains("</"), "the style ends with the tag");
}

// ---- Texts

#[test]
fn own_texts_are_laid_over_ours() {
    let german = "sign_in_title = \"Willkommen\"\n[messages]\n\"Members only.\" = \"Nur für Mitglieder.\"\n";
    let (_folder, pages) = app(&[("oauth/texts/de.toml", german)]);
    let pages = pages.unwrap();
    let page = sign_in(&pages, "de-AT");
    assert!(page.contains("<h1>Willkommen</h1>") && page.contains("Mit GitHub anmelden"), "{page}");
    assert_eq!(pages.language("de").message("Members only."), "Nur für Mitglieder.");
    assert_eq!(pages.language("fr").message("Members only."), "Members only.");
    assert!(sign_in(&pages, "en").contains("<h1>Sign in</h1>"));
}

#[test]
fn a_language_of_the_app_is_english_where_it_has_no_text() {
    let (_folder, pages) = app(&[("oauth/texts/pt-BR.toml", "sign_in_title = \"Entrar\"\n")]);
    let page = sign_in(&pages.unwrap(), "pt, en;q=0.5");
    assert!(page.contains("<html lang=\"pt-BR\" dir=\"ltr\">") && page.contains("<h1>Entrar</h1>"), "{page}");
    assert!(page.contains("Sign in with GitHub"), "{page}");
}

#[test]
fn wrong_texts_stop_the_launch() {
    for (file, text, cause) in [
        ("de.toml", "sign_in_titel = \"x\"", "no page has a text `sign_in_titel`"),
        ("de.toml", "sign_in_with = \"{name}\"", "`sign_in_with` has the placeholder `{name}`"),
        ("de.toml", "cancel = \"{name}\"", "it fills none"),
        ("de.toml", "cancel = 1", "de.toml"),
        ("de.toml", "cancel =", "de.toml"),
        ("de.toml", "[messages]\n\"A {b}.\" = \"{c}\"", "another placeholder"),
        ("de_DE.toml", "", "pt-BR.toml"),
    ] {
        let found = faults(&[(&format!("oauth/texts/{file}"), text)]);
        assert!(found.contains(cause), "{text}: {found}");
    }
}

#[test]
fn the_setting_selects_and_sorts_the_languages() {
    let (_folder, pages) = app_with_languages(&[], &["de", "fr"]);
    let pages = pages.unwrap();
    for (wanted, tag) in [("", "de"), ("en", "de"), ("fr-CA, en", "fr"), ("*", "de")] {
        assert_eq!(pages.language(wanted).tag, tag, "{wanted}");
    }
    let found = app_with_languages(&[], &["de", "xx"]).1.err().expect("it fails").join("\n");
    assert!(found.contains("`xx`, which has no texts") && found.contains("`ar`"), "{found}");
}

#[test]
fn an_error_page_that_fails_later_still_has_its_message() {
    let (_folder, pages) =
        app(&[("oauth/error.html.tera", "{% if code == \"csrf\" %}{{ nothing }}{% endif %}")]);
    let pages = pages.unwrap();
    let context: Value = json!({ "headline": "No", "message": "<Reload>", "code": "csrf", "back": { "to": "/", "label": "x" } });
    let page = pages.render_error(pages.language(""), context);
    assert_eq!(
        (page.html.as_str(), &page.content_security_policy),
        ("&lt;Reload&gt;", &pages.content_security_policy)
    );
}
