//! `DoctorReport`: all findings of a doctor.

use std::fmt;

use crate::finding::{Finding, FindingLevel};

/// What [`Dance::doctor`](crate::Dance::doctor) has found.
///
/// Its `Display` has one paragraph per finding, and a last line with the numbers. It contains no secret.
#[derive(Debug, Clone)]
pub struct DoctorReport {
    findings: Vec<Finding>,
}

impl DoctorReport {
    pub(super) fn new(findings: Vec<Finding>) -> Self {
        Self { findings }
    }

    /// The findings, in the order in which they are printed.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The level of the most serious finding.
    pub fn level(&self) -> FindingLevel {
        self.findings.iter().map(|finding| finding.level).max().unwrap_or(FindingLevel::Ok)
    }

    /// The exit code of a process that checks an app: 1 if there is a failure, otherwise 0.
    pub fn exit_code(&self) -> u8 {
        u8::from(self.level() == FindingLevel::Failure)
    }

    /// Prints the report to standard output, and ends the process with its [`exit_code`](Self::exit_code).
    #[allow(clippy::print_stdout, reason = "this is the output of a command")]
    pub fn exit(&self) -> ! {
        println!("{self}");
        std::process::exit(self.exit_code().into())
    }
}

impl fmt::Display for DoctorReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        let count = |level| self.findings.iter().filter(|finding| finding.level == level).count();
        let plural = |number: usize| if number == 1 { "" } else { "s" };
        let (ok, warnings, failures) =
            (count(FindingLevel::Ok), count(FindingLevel::Warning), count(FindingLevel::Failure));
        write!(f, "\n{ok} ok, {warnings} warning{}, {failures} failure{}", plural(warnings), plural(failures))
    }
}
