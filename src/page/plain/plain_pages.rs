//! `PlainPages`: renders the pages without templates.

use serde_json::Value;

use super::writer::{Writer, shown};
use crate::error::{Error, Result};
use crate::page::built_in::{SCRIPT, with_template_names};
use crate::page::html::escape;
use crate::page::language::Language;
use crate::page::renderer::Renderer;
use crate::page::template_dir::TemplateDir;
use crate::placeholders::fill;

const STYLE: &str = ":root{color-scheme:light dark}body{font:1rem/1.5 sans-serif;margin:2rem auto;max-width:40rem;padding:0 1rem}";

/// Number of entries above which they are one form on the sign-in page: `next` may have 2,000 characters, and many forms that repeat it
/// would make a large page.
const MANY: usize = 8;

macro_rules! names {
    ($($name:literal),+ $(,)?) => {
        /// The names of the files that replace our templates and our style in a build with templates.
        const REPLACEABLE: &[&str] = &[$($name,)+ "style"];
    };
}

with_template_names!(names);

/// The pages without templates.
pub(in crate::page) struct PlainPages;

impl PlainPages {
    /// Checks that `folder` has no templates and no style for our pages: they need the feature `pages`.
    ///
    /// # Errors
    /// One message for each of them.
    pub(in crate::page) fn read(folder: &TemplateDir, _: &Language) -> Result<Self, Vec<String>> {
        let own = [".html.tera", ".css"].into_iter().flat_map(|ending| folder.files("oauth", ending));
        let faults: Vec<String> = own
            .filter(|(name, _)| REPLACEABLE.contains(&name.as_str()))
            .map(|(_, path)| {
                format!(
                    "`{}` changes a page, and this build has no templates: add the feature `pages` of rocket_dance, or \
                     remove the file",
                    path.display()
                )
            })
            .collect();
        if faults.is_empty() { Ok(Self) } else { Err(faults) }
    }
}

impl Renderer for PlainPages {
    fn style(&self) -> &str {
        STYLE
    }

    fn is_overridden(&self, _: &str) -> bool {
        false
    }

    fn render(&self, name: &str, language: &Language, heading: &str, context: Value) -> Result<String> {
        let mut page = Writer::default();
        page.html += &format!(
            "<!doctype html>\n<html lang=\"{}\" dir=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
             content=\"width=device-width, initial-scale=1\">\n",
            escape(&language.tag),
            escape(language.text("direction"))
        );
        page.element("title", heading);
        page.html += &format!("<style>{STYLE}</style>\n</head>\n<body>\n<main id=\"{name}\">\n");
        page.element("h1", heading);
        let mut content = Content { page, texts: Texts { language, title: shown(&context["title"]) } };
        content.write(name, &context)?;
        content.page.html += "</main>\n</body>\n</html>\n";
        Ok(content.page.html)
    }
}

/// The texts of a language on a page about the entry with this title.
struct Texts<'l> {
    language: &'l Language,
    title: String,
}

impl Texts<'_> {
    fn get(&self, key: &str) -> String {
        self.about(key, &self.title)
    }

    /// The text `key` with the title of another entry.
    fn about(&self, key: &str, title: &str) -> String {
        self.filled(key, "title", title)
    }

    /// The text `key` with a value beside the title.
    fn filled(&self, key: &str, name: &str, value: &str) -> String {
        let values = |found: &str| match found {
            found if found == name => Some(value.to_owned()),
            "title" => Some(self.title.clone()),
            _ => None,
        };
        fill(self.language.text(key), values).unwrap_or_default()
    }
}

/// What is under the heading.
struct Content<'l> {
    page: Writer,
    texts: Texts<'l>,
}

