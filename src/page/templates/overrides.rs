//! The app's own templates and style of our pages: the folder `oauth` in Rocket's `template_dir`.

use std::collections::BTreeMap;

use super::built_in;
use crate::page::template_dir::TemplateDir;

/// What the app has in place of ours.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    /// The templates that differ from ours, and those that they name, by the name that Rocket gives them: `oauth/error` for
    /// `oauth/error.html.tera`.
    pub(super) templates: BTreeMap<String, String>,
    pub(super) style: Option<String>,
}

impl Overrides {
    /// Reads the files in `folder`.
    ///
    /// # Errors
    /// One message for each file that can't be read.
    pub(super) fn read(folder: &TemplateDir) -> Result<Self, Vec<String>> {
        let mut reader = Reader { folder, faults: Vec::new() };
        let own = Self { templates: reader.templates(), style: reader.read("oauth/style.css") };
        if reader.faults.is_empty() { Ok(own) } else { Err(reader.faults) }
    }

    /// Whether the app has its own template of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.templates.contains_key(&format!("oauth/{name}"))
    }
}

struct Reader<'d> {
    folder: &'d TemplateDir,
    faults: Vec<String>,
}

impl Reader<'_> {
    /// The text of a file of the folder; `None` if there is none, or it can't be read.
    fn read(&mut self, file: &str) -> Option<String> {
        self.folder.read(file).unwrap_or_else(|fault| {
            self.faults.push(fault);
            None
        })
    }

    fn templates(&mut self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let mut names = Vec::new();
        for (name, own) in built_in::TEMPLATES {
            let text = self.read(&format!("oauth/{name}.html.tera"));
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
            let text = ["html.tera", "tera"].iter().find_map(|ending| self.read(&format!("{name}.{ending}")));
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
        for (name, path) in self.folder.files("oauth", ".html.tera") {
            if built_in::template(&name).is_none() && !found.contains_key(&format!("oauth/{name}")) {
                let pages: Vec<&str> = built_in::TEMPLATES.iter().map(|(name, _)| *name).collect();
                log::warn!(
                    "oauth: `{}` replaces no page: the pages are {}",
                    path.display(),
                    pages.join(", ")
                );
            }
        }
    }
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
}
