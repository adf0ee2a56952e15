//! Texts and languages.

use super::super::language::{Language, placeholders};
use super::built_in;

#[test]
fn all_languages_have_the_same_texts_and_placeholders() {
    let pages = built_in();
    let english = pages.language("en");
    assert_eq!(english.tag, "en");
    let german = pages.language("de");
    let sentences = |language: &Language| language.messages.keys().cloned().collect::<Vec<_>>();
    assert!(german.messages.len() > 60);
    for tag in ["en", "de", "es", "fr", "ja", "ar"] {
        let language = pages.language(tag);
        assert_eq!(language.tag, tag);
        let keys = |language: &Language| language.texts.keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(language), keys(english), "{tag}");
        for (key, text) in &language.texts {
            assert_eq!(placeholders(text), placeholders(english.text(key)), "{tag}: {key}");
            assert!(!text.trim().is_empty(), "{tag}: {key}");
        }
        assert_eq!(language.text("months").split_whitespace().count(), 12, "{tag}");
        if tag != "en" {
            assert_eq!(sentences(language), sentences(german), "{tag}");
            for (sentence, text) in &language.messages {
                assert_eq!(placeholders(text), placeholders(sentence), "{tag}: {sentence}");
            }
        }
    }
    assert_eq!(pages.language("ar").text("direction"), "rtl");
    assert_eq!(pages.language("it, xx;q=0.3").tag, "en");
}

#[test]
fn every_headline_and_sentence_for_users_is_translated() {
    let pages = built_in();
    let german = pages.language("de");
    let mut sentences: Vec<String> = source_files().iter().flat_map(|source| sentences(source)).collect();
    sentences.extend(include_str!("../../error/kind.rs").lines().filter_map(|line| {
        let (start, _) = line.strip_suffix(';')?.trim_end_matches('"').rsplit_once('"')?;
        let headline = line.trim_end_matches([';', '"']).get(start.len() + 1..)?;
        (start.contains(" = \"") && start.ends_with(", ")).then(|| headline.to_owned())
    }));
    assert!(sentences.len() > 60, "{sentences:?}");
    let missing: Vec<_> =
        sentences.iter().filter(|sentence| german.message(sentence) == sentence.as_str()).collect();
    assert!(
        missing.is_empty(),
        "add these sentences to [messages] of templates/oauth/texts/{{de,es,fr,ja,ar}}.toml (a value as a placeholder with a \
         name): {missing:#?}"
    );
}

/// The sources of this crate, without their tests.
fn source_files() -> Vec<String> {
    fn add(folder: &std::path::Path, files: &mut Vec<String>) {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if ["tests", "tests.rs", "testing", "fuzz", "storage_suite"].contains(&name.as_str()) {
                continue;
            }
            match path.is_dir() {
                true => add(&path, files),
                false => files.push(std::fs::read_to_string(&path).unwrap()),
            }
        }
    }
    let mut files = Vec::new();
    add(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    files
}

/// The sentences in the errors that `source` creates, with `X` for each value. A sentence for the developer names code.
fn sentences(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect();
    let starts = ["Error::new(", "Error::refused(", "by_user("];
    let found = starts.iter().flat_map(|start| code.split(start).skip(1));
    found
        .filter_map(|rest| {
            let literal = rest.find('"').filter(|at| {
                let between = &rest[..*at];
                let argument = between.split_once(',').map_or(between, |(_, argument)| argument);
                ["", "format!("].contains(&argument.split_whitespace().collect::<String>().as_str())
            })?;
            let text = rest[literal + 1..].split('"').next()?;
            // A literal goes on in the next line after a backslash.
            let lines: Vec<&str> = text.split("\\\n").collect();
            let text =
                lines.iter().enumerate().map(|(at, line)| if at == 0 { line } else { line.trim_start() });
            let text: String = text.collect();
            let mut filled = String::new();
            let mut rest = text.as_str();
            while let Some((before, after)) = rest.split_once('{') {
                filled += before;
                filled.push('X');
                rest = after.split_once('}')?.1;
            }
            filled += rest;
            let is_for_users = filled.contains(' ')
                && !filled.contains('`')
                && filled.starts_with(char::is_uppercase)
                && filled.contains(char::is_lowercase);
            is_for_users.then_some(filled)
        })
        .collect()
}
