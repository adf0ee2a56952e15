//! The messages of wrong configurations.

use super::*;

const WRONG: &str = include_str!("wrong.txt");

/// The presets that the messages list: a new preset does not change them.
const NAMES: &[&str] =
    &["azure", "discord", "github", "gitlab", "google", "jira", "oauth1", "oauth2", "oidc", "twitter"];

/// Each case of wrong.txt is a configuration, `---` and its messages. `BLESS=1` writes the messages as they are now.
#[test]
fn each_kind_of_wrong_configuration_has_its_message() {
    let (mut blessed, mut different) = (String::new(), String::new());
    for case in WRONG.split("===\n").filter(|case| !case.trim().is_empty()) {
        let (toml, expected) = case.split_once("---\n").unwrap();
        let now = read_toml_over(NAMES, toml).err().unwrap_or_else(|| "nothing is wrong".to_owned());
        assert!(!now.contains("s3cr3t") && !now.contains("31337"), "a value in a message:\n{now}");
        assert_ne!(now, "nothing is wrong", "{toml}");
        if now != expected.trim_end() {
            different.push_str(&format!("\n{toml}--- expected\n{expected}--- now\n{now}\n===\n"));
        }
        blessed.push_str(&format!("{toml}---\n{now}\n===\n"));
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/tests/wrong.txt"), blessed).unwrap();
    } else {
        assert!(
            different.is_empty(),
            "These messages differ from src/config/tests/wrong.txt. If the new ones are right, write them with\n\
             BLESS=1 cargo test --all-features --lib config::tests::wrong\n{different}"
        );
    }
}

#[test]
fn cb_13_one_fault_aborts_the_launch_and_all_are_reported() {
    let faults =
        read_toml("[default.dance]\nprefix = \"login\"\n[default.oauth.github]\n[default.oauth.google]\n")
            .unwrap_err();
    assert_eq!(faults.matches("is missing").count(), 4, "{faults}");
    assert!(faults.contains("default.dance.prefix (Rocket.toml)"), "{faults}");
}