impl Content<'_> {
    fn write(&mut self, name: &str, context: &Value) -> Result<()> {
        match name {
            "sign_in" => self.sign_in(context),
            "connect" => self.connect(context),
            "allow_more" => self.allow_more(context),
            "sign_in_first" => self.sign_in_first(context),
            "confirm" => self.confirm(context),
            "complete_sign_up" => self.complete_sign_up(context),
            "merge_users" => self.merge_users(context),
            "accounts" => self.accounts(context),
            "signed_out" => self.signed_out(context),
            "error" => self.error(context),
            "form_post" => self.form_post(context),
            _ => return Err(Error::app(format!("there is no page `{name}`"))),
        }
        Ok(())
    }

    fn paragraph(&mut self, key: &str) {
        self.page.element("p", &self.texts.get(key));
    }

    fn post(&mut self, action: &Value, fields: &[(&str, &Value)], key: &str) {
        self.page.form("post", action, fields, &self.texts.get(key));
    }

    /// The form that accepts, and the one that declines.
    fn decide(&mut self, context: &Value, accept: &str, decline: &str) {
        let (action, csrf) = (&context["action"], ("csrf", &context["csrf"]));
        self.post(action, &[csrf], accept);
        self.post(action, &[csrf, ("cancel", &1.into())], decline);
    }

    fn sign_in(&mut self, context: &Value) {
        let (entries, next) = (list(&context["entries"]), &context["next"]);
        if entries.is_empty() {
            self.paragraph("sign_in_missing");
        } else if entries.len() > MANY && !next.is_null() {
            let text = |entry: &Value| self.texts.about("sign_in_with", &shown(&entry["title"]));
            let buttons: Vec<_> = entries.iter().map(|entry| (&entry["action"], text(entry))).collect();
            self.page.choice(&[("next", next)], &buttons);
        } else {
            self.entries(context);
        }
    }

    /// A button for each entry that signs in.
    fn entries(&mut self, context: &Value) {
        for entry in list(&context["entries"]) {
            let button = self.texts.about("sign_in_with", &shown(&entry["title"]));
            self.page.form("get", &entry["action"], &[("next", &context["next"])], &button);
        }
    }

    fn connect(&mut self, context: &Value) {
        self.paragraph("connect_next");
        self.post(&context["action"], &[("csrf", &context["csrf"]), ("next", &context["next"])], "connect");
        self.page.link(&context["cancel"], &self.texts.get("cancel"));
    }

    fn allow_more(&mut self, context: &Value) {
        self.paragraph("allow_more_why");
        for scope in list(&context["scopes"]) {
            self.page.element("p", &shown(scope));
        }
        self.paragraph("allow_more_next");
        let fields = ["csrf", "next", "scope"].map(|name| (name, &context[name]));
        self.post(&context["action"], &fields, "allow_more_button");
        self.page.link(&context["cancel"], &self.texts.get("cancel"));
    }

    fn sign_in_first(&mut self, context: &Value) {
        self.paragraph("sign_in_first_why");
        self.waiting_account(context);
        self.entries(context);
        if !context["sign_in_page"].is_null() {
            self.page.link(&context["sign_in_page"], &self.texts.get("sign_in_another_way"));
        }
    }

    /// What is known of the account that waits.
    fn waiting_account(&mut self, context: &Value) {
        let account = &context["account"];
        self.page.account(account, &account["id"], "");
    }

    fn confirm(&mut self, context: &Value) {
        self.waiting_account(context);
        self.paragraph("confirm_warning");
        let nothing_yet = self.texts.filled("confirm_nothing_yet", "button", &self.texts.get("connect"));
        self.page.element("p", &nothing_yet);
        self.decide(context, "connect", "do_not_connect");
    }

    fn complete_sign_up(&mut self, context: &Value) {
        let button = self.texts.get("complete_sign_up_button");
        self.waiting_account(context);
        self.page.element("p", &self.texts.filled("complete_sign_up_why", "button", &button));
        self.page.form_start("post", &context["action"], &[("csrf", &context["csrf"])]);
        for field in list(&context["fields"]) {
            let label = match field["required"] == true {
                true => shown(&field["label"]),
                false => format!("{} ({})", shown(&field["label"]), self.texts.get("optional")),
            };
            self.page.field(field, &label);
            if !field["error"].is_null() {
                self.page.element("strong", &shown(&field["error"]));
            }
        }
        self.page.form_end(&button);
        self.post(&context["action"], &[("csrf", &context["csrf"]), ("cancel", &1.into())], "cancel");
    }

    fn merge_users(&mut self, context: &Value) {
        let name = shown(&context["account"]["display_name"]);
        self.page.element("p", &self.texts.filled("merge_users_why", "name", &name));
        for (accounts, key) in [("kept", "merge_users_kept"), ("merged", "merge_users_merged")] {
            self.page.element("h2", &self.texts.get(key));
            for account in list(&context[accounts]) {
                self.page.element("p", &named(account));
            }
            if list(&context[accounts]).is_empty() {
                self.paragraph("merge_users_none");
            }
        }
        self.paragraph("merge_users_warning");
        self.decide(context, "merge_users_button", "merge_users_cancel");
    }

    fn accounts(&mut self, context: &Value) {
        if !context["confirm_url"].is_null() {
            self.page.link(&context["confirm_url"], &self.texts.get("accounts_waiting"));
        }
        let (csrf, next) = (("csrf", &context["csrf"]), ("next", &context["accounts_url"]));
        let (connected, others): (Vec<&Value>, Vec<&Value>) =
            list(&context["entries"]).iter().partition(|entry| !list(&entry["accounts"]).is_empty());
        for entry in &connected {
            self.connected_entry(entry, csrf, next);
        }
        if connected.is_empty() {
            self.paragraph("accounts_none");
        }
        for entry in others {
            let button = self.texts.about("connect", &shown(&entry["title"]));
            self.page.form("post", &entry["action"], &[csrf, next], &button);
        }
        self.sessions(context, csrf);
        let is_signed_in = context["signed_in"] == true;
        if is_signed_in || !connected.is_empty() {
            self.post(&context["logout_url"], &[csrf], "sign_out");
        }
        if is_signed_in && !context["logout_everywhere_url"].is_null() {
            self.post(&context["logout_everywhere_url"], &[csrf], "sign_out_everywhere");
        }
    }

    /// The accounts of an entry, and what the user can do with them.
    fn connected_entry(&mut self, entry: &Value, csrf: (&str, &Value), next: (&str, &Value)) {
        let title = shown(&entry["title"]);
        self.page.element("h2", &title);
        for account in list(&entry["accounts"]) {
            let health = self.texts.get(&shown(&account["health"]));
            let is_first = account["primary"] == true && list(&entry["accounts"]).len() > 1;
            let primary = if is_first { format!(", {}", self.texts.get("primary")) } else { String::new() };
            self.page.account(account, &account["provider_user_id"], &format!(": {health}{primary}"));
            let fields = [csrf, ("account", &account["id"])];
            if account["primary"] != true {
                self.post(&entry["make_primary"], &fields, "make_primary");
            }
            self.post(&entry["disconnect"], &fields, "disconnect");
        }
        self.page.form("post", &entry["action"], &[csrf, next], &self.texts.about("reconnect", &title));
        if list(&entry["accounts"]).len() > 1 {
            let button = self.texts.about("disconnect_all", &title);
            self.page.form("post", &entry["disconnect"], &[csrf], &button);
        }
    }

    fn sessions(&mut self, context: &Value, csrf: (&str, &Value)) {
        let sessions = list(&context["sessions"]);
        if !sessions.is_empty() {
            self.page.element("h2", &self.texts.get("sessions_title"));
        }
        for session in sessions {
            let account = &session["account"];
            let name = if account.is_null() { self.texts.get("session_by_app") } else { named(account) };
            self.page.element("p", &format!("{name}: {}", shown(&session["used"]["text"])));
            let button = if session["current"] == true { "end_this_browser" } else { "end_session" };
            self.post(&context["logout_session_url"], &[csrf, ("session", &session["id"])], button);
        }
    }

    fn signed_out(&mut self, context: &Value) {
        self.paragraph("signed_out_hint");
        self.page.link(&context["sign_in_url"], &self.texts.get("sign_in_again"));
        self.page.link(&context["home_url"], &self.texts.get("home_page"));
    }

    fn error(&mut self, context: &Value) {
        self.page.element("p", &shown(&context["message"]));
        self.page.element("p", &self.texts.filled("error_code", "code", &shown(&context["code"])));
        self.page.link(&context["back"]["to"], &shown(&context["back"]["label"]));
    }

    fn form_post(&mut self, context: &Value) {
        let hint = self.texts.filled("form_post_hint", "button", &self.texts.get("continue"));
        self.page.element("p", &hint);
        self.post(&context["action"], &[("again", &context["again"])], "continue");
        self.page.html += &format!("<script>{SCRIPT}</script>\n");
    }
}

/// The items of a list; none if it is no list.
fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The title of an account's entry, and the name of the account.
fn named(account: &Value) -> String {
    match &account["display_name"] {
        Value::Null => shown(&account["title"]),
        name => format!("{} ({})", shown(&account["title"]), shown(name)),
    }
}
