//! What all pages have, with templates or without: the script and the texts.

/// The only script: it submits the form of the page again, from this origin (`response_mode=form_post`).
pub(super) const SCRIPT: &str = include_str!("../../templates/oauth/form_post.js");

macro_rules! texts {
    ($($tag:literal),+ $(,)?) => {
        /// The texts of each language, by its tag. The first language is the one of a visitor without a preference.
        pub(super) const TEXTS: &[(&str, &str)] =
            &[$(($tag, include_str!(concat!("../../templates/oauth/texts/", $tag, ".toml")))),+];
    };
}

texts!("en", "de", "es", "fr", "ja", "ar");
