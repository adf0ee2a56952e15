//! `Finding`: what one check of [`Dance::doctor`](crate::Dance::doctor) has found.

use std::fmt;

/// Indentation of the lines below a finding's first one, in spaces.
const INDENT: usize = 9;

/// How serious a [`Finding`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingLevel {
    /// All is well, or the finding is for the operator's information, for example a URL to register.
    Ok,
    /// It could not be checked, or it works and should be changed.
    Warning,
    /// The launch fails, or users cannot sign in.
    Failure,
}

/// What one check of [`Dance::doctor`](crate::Dance::doctor) has found.
///
/// Its `Display` is what the doctor prints: the level, the subject, the text, and the cure in lines of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How serious it is.
    pub level: FindingLevel,
    /// What was checked, for example ``entry `github` `` or `database`.
    pub subject: String,
    /// What was found. It contains no secret.
    pub text: String,
    /// What to do about it.
    pub cure: Option<String>,
}

impl Finding {
    pub(crate) fn ok(subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self { level: FindingLevel::Ok, subject: subject.into(), text: text.into(), cure: None }
    }

    pub(crate) fn warning(
        subject: impl Into<String>,
        text: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self { level: FindingLevel::Warning, cure: Some(cure.into()), ..Self::ok(subject, text) }
    }

    pub(crate) fn failure(
        subject: impl Into<String>,
        text: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self { level: FindingLevel::Failure, ..Self::warning(subject, text, cure) }
    }

    /// A failure with the `message` of a launch that would fail. Its first line says what is wrong; the lines below are the cure.
    /// A message of one line has its cure in it.
    pub(crate) fn fault(subject: impl Into<String>, message: &str) -> Self {
        let (text, rest) = message.split_once('\n').unwrap_or((message, ""));
        let cure: Vec<&str> = rest.lines().skip_while(|line| line.trim().is_empty()).collect();
        let cure = cure.join("\n").trim_end().to_owned();
        Self {
            level: FindingLevel::Failure,
            cure: (!cure.is_empty()).then_some(cure),
            ..Self::ok(subject, text)
        }
    }
}

impl fmt::Display for FindingLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            FindingLevel::Ok => "ok",
            FindingLevel::Warning => "warning",
            FindingLevel::Failure => "failure",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level, subject, text, cure } = self;
        write!(f, "{level:<INDENT$}{subject}: {text}")?;
        for line in cure.iter().flat_map(|cure| cure.lines()).filter(|line| !line.trim().is_empty()) {
            write!(f, "\n{:INDENT$}> {line}", "")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_below_a_message_are_the_cure() {
        let fault = Finding::fault(
            "configuration",
            "client_id is missing\n    [default.oauth.x]\n    client_id = 1\n",
        );
        assert_eq!(fault.cure.as_deref(), Some("    [default.oauth.x]\n    client_id = 1"));
        assert_eq!(
            fault.to_string(),
            "failure  configuration: client_id is missing\n         >     [default.oauth.x]\n         >     client_id = 1"
        );
        assert_eq!(Finding::fault("database", "use another").cure, None);
        assert_eq!(Finding::ok("base_url", "fine").to_string(), "ok       base_url: fine");
    }
}
