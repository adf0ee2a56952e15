//! Invisible characters in credentials.

use super::*;

/// The faults of a GitHub entry with this line.
fn faults(line: &str) -> String {
    let toml = format!("{line}\n[default.oauth.github]\nclient_id = \"id\"\nclient_secret = \"s3cr3t\"\n");
    let toml = match line.split_once(" = ") {
        Some((key, _)) if !line.starts_with("#!") => {
            let kept = toml.lines().skip(1).filter(|kept| !kept.starts_with(&format!("{key} ")));
            let file = if key == "client_secret_file" { "client_secret = " } else { "\u{0}" };
            let kept: Vec<&str> = kept.filter(|kept| !kept.starts_with(file)).collect();
            format!("{}\n{line}\n", kept.join("\n"))
        }
        _ => toml,
    };
    match read_toml(&toml) {
        Ok(_) => String::new(),
        Err(faults) => faults,
    }
}

#[test]
fn b8_invisible_characters_in_credentials_stop_the_launch() {
    for (escape, words) in [
        ("\\n", "a line break"),
        ("\\r", "a line break"),
        ("\\t", "a tab"),
        ("\\u0000", "the invisible character U+0000"),
        ("\\u007f", "the invisible character U+007F"),
        ("\\u00a0", "the invisible character U+00A0"),
        ("\\u200b", "the invisible character U+200B"),
        ("\\u202e", "the invisible character U+202E"),
        ("\\u2060", "the invisible character U+2060"),
        ("\\u2066", "the invisible character U+2066"),
        ("\\ufeff", "a byte order mark (U+FEFF)"),
        ("\\U000e0041", "the invisible character U+E0041"),
    ] {
        for key in ["client_id", "client_secret"] {
            for (value, place) in [
                (format!("s3cr3t{escape}"), "at its end"),
                (format!("{escape}s3cr3t"), "at its beginning"),
                (format!("s3{escape}cr3t"), "in it"),
            ] {
                let said = faults(&format!("{key} = \"{value}\""));
                let words = format!("default.oauth.github.{key} (Rocket.toml): has {words} {place}");
                assert!(said.contains(&words), "{key} {escape}: {said}");
                assert!(!said.contains("s3") && !said.contains("cr3t"), "{said}");
            }
        }
    }
    for line in [
        "token_params = { audience = \"s3\\u200bcr3t\" }",
        "authorization_params = { audience = \"s3\\u200bcr3t\" }",
        "headers = { X-Api-Key = \"s3\\u200bcr3t\" }",
        "scope = [\"s3\\u200bcr3t\"]",
        "token_url = \"https://s3\\u200bcr3t.example/\"",
    ] {
        let said = faults(line);
        assert!(said.contains("U+200B") && !said.contains("cr3t"), "{line}: {said}");
    }
}

#[test]
fn b8_files_and_the_environment_are_checked_too() {
    for (file, words) in [
        ("\u{feff}s3cr3t\\n", "a byte order mark (U+FEFF) at its beginning"),
        ("s3cr3t\\n\\n", "a line break at its end"),
        ("s3\\ncr3t\\n", "a line break in it"),
    ] {
        let toml = format!(
            "#! file secret={file}\n[default.oauth.github]\nclient_id = \"id\"\nclient_secret_file = \"secret\"\n"
        );
        let said = read_toml(&toml).unwrap_err();
        assert!(
            said.contains("client_secret_file") && said.contains(words) && !said.contains("s3"),
            "{said}"
        );
    }
    let said = faults("#! GITHUB_OAUTH_CLIENT_SECRET=s3\u{200d}cr3t");
    assert!(
        said.contains("environment variable GITHUB_OAUTH_CLIENT_SECRET") && said.contains("U+200D"),
        "{said}"
    );
    let said = faults("#! ROCKET_OAUTH={github={client_id=\"s3\u{200d}cr3t\"}}");
    assert!(said.contains("environment variable ROCKET_OAUTH") && said.contains("U+200D"), "{said}");
}

#[test]
fn b8_other_values_are_sent_as_they_are() {
    let toml = "#! file secret= a b \\n\n[default.oauth.github]\nclient_id = \" ïd \"\nclient_secret_file = \"secret\"\n\
                title = \"गिट\\u200dहब 👩\\u200d💻\"\n";
    let entry = read_entry("github", toml);
    assert_eq!((entry.client_id.as_str(), client_secret(&entry)), (" ïd ", " a b "));
    assert!(entry.title.contains('\u{200d}'));
}
