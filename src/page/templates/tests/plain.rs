//! The pages of a build without the feature `pages`, beside those with templates.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rocket::figment::Figment;
use rocket::figment::providers::Serialized;
use test_support::{Form, Html};

use super::super::built_in::{LAYOUT, TEMPLATES};
use super::super::samples::samples;
use super::hostile::hostile;
use crate::page::Pages;
use crate::page::built_in::SCRIPT;
use crate::page::languages::Languages;
use crate::page::plain::PlainPages;
use crate::page::template_dir::TemplateDir;
use crate::page::tests::built_in;

fn read(folder: &Path) -> Result<Pages, Vec<String>> {
    let folder = TemplateDir::of(&Figment::from(Serialized::default("template_dir", folder))).unwrap();
    let languages = Languages::read(&[], BTreeMap::new()).unwrap();
    let renderer = PlainPages::read(&folder, languages.choose(""))?;
    Ok(Pages::new(Box::new(renderer), languages))
}

/// The page without the colored letters, which plain pages do not have.
fn without_marks(html: &str) -> String {
    let mut parts = html.split("<span class=\"mark ");
    let start = parts.next().unwrap_or_default().to_owned();
    start + &parts.filter_map(|part| Some(part.split_once("</span>")?.1)).collect::<String>()
}

/// Where the forms and links of a page lead, what they send, and what is on their buttons.
fn ways(html: &str) -> Vec<String> {
    let page = Html::parse(html);
    let mut ways: Vec<String> = page
        .forms
        .into_iter()
        .map(|Form { action, post, mut fields, buttons }| {
            fields.sort();
            format!("{post} {action} {fields:?} {buttons}")
        })
        .chain(page.links.into_iter().map(|link| format!("{} {}", link.href, link.text)))
        .chain(html.split("formaction=\"").skip(1).map(|rest| rest.split('"').take(1).collect()))
        .collect();
    ways.sort();
    ways
}

#[test]
fn a_plain_page_has_the_same_forms_and_links() {
    let (plain, with_templates) = (read(Path::new("no/such/folder")).unwrap(), built_in());
    for (name, _) in TEMPLATES.iter().filter(|(name, _)| *name != LAYOUT) {
        let contexts = samples(name);
        let fullest = plain.render(name, plain.language(""), contexts[0].clone()).unwrap();
        assert!(!ways(&fullest.html).is_empty(), "{name}");
        for context in contexts {
            for tag in ["en", "ar"] {
                let page = plain.render(name, plain.language(tag), context.clone()).unwrap();
                let other = with_templates.render(name, plain.language(tag), context.clone()).unwrap();
                let other = without_marks(&other.html);
                assert_eq!(ways(&page.html), ways(&other), "{name}");
                // Both show the same heading and the same warnings.
                let (text, other_text) = (Html::parse(&page.html).text, Html::parse(&other).text);
                for key in [
                    format!("{name}_title"),
                    format!("{name}_warning"),
                    format!("{name}_why"),
                    format!("{name}_next"),
                    format!("{name}_none"),
                ] {
                    let shown = plain.language(tag).text(&key).split('{').next().unwrap_or_default().trim();
                    assert_eq!(text.contains(shown), other_text.contains(shown), "{name}: {key}");
                }
                assert!(page.html.contains(&format!("<html lang=\"{tag}\" dir=")), "{}", page.html);
                assert_eq!(page.content_security_policy, plain.content_security_policy);
            }
        }
    }
    let unknown = plain.render("unknown", plain.language(""), serde_json::json!({}));
    assert!(unknown.is_err());
}

#[test]
fn hostile_texts_stay_texts_on_plain_pages() {
    let plain = read(Path::new("no/such/folder")).unwrap();
    for (name, _) in TEMPLATES {
        for context in hostile(name) {
            let page = plain.render(name, plain.language(""), context).unwrap().html;
            let page = page.replace(&format!("<script>{SCRIPT}</script>"), "");
            assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        }
    }
}

#[test]
fn a_template_of_the_app_is_not_ignored_without_templates() {
    for file in ["error.html.tera", "layout.html.tera", "style.css"] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("oauth")).unwrap();
        assert!(read(folder.path()).is_ok());
        fs::write(folder.path().join("oauth").join(file), "").unwrap();
        let faults = read(folder.path()).err().expect("the launch fails").join("\n");
        assert!(faults.contains(file) && faults.contains("the feature `pages`"), "{faults}");
    }
}
