//! Rocket's own configuration.

use rocket::Config;
use rocket::figment::Figment;

use crate::finding::Finding;

/// Judges the keys that Rocket itself reads. Rocket's own message would show a wrong value, which may be the secret key.
pub(super) fn check(figment: &Figment) -> Vec<Finding> {
    match Config::try_from(figment) {
        Ok(config) if !config.secret_key.is_provided() && config.profile != Config::DEBUG_PROFILE => {
            vec![Finding::failure(
                "secret_key",
                format!("it is not set, and the profile `{}` requires it", config.profile),
                "export ROCKET_SECRET_KEY=\"$(openssl rand -base64 32)\"    # once: keep the value",
            )]
        }
        Ok(config) if !config.secret_key.is_provided() => vec![Finding::ok(
            "secret_key",
            "it is not set: Rocket creates one at each launch of a debug build, and requires one in a release",
        )],
        Ok(_) => vec![Finding::ok("secret_key", "it is set")],
        Err(errors) => {
            let errors = errors.into_iter().map(|error| {
                let key = error.path.join(".");
                let source = error.metadata.as_ref().map(|metadata| format!(" ({})", metadata.name));
                Finding::failure(
                    "configuration",
                    format!("Rocket can't read the value of `{key}`{}", source.unwrap_or_default()),
                    "correct it: https://rocket.rs/guide/v0.5/configuration/ has the keys and their types",
                )
            });
            errors.collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::FindingLevel;

    fn only(figment: Figment) -> Finding {
        let mut findings = check(&figment);
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings.remove(0)
    }

    #[test]
    fn a_wrong_secret_key_is_named_and_not_shown() {
        let finding = only(Figment::from(Config::debug_default()).merge(("secret_key", "hunter2-hunter2")));
        assert_eq!(finding.level, FindingLevel::Failure);
        assert!(
            finding.text.contains("`secret_key`") && !finding.to_string().contains("hunter2"),
            "{finding}"
        );
    }

    #[test]
    fn a_release_requires_a_secret_key() {
        assert_eq!(only(Figment::from(Config::debug_default())).level, FindingLevel::Ok);
        let release = Figment::from(Config::release_default()).select(Config::RELEASE_PROFILE);
        let finding = only(release.clone());
        assert_eq!(finding.level, FindingLevel::Failure);
        assert!(finding.cure.unwrap().contains("ROCKET_SECRET_KEY"));
        let key = "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk=";
        assert_eq!(only(release.merge(("secret_key", key))).level, FindingLevel::Ok);
    }
}
