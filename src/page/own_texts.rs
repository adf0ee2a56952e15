//! The app's own texts of our pages: `oauth/texts/<language>.toml` in its `template_dir`.

use std::collections::BTreeMap;

use super::language::TextFile;
use super::template_dir::TemplateDir;

/// The texts of the app, by language.
///
/// # Errors
/// One message for each file that can't be read.
pub(super) fn own_texts(folder: &TemplateDir) -> Result<BTreeMap<String, TextFile>, Vec<String>> {
    let (mut texts, mut faults) = (BTreeMap::new(), Vec::new());
    for (tag, path) in folder.files("oauth/texts", ".toml") {
        let shown = path.display();
        if !is_language_tag(&tag) {
            faults.push(format!("`{shown}`: name the file after a language, for example `pt-BR.toml`"));
            continue;
        }
        let toml = folder.read(&format!("oauth/texts/{tag}.toml")).map(Option::unwrap_or_default);
        let parse = |toml: String| TextFile::parse(&toml).map_err(|error| format!("`{shown}`: {error}"));
        match toml.and_then(parse) {
            Ok(file) => drop(texts.insert(tag, file)),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(texts) } else { Err(faults) }
}

/// Whether `tag` can be the tag of a language (RFC 5646), for a header and an attribute.
fn is_language_tag(tag: &str) -> bool {
    let is_part =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    tag.split('-').all(is_part) && tag.as_bytes()[0].is_ascii_alphabetic()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_tag_is_harmless_in_a_header() {
        for tag in ["de", "pt-BR", "zh-Hant-TW", "de-1996"] {
            assert!(is_language_tag(tag), "{tag}");
        }
        for tag in ["", "-", "de-", "de_DE", "a b", "1a", "é", "abcdefghi"] {
            assert!(!is_language_tag(tag), "{tag:?}");
        }
    }
}
