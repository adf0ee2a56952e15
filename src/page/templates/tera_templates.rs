//! `Templates`: renders the pages with a Tera instance of its own.

use std::collections::HashMap;

use rocket_dyn_templates::tera::{self, Context, Tera};
use serde_json::Value;

use super::built_in::{LAYOUT, STYLE, TEMPLATES};
use super::overrides::Overrides;
use super::samples::samples;
use crate::error::{Error, Result};
use crate::page::built_in::SCRIPT;
use crate::page::html::escape;
use crate::page::language::Language;
use crate::page::renderer::Renderer;
use crate::page::template_dir::TemplateDir;
use crate::placeholders::fill;

/// The templates of the pages.
pub(in crate::page) struct Templates {
    tera: Tera,
    overrides: Overrides,
    style: String,
}

impl Templates {
    /// Reads the app's own templates in `folder`, and compiles all templates. Each of the app's own is rendered once, in `language`.
    ///
    /// # Errors
    /// One message for each fault.
    pub(in crate::page) fn read(folder: &TemplateDir, language: &Language) -> Result<Self, Vec<String>> {
        let mut overrides = Overrides::read(folder)?;
        let mut tera = Tera::default();
        // All of our templates are HTML, whatever their names end with.
        tera.autoescape_on(vec![""]);
        tera.set_escape_fn(escape);
        tera.register_filter("fill", fill_text);
        let built_in = TEMPLATES.iter().map(|(name, text)| (format!("oauth/{name}"), (*text).to_owned()));
        let mut templates: HashMap<String, String> = built_in.collect();
        templates.extend(overrides.templates.clone());
        tera.add_raw_templates(templates).map_err(|error| vec![template_fault(error)])?;
        let style = overrides.style.take().unwrap_or_else(|| STYLE.to_owned());
        let templates = Self { tera, overrides, style };
        templates.try_own(language)?;
        Ok(templates)
    }

    /// Renders the pages that have a template of the app with sample values, so that its faults stop the launch.
    fn try_own(&self, language: &Language) -> Result<(), Vec<String>> {
        let own = TEMPLATES
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| *name != LAYOUT && self.is_overridden(name));
        let faults: Vec<String> = own
            .filter_map(|name| {
                let mut contexts = samples(name).into_iter();
                contexts.find_map(|context| {
                    let heading = language.heading(name, &context);
                    self.try_render(name, language, &heading, context).err()
                })
            })
            .map(template_fault)
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    fn try_render(
        &self,
        name: &str,
        language: &Language,
        heading: &str,
        context: Value,
    ) -> tera::Result<String> {
        let mut context = Context::from_serialize(context)?;
        context.insert("page", name);
        context.insert("heading", heading);
        context.insert("lang", &language.tag);
        context.insert("texts", &language.texts);
        context.insert("style", &self.style);
        context.insert("script", SCRIPT);
        let content = self.tera.render(&format!("oauth/{name}"), &context)?;
        let is_whole =
            content.trim_start().get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype"));
        if is_whole {
            return Ok(content);
        }
        context.insert("content", &content);
        self.tera.render(&format!("oauth/{LAYOUT}"), &context)
    }
}

impl Renderer for Templates {
    fn style(&self) -> &str {
        &self.style
    }

    fn is_overridden(&self, name: &str) -> bool {
        self.overrides.has(name) || self.overrides.has(LAYOUT)
    }

    fn render(&self, name: &str, language: &Language, heading: &str, context: Value) -> Result<String> {
        self.try_render(name, language, heading, context).map_err(Error::app)
    }
}

/// The filter `fill`: `{{ texts.connect | fill(title="GitHub") }}` replaces `{title}` in the text.
fn fill_text(text: &Value, values: &HashMap<String, Value>) -> tera::Result<Value> {
    let text = text.as_str().ok_or_else(|| tera::Error::msg("`fill` is a filter for texts"))?;
    let value = |name: &str| match values.get(name)? {
        Value::String(value) => Some(value.clone()),
        value => Some(value.to_string()),
    };
    fill(text, value)
        .map(Value::from)
        .ok_or_else(|| tera::Error::msg(format!("`fill` has no value for a placeholder of {text:?}")))
}

/// The message of a launch that a template stops.
fn template_fault(error: tera::Error) -> String {
    let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let causes: Vec<String> = chain.map(ToString::to_string).collect();
    format!("a template of the app, in the folder `oauth` of `template_dir`: {}", causes.join(": "))
}
