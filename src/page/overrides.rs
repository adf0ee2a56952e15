//! The app's own templates, style and texts of our pages: the folder `oauth` in Rocket's `template_dir`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rocket::figment::Figment;
use rocket::figment::value::magic::RelativePathBuf;

use super::built_in;
use super::language::TextFile;

/// Rocket's default for `template_dir`, relative to the working directory.
const TEMPLATE_DIR: &str = "templates";

/// What the app has in place of ours.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    /// The templates that differ from ours, and those that they name, by the name that Rocket gives them: `oauth/error` for
    /// `oauth/error.html.tera`.
    pub(super) templates: BTreeMap<String, String>,
    pub(super) style: Option<String>,
    /// The texts, by language.
    pub(super) texts: BTreeMap<String, TextFile>,
}

impl Overrides {
    /// Reads the files below the `template_dir` of `figment`. No folder means no files.
    ///
    /// # Errors
    /// One message for each file that can't be read.
    pub(super) fn read(figment: &Figment) -> Result<Self, Vec<String>> {
        let folder = match figment.extract_inner::<RelativePathBuf>("template_dir") {
            Ok(folder) => folder.relative(),
            Err(error) if error.missing() => TEMPLATE_DIR.into(),
            Err(error) => return Err(vec![format!("`template_dir`: {error}")]),
        };
        let mut reader = Reader { folder, faults: Vec::new() };
        let own = Self {
            templates: reader.templates(),
            style: reader.read(Path::new("oauth/style.css")),
            texts: reader.texts(),
        };
        if reader.faults.is_empty() { Ok(own) } else { Err(reader.faults) }
    }

    /// Whether the app has its own template of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.templates.contains_key(&format!("oauth/{name}"))
    }
}

struct Reader {
    folder: PathBuf,
    faults: Vec<String>,
}

impl Reader {
    /// The text of a file of the folder; `None` if there is none, or it can't be read.
    fn read(&mut self, file: &Path) -> Option<String> {
        let path = self.folder.join(file);
        match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
            Err(error) => {
                self.faults.push(format!("`{}` can't be read: {error}", path.display()));
                None
            }
        }
    }

    fn templates(&mut self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let mut names = Vec::new();
        for (name, own) in built_in::TEMPLATES {
            let text = self.read(Path::new(&format!("oauth/{name}.html.tera")));
            // A copy that was not changed is the built-in page, with its strict Content-Security-Policy.
            if let Some(text) = text.filter(|text| text != own) {
                names.extend(named_templates(&text));
                found.insert(format!("oauth/{name}"), text);
            }
        }
        // The app's own layouts, includes and macros.
        while let Some(name) = names.pop() {
            let is_built_in =
                name.strip_prefix("oauth/").is_some_and(|name| built_in::template(name).is_some());
            if is_built_in || found.contains_key(&name) {
                continue;
            }
            let text = ["html.tera", "tera"]
                .iter()
                .find_map(|ending| self.read(Path::new(&format!("{name}.{ending}"))));
            if let Some(text) = text {
                names.extend(named_templates(&text));
                found.insert(name, text);
            }
        }
        self.warn_of_unused(&found);
        found
    }

    /// Warns of a template in the folder that replaces no page, for example because its name is misspelled.
    fn warn_of_unused(&self, found: &BTreeMap<String, String>) {
        for path in files(&self.folder.join("oauth")) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let Some(name) = name.strip_suffix(".html.tera") else { continue };
            if built_in::template(name).is_none() && !found.contains_key(&format!("oauth/{name}")) {
                let pages: Vec<&str> = built_in::TEMPLATES.iter().map(|(name, _)| *name).collect();
                log::warn!(
                    "oauth: `{}` replaces no page: the pages are {}",
                    path.display(),
                    pages.join(", ")
                );
            }
        }
    }

    fn texts(&mut self) -> BTreeMap<String, TextFile> {
        let folder = self.folder.join("oauth/texts");
        let mut texts = BTreeMap::new();
        for path in files(&folder).filter(|path| path.extension().is_some_and(|ending| ending == "toml")) {
            let tag = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let shown = path.display();
            if !is_language_tag(&tag) {
                self.faults
                    .push(format!("`{shown}`: name the file after a language, for example `pt-BR.toml`"));
                continue;
            }
            match std::fs::read_to_string(&path)
                .map_err(|error| error.to_string())
                .and_then(|toml| TextFile::parse(&toml))
            {
                Ok(file) => drop(texts.insert(tag, file)),
                Err(error) => self.faults.push(format!("`{shown}`: {error}")),
            }
        }
        texts
    }
}

/// The files of `folder`; none if there is no such folder.
fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|file| file.path())
}

/// Whether `tag` can be the tag of a language (RFC 5646), for a header and an attribute.
fn is_language_tag(tag: &str) -> bool {
    let is_part =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    tag.split('-').all(is_part) && tag.as_bytes()[0].is_ascii_alphabetic()
}

/// The names of the templates that the tags `extends`, `include` and `import` of `text` contain.
fn named_templates(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for tag in text.split("{%").skip(1).filter_map(|rest| rest.split("%}").next()) {
        let mut words = tag.trim_start_matches('-').split_whitespace();
        if matches!(words.next(), Some("extends" | "include" | "import")) {
            // `include` may have a list of names.
            let quoted = tag.split(['"', '\'', '`']).skip(1).step_by(2);
            names.extend(quoted.map(str::to_owned));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_that_a_template_names() {
        let text = "{%- extends \"base\" %} {{ \"no\" }} {% include ['a/b', \"c\"] ignore missing -%} {% if x == \"y\" %}\
                    {% import `macros` as m %}{# {% comment %} #}";
        assert_eq!(named_templates(text), ["base", "a/b", "c", "macros"]);
    }

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
