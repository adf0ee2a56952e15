//! What all pages have, with templates or without: their names, the script and the texts.

/// The only script: it submits the form of the page again, from this origin (`response_mode=form_post`).
pub(super) const SCRIPT: &str = include_str!("../../templates/oauth/form_post.js");

/// Calls a macro with the names of the templates: the layout, into which the pages are put, and the pages.
macro_rules! with_template_names {
    ($call:ident) => {
        $call!(
            "layout",
            "sign_in",
            "connect",
            "allow_more",
            "sign_in_first",
            "confirm",
            "complete_sign_up",
            "merge_users",
            "accounts",
            "signed_out",
            "error",
            "form_post",
        );
    };
}
pub(super) use with_template_names;

macro_rules! texts {
    ($($tag:literal),+ $(,)?) => {
        /// The texts of each language, by its tag. The first language is the one of a visitor without a preference.
        pub(super) const TEXTS: &[(&str, &str)] =
            &[$(($tag, include_str!(concat!("../../templates/oauth/texts/", $tag, ".toml")))),+];
    };
}

texts!("en", "de", "es", "fr", "ja", "ar");
