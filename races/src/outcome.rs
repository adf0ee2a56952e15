//! The outcome of a race: figures and violations.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use crate::database::Kind;

/// Figures to print, and violations with their counts.
#[derive(Default)]
pub(crate) struct Outcome {
    figures: Vec<String>,
    violations: BTreeMap<String, usize>,
}

impl Outcome {
    pub(crate) fn figure(&mut self, name: &str, value: impl Display) {
        self.figures.push(format!("{name} {value}"));
    }

    /// Adds the median, the 99th percentile and the maximum of `times`.
    pub(crate) fn times(&mut self, name: &str, mut times: Vec<Duration>) {
        times.sort();
        if let (Some(last), count) = (times.last(), times.len()) {
            let at = |share: usize| times[(count * share / 100).min(count - 1)];
            self.figure(name, format!("p50 {:.1?} p99 {:.1?} max {last:.1?}", at(50), at(99)));
        }
    }

    pub(crate) fn violation(&mut self, what: impl Into<String>) {
        *self.violations.entry(what.into()).or_default() += 1;
    }

    /// Adds a violation unless `found` equals `wanted`.
    pub(crate) fn expect<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: T, wanted: T) {
        if found != wanted {
            self.violation(format!("{what}: {found:?} instead of {wanted:?}"));
        }
    }

    /// Prints figures and violations, and returns whether there was no violation.
    pub(crate) fn print(self, race: &str, kind: Kind) -> bool {
        let failures: usize = self.violations.values().sum();
        println!("{race} {kind}: {}, violations {failures}", self.figures.join(", "));
        for (what, times) in &self.violations {
            println!("  VIOLATION {times} x {what}");
        }
        self.violations.is_empty()
    }
}
